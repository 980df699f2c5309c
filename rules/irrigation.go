package rules

import (
	"cmp"
	"slices"

	"ganlin/devices"
	"ganlin/rules/condition"
	"ganlin/rules/irrigate"
	"ganlin/rules/valve"
)

// The parameters of a rule that waters, as its file names them. The file's
// reader gives those that it leaves out.
const (
	paramTrigger    = "trigger_of_raw"
	paramEfficiency = "efficiency_pct"
	paramKeepRoom   = "keep_room_mm"
	paramKeepShare  = "keep_room_of_raw"
	paramMinNet     = "min_net_mm"
	paramFromHour   = "from_hour"
	paramUntilHour  = "until_hour"
	paramStopDays   = "stop_days"
	paramWind       = "wind_max_ms"
	paramFrost      = "frost_c"
	paramRain       = "rain_max_mm"
	paramStarts     = "starts_per_day"
	paramRest       = "rest_min"
	paramDay        = "day_max_mm"
	paramSeason     = "season_max_mm"
)

// wateringOf returns how a rule waters.
func wateringOf(r *condition.Rule) irrigate.Rule {
	p := r.Params
	return irrigate.Rule{
		TriggerOfRAW: p[paramTrigger], KeepRoomMM: p[paramKeepRoom], KeepRoomOfRAW: p[paramKeepShare], MinimumMM: p[paramMinNet],
		Efficiency: p[paramEfficiency] / 100, FromHour: int(p[paramFromHour]), ToHour: int(p[paramUntilHour]), StopDays: int(p[paramStopDays]),
		StartsPerDay: int(p[paramStarts]), DayMM: p[paramDay], SeasonMM: p[paramSeason],
	}
}

// waterRule returns the rule that waters a plot; nil: none does.
func (s *Site) waterRule(i int) (first *condition.Rule) {
	for k := range s.c.Rules {
		switch r := &s.c.Rules[k]; {
		case r.Do != condition.Irrigate:
		case r.ID == s.state.Plots[s.parcels[i].ID].Rule:
			return r
		case first == nil:
			first = r
		}
	}
	return first
}

// choose settles by which rule a plot is watered: the first that applies to it,
// and to one that no valve waters by itself the first that would if one did. A
// watering ends by the rule that began it.
func (t *turn) choose(i int, env *condition.Env) *condition.Rule {
	s := t.site
	p := s.state.Plots[s.parcels[i].ID]
	r := s.waterRule(i)
	if r == nil || p.Irrigating && r.ID == p.Rule {
		return r
	}
	first := func() *condition.Rule {
		k := slices.IndexFunc(s.c.Rules, func(r condition.Rule) bool { return r.Do == condition.Irrigate && r.Covers(env) })
		if k < 0 {
			return nil
		}
		return &s.c.Rules[k]
	}
	found := first()
	if found == nil {
		facts := env.Plot
		env.Plot.HasValve, env.Plot.Mode = condition.Known(true), condition.Known(string(devices.Auto))
		found = first()
		env.Plot = facts
	}
	r = cmp.Or(found, r)
	p.Rule = r.ID
	return r
}

// efficiency is the share of the water of a plot's valves that reaches the roots.
func (s *Site) efficiency(i int) float64 {
	if r := s.waterRule(i); r != nil {
		return wateringOf(r).Efficiency
	}
	return 1
}

// water decides whether a plot is watered now. when says whether the rule wants
// it to begin; once begun it goes on, opening by opening, until the soil has
// what it can use or something forbids it.
func (t *turn) water(i int, r *condition.Rule, soil *soilView, when condition.Result) {
	s := t.site
	where, p := &s.parcels[i], s.state.Plots[s.parcels[i].ID]
	if t.interrupted(i, r, soil) {
		return
	}
	if where.Mode != devices.Auto || len(where.valves) == 0 {
		if p.Irrigating {
			t.hold(i, r, soil, Reworked)
			p.Held = "" // nothing keeps it shut
		}
		return
	}
	if !p.Irrigating && when != condition.True {
		if when == condition.False && p.Held != "" && soil.depletion != nil && *soil.depletion < soil.raw {
			p.Held = ""
		}
		return
	}
	lost := s.lost(where)
	for _, d := range where.valves {
		if v := s.state.Valves[d.ID].Valve; v.State != valve.Unknown && (v.Opening != nil || v.Pending != nil || v.Closing != nil) {
			return // what is on its way is awaited
		}
	}
	if t.personOpens(i) {
		return
	}
	if reason := t.leftAlone(i); reason != "" {
		t.hold(i, r, soil, reason)
		return
	}
	need, decision := irrigate.Need(t.needInput(i, r, soil))
	if lost != "" && need.NetMM > 0 {
		t.hold(i, r, soil, string(lost))
		return
	}
	if decision != irrigate.Water {
		t.hold(i, r, soil, string(decision))
		return
	}
	opened := false
	var refused valve.Refusal
	for n, d := range where.valves {
		g := s.state.Valves[d.ID]
		g.Valve.Limits.MinOffS = int(60 * r.Params[paramRest])
		id := idOf(s.c.Site.ID, string(d.ID), r.ID, "command", "open", t.at)
		c, refusal := g.Valve.Open(t.at, id, valve.Ask{DurationS: need.Leases[n].DurationS, VolumeL: need.Leases[n].VolumeL})
		if refusal != "" {
			refused = refusal
			continue
		}
		if !p.Irrigating {
			t.irrigation(i, r, soil, "start", &need, "")
			p.Irrigating, p.Held = true, ""
		}
		opened, g.Opened = true, id
		t.command(i, d.ID, "open", id, t.at, r.ID, &c)
	}
	if opened {
		p.Starts++
	} else if refused != valve.MinimumOff || !p.Irrigating { // else it goes on after the rest
		t.hold(i, r, soil, string(refused))
	}
}

// interrupted closes the valves that the rule has opened when an interlock has
// come to hold meanwhile, and reports whether it did. What is not known closes nothing.
func (t *turn) interrupted(i int, r *condition.Rule, soil *soilView) bool {
	s := t.site
	where := &s.parcels[i]
	reason := t.interlocks(where, r).Violated()
	if reason == "" {
		return false
	}
	closed := false
	for _, d := range where.valves {
		g := s.state.Valves[d.ID]
		if g.Opened == "" || g.Valve.Closing != nil || !g.runs(g.Opened) {
			continue
		}
		id := idOf(s.c.Site.ID, string(d.ID), r.ID, "command", "close", t.at)
		c := g.Valve.Close(t.at, id)
		t.command(i, d.ID, "close", id, t.at, string(reason), &c)
		closed = true
	}
	if closed {
		t.hold(i, r, soil, string(reason))
	}
	return closed
}

// runs reports whether an opening is under way, from its command to its end.
func (g *gate) runs(command string) bool {
	v := g.Valve
	return v.Pending != nil && v.Pending.Command == command || v.Opening != nil && v.Opening.Command == command
}

// needInput is what a plot's need is told from.
func (t *turn) needInput(i int, r *condition.Rule, soil *soilView) irrigate.Input {
	s := t.site
	where, p := &s.parcels[i], s.state.Plots[s.parcels[i].ID]
	in := irrigate.Input{
		Rule: wateringOf(r), DepletionMM: soil.depletion, RAWMM: soil.raw, TAWMM: soil.taw, Irrigating: true,
		DaysLeft: soil.params.Crop.DaysLeft(soil.cropDay), RemainingMM: s.remaining(i, soil), AreaM2: where.areaM2,
		Spent:     irrigate.Spent{DayL: p.SpentDayL, SeasonL: p.SpentSeasonL, Starts: p.Starts},
		LocalHour: t.at.In(s.c.Zone).Hour(), Interlocks: t.interlocks(where, r),
	}
	for _, d := range where.valves {
		in.Valves = append(in.Valves, s.state.Valves[d.ID].asked(&d))
	}
	return in
}

// asked is what a valve can give: by what its meter has shown, or else by the registry.
func (g *gate) asked(d *devices.Device) irrigate.Valve {
	return irrigate.Valve{
		FlowLPM: cmp.Or(g.RateLPM, d.FlowLPM), Metered: g.RateLPM > 0, MaxVolumeL: d.MaxVolumeL, MaxDurationS: d.MaxDurationS,
	}
}

// wateringPays reports whether a rule may still water the crop of this season.
func (t *turn) wateringPays(i int, soil *soilView) bool {
	r := t.site.waterRule(i)
	if r == nil || soil.cropDay < 1 {
		return false
	}
	in := irrigate.Input{Rule: wateringOf(r), DaysLeft: soil.params.Crop.DaysLeft(soil.cropDay), RemainingMM: t.site.remaining(i, soil)}
	return in.Pays()
}

// remaining is what the crop will still take until harvest, at the evapotranspiration of now; nil: not known, or it lives on.
func (s *Site) remaining(i int, soil *soilView) *float64 {
	eto := s.state.Stations[s.parcels[i].Station].EToMM
	if eto == nil || soil.params.Crop.Perennial {
		return nil
	}
	sum := 0.0
	for day := soil.cropDay; day <= soil.params.Crop.SeasonDays(); day++ {
		kc, _, _ := soil.params.Crop.Stage(day)
		sum += kc * *eto
	}
	return &sum
}

// interlocks tells what the weather forbids. A value that is missing or old is not known.
func (t *turn) interlocks(where *parcel, r *condition.Rule) irrigate.Interlocks {
	s := t.site
	st := s.state.Stations[where.Station]
	judge := func(name string, value *float64, holds func(value, limit float64) bool) irrigate.Interlock {
		switch {
		case value == nil:
			return irrigate.NotKnown
		case holds(*value, r.Params[name]):
			return irrigate.Holds
		}
		return irrigate.Clear
	}
	above := func(value, limit float64) bool { return value > limit }
	air := s.weather(where.Station, devices.AirTemperature, t.watermark)
	blows := s.weather(where.Station, devices.WindSpeed, t.watermark)
	return irrigate.Interlocks{
		Frost: judge(paramFrost, air, func(value, limit float64) bool { return value < limit }),
		Wind:  judge(paramWind, blows, above), Rain: judge(paramRain, st.Rain24h.Sum(t.watermark), above),
	}
}

// hold says why a plot is not watered, or no longer: once a day while it is the same.
func (t *turn) hold(i int, r *condition.Rule, soil *soilView, reason string) {
	s := t.site
	p := s.state.Plots[s.parcels[i].ID]
	if p.Irrigating {
		outcome := "stop"
		if reason == string(irrigate.NoNeed) || reason == string(irrigate.TooLittle) {
			outcome, reason = "done", string(irrigate.NoNeed)
		}
		if reason == string(irrigate.Window) {
			return // goes on tonight
		}
		p.Irrigating = false
		if outcome == "stop" {
			p.Held, p.HeldDay = reason, s.state.Midnight
		}
		t.irrigation(i, r, soil, outcome, nil, reason)
		return
	}
	if p.Held == reason && p.HeldDay.Equal(s.state.Midnight) {
		return
	}
	p.Held, p.HeldDay = reason, s.state.Midnight
	t.irrigation(i, r, soil, "hold", nil, reason)
}

// irrigation takes down that a plot is watered, or not.
func (t *turn) irrigation(i int, r *condition.Rule, soil *soilView, outcome string, plan *irrigate.Plan, reason string) {
	id := t.site.parcels[i].ID
	d := t.decision(devices.IrrigationDecision, r.ID, r.Version, string(id), id, outcome)
	soil.tell(&d)
	if reason != "" {
		d.Texts["reason"] = reason
	}
	if plan != nil {
		d.Texts["valve"] = string(t.site.parcels[i].valves[0].ID)
		d.Numbers["net_mm"], d.Numbers["gross_mm"] = plan.NetMM, plan.GrossMM
		volume, seconds := 0.0, 0
		for _, l := range plan.Leases {
			volume, seconds = volume+l.VolumeL, max(seconds, l.DurationS)
		}
		d.Numbers["volume_l"], d.Numbers["max_duration_s"] = volume, float64(seconds)
		d.Numbers["efficiency_pct"], d.Numbers["area_mu"] = 100*t.site.efficiency(i), t.site.parcels[i].AreaMu
	}
	t.decide(d)
}

// tell enters what is known of the soil into a decision.
func (v *soilView) tell(d *devices.Decision) {
	if v.depletion == nil {
		d.Unknown = append(d.Unknown, "depletion_mm")
	} else {
		d.Numbers["depletion_mm"], d.Numbers["rsm_pct"], d.Numbers["grade"] = *v.depletion, *v.rsm, level(v.grade)
		tellRange(d, v.least, v.most)
	}
	if v.deficit != nil {
		d.Numbers["deficit_pct"] = *v.deficit
	}
	d.Numbers["raw_mm"], d.Numbers["taw_mm"] = v.raw, v.taw
	if v.soilAgeH != nil {
		d.Numbers["soil_age_h"] = *v.soilAgeH
	}
	d.Texts["stage"] = v.stage
	d.Estimated = append(d.Estimated, v.estimated...)
	d.Evidence = append(d.Evidence, v.evidence...)
}
