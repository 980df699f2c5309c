package rules

import (
	"time"

	"ganlin/devices"
	"ganlin/rules/quality"
	"ganlin/rules/water"
)

// A station is the weather as far as it is known.
type station struct {
	Heard       time.Time // event time of the newest good reading
	Day         quality.DayWeather
	Counter     quality.Counter
	Rain24h     quality.Window
	Rain7d      quality.Window
	Temperature quality.Window // of 24 hours
	RainMM      float64        // running total
	EToMM       *float64       // of the last day that it was known
}

func newStation(devices.Station) *station {
	return &station{
		Counter: quality.NewCounter(devices.RainTotal, 0),
		Rain24h: quality.Window{Hours: 24}, Rain7d: quality.Window{Hours: 168}, Temperature: quality.Window{Hours: 24},
	}
}

// A daysWeather is what a station's day came to.
type daysWeather struct {
	summary   quality.Summary
	etoMM     *float64
	estimated []string
}

// closeStations sums the day up at every station and opens the next one.
func (t *turn) closeStations() map[devices.StationID]daysWeather {
	s := t.site
	next := s.midnightAfter(s.state.Midnight)
	days := make(map[devices.StationID]daysWeather, len(s.c.Stations))
	for _, where := range s.c.Stations {
		st := s.state.Stations[where.ID]
		d := daysWeather{summary: st.Day.Close()}
		place := water.Place{LatitudeDeg: where.Latitude, ElevationM: where.ElevationM}
		w := d.summary
		eto, estimated, err := water.DailyETo(place, st.Day.From.In(s.c.Zone), water.Weather{
			TMinC: w.TMinC, TMaxC: w.TMaxC, RHMinPct: w.RHMinPct, RHMaxPct: w.RHMaxPct, WindMS: w.WindMS, SolarMJM2: w.SolarMJ,
		})
		switch {
		case err == nil:
			d.etoMM, d.estimated = &eto, estimated
			st.EToMM = &eto
		case st.EToMM != nil:
			d.etoMM, d.estimated = st.EToMM, []string{"eto_of_an_earlier_day"}
		}
		days[where.ID] = d
		st.Day = quality.NewDayWeather(s.state.Midnight, next)
	}
	return days
}
