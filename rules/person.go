package rules

import (
	"slices"
	"time"

	"ganlin/devices"
	"ganlin/rules/valve"
)

// PersonRule names a person as who decided. What a person commands is sent at
// once, past the rules; they learn of it as a fact, in event time, and take it
// into their account of the valve.
const PersonRule = "person"

// ByPerson is why a plot is not watered after a person has closed its valve.
const ByPerson = "person"

// act takes what a person did.
func (t *turn) act(a *devices.Act) {
	s := t.site
	switch a.Action {
	case devices.StopAct, devices.ResumeAct:
		t.noteAct(a, string(s.c.Site.ID), "")
		s.state.Stopped = a.Action == devices.StopAct
		for i, p := range s.parcels {
			for _, d := range p.valves {
				g := s.state.Valves[d.ID]
				if s.state.Stopped {
					t.happened(i, d.ID, g.Valve.Stop(a.At))
				} else {
					g.Valve.Resume()
				}
			}
		}
	case devices.OpenAct, devices.CloseAct:
		t.commanded(a)
	case devices.ClearAct:
		if where, ours := s.at[a.Valve]; ours && where.valve >= 0 {
			t.noteAct(a, string(a.Valve), s.parcels[where.valve].ID)
			s.state.Valves[a.Valve].LeakL = 0
			t.happened(where.valve, a.Valve, s.state.Valves[a.Valve].Valve.Clear(a.At))
		}
	}
}

// noteAct takes down an act that is no command.
func (t *turn) noteAct(a *devices.Act, subject string, of devices.PlotID) {
	d := t.decision(devices.ActDecision, PersonRule, "1", subject, of, string(a.Action))
	t.byPerson(&d, a)
	t.decide(d)
}

// byPerson enters into a decision who acted, and when.
func (t *turn) byPerson(d *devices.Decision, a *devices.Act) {
	d.At, d.Texts["by"] = a.At, a.By
	if a.Reason != "" {
		d.Texts["reason"] = a.Reason
	}
}

// commanded takes over a command that a person gave a valve.
func (t *turn) commanded(a *devices.Act) {
	s := t.site
	g := s.state.Valves[a.Valve]
	if g == nil || a.Command == nil {
		return
	}
	parcel := s.plotOf(a.Valve, g)
	where, p := t.land(parcel, a.Valve)
	outcome := "open"
	p.PausedUntil = time.Time{}
	if a.Action == devices.CloseAct {
		outcome, p.PausedUntil = "close", s.pauseAfter(a.At)
	}
	d := t.decision(devices.CommandDecision, PersonRule, "1", string(a.Valve), where.ID, outcome)
	t.byPerson(&d, a)
	d.ID, d.Command, d.Texts["command"] = a.Command.ID, a.Command, a.Command.ID
	if a.Action == devices.OpenAct {
		d.Numbers["max_duration_s"], d.Numbers["volume_l"] = float64(a.Command.MaxDurationS), a.Command.MaxVolumeL
	}
	t.decide(d)
	t.happened(parcel, a.Valve, g.Valve.Adopt(*a.Command, a.At))
}

// pauseAfter is until when a plot is left alone after a person has closed its
// valve: the first local noon that is at least six hours away, so that a close
// in the evening counts for the night, and one in the morning for the morning.
func (s *Site) pauseAfter(at time.Time) time.Time {
	const atLeast, noon = 6 * time.Hour, 12
	local := at.Add(atLeast).In(s.c.Zone)
	until := time.Date(local.Year(), local.Month(), local.Day(), noon, 0, 0, 0, s.c.Zone)
	if until.Before(local) {
		until = time.Date(local.Year(), local.Month(), local.Day()+1, noon, 0, 0, 0, s.c.Zone)
	}
	return until.UTC()
}

// leftAlone says by whom a plot is not to be watered now; empty: nobody. What a
// person did counts at once, before the watermark comes to it.
func (t *turn) leftAlone(i int) (reason string) {
	s := t.site
	paused := s.state.Plots[s.parcels[i].ID].PausedUntil.After(t.at)
	stopped := s.state.Stopped
	for _, a := range t.ahead {
		ours := slices.ContainsFunc(s.parcels[i].valves, func(d devices.Device) bool { return d.ID == a.Valve })
		switch a.Action {
		case devices.StopAct, devices.ResumeAct:
			stopped = a.Action == devices.StopAct
		case devices.OpenAct, devices.CloseAct:
			if ours {
				paused = a.Action == devices.CloseAct
			}
		}
	}
	switch {
	case stopped:
		return string(valve.IsStopped)
	case paused:
		return ByPerson
	}
	return ""
}

// personOpens reports whether a person has opened a valve of a plot and the
// watermark has not come to it: that opening is awaited like one of the rules'.
func (t *turn) personOpens(i int) bool {
	for _, d := range t.site.parcels[i].valves {
		opens := false
		for _, a := range t.ahead {
			if a.Valve == d.ID && (a.Action == devices.OpenAct || a.Action == devices.CloseAct) {
				opens = a.Action == devices.OpenAct
			}
		}
		if opens {
			return true
		}
	}
	return false
}

// acts returns what persons did up to a time that the watermark has not reached, in order.
func (s *Site) acts(until time.Time) (acts []*devices.Act) {
	for i := range s.state.Acts {
		if f := &s.state.Acts[i]; !f.At.After(until) {
			acts = append(acts, f.Act)
		}
	}
	return acts
}

// clears returns what persons cleared that the watermark has not come to.
func (s *Site) clears() (acts []*devices.Act) {
	for i := range s.state.Acts {
		if f := &s.state.Acts[i]; f.Act.Action == devices.ClearAct {
			acts = append(acts, f.Act)
		}
	}
	return acts
}
