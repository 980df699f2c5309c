package rules

import (
	"math"
	"time"

	"ganlin/devices"
	"ganlin/rules/condition"
)

// An ask is a plot that needs a person: to water it, as no valve of it opens by
// itself, or to see why its valve has not. It is one episode from its beginning
// to its end, whatever is unknown meanwhile.
type ask struct {
	Kind    AdviceKind // water or held
	Since   time.Time
	ID      string    `json:",omitempty"` // of the decision that told of it; empty: not yet told
	Told    time.Time `json:",omitzero"`  // when it did
	Rule    string    `json:",omitempty"` // that waters, and its version, as they may be gone at the end
	Version string    `json:",omitempty"` //
	Reason  string    `json:",omitempty"` // of held: what kept the valve shut last
	MostMM  float64   // the largest depletion since it began
	RainMM  float64   // running totals as it began, by which its end is explained
	WaterMM float64

	EnoughSince time.Time `json:",omitzero"` // the plot lacks nothing any more, for now; zero: it does
}

// The outcomes of what is decided about asks, with what is added at their ends,
// and the reasons of ends that no valve or interlock has.
const (
	Advised  = "advise"    // a person should water the plot
	KeptShut = "kept_shut" // it has needed water for a day and its valve has not opened
	Over     = "_over"

	Rained   = "rained"
	Watered  = "watered"
	Opened   = "opened"  // its valve opens by itself again
	Reworked = "changed" // it is watered in another way now
)

// A valve has had the hours of a whole night after keptShutFor. A plot has
// enough when it lies settledMM below the limit and is as much wetter than it
// was, which is what water does, or else for a day: the limit moves with the weather.
const (
	keptShutFor = 24 * time.Hour
	enoughFor   = 24 * time.Hour
	settledMM   = 5.0
)

// asks tells when a plot begins to need a person, and when it does so no more.
// dry is what the rule that waters says of it.
func (t *turn) asks(i int, soil *soilView, dry condition.Result) {
	s := t.site
	p := s.state.Plots[s.parcels[i].ID]
	if p.Ask == nil && dry != condition.True && (soil.depletion == nil || *soil.depletion <= s.dryFrom(i, soil)) {
		return // as nearly always
	}
	a := t.advice(i, soil)
	waits := a.Kind == AdviceHeld || a.Kind == AdviceItself && !p.Irrigating
	k := p.Ask
	switch {
	case k == nil && (waits || a.Kind == AdviceWater):
		k = &ask{Kind: AdviceWater, Since: t.at, MostMM: *soil.depletion, RainMM: s.state.Stations[s.parcels[i].Station].RainMM, WaterMM: p.watered()}
		if p.Ask = k; waits {
			k.Kind = AdviceHeld
		}
	case k == nil:
		return
	case k.ID == "" && !waits && a.Kind != AdviceUnknown: // not for a day
		p.Ask = nil
		return
	}
	if a.Kind == AdviceHeld {
		k.Reason = a.Reason
	}
	if k.ID != "" {
		if reason := t.answered(i, soil, &a); reason != "" {
			t.asked(i, soil, &a, Over, reason)
			p.Ask = nil
		}
		return
	}
	due := k.Kind == AdviceWater || k.Reason != "" && t.at.Sub(k.Since) >= keptShutFor
	if r := s.waterRule(i); due && r != nil {
		k.Rule, k.Version, k.Told = r.ID, r.Version, t.at
		k.ID = t.asked(i, soil, &a, "", k.Reason)
	}
}

// asked takes down that an ask is told of, or over.
func (t *turn) asked(i int, soil *soilView, a *Advice, suffix, reason string) (id string) {
	where := &t.site.parcels[i]
	k := t.site.state.Plots[where.ID].Ask
	d := t.decision(devices.IrrigationDecision, k.Rule, k.Version, string(where.ID), where.ID, k.outcome()+suffix)
	soil.tell(&d)
	if suffix == Over {
		k.tellEnd(&d, reason)
	} else {
		if reason != "" {
			d.Texts["reason"] = reason
		}
		d.Numbers["net_mm"], d.Numbers["gross_mm"], d.Numbers["volume_l"] = a.DepthMM, a.GrossMM, a.VolumeL
		if a.DurationS > 0 {
			d.Numbers["duration_s"] = float64(a.DurationS)
		}
	}
	d.ID = idOf(d.Site, d.Subject, d.Rule, string(d.Kind), d.Outcome, d.At)
	t.decide(d)
	return d.ID
}

// outcome is what is decided when people are told of an ask.
func (k *ask) outcome() string {
	if k.Kind == AdviceHeld {
		return KeptShut
	}
	return Advised
}

// tellEnd enters into a decision which ask is over, and why.
func (k *ask) tellEnd(d *devices.Decision, reason string) {
	d.Texts["reason"], d.Texts["episode"], d.Texts["raised_at"] = reason, k.ID, k.Told.UTC().Format(time.RFC3339)
}

// dryFrom is the depletion from which a plot is to be watered.
func (s *Site) dryFrom(i int, soil *soilView) float64 {
	r := s.waterRule(i)
	if r == nil {
		return math.Inf(1)
	}
	return wateringOf(r).TriggerOfRAW * soil.raw
}

// watered is the running total of net irrigation, today's included.
func (p *plot) watered() float64 { return p.WaterMM + p.NetTodayMM }

// answered says why an ask is over; empty: it is not. What is not known is no answer.
func (t *turn) answered(i int, soil *soilView, a *Advice) (reason string) {
	p := t.site.state.Plots[t.site.parcels[i].ID]
	held := p.Ask.Kind == AdviceHeld
	switch a.Kind {
	case AdviceUnknown:
		return ""
	case AdviceWatering:
		if held {
			return Opened
		}
		return ""
	case AdviceNoNeed:
		if a.Reason != "" {
			return a.Reason
		}
	case AdviceItself, AdviceHeld:
		switch {
		case !held:
			return Reworked
		case p.Irrigating:
			return Opened
		}
	case AdviceWater:
		if held {
			return Reworked
		}
	default:
		return Removed // the rule that waters
	}
	if a.Kind != AdviceNoNeed {
		p.Ask.EnoughSince, p.Ask.MostMM = time.Time{}, max(p.Ask.MostMM, *soil.depletion)
		return ""
	}
	if p.Ask.EnoughSince.IsZero() {
		p.Ask.EnoughSince = t.at
	}
	limit := t.site.dryFrom(i, soil) * min(1, soil.params.Crop.DepletionFraction*soil.taw/soil.raw) // of a usual day at the most
	rain := t.site.state.Stations[t.site.parcels[i].Station].RainMM - p.Ask.RainMM
	gained := p.Ask.MostMM - *soil.depletion
	switch wetter := gained >= settledMM; {
	case *soil.depletion > limit-settledMM:
		return ""
	case wetter && rain >= gained/2 && rain >= p.watered()-p.Ask.WaterMM: // what fell is the larger part of what came
		return Rained
	case wetter:
		return Watered
	case t.at.Sub(p.Ask.EnoughSince) >= enoughFor:
		return string(AdviceNoNeed)
	}
	return ""
}
