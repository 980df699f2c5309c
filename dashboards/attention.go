package dashboards

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"ganlin/devices"
)

// A freshness says how the age of a device's newest reading compares with how often it is meant to report.
type freshness uint8

const (
	fresh freshness = iota
	late
	silent
	empty // it has never reported
)

// usualEvery is how often a device is taken to report when nobody says so.
const usualEvery = 30 * time.Minute

func (d Device) freshness(now time.Time) freshness {
	every := cmp.Or(d.Every, usualEvery)
	switch age := now.Sub(d.At); {
	case d.At.IsZero():
		return empty
	case d.Valve && d.Online == IsOnline: // a valve may speak only when it moves
		return fresh
	case age > 6*every:
		return silent
	case age > 2*every:
		return late
	}
	return fresh
}

// A concern is a reason to look at a card. The order is that of the page: what comes first is shown first.
type concern uint8

const (
	concernValve concern = iota
	concernExtreme
	concernSevere
	concernSilent
	concernUnknown
	concernModerate
	concernDry
	concernThirsty
	concernAir
	concernUnreachable
	concernClock
	concernEmpty
	concernLate // the last one: a reading that is only late makes nobody look
	noConcern
)

// key is the concern's place in the catalogue, and its sign on the page.
func (c concern) key() string {
	return [...]string{
		"valve", "extreme", "severe", "silent", "unknown", "moderate", "dry", "thirsty", "air", "unreachable", "clock", "empty", "late",
	}[c]
}

// tone is how much the concern stands out.
func (c concern) tone() string {
	return [...]string{"bad", "bad", "bad", "bad", "note", "dry", "dry", "dry", "warn", "bad", "note", "note", "note"}[c]
}

// concern is what a freshness gives reason for.
func (f freshness) concern() concern {
	return [...]concern{noConcern, concernLate, concernSilent, concernEmpty}[f]
}

// A group is a plot or a station with what is to be said of it.
type group struct {
	id, name string
	plot     *Plot // nil: a station
	devices  []Device
	concerns []concern // sorted
}

func (g group) worst() concern {
	if len(g.concerns) == 0 {
		return noConcern
	}
	return g.concerns[0]
}

// A board is a view looked at: judged, sorted and counted. It is the same for all who look.
type board struct {
	View
	now             time.Time
	plots, stations []group // what needs attention first, then as registered
	worst           Condition
	level           level // of worst
	newest          time.Time

	devices, onTime, online, look int
	urgent                        int  // alerts that somebody has to see to
	onlineUnknown                 bool // of one device or more
}

func lookAt(v View, now time.Time) *board {
	b := &board{View: v, now: now}
	if b.Zone == nil {
		b.Zone = time.UTC
	}
	for i := range v.Plots {
		p := &v.Plots[i]
		b.plots = append(b.plots, b.group(string(p.ID), cmp.Or(p.Name, string(p.ID)), p, p.Devices))
	}
	for i := range v.Stations {
		s := &v.Stations[i]
		b.stations = append(b.stations, b.group(string(s.ID), string(s.ID), nil, s.Devices))
	}
	for _, groups := range [][]group{b.plots, b.stations} {
		slices.SortStableFunc(groups, func(x, y group) int {
			return cmp.Or(cmp.Compare(x.worst(), y.worst()), cmp.Compare(y.grade().rank(), x.grade().rank()))
		})
	}
	for _, g := range b.plots {
		if g.worst() < concernLate {
			b.look++
		}
	}
	for _, a := range v.Alerts {
		if a.State != AlertPending && a.Severity != "info" {
			b.urgent++
		}
	}
	known := levels()
	for _, p := range v.Parts {
		for _, c := range p.Conditions {
			if l := known[c.Kind]; l > b.level {
				b.level, b.worst = l, c
			}
		}
	}
	return b
}

// concerns are those of the land and its valves, in any order.
func (p *Plot) concerns() []concern {
	var out []concern
	if p.Dry && p.Grade == "" {
		out = append(out, concernDry)
	}
	switch p.Grade {
	case GradeUnknown:
		out = append(out, concernUnknown)
	case GradeModerate:
		out = append(out, concernModerate)
	case GradeSevere:
		out = append(out, concernSevere)
	case GradeExtreme:
		out = append(out, concernExtreme)
	case GradeNone, GradeLight: // as far as the soil tells
		if p.thirsty() {
			out = append(out, concernThirsty)
		}
	}
	if slices.ContainsFunc(p.Valves, func(v Valve) bool { return v.unknown() || v.Locked || v.Silent || v.Leaking }) {
		out = append(out, concernValve)
	}
	return out
}

// thirsty reports whether a person has to water the plot, or its crop lacks water
// that would still be of use, and no water runs.
func (p *Plot) thirsty() bool {
	asked := p.Advice == AdviseWater || p.Advice == AdviseHeld
	return !slices.ContainsFunc(p.Valves, Valve.wet) && (asked || p.stressed() && p.Advice != AdviseNothing)
}

// stressed reports whether the crop lacks water.
func (p *Plot) stressed() bool {
	return !bare(p.Stage) && p.DepletionMM != nil && p.RAWMM != nil && *p.DepletionMM > *p.RAWMM
}

// group judges one card and counts its devices.
func (b *board) group(id, name string, p *Plot, ds []Device) group {
	g := group{id: id, name: name, plot: p, devices: ds}
	if p != nil {
		g.concerns = p.concerns()
	}
	for _, d := range ds {
		b.devices++
		if d.At.After(b.newest) {
			b.newest = d.At
		}
		g.concerns = append(g.concerns, d.concerns(b.now)...)
		if d.freshness(b.now) == fresh {
			b.onTime++
		}
		switch d.Online {
		case IsOnline:
			b.online++
		case OnlineUnknown:
			b.onlineUnknown = true
		case IsOffline:
		}
	}
	slices.Sort(g.concerns)
	g.concerns = slices.Compact(g.concerns)
	return g
}

// concerns are the reasons to look at a device, sorted.
func (d Device) concerns(now time.Time) (all []concern) {
	if c := d.freshness(now).concern(); c != noConcern {
		all = append(all, c)
	}
	if d.Valve && d.Online == IsOffline { // a probe may sleep between its readings, a valve has to listen
		all = append(all, concernUnreachable)
	}
	for _, v := range d.Values {
		if v.Flags&devices.ProbeInAir != 0 {
			all = append(all, concernAir)
		}
		if v.Flags&devices.ClockNotSet != 0 {
			all = append(all, concernClock)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// grade is that of a plot; a station has none.
func (g group) grade() Grade {
	if g.plot == nil {
		return ""
	}
	return g.plot.Grade
}

// watering reports whether water runs on a plot.
func (g group) watering() bool {
	if p := g.plot; p != nil && len(p.Valves) > 0 {
		return slices.ContainsFunc(p.Valves, Valve.wet)
	}
	return g.plot != nil && g.plot.Irrigating || slices.ContainsFunc(g.devices, Device.watering)
}

// matches reports whether a search for query, in lower case, finds the group.
func (g group) matches(query string) bool {
	if strings.Contains(strings.ToLower(g.id), query) || strings.Contains(strings.ToLower(g.name), query) {
		return true
	}
	return slices.ContainsFunc(g.devices, func(d Device) bool {
		return strings.Contains(strings.ToLower(string(d.ID)), query)
	})
}

// watering reports whether the device is an open valve, by its newest value or report.
func (d Device) watering() bool {
	open, at := false, time.Time{}
	for _, v := range d.Values {
		if v.Key.Quantity == devices.ValveOpen && v.At.After(at) {
			open, at = v.Number == 1, v.At
		}
	}
	if r := d.Report; r != nil && d.ReportAt.After(at) {
		switch r.State {
		case devices.Opened:
			open = true
		case devices.Closed:
			open = false
		case devices.Accepted, devices.Rejected, devices.Expired, devices.Failed: // they tell nothing of the valve
		}
	}
	return open
}
