package rules_test

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"ganlin/devices"
	"ganlin/rules"
)

// A hose is a valve of the trace: it obeys, or is deaf for a while.
type hose struct {
	id       devices.DeviceID
	command  string
	openedAt time.Time // zero: shut
	until    time.Time
	closedAt time.Time
	byRule   bool
}

const hoseLPM = 250.0

func (h *hose) open() bool { return !h.openedAt.IsZero() }

// A model is what is known of the weather, told by the plain facts, and what the plots have had.
type model struct {
	wind, air       float64
	windAt, airAt   time.Time
	rain            map[int64]float64 // of an hour
	starts          map[devices.PlotID]int
	litres          map[devices.PlotID]float64
	day             int
	opened, stopped int
}

// fresh is how old the weather may be.
const fresh = 6 * time.Hour

// violated names an interlock that holds for certain.
func (m *model) violated(at time.Time) string {
	switch {
	case at.Sub(m.airAt) <= fresh && m.air < 2:
		return "frost"
	case at.Sub(m.windAt) <= fresh && m.wind > 5:
		return "wind"
	}
	return ""
}

// mayOpen says why an opening may not be.
func (m *model) mayOpen(d *devices.Decision, h *hose, at time.Time) string {
	local := at.Add(8 * time.Hour)
	rain := 0.0
	for hour, mm := range m.rain {
		if hour > at.Add(-23*time.Hour).Unix()/3600 {
			rain += mm
		}
	}
	litres := m.litres[d.Plot] + d.Command.MaxVolumeL
	switch {
	case at.Sub(m.airAt) > fresh || at.Sub(m.windAt) > fresh:
		return "nobody knows the weather"
	case m.violated(at) != "":
		return m.violated(at)
	case rain > 25:
		return fmt.Sprintf("%g mm of rain", rain)
	case local.Hour() < 18 && local.Hour() >= 8:
		return "it is day"
	case m.starts[d.Plot] >= 3:
		return "it was opened three times today"
	case litres > 20*2000+1:
		return fmt.Sprintf("%g L today", litres)
	case !h.closedAt.IsZero() && at.Sub(h.closedAt) < 15*time.Minute:
		return "it has no rest"
	}
	return ""
}

// TestInterlocksAndBudgets lives random days: wind, frost and rain come and go,
// the station falls silent, probes jump between wet and dry, valves are deaf. A
// model of a few lines says of every opening whether it may be, and of every
// valve that a rule has opened whether it has to be closed.
func TestInterlocksAndBudgets(t *testing.T) {
	of := config(t)
	for _, r := range of.Rules {
		if r.ID == "water_need" {
			r.Params["starts_per_day"], r.Params["rest_min"], r.Params["day_max_mm"] = 3, 15, 20
		}
	}
	opened, stopped := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		m := &model{rain: map[int64]float64{}, starts: map[devices.PlotID]int{}, litres: map[devices.PlotID]float64{}}
		trace(t, of, m)
		opened, stopped = opened+m.opened, stopped+m.stopped
	})
	if opened == 0 || stopped == 0 {
		t.Errorf("%d openings, %d of them were ended by the weather", opened, stopped)
	}
}

func trace(t *rapid.T, of rules.Config, m *model) {
	s := rules.New(of)
	start := begin.Add(10 * time.Hour) // 18 h
	s.Tick(start)
	w := &world{theta: 0.2}
	hoses := map[devices.DeviceID]*hose{"v-1": {id: "v-1"}, "v-2": {id: "v-2"}}
	late := w.hello(start.Add(time.Millisecond))
	total, deaf := 0.0, false
	chance := func(name string, of int) bool { return rapid.IntRange(0, of).Draw(t, name) == 0 }
	dark := time.Time{} // until when the station says nothing
	for at := start.Add(10 * time.Minute); at.Before(start.Add(2 * 24 * time.Hour)); at = at.Add(10 * time.Minute) {
		facts := late
		late = nil
		add := func(id devices.DeviceID, key string, v float64) { facts = append(facts, w.fact(id, at, key, v)) }
		if at.Minute() == 0 {
			if chance("silence", 12) {
				dark = at.Add(time.Duration(rapid.IntRange(1, 12).Draw(t, "hours")) * time.Hour)
			}
			if !at.Before(dark) {
				m.wind, m.windAt, m.airAt = 3, at, at
				if chance("windy", 5) {
					m.wind = 7
				}
				if m.air = 14; chance("cold", 8) {
					m.air = 1
				}
				rained := 0.0
				if chance("rain", 15) {
					rained = 20
				}
				if total += rained; len(m.rain) == 0 {
					rained = 0 // a counter's first reading tells of no time before
				}
				m.rain[at.Unix()/3600] = rained
				add("w-01", "air_temperature", m.air)
				add("w-01", "relative_humidity", 60)
				add("w-01", "wind_speed", m.wind)
				add("w-01", "solar_radiation", 300)
				add("w-01", "rain_total", total)
			}
			theta := 0.16
			if chance("wet", 4) {
				theta = 0.24
			}
			for _, depth := range []string{"20", "40", "60"} {
				add("s-1", "soil_moisture@"+depth, theta+float64(at.Unix()%7)/1e4)
			}
			deaf = chance("deaf", 10)
		}
		for _, h := range hoses {
			if h.open() && !at.Before(h.until) {
				facts = append(facts, h.shut(m, w, h.until, ""))
			}
		}
		if day := at.Add(8 * time.Hour).YearDay(); day != m.day {
			m.day, m.starts, m.litres = day, map[devices.PlotID]int{}, map[devices.PlotID]float64{}
		}
		for _, f := range facts {
			s.Add(f)
		}
		for _, d := range s.Tick(at) {
			if d.Command == nil {
				continue
			}
			h := hoses[devices.DeviceID(d.Subject)]
			if d.Outcome == "close" {
				h.byRule = false // from here on the lease machine sees to it
				if reason := d.Texts["reason"]; reason == "frost" || reason == "wind" {
					if m.stopped++; m.violated(at) != reason {
						t.Fatalf("%s: %s is closed for %s, and the model sees %q", at, h.id, reason, m.violated(at))
					}
				}
				if h.open() && !deaf {
					late = append(late, h.shut(m, w, at.Add(2*time.Second), d.Command.ID))
				}
				continue
			}
			if why := m.mayOpen(&d, h, at); why != "" {
				t.Fatalf("%s: %s is opened although %s", at, h.id, why)
			}
			m.opened++
			m.starts[d.Plot]++
			if !deaf {
				late = append(late, h.begin(w, &d)...)
			}
		}
		for _, h := range hoses {
			if why := m.violated(at); why != "" && h.open() && h.byRule && h.openedAt.Before(at) {
				t.Fatalf("%s: %s stays open in spite of %s", at, h.id, why)
			}
		}
	}
}

// begin is the hose's answer to an open.
func (h *hose) begin(w *world, d *devices.Decision) (facts []devices.Fact) {
	h.command, h.openedAt, h.byRule = d.Command.ID, d.At.Add(2*time.Second), true
	runs := min(d.Command.MaxVolumeL/hoseLPM*60, float64(d.Command.MaxDurationS))
	h.until = h.openedAt.Add(time.Duration(runs * float64(time.Second)))
	for _, state := range []devices.CommandState{devices.Accepted, devices.Opened} {
		facts = append(facts, h.report(w, h.openedAt, h.command, state, nil))
	}
	return facts
}

// shut closes the hose, which tells what ran.
func (h *hose) shut(m *model, w *world, at time.Time, command string) devices.Fact {
	litres := at.Sub(h.openedAt).Minutes() * hoseLPM
	if h.id == "v-1" {
		m.litres["p-1"] += litres
	} else {
		m.litres["p-2"] += litres
	}
	h.openedAt, h.closedAt = time.Time{}, at
	return h.report(w, at, command, devices.Closed, &litres)
}

func (h *hose) report(w *world, at time.Time, command string, state devices.CommandState, litres *float64) devices.Fact {
	w.seq++
	return devices.Fact{Kind: devices.ReportFact, At: at, Device: h.id, Location: devices.Location{Site: "sanquan"}, Report: &devices.CommandReport{
		Command: command, State: state, At: at, Seq: w.seq, VolumeL: litres,
	}}
}
