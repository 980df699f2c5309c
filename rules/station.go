package rules

import (
	"slices"
	"time"

	"ganlin/devices"
	"ganlin/rules/quality"
	"ganlin/rules/water"
)

// A station is the weather as far as it is known.
type station struct {
	Since       time.Time // the watermark when it was new; zero: from the beginning
	Heard       time.Time // event time of the newest good reading
	Day         quality.DayWeather
	Gauge       string    // device and quantity of the rain that counts
	Gauged      time.Time // event time of its newest reading
	Counter     quality.Counter
	Jumped      bool // since midnight the rain was not only counted
	Rain24h     quality.Window
	Rain7d      quality.Window
	Temperature quality.Window // of 24 hours
	RainMM      float64        // running total
	EToMM       *float64       // of the last day that it was known
}

func newStation(since time.Time) *station {
	return &station{
		Since: since, Counter: quality.RainCounter(0),
		Rain24h: quality.Window{Hours: 24}, Rain7d: quality.Window{Hours: 168}, Temperature: quality.Window{Hours: 24},
	}
}

// rain returns what fell since the reading before, in mm; false: nothing can be
// said. Of all gauges of a station one counts, as rain would count twice with
// two; another takes over when it has been silent for long. Of a counter the
// increment counts. One that began again at 0 shows what fell since then, one
// that only went back shows more than can have fallen: that is not believed.
func (st *station) rain(f *devices.Fact) (mm float64, ok bool) {
	gauge := string(f.Device) + " " + string(f.Key.Quantity)
	if gauge != st.Gauge {
		if st.Gauge != "" && f.At.Sub(st.Gauged) <= freshWeather {
			return 0, false
		}
		st.Jumped = st.Jumped || st.Gauge != ""
		st.Gauge, st.Gauged, st.Counter = gauge, time.Time{}, quality.RainCounter(0)
	}
	if !f.At.After(st.Gauged) {
		return 0, false
	}
	since := f.At.Sub(st.Gauged)
	st.Gauged = f.At
	if f.Key.Quantity == devices.Rain {
		return f.Value, true
	}
	before := st.Counter.Shown.Total
	mm, note := st.Counter.Add(f.At, f.Value)
	switch note {
	case quality.NoteCounted:
		return mm, true
	case quality.NoteFirst, quality.NoteOld:
		return 0, false
	case quality.NoteReset:
		if mm > before/2 || mm > resetMMPerHour*max(1, since.Hours()) {
			mm = 0
		}
	}
	st.Jumped = true
	return mm, true
}

// resetMMPerHour is how much rain is believed of a counter that began again: a
// rain gauge of the region shows more in few hours of a decade.
const resetMMPerHour = 30

// A daysWeather is what a station's day came to.
type daysWeather struct {
	summary   quality.Summary
	etoMM     *float64
	rainOfGap bool // of the rain nothing is missing since the gauge was heard before
	estimated []string
}

func (d *daysWeather) known() bool {
	return d.etoMM != nil && d.summary.RainMM != nil && !d.rainPartly()
}

func (d *daysWeather) rainPartly() bool { return slices.Contains(d.summary.Partial, devices.Rain) }

// What is estimated of a day's rain.
const (
	rainPartly = "rain_of_part_of_the_day" // the gauge fell silent before the day was over
	rainJumped = "rain_counter_jumped"     // it went back, leapt or began again, or another gauge took over
)

// closeStations sums the day up at every station and opens the next one.
func (t *turn) closeStations() map[devices.StationID]daysWeather {
	s := t.site
	next := s.midnightAfter(s.state.Midnight)
	days := make(map[devices.StationID]daysWeather, len(s.c.Stations))
	for _, where := range s.c.Stations {
		st := s.state.Stations[where.ID]
		d := daysWeather{summary: st.Day.Close(), rainOfGap: !st.Jumped}
		place := water.Place{LatitudeDeg: where.Latitude, ElevationM: where.ElevationM}
		w := d.summary
		eto, estimated, err := water.DailyETo(place, st.Day.From.In(s.c.Zone), water.Weather{
			TMinC: w.TMinC, TMaxC: w.TMaxC, RHMinPct: w.RHMinPct, RHMaxPct: w.RHMaxPct, WindMS: w.WindMS, SolarMJM2: w.SolarMJ,
		})
		if err == nil { // else the balances stand in for it, for a while
			d.etoMM, d.estimated = &eto, estimated
			st.EToMM = &eto
		}
		if d.rainPartly() {
			d.estimated = append(d.estimated, rainPartly)
		}
		if st.Jumped {
			d.estimated = append(d.estimated, rainJumped)
		}
		st.Jumped = false
		days[where.ID] = d
		st.Day = quality.NewDayWeather(s.state.Midnight, next)
	}
	return days
}
