package rules

import (
	"slices"
	"time"

	"ganlin/devices"
	"ganlin/rules/condition"
	"ganlin/rules/irrigate"
	"ganlin/rules/valve"
)

// An AdviceKind is what to do about a plot's water, in one word.
type AdviceKind string

// The kinds of advice.
const (
	AdviceUnknown  AdviceKind = "unknown"       // nobody knows how dry it is: somebody should look
	AdviceWatering AdviceKind = "watering"      // a valve of it said that it is open or about to be, and Until lies ahead
	AdviceItself   AdviceKind = "waters_itself" // its valve will open by itself, at From
	AdviceWater    AdviceKind = "water"         // a person should water it, at From
	AdviceHeld     AdviceKind = "held"          // it needs water, and Reason keeps its valve shut
	AdviceNoNeed   AdviceKind = "no_need"       // wet enough, until about Until
)

// Advice says what to do about a plot's water. The depths and times are those
// by which the rules themselves would water it.
type Advice struct {
	Kind      AdviceKind
	From      time.Time // when watering may begin
	Until     time.Time // zero: not known, or more than three weeks away
	DepthMM   float64   // to reach the roots
	GrossMM   float64   // to leave the valve for that
	VolumeL   float64   // GrossMM on the whole plot
	DurationS int       // of all of it, at the usual flow of its valves; 0: not known
	Reason    string    // of AdviceHeld, and season_over of AdviceNoNeed: as a decision names it
}

// farthest is how far ahead a need is foretold: later everything will be different.
const farthest = 21 * 24 * time.Hour

// advice tells what to do about a plot at the tick.
func (t *turn) advice(i int, soil *soilView) Advice {
	s := t.site
	where, p := &s.parcels[i], s.state.Plots[s.parcels[i].ID]
	lost, until := s.lost(where), time.Time{}
	for _, d := range where.valves {
		if end := s.state.Valves[d.ID].until(t.at); end.After(until) {
			until = end
		}
	}
	if until.After(t.at) {
		return Advice{Kind: AdviceWatering, Until: until}
	}
	switch {
	case soil.depletion == nil:
		return Advice{Kind: AdviceUnknown}
	case soil.cropDay < 1:
		return Advice{Kind: AdviceNoNeed} // nothing grows yet
	}
	r := s.waterRule(i)
	if r == nil {
		return Advice{}
	}
	in := t.needInput(i, r, soil)
	in.Irrigating = p.Irrigating || t.wants(i, r, soil)
	in.LocalHour, in.Interlocks = in.Rule.FromHour, irrigate.Interlocks{Frost: irrigate.Clear, Wind: irrigate.Clear, Rain: irrigate.Clear}
	plan, decision := irrigate.Need(in)
	switch decision {
	case irrigate.NoNeed, irrigate.TooLittle:
		return Advice{Kind: AdviceNoNeed, Until: t.stressAt(i, &in, soil)}
	case irrigate.SeasonOver:
		return Advice{Kind: AdviceNoNeed, Reason: string(decision)}
	}
	a := Advice{
		Kind: AdviceWater, From: in.Rule.NextOpening(t.at.In(s.c.Zone)).UTC(),
		DepthMM: plan.NetMM, GrossMM: plan.GrossMM, VolumeL: plan.GrossMM * where.areaM2,
	}
	for _, v := range in.Valves {
		if v.FlowLPM <= 0 {
			a.DurationS = 0
			break
		}
		a.DurationS = max(a.DurationS, int(a.VolumeL/float64(len(in.Valves))/v.FlowLPM*60))
	}
	if where.Mode == devices.Auto && len(where.valves) > 0 {
		a.Kind = AdviceItself
		if lost != "" {
			a.Kind, a.Reason = AdviceHeld, string(lost)
		} else if slices.ContainsFunc(where.valves, func(d devices.Device) bool { return s.state.Valves[d.ID].Valve.Unresponsive() }) {
			a.Kind, a.Reason = AdviceHeld, string(valve.IsResting)
		} else if p.Held != "" && p.Held != string(irrigate.Window) && p.Held != string(irrigate.TooLittle) {
			a.Kind, a.Reason = AdviceHeld, p.Held
		}
	}
	return a
}

// until is when the opening ends that a valve itself has told of; one that is lost tells of none.
func (g *gate) until(at time.Time) (end time.Time) {
	v := g.Valve
	switch v.State {
	case valve.Open, valve.Closing:
		if v.Opening != nil {
			end = v.Opening.Until
		}
	case valve.Accepted:
		end = at.Add(time.Duration(v.Pending.DurationS) * time.Second)
	}
	return end
}

// lost says why a plot's valves cannot be opened although nothing is under way:
// of one of them nobody knows how it stands. Empty: they can.
func (s *Site) lost(where *parcel) (why valve.Refusal) {
	for _, d := range where.valves {
		switch v := s.state.Valves[d.ID].Valve; {
		case v.Locked:
			return valve.IsLocked
		case v.State == valve.Unknown:
			why = valve.NotClosed
		}
	}
	return why
}

// wants reports whether a rule wants a plot to be watered.
func (t *turn) wants(i int, r *condition.Rule, soil *soilView) bool {
	t.site.env.Plot = t.plotFacts(i, soil)
	when, _, err := r.Eval(&t.site.env)
	return err == nil && when == condition.True
}

// stressAt is when a plot is expected to need water without rain, at the evapotranspiration of the last day.
func (t *turn) stressAt(i int, in *irrigate.Input, soil *soilView) time.Time {
	p := t.site.state.Plots[t.site.parcels[i].ID]
	if p.Last.EToMM <= 0 || soil.kc <= 0 {
		return time.Time{}
	}
	days := (in.Rule.TriggerOfRAW*in.RAWMM - *soil.depletion) / (p.Last.EToMM * soil.kc)
	if ahead := time.Duration(max(0, days) * 24 * float64(time.Hour)); ahead < farthest {
		return t.at.Add(ahead)
	}
	return time.Time{}
}

// flowed learns from an opening how fast a valve delivers. Short ones tell nothing.
func (g *gate) flowed(litres, seconds float64) {
	const least, weight = 60, 0.5
	if litres <= 0 || seconds < least {
		return
	}
	rate := litres / seconds * 60
	if g.RateLPM == 0 {
		g.RateLPM = rate
	}
	g.RateLPM += weight * (rate - g.RateLPM)
}
