package rules

import (
	"ganlin/devices"
	"ganlin/rules/condition"
	"ganlin/rules/irrigate"
	"ganlin/rules/valve"
)

// The parameters of a rule that waters, as its file names them.
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
)

// wateringOf returns how a rule waters: its parameters over the usual ones.
func wateringOf(r *condition.Rule) irrigate.Rule {
	w := irrigate.DefaultRule()
	set := func(name string, to func(float64)) {
		if v, ok := r.Params[name]; ok {
			to(v)
		}
	}
	set(paramTrigger, func(v float64) { w.TriggerOfRAW = v })
	set(paramEfficiency, func(v float64) { w.Efficiency = v / 100 })
	set(paramKeepRoom, func(v float64) { w.KeepRoomMM = v })
	set(paramMinNet, func(v float64) { w.MinimumMM = v })
	set(paramFromHour, func(v float64) { w.FromHour = int(v) })
	set(paramUntilHour, func(v float64) { w.ToHour = int(v) })
	set(paramStopDays, func(v float64) { w.StopDays = int(v) })
	return w
}

// efficiency is the share of the water of a valve that reaches the roots.
func (s *Site) efficiency() float64 {
	for i := range s.c.Rules {
		if r := &s.c.Rules[i]; r.Do == condition.Irrigate {
			return wateringOf(r).Efficiency
		}
	}
	return irrigate.DefaultRule().Efficiency
}

// water decides whether a plot is watered now. when says whether the rule wants
// it to begin; once begun it goes on, opening by opening, until the soil has
// what it can use or something forbids it.
func (t *turn) water(i int, r *condition.Rule, soil *soilView, when condition.Result) {
	s := t.site
	where, p := &s.parcels[i], s.state.Plots[s.parcels[i].ID]
	if where.Mode != devices.Auto || len(where.valves) == 0 {
		p.Irrigating = false
		return
	}
	if !p.Irrigating && when != condition.True {
		if when == condition.False && p.Held != "" && soil.known && *soil.depletion < soil.raw {
			p.Held = ""
		}
		return
	}
	for _, d := range where.valves {
		if g := s.state.Valves[d.ID]; g.Valve.Opening != nil || g.Valve.Pending != nil || g.Valve.Closing != nil {
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
	if decision != irrigate.Water {
		t.hold(i, r, soil, string(decision))
		return
	}
	share := float64(len(where.valves))
	opened := false
	var refused valve.Refusal
	for _, d := range where.valves {
		g := s.state.Valves[d.ID]
		id := idOf(s.c.Site.ID, string(d.ID), r.ID, "command", "open", t.at)
		c, refusal := g.Valve.Open(t.at, id, valve.Ask{DurationS: d.MaxDurationS, VolumeL: need.VolumeL / share})
		if refusal != "" {
			refused = refusal
			continue
		}
		if !p.Irrigating {
			t.irrigation(i, r, soil, "start", &need, "")
			p.Irrigating, p.Held = true, ""
		}
		opened = true
		t.command(i, d.ID, "open", id, t.at, r.ID, &c)
	}
	if !opened {
		t.hold(i, r, soil, string(refused))
	}
}

// needInput is what a plot's need is told from.
func (t *turn) needInput(i int, r *condition.Rule, soil *soilView) irrigate.Input {
	s := t.site
	where := &s.parcels[i]
	watering := wateringOf(r)
	watering.KeepRoomMM = max(watering.KeepRoomMM, r.Params[paramKeepShare]*soil.raw)
	in := irrigate.Input{
		Rule: watering, DepletionMM: soil.depletion, RAWMM: soil.raw, Irrigating: true,
		DaysLeft: soil.params.Crop.SeasonDays() - soil.cropDay + 1, RemainingMM: s.remaining(i, soil),
		AreaMu: where.AreaMu, LocalHour: t.at.In(s.c.Zone).Hour(),
	}
	for _, d := range where.valves {
		in.ValveMaxVolumeL += d.MaxVolumeL
		in.ValveMaxDurationS = max(in.ValveMaxDurationS, d.MaxDurationS)
	}
	in.Frost, in.Wind, in.Rain = t.interlocks(where, r)
	return in
}

// remaining is what the crop will still take until harvest, at the evapotranspiration of now; nil: not known.
func (s *Site) remaining(i int, soil *soilView) *float64 {
	eto := s.state.Stations[s.parcels[i].Station].EToMM
	if eto == nil {
		return nil
	}
	sum := 0.0
	for day := soil.cropDay; day <= soil.params.Crop.SeasonDays(); day++ {
		kc, _, _ := soil.params.Crop.Stage(day)
		sum += kc * *eto
	}
	return &sum
}

// interlocks tells what the weather forbids. A value that is missing or old is
// not known; a rule without a limit does not ask.
func (t *turn) interlocks(where *parcel, r *condition.Rule) (frost, wind, rain irrigate.Interlock) {
	s := t.site
	st := s.state.Stations[where.Station]
	judge := func(name string, value *float64, holds func(value, limit float64) bool) irrigate.Interlock {
		limit, asked := r.Params[name]
		switch {
		case !asked:
			return irrigate.Clear
		case value == nil:
			return irrigate.NotKnown
		case holds(*value, limit):
			return irrigate.Holds
		}
		return irrigate.Clear
	}
	above := func(value, limit float64) bool { return value > limit }
	air := s.weather(where.Station, devices.AirTemperature, t.watermark)
	blows := s.weather(where.Station, devices.WindSpeed, t.watermark)
	frost = judge(paramFrost, air, func(value, limit float64) bool { return value < limit })
	wind = judge(paramWind, blows, above)
	rain = judge(paramRain, st.Rain24h.Sum(t.watermark), above)
	return frost, wind, rain
}

// hold says why a plot is not watered, or no longer: once a day while it is the same.
func (t *turn) hold(i int, r *condition.Rule, soil *soilView, reason string) {
	s := t.site
	p := s.state.Plots[s.parcels[i].ID]
	if p.Irrigating {
		outcome := "stop"
		if reason == string(irrigate.NoNeed) {
			outcome = "done"
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
		d.Texts["valve"], d.Numbers["max_duration_s"] = string(t.site.parcels[i].valves[0].ID), float64(plan.MaxDurationS)
		d.Numbers["net_mm"], d.Numbers["gross_mm"], d.Numbers["volume_l"] = plan.NetMM, plan.GrossMM, plan.VolumeL
		d.Numbers["efficiency_pct"], d.Numbers["area_mu"] = 100*t.site.efficiency(), t.site.parcels[i].AreaMu
	}
	t.decide(d)
}

// tell enters what is known of the soil into a decision.
func (v *soilView) tell(d *devices.Decision) {
	if v.depletion == nil {
		d.Unknown = append(d.Unknown, "depletion_mm")
	} else {
		d.Numbers["depletion_mm"], d.Numbers["rsm_pct"], d.Numbers["grade"] = *v.depletion, *v.rsm, level(v.grade)
	}
	d.Numbers["raw_mm"], d.Numbers["taw_mm"] = v.raw, v.taw
	if v.soilAgeH != nil {
		d.Numbers["soil_age_h"] = *v.soilAgeH
	}
	d.Texts["stage"] = v.stage
	d.Estimated = append(d.Estimated, v.estimated...)
	d.Evidence = append(d.Evidence, v.evidence...)
}
