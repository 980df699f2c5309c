package rules_test

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"ganlin/devices"
	"ganlin/rules"
)

// A hose is a valve of the trace: it obeys, or is deaf for a while, and its meter
// is good, silent, dead or mad. Only a good one ends an opening by its litres.
type hose struct {
	id       devices.DeviceID
	plot     devices.PlotID
	command  string
	meter    string
	lpm      float64
	openedAt time.Time // zero: shut
	until    time.Time
	closedAt time.Time
	byRule   bool
}

func (h *hose) open() bool { return !h.openedAt.IsZero() }

// A model is what is known of the weather, told by the plain facts, and what the plots have had.
type model struct {
	wind, air      float64
	windAt, airAt  time.Time
	rain           map[int64]float64 // of an hour
	starts         map[devices.PlotID]int
	litres, season map[devices.PlotID]float64 // that really ran, of the day and of all
	day            int
	opened         int
	stopped        map[string]int // by the weather
}

// rained is the rain of the hours up to a time, and whether all of it is known for certain.
func (m *model) rained(at time.Time, hours int64) (mm float64, sure bool) {
	now, missing, told := at.Unix()/3600, 0, 0
	sure = true
	for hour := now - hours + 1; hour <= now; hour++ {
		one, ok := m.rain[hour]
		if mm += one; ok {
			missing, told = 0, told+1
		} else if missing++; missing > 2 {
			sure = false
		}
	}
	return mm, sure && told >= 20
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
	if mm, sure := m.rained(at, 23); sure && mm > rainMM {
		return "rain"
	}
	return ""
}

// The limits of the trace. A day's water is less than its starts can bring, and
// that of the season less than that of two days.
const starts, rainMM, dayMM, seasonMM = 3, 25, 10, 15

// slowLPM is a flow that the registry names: openings take hours. Of the other valve nothing is known.
const slowLPM = 90.0

// mayOpen says why an opening may not be.
func (m *model) mayOpen(d *devices.Decision, h *hose, at time.Time) string {
	local := at.Add(8 * time.Hour)
	rain, _ := m.rained(at, 23)
	litres := d.Command.MaxVolumeL
	switch {
	case at.Sub(m.airAt) > fresh || at.Sub(m.windAt) > fresh:
		return "nobody knows the weather"
	case m.violated(at) != "":
		return m.violated(at)
	case rain > rainMM:
		return fmt.Sprintf("%g mm of rain", rain)
	case local.Hour() < 18 && local.Hour() >= 8:
		return "it is day"
	case m.starts[d.Plot] >= starts:
		return "it was opened three times today"
	case m.litres[d.Plot]+litres > dayMM*2000+1:
		return fmt.Sprintf("%g L have run today", m.litres[d.Plot])
	case m.season[d.Plot]+litres > seasonMM*2000+1:
		return fmt.Sprintf("%g L have run", m.season[d.Plot])
	case !h.closedAt.IsZero() && at.Sub(h.closedAt) < 15*time.Minute:
		return "it has no rest"
	}
	return ""
}

// TestInterlocksAndBudgets lives random days: wind, frost and rain come and go,
// the station falls silent, probes jump between wet and dry, valves are deaf and
// their meters lie. A model of a few lines says of every opening whether it may be, and of every
// valve that a rule has opened whether it has to be closed.
func TestInterlocksAndBudgets(t *testing.T) {
	of := config(t)
	for _, r := range of.Rules {
		if r.ID == "water_need" {
			r.Params["starts_per_day"], r.Params["rest_min"], r.Params["day_max_mm"], r.Params["season_max_mm"] = starts, 15, dayMM, seasonMM
			r.Params["min_net_mm"], r.Params["keep_room_mm"], r.Params["keep_room_of_raw"] = 1, 0, 0 // budgets bind before needs
		}
	}
	for i := range of.Devices {
		if of.Devices[i].ID == "v-1" {
			of.Devices[i].FlowLPM = slowLPM
		}
	}
	of.Devices = append(of.Devices, devices.Device{ID: "s-2", Model: "ganlin-soil-3", Plot: "p-2"})
	opened, stopped := 0, map[string]int{}
	rapid.Check(t, func(t *rapid.T) {
		m := &model{rain: map[int64]float64{}, starts: map[devices.PlotID]int{}, stopped: stopped}
		m.litres, m.season = map[devices.PlotID]float64{}, map[devices.PlotID]float64{}
		trace(t, of, m)
		opened += m.opened
	})
	if opened == 0 || stopped["frost"] == 0 || stopped["wind"] == 0 || stopped["rain"] == 0 {
		t.Errorf("%d openings, ended by the weather: %v", opened, stopped)
	}
}

func trace(t *rapid.T, of rules.Config, m *model) {
	s := rules.New(of)
	start := begin.Add(10 * time.Hour)  // 18 h
	first := start.Add(-22 * time.Hour) // quiet hours, by whose end the rain of a day is known
	s.Tick(first)
	w := &world{theta: 0.2}
	hoses := map[devices.DeviceID]*hose{"v-1": {id: "v-1", plot: "p-1", lpm: slowLPM}, "v-2": {id: "v-2", plot: "p-2", lpm: 900}}
	meters := rapid.SampledFrom([][]string{{"good"}, {"silent"}, {"dead"}, {"mad"}, {"good", "silent", "dead", "mad"}}).Draw(t, "meters")
	late := w.hello(first.Add(time.Millisecond))
	total, deaf := 0.0, false
	at := first
	chance := func(name string, of int) bool { return at.After(start) && rapid.IntRange(0, of).Draw(t, name) == 0 }
	dark := time.Time{} // until when the station says nothing
	for at = first.Add(10 * time.Minute); at.Before(start.Add(2 * 24 * time.Hour)); at = at.Add(10 * time.Minute) {
		facts := late
		late = nil
		add := func(id devices.DeviceID, key string, v float64) { facts = append(facts, w.fact(id, at, key, v)) }
		if at.Minute() == 0 {
			if chance("silence", 30) {
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
				if chance("rain", 20) || hoses["v-1"].open() && chance("rain on it", 3) {
					rained = rapid.SampledFrom([]float64{20, 30}).Draw(t, "mm")
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
				for _, id := range []devices.DeviceID{"s-1", "s-2"} {
					add(id, "soil_moisture@"+depth, theta+float64(at.Unix()/3600%7)/1e4)
				}
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
				switch reason := d.Texts["reason"]; reason {
				case "frost", "wind":
					if m.stopped[reason]++; m.violated(at) != reason {
						t.Fatalf("%s: %s is closed for %s, and the model sees %q", at, h.id, reason, m.violated(at))
					}
				case "rain":
					m.stopped[reason]++
					if mm, _ := m.rained(at, 24); mm <= rainMM {
						t.Fatalf("%s: %s is closed for %g mm of rain", at, h.id, mm)
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
				h.meter = rapid.SampledFrom(meters).Draw(t, "meter")
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
	runs := float64(d.Command.MaxDurationS)
	if h.meter == "good" {
		runs = min(runs, d.Command.MaxVolumeL/h.lpm*60)
	}
	h.until = h.openedAt.Add(time.Duration(runs * float64(time.Second)))
	for _, state := range []devices.CommandState{devices.Accepted, devices.Opened} {
		facts = append(facts, h.report(w, h.openedAt, h.command, state, nil))
	}
	return facts
}

// shut closes the hose, which tells what ran.
func (h *hose) shut(m *model, w *world, at time.Time, command string) devices.Fact {
	litres := at.Sub(h.openedAt).Minutes() * h.lpm
	m.litres[h.plot] += litres
	m.season[h.plot] += litres
	h.openedAt, h.closedAt = time.Time{}, at
	told := map[string]*float64{"good": &litres, "silent": nil, "dead": new(0.0), "mad": new(1e6 * litres)}
	return h.report(w, at, command, devices.Closed, told[h.meter])
}

func (h *hose) report(w *world, at time.Time, command string, state devices.CommandState, litres *float64) devices.Fact {
	w.seq++
	return devices.Fact{Kind: devices.ReportFact, At: at, Device: h.id, Location: devices.Location{Site: "sanquan"}, Report: &devices.CommandReport{
		Command: command, State: state, At: at, Seq: w.seq, VolumeL: litres,
	}}
}
