package rules

import (
	"math"
	"time"

	"ganlin/devices"
	"ganlin/rules/drought"
	"ganlin/rules/quality"
	"ganlin/rules/water"
)

// A soilView is how a plot stands at one moment. What is nil is unknown.
type soilView struct {
	params      water.Params
	cropDay     int // of its season
	stage       string
	kc          float64
	depletion   *float64 // mm
	least, most float64  // mm: the range of it
	raw, taw    float64  // mm
	rsm         *float64 // percent
	deficit     *float64 // percent: what a growing crop does not get of what it asks for
	grade       drought.Grade
	soilAgeH    *float64
	skyAgeH     *float64
	estimated   []string
	evidence    []devices.Evidence
}

// soil tells how a parcel stands at the watermark: the balance of last midnight,
// what has gone and come since, and what fresh probes say.
func (s *Site) soil(i int, at time.Time) soilView {
	where, p := &s.parcels[i], s.state.Plots[s.parcels[i].ID]
	st := s.state.Stations[where.Station]
	v := soilView{params: s.params(i)}
	v.cropDay = v.params.SeasonDay(s.localDay(s.state.Midnight))
	var rootM float64
	v.kc, rootM, v.stage = v.params.Crop.Stage(v.cropDay)
	v.taw = v.params.Soil.TAWMM(rootM)
	v.raw = v.params.Crop.DepletionFraction * v.taw
	if p.Balanced && p.Last.TAWMM > 0 {
		v.raw = v.taw * p.Last.RAWMM / p.Last.TAWMM
	}
	var readings []water.ProbeReading
	readings, v.evidence = s.probes(i, at)
	v.soilAgeH = s.soilAge(i, at)
	if !st.Heard.IsZero() {
		v.skyAgeH = hours(at.Sub(st.Heard))
	}
	least, most, since := s.today(p, st, v.kc, at)
	if !v.freshSky() || !water.Close(least, most, v.taw) {
		since = nil
	}
	measured, isMeasured := water.DepletionOf(v.params, rootM, readings)
	within := func(mm float64) float64 { return min(max(mm, 0), v.taw) }
	switch {
	case since == nil && !isMeasured:
		return v
	case since == nil:
		v.least, v.most = measured, measured
		v.estimated = append(v.estimated, "probe_only")
	default:
		v.least, v.most = within(least+*since), within(most+*since)
		if !isMeasured {
			v.estimated = append(append(v.estimated, "balance_only"), p.Balance.Doubts...)
		}
	}
	d := (v.least + v.most) / 2
	if since != nil && isMeasured {
		d += probeWeight * (measured - d)
		v.least, v.most = d, d
	}
	v.depletion = &d
	var theta *float64
	if mean, ok := water.Theta(readings, rootM); ok {
		theta = &mean
	}
	v.rsm, v.deficit, v.grade = graded(&v.params, v.stage, theta, d, v.raw, v.taw)
	return v
}

// graded is how dry a soil is for its crop: by its relative moisture, which
// probes measure and else follows from the depletion, and by the water that a
// growing crop lacks. The drier grade counts: a fine soil is far from dry by
// its moisture when all that it holds is out of reach of roots.
func graded(p *water.Params, stage string, theta *float64, depletionMM, rawMM, tawMM float64) (rsmPct, deficitPct *float64, g drought.Grade) {
	rsm := drought.RSMFromDepletion(depletionMM, tawMM, p.Soil)
	if theta != nil {
		rsm = 100 * *theta / p.Soil.FieldCapacity
	}
	g = drought.OfMoisture(rsm, p.Soil.Class)
	switch stage {
	case water.Initial, water.Development, water.MidSeason, water.LateSeason:
		deficit := 100 * (1 - water.Stress(depletionMM, rawMM, tawMM))
		return &rsm, &deficit, max(g, drought.OfDeficit(deficit, stage == water.MidSeason))
	}
	return &rsm, nil, g
}

// freshSky reports whether the weather is known.
func (v *soilView) freshSky() bool { return v.skyAgeH != nil && *v.skyAgeH <= freshWeather.Hours() }

// today is the range of the depletion at midnight, and how much it has grown
// since, in mm: by what an average day's sun has drawn by this hour, less what
// came; nil: unknown.
func (s *Site) today(p *plot, st *station, kc float64, at time.Time) (least, most float64, since *float64) {
	if !p.Balanced || p.NetUnknown {
		return 0, 0, nil
	}
	mm := p.Last.EToMM*kc*p.Last.Ks*drawnBy(at.In(s.c.Zone)) - p.NetTodayMM
	rain := st.Day.Close().RainMM
	if rain != nil {
		mm -= *rain
	}
	least, most = p.Balance.Range(rain != nil && !st.Jumped)
	if p.NetMoreMM > 0 {
		least = min(least, max(least-p.NetMoreMM, -mm)) // no wetter than full
	}
	return least, most, &mm
}

// settling reports whether nothing is amiss but that a plot without a probe is
// new: weather will show how wet it is.
func (s *Site) settling(i int, v *soilView, at time.Time) bool {
	p := s.state.Plots[s.parcels[i].ID]
	since := p.Since
	if since.IsZero() {
		since = s.state.Began
	}
	return v.depletion == nil && len(s.parcels[i].probes) == 0 && !p.Balance.Settled && v.freshSky() && (p.SkyKnown || at.Sub(since) < firstWeather)
}

// firstWeather is how long it may take until there is a day of which the weather is known.
const firstWeather = 48 * time.Hour

// drawnBy is the share of a day's evapotranspiration that is over at a local
// time: the sun from 6 to 19 h, as a sine.
func drawnBy(local time.Time) float64 {
	h := float64(local.Hour()) + float64(local.Minute())/60
	switch {
	case h <= 6:
		return 0
	case h >= 19:
		return 1
	}
	return (1 - math.Cos(math.Pi*(h-6)/13)) / 2
}

// soilAge is how old the newest good soil moisture of a parcel is; nil without any.
func (s *Site) soilAge(i int, at time.Time) *float64 {
	var newest time.Time
	for _, id := range s.parcels[i].probes {
		for k := range s.state.Devices[id].Series {
			one := &s.state.Devices[id].Series[k]
			if one.Key.Quantity == devices.SoilMoisture && one.At.After(newest) && one.Verdict&quality.Stuck == 0 {
				newest = one.At
			}
		}
	}
	if newest.IsZero() {
		return nil
	}
	return hours(at.Sub(newest))
}

func hours(d time.Duration) *float64 { return new(d.Hours()) }
