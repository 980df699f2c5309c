package app

import (
	"cmp"
	"time"

	"ganlin/dashboards"
	"ganlin/devices"
	"ganlin/rules"
	"ganlin/rules/condition"
	"ganlin/rules/drought"
	"ganlin/rules/valve"
)

// A decidedView is what the rules know, as the pages show it. All who look at the
// same moment share it, so nobody changes it.
type decidedView struct {
	plots  map[devices.PlotID]*rules.PlotView
	valves map[devices.PlotID][]dashboards.Valve
	alerts []dashboards.Alert
	clues  []dashboards.Clue
	water  dashboards.Water
}

// shown returns what the rules know, as the pages show it.
func (v *villageView) shown() *decidedView {
	v.once.Do(func() { v.decided = newDecidedView(v) })
	return v.decided
}

func newDecidedView(village *villageView) *decidedView {
	v := &decidedView{plots: village.standing, valves: make(map[devices.PlotID][]dashboards.Valve, len(village.valves))}
	name := func(subject string) string {
		if plot, ok := village.plot(subject); ok {
			return plot.Name
		}
		return ""
	}
	for _, site := range village.of.Sites {
		for i := range site.Valves {
			one := &site.Valves[i]
			id := village.plotOf[one.Device]
			v.valves[id] = append(v.valves[id], pageValve(one))
		}
		for _, a := range site.Alerts {
			v.alerts = append(v.alerts, dashboards.Alert{
				ID: a.ID, Rule: a.Rule, Subject: a.Subject, PlotName: name(a.Subject), Severity: a.Severity,
				State: pageAlertState(a.State), Since: a.Since,
			})
		}
		for _, h := range site.Households {
			if h.Clue.Open {
				v.clues = append(v.clues, pageClue(&h, name))
			}
		}
		v.water.SeasonL += site.SeasonL
		v.water.TodayL += site.TodayL
		v.water.Openings += site.Openings
	}
	return v
}

// fill enters what the rules know of a plot.
func (v *decidedView) fill(plot *dashboards.Plot) {
	known, ok := v.plots[plot.ID]
	if !ok {
		return
	}
	plot.Grade, plot.Stage, plot.Irrigating = dashboards.Grade(known.Grade.String()), known.Stage, known.Irrigating
	plot.RSMPct, plot.Held, plot.Advice = known.RSMPct, known.Held, dashboards.AdviceCode(known.Advice.Kind)
	plot.DepletionMM, plot.DaysToStress = known.DepletionMM, known.DaysToStress
	plot.RAWMM, plot.TAWMM = &known.RAWMM, &known.TAWMM
	plot.FieldCapacity, plot.WiltingPoint = known.FieldCapacity, known.WiltingPoint
	if known.Grade == drought.Unknown {
		plot.WhyUnknown = known.WhyUnknown
	}
	plot.Valves = v.valves[plot.ID]
}

func pageValve(v *valve.Valve) dashboards.Valve {
	one := dashboards.Valve{ID: v.Device, State: dashboards.ValveState(v.State), Locked: v.Locked, Silent: v.Unresponsive(), Leaking: v.Leaking}
	if o := v.Opening; o != nil {
		one.OpenSince, one.Until = o.OpenedAt, o.Until
		if o.CommandedL > 0 {
			one.CommandedL = &o.CommandedL
		}
	}
	return one
}

func pageAlertState(s condition.State) dashboards.AlertState {
	switch s {
	case condition.Firing:
		return dashboards.AlertFiring
	case condition.UnknownData:
		return dashboards.AlertUnknown
	}
	return dashboards.AlertPending
}

func pageClue(h *rules.HouseholdView, name func(string) string) dashboards.Clue {
	c := dashboards.Clue{
		ID: h.ClueID, Level: string(h.Clue.Level), LossLow: &h.Clue.Loss.Low, LossMid: h.Clue.Loss.Mid, LossHigh: &h.Clue.Loss.High,
		Since: h.Clue.Since.In(time.UTC), Confidence: string(h.Clue.Confidence),
	}
	for _, id := range h.Plots {
		c.Plots = append(c.Plots, cmp.Or(name(string(id)), string(id)))
	}
	return c
}
