package app

import (
	"time"

	"ganlin/dashboards"
	"ganlin/devices"
	"ganlin/rules"
	"ganlin/rules/condition"
	"ganlin/rules/drought"
	"ganlin/rules/valve"
)

// A decidedView is what the rules know, as the pages show it.
type decidedView struct {
	plots  map[devices.PlotID]rules.PlotView
	valves map[devices.PlotID][]dashboards.Valve
	alerts []dashboards.Alert
	clues  []dashboards.Clue
	water  dashboards.Water
}

// decidedView asks the rules how everything stands.
func (p *program) decidedView() *decidedView {
	reg := p.registry.Load()
	v := &decidedView{plots: map[devices.PlotID]rules.PlotView{}, valves: map[devices.PlotID][]dashboards.Valve{}}
	plotOf := map[devices.DeviceID]devices.PlotID{}
	names := map[string]string{}
	for _, plot := range reg.Plots() {
		names[string(plot.ID)] = plot.Name
		for _, id := range plot.Valves {
			plotOf[id] = plot.ID
		}
	}
	for _, d := range reg.Devices() {
		if d.Plot != "" {
			names[string(d.ID)] = names[string(d.Plot)]
		}
	}
	for _, site := range p.decidedNow().of.Sites {
		for _, plot := range site.Plots {
			v.plots[plot.ID] = plot
		}
		for i := range site.Valves {
			one := &site.Valves[i]
			id := plotOf[one.Device]
			v.valves[id] = append(v.valves[id], pageValve(one))
		}
		for _, a := range site.Alerts {
			v.alerts = append(v.alerts, dashboards.Alert{
				ID: a.ID, Rule: a.Rule, Subject: a.Subject, PlotName: names[a.Subject], Severity: a.Severity,
				State: pageAlertState(a.State), Since: a.Since,
			})
		}
		for _, h := range site.Households {
			if h.Clue.Open {
				v.clues = append(v.clues, pageClue(&h, names))
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
	plot.RSMPct, plot.Held = known.RSMPct, known.Held
	plot.DepletionMM, plot.DaysToStress = known.DepletionMM, known.DaysToStress
	plot.RAWMM, plot.TAWMM = &known.RAWMM, &known.TAWMM
	plot.FieldCapacity, plot.WiltingPoint = known.FieldCapacity, known.WiltingPoint
	if known.Grade == drought.Unknown {
		plot.WhyUnknown = known.WhyUnknown
	}
	plot.Valves = v.valves[plot.ID]
}

func pageValve(v *valve.Valve) dashboards.Valve {
	one := dashboards.Valve{ID: v.Device, State: dashboards.ValveState(v.State), Locked: v.Locked}
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

func pageClue(h *rules.HouseholdView, names map[string]string) dashboards.Clue {
	c := dashboards.Clue{
		ID: h.ClueID, Household: string(h.ID), Level: string(h.Clue.Level), LossLow: &h.Clue.Loss.Low, LossMid: h.Clue.Loss.Mid, LossHigh: &h.Clue.Loss.High,
		Since: h.Clue.Since.In(time.UTC), Confidence: string(h.Clue.Confidence),
	}
	for _, id := range h.Plots {
		name := names[string(id)]
		if name == "" {
			name = string(id)
		}
		c.Plots = append(c.Plots, name)
	}
	return c
}
