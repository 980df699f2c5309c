package rules

import (
	"slices"
	"time"

	"ganlin/devices"
	"ganlin/rules/quality"
	"ganlin/rules/valve"
)

// A turn is one tick being worked off.
type turn struct {
	site          *Site
	at, watermark time.Time
	ahead         []*devices.Act // of persons, up to at, that the watermark has not reached
	decided       []devices.Decision
}

// apply applies the facts up to a time, in their order. Of what is told of one
// moment, what persons did comes first.
func (t *turn) apply(until time.Time) {
	t.site.buffer.take(until, func(f *devices.Fact) {
		t.acted(f.At)
		if f.Kind == devices.ReadingFact {
			t.reading(f)
		} else {
			t.report(f)
		}
	})
	t.acted(until)
}

// acted applies what persons did up to a time.
func (t *turn) acted(until time.Time) {
	st := &t.site.state
	for len(st.Acts) > 0 && !st.Acts[0].At.After(until) {
		a := st.Acts[0].Act
		st.Acts = st.Acts[1:]
		t.act(a)
	}
}

func (t *turn) reading(f *devices.Fact) {
	s := t.site
	where, ours := s.at[f.Device]
	if !ours {
		return // the registry has changed since it came
	}
	d := s.state.Devices[f.Device]
	d.Heard = f.At
	switch {
	case where.station >= 0:
		t.weather(d, s.state.Stations[s.c.Stations[where.station].ID], f)
	case where.valve >= 0:
		t.meter(where.valve, f)
	default:
		var ctx quality.Context
		if where.parcel >= 0 && f.Key.Quantity == devices.SoilMoisture {
			ctx = s.soilContext(where.parcel)
		}
		d.take(f, ctx)
	}
}

// take checks a reading and keeps it as the newest of its series if it is good.
func (d *device) take(f *devices.Fact, ctx quality.Context) quality.Verdict {
	one := d.of(f.Key)
	if one == nil {
		return quality.Implausible
	}
	one.Verdict = one.Check.Add(f.At, f.Value, f.Key, ctx)
	switch {
	case one.Verdict&quality.Spike != 0:
		d.Spikes = noted(d.Spikes, f.At)
	case one.Verdict&(quality.Implausible|quality.InAir) != 0:
		d.Odd = noted(d.Odd, f.At)
	}
	if one.Verdict == quality.Good {
		one.At, one.Received, one.Value = f.At, f.Received, f.Value
	}
	return one.Verdict
}

// maxSeries bounds what is known of a device: none that measures has as many,
// and one that makes keys up takes no more room and time than others.
const maxSeries = 256

// of returns the series of a key; nil: the device has too many.
func (d *device) of(key devices.Key) *series {
	for i := range d.Series {
		if d.Series[i].Key == key {
			return &d.Series[i]
		}
	}
	if len(d.Series) == maxSeries {
		return nil
	}
	d.Series = append(d.Series, series{Key: key})
	return &d.Series[len(d.Series)-1]
}

// newest returns the newest good value of a quantity at a depth, empty for
// whatever depth, no older than an age.
func (d *device) newest(q devices.Quantity, depthCM string, at time.Time, age time.Duration) *float64 {
	for i := range d.Series {
		one := &d.Series[i]
		if one.Key.Quantity == q && (depthCM == "" || one.Key.DepthCM == depthCM) && !one.At.IsZero() && at.Sub(one.At) <= age {
			return &one.Value
		}
	}
	return nil
}

// weather takes a station's reading.
func (t *turn) weather(d *device, st *station, f *devices.Fact) {
	if f.Key.Channel != "" {
		return // a second sensor of the same kind is for people
	}
	v := f.Value
	switch f.Key.Quantity {
	case devices.RainTotal, devices.Rain:
		st.Heard = f.At
		var fell bool
		if v, fell = st.rain(f); !fell {
			return
		}
		st.Rain24h.Add(f.At, v)
		st.Rain7d.Add(f.At, v)
		st.RainMM += v
	default:
		if d.take(f, quality.Context{}) != quality.Good {
			return
		}
		st.Heard = f.At
		if f.Key.Quantity == devices.AirTemperature {
			st.Temperature.Add(f.At, v)
		}
	}
	st.Day.Add(f.At, f.Key.Quantity, v)
}

// meter takes what a valve's own instruments show.
func (t *turn) meter(parcel int, f *devices.Fact) {
	if f.Key.Quantity != devices.Flow {
		return
	}
	g := t.site.state.Valves[f.Device]
	if g.Valve.State == valve.Closed && !g.LastAt.IsZero() && g.Valve.Turns(g.LastLPM) {
		g.LeakL += g.LastLPM * min(f.At.Sub(g.LastAt), quality.MaxGap).Minutes()
	}
	g.LastLPM, g.LastAt = f.Value, f.At
	t.happened(parcel, f.Device, g.Valve.Flow(f.Value, f.At))
}

// report takes a valve's word.
func (t *turn) report(f *devices.Fact) {
	g := t.site.state.Valves[f.Device]
	if g == nil {
		return
	}
	t.happened(t.site.plotOf(f.Device, g), f.Device, g.Valve.Report(*f.Report, f.At))
}

// valves lets the valves' own time pass.
func (t *turn) valves() {
	for i, p := range t.site.parcels {
		for _, d := range p.valves {
			t.happened(i, d.ID, t.site.state.Valves[d.ID].Valve.Tick(t.watermark, t.at))
		}
	}
	t.leavers()
}

// happened decides what follows from what happened to a valve. The parcel is that
// of its plot, -1 when the plot is gone.
func (t *turn) happened(parcel int, id devices.DeviceID, events []valve.Event) {
	g := t.site.state.Valves[id]
	for _, e := range events {
		if e.Kind == valve.StillMeter {
			g.Still = true
		}
		if e.Kind.Alarm() || e.Kind == valve.Expired || e.Kind == valve.Rejected {
			g.Failed = noted(g.Failed, e.At)
		}
		if e.Kind == valve.FoundOpen || e.Kind == valve.Late {
			g.Unasked = noted(g.Unasked, e.At)
		}
		t.incident(parcel, id, &e)
		if parcel >= 0 && (e.Kind == valve.WasOpened || e.Kind == valve.HandOpened) {
			t.soaking(parcel, e.At)
		}
		if e.Ended != nil {
			t.ended(parcel, id, e.Ended)
			g.Still, g.LeakL, g.LastAt = false, 0, time.Time{}
		}
		if outcome, told := outcomes[e.Kind]; told && e.Command != "" {
			t.command(parcel, id, outcome, e.Command, e.At, e.Reason, nil)
		}
		if e.Send != nil {
			t.command(parcel, id, "close", e.Send.ID, e.At, string(e.Why), e.Send)
		}
	}
}

// outcomes are the ends of a command that are decisions.
var outcomes = map[valve.Kind]string{
	valve.WasOpened: "confirmed", valve.Obeyed: "confirmed", valve.Rejected: "rejected", valve.Expired: "expired",
	valve.Failed: "failed", valve.Unanswered: "unknown", valve.Cancelled: "cancelled", valve.Overdue: "overdue", valve.NotClosing: "not_closing",
}

// noted adds a moment to those of a day, at most maxNoted.
func noted(moments []time.Time, at time.Time) []time.Time {
	moments = slices.DeleteFunc(moments, func(m time.Time) bool { return at.Sub(m) > 24*time.Hour })
	if len(moments) < maxNoted {
		moments = append(moments, at)
	}
	return moments
}

// maxNoted bounds what is counted: a device that fails more often fails always.
const maxNoted = 100

// count returns how many of the moments lie in the last 24 hours.
func count(moments []time.Time, at time.Time) (n int) {
	for _, m := range moments {
		if at.Sub(m) <= 24*time.Hour {
			n++
		}
	}
	return n
}
