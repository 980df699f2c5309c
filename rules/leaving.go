package rules

import (
	"maps"
	"slices"
	"time"

	"ganlin/devices"
	"ganlin/rules/condition"
	"ganlin/rules/risk"
	"ganlin/rules/valve"
)

// What leaves the registry while something of it is under way stays in the
// state until that has its end, and is shown to nobody: a clue is withdrawn, a
// watering stops, whoever was asked is told that it is over, a valve is told to
// close and is waited for.

// leave keeps of what was there before what cannot go yet.
func (st *state) leave(before *state) {
	for id, h := range before.Households {
		if _, here := st.Households[id]; !here && h.Machine.Open {
			st.Households[id] = h
		}
	}
	for id, p := range before.Plots {
		if _, here := st.Plots[id]; !here && (p.Irrigating || p.asks()) {
			st.Plots[id] = p
		}
	}
	for id, g := range before.Valves {
		if _, here := st.Valves[id]; !here && !st.Tick.IsZero() { // before the first tick none was told anything
			if g.Left.IsZero() {
				g.Left = st.Tick
			}
			st.Valves[id] = g
		}
	}
}

// left gives an end to the clues, waterings and asks of what has left the registry.
func (t *turn) left() {
	s := t.site
	if len(s.state.Households) > len(s.homes) {
		for _, id := range slices.Sorted(maps.Keys(s.state.Households)) {
			if !slices.ContainsFunc(s.homes, func(h home) bool { return h.id == id }) {
				t.withdraw(id)
			}
		}
	}
	if len(s.state.Plots) > len(s.parcels) {
		for _, id := range slices.Sorted(maps.Keys(s.state.Plots)) {
			if s.parcel(id) < 0 {
				t.dry(id)
			}
		}
	}
}

// withdraw ends the clue of a household that has no plot here any more.
func (t *turn) withdraw(id devices.HouseholdID) {
	h := t.site.state.Households[id]
	delete(t.site.state.Households, id)
	if !h.Machine.Open {
		return
	}
	since := h.Machine.Since
	h.Clue.Open, h.Clue.Level, h.Clue.Since = false, risk.None, time.Time{}
	t.turned(h, risk.Withdrawn, t.at, since, Removed)
}

// asks reports whether people were told that a plot needs one of them.
func (p *plot) asks() bool { return p.Ask != nil && p.Ask.ID != "" }

// dry ends the watering of a plot that is gone, and what people were asked for it.
func (t *turn) dry(id devices.PlotID) {
	p := t.site.state.Plots[id]
	delete(t.site.state.Plots, id)
	if p.asks() {
		d := t.decision(devices.IrrigationDecision, p.Ask.Rule, p.Ask.Version, string(id), id, p.Ask.outcome()+Over)
		p.Ask.tellEnd(&d, Removed)
		t.decide(d)
	}
	i := slices.IndexFunc(t.site.c.Rules, func(r condition.Rule) bool { return r.Do == condition.Irrigate && (p.Rule == "" || p.Rule == r.ID) })
	if !p.Irrigating || i < 0 {
		return
	}
	r := &t.site.c.Rules[i]
	d := t.decision(devices.IrrigationDecision, r.ID, r.Version, string(id), id, "stop")
	d.Texts["reason"] = Removed
	t.decide(d)
}

// leavers lets the time of valves pass that have left. Each is told to close,
// as in an emergency stop, until it says that it is closed or, where it is
// declared no more, its own timer has closed it. One that counts as closed stays
// until all is known of the time before it left: facts may have been on their way.
func (t *turn) leavers() {
	s := t.site
	for _, id := range s.Leaving() {
		g := s.state.Valves[id]
		at := s.parcel(g.Plot)
		t.sendHome(at, id, g)
		t.happened(at, id, g.Valve.Tick(t.watermark, t.at))
		closed := g.Valve.State == valve.Closed && !t.watermark.Before(g.Left)
		if closed || !s.hears(id) && t.watermark.After(g.shutBy()) {
			t.forsake(at, id, g)
		}
	}
}

// sendHome tells a valve to close because it has left.
func (t *turn) sendHome(parcel int, id devices.DeviceID, g *gate) {
	if g.Valve.Stopped {
		return // that was told
	}
	g.Left = t.at
	for _, e := range g.Valve.Stop(t.watermark) {
		t.command(parcel, id, "close", e.Command, e.At, Removed, e.Send)
	}
}

// forsake lets go of a valve that has left, with what it was told and did not answer.
func (t *turn) forsake(parcel int, id devices.DeviceID, g *gate) {
	for _, command := range g.Valve.Unanswered() {
		t.command(parcel, id, "cancelled", command, t.watermark, Removed, nil)
	}
	delete(t.site.state.Valves, id)
}

// land returns a parcel and what is known of it. Of one that is gone that is what
// a valve of it remembers, and a plot that nobody looks at.
func (t *turn) land(i int, id devices.DeviceID) (*parcel, *plot) {
	s := t.site
	if i >= 0 {
		return &s.parcels[i], s.state.Plots[s.parcels[i].ID]
	}
	return &parcel{Plot: devices.Plot{ID: s.state.Valves[id].Plot, Place: s.c.Site.Place}}, &plot{}
}

// shutBy is when a valve that has left is closed by its own timer at the latest.
func (g *gate) shutBy() time.Time {
	until := g.Left.Add(time.Duration(g.Valve.Limits.MaxDurationS) * time.Second)
	if o := g.Valve.Opening; o != nil && o.Until.After(until) {
		until = o.Until
	}
	return until.Add(valve.Patience)
}

// plotOf returns the index of the plot that a valve waters, or did; -1: it is gone.
func (s *Site) plotOf(id devices.DeviceID, g *gate) int {
	if !g.Left.IsZero() {
		return s.parcel(g.Plot)
	}
	return s.at[id].valve
}

// Leaving returns the valves that are not in the registry any more and not yet
// known to be closed, by id.
func (s *Site) Leaving() (all []devices.DeviceID) {
	for id, g := range s.state.Valves {
		if !g.Left.IsZero() {
			all = append(all, id)
		}
	}
	slices.Sort(all)
	return all
}

// hears reports whether a device is still declared.
func (s *Site) hears(id devices.DeviceID) bool {
	_, ours := s.at[id]
	return ours
}

// parcel returns the index of a plot; -1: it is not here.
func (s *Site) parcel(id devices.PlotID) int {
	return slices.IndexFunc(s.parcels, func(p parcel) bool { return p.ID == id })
}
