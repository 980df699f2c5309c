package rules

import (
	"math"
	"strconv"
	"time"

	"ganlin/devices"
	"ganlin/rules/drought"
	"ganlin/rules/quality"
	"ganlin/rules/water"
)

// A plot is what is known of a piece of land.
type plot struct {
	Since    time.Time // the watermark when it was new; zero: from the beginning
	Balance  water.Balance
	Balanced bool // there is a balance
	SkyKnown bool // of the last day all weather was known
	Capacity water.FieldCapacity
	Last     water.DayResult // of the day that was closed last

	NetTodayMM float64    // irrigation that went into the soil since midnight
	NetMoreMM  float64    `json:",omitempty"` // and maybe as much more, which no meter told
	NetUnknown bool       // and more, nobody knows how much
	Waterings  []watering // of the last week
	WaterMM    float64    // running total of irrigation, net
	ETaMM      float64    // running total

	Soaking *soaking `json:",omitempty"` // nil: nothing was watered, or its effect is told

	TodayL, SeasonL         float64   // delivered by its valves, litres
	SpentDayL, SpentSeasonL float64   // likewise; where nobody knows, as much as it may have been
	Starts                  int       // openings by rules since midnight
	Season                  time.Time // its first day
	Openings                int

	Probed bool    // the last day was corrected by a probe
	Stress float64 // share of the demand that was not met lately: a mean that forgets by a tenth a day

	Rule        string `json:",omitempty"` // that waters it; empty: the first
	Irrigating  bool
	Held        string    // why it is not watered though it needs it: said once a day
	HeldDay     time.Time // the midnight of that day
	PausedUntil time.Time `json:",omitzero"`  // a person has closed a valve of it
	Ask         *ask      `json:",omitempty"` // nil: no person needs to see to its water
	Loss        *lossRange
}

// A lossRange is a projected loss of yield, as shares.
type lossRange struct{ Low, Mid, High float64 }

// A watering is what one opening brought to the roots.
type watering struct {
	At    time.Time
	NetMM float64
}

// irrigated sums the waterings of a time.
func (p *plot) irrigated(at time.Time, d time.Duration) (mm float64) {
	for _, w := range p.Waterings {
		if at.Sub(w.At) < d {
			mm += w.NetMM
		}
	}
	return mm
}

// learned returns the parameters with the field capacity that the probes showed.
func (p *plot) learned(params water.Params) water.Params {
	params.Soil = p.Capacity.Soil(params.Soil)
	return params
}

// How old a probe's value may be to count as fresh, and the weather to count as known.
const (
	freshSoil    = 6 * time.Hour
	freshWeather = 6 * time.Hour
)

// probes returns the fresh good soil moistures of a parcel, and the readings that they are.
func (s *Site) probes(i int, at time.Time) (readings []water.ProbeReading, evidence []devices.Evidence) {
	for _, id := range s.parcels[i].probes {
		for k := range s.state.Devices[id].Series {
			one := &s.state.Devices[id].Series[k]
			if one.Key.Quantity != devices.SoilMoisture || one.At.IsZero() || at.Sub(one.At) > freshSoil || one.Verdict&quality.Stuck != 0 {
				continue
			}
			if depth, err := strconv.Atoi(one.Key.DepthCM); err == nil {
				evidence = append(evidence, devices.Evidence{Device: id, Key: one.Key.String(), Value: one.Value, At: one.At, Received: one.Received})
				readings = append(readings, water.ProbeReading{DepthCM: depth, Theta: one.Value})
			}
		}
	}
	return readings, evidence
}

// soilContext is what the plot says about a reading of its probe.
func (s *Site) soilContext(i int) quality.Context {
	p := s.state.Plots[s.parcels[i].ID]
	wilting := s.parcels[i].params.Soil.WiltingPoint
	station := s.state.Stations[s.parcels[i].Station]
	return quality.Context{WiltingPoint: &wilting, WaterMM: p.WaterMM + station.RainMM, ETaMM: p.ETaMM}
}

// probeWeight is how far the balance follows a probe each day: a probe is one
// point of a field, the balance is its mean, and both err.
const probeWeight = 0.5

// stressDays is how long the recent stress of a plot reaches back.
const stressDays = 10

// closeDay ends the local day: weather, then the balance of every plot, then the households.
func (t *turn) closeDay() {
	s := t.site
	end := s.state.Midnight
	days := t.closeStations()
	for i := range s.parcels {
		t.closePlot(i, end, days[s.parcels[i].Station])
	}
	s.state.Midnight = s.midnightAfter(end)
	t.closeHouseholds(end)
}

func (t *turn) closePlot(i int, end time.Time, day daysWeather) {
	s := t.site
	where := &s.parcels[i]
	p := s.state.Plots[where.ID]
	begin := s.localDay(end)
	readings, evidence := s.probes(i, end)
	params := s.params(i)
	season := params.SeasonBegin(end.In(s.c.Zone))
	d := t.decision(devices.BalanceDecision, "fao56_balance", balanceVersion, string(where.ID), where.ID, "closed")
	d.At, d.Evidence = end, evidence
	if !p.Balanced {
		p.Balance, p.Balanced = water.NewBalance(params, begin), true
	}
	irrigation := p.NetTodayMM
	if p.NetUnknown {
		irrigation = math.NaN()
	}
	r := p.Balance.Day(params, water.DayInput{
		Day: begin, EToMM: day.etoMM, RainMM: day.summary.RainMM, RainOfGap: day.rainOfGap, RainPartly: day.rainPartly(),
		IrrigationMM: irrigation, MaybeMM: p.NetMoreMM, MeanWind: day.summary.WindMS, RHMin: day.summary.RHMinPct,
	})
	if c, ok := p.Balance.Correct(params, &r, readings, probeWeight); ok {
		d.Numbers["depletion_balance_mm"], d.Numbers["depletion_probe_mm"] = c.BeforeMM, c.MeasuredMM
	}
	learn := water.CapacityDay{WaterMM: r.RainMM + r.IrrigationMM, DrainageMM: r.DrainageMM, RootM: r.RootM}
	var theta *float64
	if mean, ok := water.Theta(readings, r.RootM); ok {
		theta = &mean
	}
	learn.Theta = theta
	if water.LearnFieldCapacity(&p.Capacity, where.params.Soil, learn) {
		d.Numbers["field_capacity"] = *p.Capacity.Value
		params = s.params(i)
		p.Balance.Correct(params, &r, readings, 1) // the same moisture says another depletion now
	}
	p.Last, p.Probed, p.SkyKnown = r, len(readings) > 0, day.known()
	if r.Known && r.ETcMM > 0 {
		p.Stress += (1 - r.ETaMM/r.ETcMM - p.Stress) / stressDays
	}
	p.dayIsOver(r.ETaMM, season)
	d.Estimated = append(append(d.Estimated, day.estimated...), r.Estimated...)
	d.Unknown = append(d.Unknown, r.Unknown...)
	if !r.Known {
		d.Outcome = "unknown"
		t.decide(d)
		return
	}
	_, _, grade := graded(&params, r.Stage, theta, r.DepletionMM, r.RAWMM, r.TAWMM)
	point := devices.Point{
		Measurement: devices.BalanceMeasurement, Location: s.location(i), At: begin.UTC(),
		Numbers: map[string]float64{"grade": level(grade)},
	}
	for name, v := range map[string]float64{
		"eto_mm": r.EToMM, "etc_mm": r.ETcMM, "eta_mm": r.ETaMM, "ks": r.Ks, "depletion_mm": r.DepletionMM,
		"raw_mm": r.RAWMM, "taw_mm": r.TAWMM, "rain_mm": r.RainMM, "irrigation_mm": r.IrrigationMM,
	} {
		d.Numbers[name], point.Numbers[name] = v, v
	}
	d.Numbers["grade"], d.Numbers["drainage_mm"] = level(grade), r.DrainageMM
	tellRange(&d, r.LeastMM, r.MostMM)
	d.Points = append(d.Points, point)
	t.decide(d)
}

// dayIsOver begins the next local day, and with it maybe the next season.
func (p *plot) dayIsOver(etaMM float64, season time.Time) {
	if !p.Season.Equal(season) {
		if !p.Season.IsZero() {
			p.SeasonL, p.SpentSeasonL, p.Openings = 0, 0, 0
		}
		p.Season = season
	}
	p.WaterMM += p.NetTodayMM
	p.NetTodayMM, p.NetMoreMM, p.NetUnknown, p.TodayL, p.SpentDayL, p.Starts = 0, 0, false, 0, 0, 0
	p.ETaMM += etaMM
}

// tellRange enters how far a depletion may be off, where there is something to tell.
func tellRange(d *devices.Decision, leastMM, mostMM float64) {
	if mostMM-leastMM >= 1 {
		d.Numbers["depletion_least_mm"], d.Numbers["depletion_most_mm"] = leastMM, mostMM
	}
}

// balanceVersion names the way in which balances are computed.
const balanceVersion = "2"

// localDay returns the local midnight that begins the day that ends at end.
func (s *Site) localDay(end time.Time) time.Time {
	return s.midnight(end, -1).In(s.c.Zone)
}

func (s *Site) location(i int) devices.Location { return s.locationOf(&s.parcels[i]) }

func (s *Site) locationOf(p *parcel) devices.Location {
	return devices.Location{Plot: p.ID, Site: s.c.Site.ID, Place: p.Place}
}

// level is a grade as it is stored: 0 for none to 4 for extreme. An unknown one is not stored.
func level(g drought.Grade) float64 { return float64(g - drought.None) }
