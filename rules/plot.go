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
	Balance  water.Balance
	Begun    bool // there is a balance
	Capacity water.FieldCapacity
	Last     water.DayResult // of the day that was closed last
	Day      time.Time       // its end

	NetTodayMM float64    // irrigation that went into the soil since midnight
	NetUnknown bool       // and more, nobody knows how much
	Waterings  []watering // of the last week
	WaterMM    float64    // running total of irrigation, net
	ETaMM      float64    // running total

	Soaking *soaking `json:",omitempty"` // nil: nothing was watered, or its effect is told

	TodayL, SeasonL float64 // delivered by its valves, litres
	Openings        int

	Probed bool    // the last day was corrected by a probe
	Stress float64 // share of the demand that was not met lately: a mean that forgets by a tenth a day

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

// probes returns the fresh good soil moistures of a parcel, one a depth, and
// the readings that they are. Two probes at one depth are averaged.
func (s *Site) probes(i int, at time.Time) (readings []water.ProbeReading, evidence []devices.Evidence) {
	count := map[int]int{}
	for _, id := range s.parcels[i].probes {
		for k := range s.state.Devices[id].Series {
			one := &s.state.Devices[id].Series[k]
			if one.Key.Quantity != devices.SoilMoisture || one.At.IsZero() || at.Sub(one.At) > freshSoil || one.Verdict&quality.Stuck != 0 {
				continue
			}
			depth, err := strconv.Atoi(one.Key.DepthCM)
			if err != nil {
				continue
			}
			evidence = append(evidence, devices.Evidence{Device: id, Key: one.Key.String(), Value: one.Value, At: one.At, Received: one.Received})
			merged := false
			for r := range readings {
				if readings[r].DepthCM == depth {
					n := float64(count[depth])
					readings[r].Theta = (readings[r].Theta*n + one.Value) / (n + 1)
					merged = true
				}
			}
			if !merged {
				readings = append(readings, water.ProbeReading{DepthCM: depth, Theta: one.Value})
			}
			count[depth]++
		}
	}
	sortReadings(readings)
	return readings, evidence
}

func sortReadings(r []water.ProbeReading) {
	for i := range r {
		for k := i; k > 0 && r[k].DepthCM < r[k-1].DepthCM; k-- {
			r[k], r[k-1] = r[k-1], r[k]
		}
	}
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
	if !p.Begun {
		var theta *float64
		_, rootM, _ := params.Crop.Stage(params.DayNumber(begin))
		if mean, ok := water.Theta(readings, rootM); ok {
			theta = &mean
		}
		p.Balance, p.Begun = water.NewBalance(params, theta, begin), true
	}
	irrigation := p.NetTodayMM
	if p.NetUnknown {
		irrigation = math.NaN()
	}
	r := p.Balance.Day(params, water.DayInput{
		Day: begin, EToMM: day.etoMM, RainMM: day.summary.RainMM, IrrigationMM: irrigation,
		MeanWind: day.summary.WindMS, RHMin: day.summary.RHMinPct,
	})
	d := t.decision(devices.BalanceDecision, "fao56_balance", balanceVersion, string(where.ID), where.ID, "closed")
	d.At, d.Evidence = end, evidence
	if c, ok := p.Balance.Correct(params, readings, probeWeight); ok {
		d.Numbers["depletion_balance_mm"], d.Numbers["depletion_probe_mm"] = c.BeforeMM, c.MeasuredMM
		r.DepletionMM, r.Known = c.AfterMM, true
	}
	learn := water.CapacityDay{WaterMM: r.RainMM + r.IrrigationMM, DrainageMM: r.DrainageMM, RootM: r.RootM}
	if theta, ok := water.Theta(readings, r.RootM); ok {
		learn.Theta = &theta
	}
	if water.LearnFieldCapacity(&p.Capacity, where.params.Soil, learn) {
		d.Numbers["field_capacity"] = *p.Capacity.Value
		params = s.params(i)
		if c, ok := p.Balance.Correct(params, readings, 1); ok { // the same moisture says another depletion now
			r.DepletionMM = c.AfterMM
		}
	}
	p.Last, p.Day, p.Probed = r, end, len(readings) > 0
	if r.ETcMM > 0 {
		p.Stress += (1 - r.ETaMM/r.ETcMM - p.Stress) / stressDays
	}
	p.WaterMM += p.NetTodayMM
	p.NetTodayMM, p.NetUnknown, p.TodayL = 0, false, 0
	p.ETaMM += r.ETaMM
	d.Estimated = append(append(d.Estimated, day.estimated...), r.Estimated...)
	d.Unknown = append(d.Unknown, r.Unknown...)
	if !r.Known {
		d.Outcome = "unknown"
		t.decide(d)
		return
	}
	grade := drought.GradeOf(rsm(params, r), params.Soil.Class, drought.GBT32136)
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
	d.Points = append(d.Points, point)
	t.decide(d)
}

// balanceVersion names the way in which balances are computed.
const balanceVersion = "1"

// localDay returns the local midnight that begins the day that ends at end.
func (s *Site) localDay(end time.Time) time.Time {
	return s.midnight(end, -1).In(s.c.Zone)
}

func (s *Site) location(i int) devices.Location { return s.locationOf(&s.parcels[i]) }

func (s *Site) locationOf(p *parcel) devices.Location {
	return devices.Location{Plot: p.ID, Site: s.c.Site.ID, Place: p.Place}
}

// rsm is the relative soil moisture of the root zone, in percent of field capacity.
func rsm(params water.Params, r water.DayResult) float64 {
	return drought.RSMFromDepletion(r.DepletionMM, r.TAWMM, params.Soil)
}

// level is a grade as it is stored: 0 for none to 4 for extreme. An unknown one is not stored.
func level(g drought.Grade) float64 { return float64(g - drought.None) }
