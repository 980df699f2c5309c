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
	known     bool
	params    water.Params
	cropDay   int
	stage     string
	kc        float64
	depletion *float64 // mm
	raw, taw  float64  // mm
	rsm       *float64 // percent
	grade     drought.Grade
	soilAgeH  *float64
	skyAgeH   *float64
	estimated []string
	evidence  []devices.Evidence
}

// soil tells how a parcel stands at the watermark: the balance of last midnight,
// what has gone and come since, and what fresh probes say.
func (s *Site) soil(i int, at time.Time) soilView {
	where, p := &s.parcels[i], s.state.Plots[s.parcels[i].ID]
	st := s.state.Stations[where.Station]
	v := soilView{params: s.params(i)}
	today := s.localDay(s.state.Midnight)
	v.cropDay = v.params.DayNumber(today)
	var rootM float64
	v.kc, rootM, v.stage = v.params.Crop.Stage(v.cropDay)
	v.taw = v.params.Soil.TAWMM(rootM)
	v.raw = v.params.Crop.DepletionFraction * v.taw
	if p.Begun && p.Last.TAWMM > 0 {
		v.raw = v.taw * p.Last.RAWMM / p.Last.TAWMM
	}
	var readings []water.ProbeReading
	readings, v.evidence = s.probes(i, at)
	v.soilAgeH = s.soilAge(i, at)
	if !st.Heard.IsZero() {
		v.skyAgeH = hours(at.Sub(st.Heard))
	}
	skyFresh := v.skyAgeH != nil && *v.skyAgeH <= freshWeather.Hours()
	var balance *float64
	if p.Begun && p.Last.Known && skyFresh {
		if now, ok := s.today(p, st, v.kc, at); ok {
			balance = &now
		}
	}
	measured, isMeasured := water.DepletionOf(v.params, rootM, readings)
	switch {
	case isMeasured:
		d := measured
		if balance != nil {
			d = *balance + probeWeight*(measured-*balance)
		} else {
			v.estimated = append(v.estimated, "probe_only")
		}
		v.depletion = &d
	case balance != nil:
		v.depletion = balance
		v.estimated = append(v.estimated, "balance_only")
	}
	if v.depletion == nil {
		return v
	}
	v.known = true
	*v.depletion = min(max(*v.depletion, 0), v.taw)
	r := drought.RSMFromDepletion(*v.depletion, v.taw, v.params.Soil)
	v.rsm, v.grade = &r, drought.GradeOf(r, v.params.Soil.Class, drought.GBT32136)
	return v
}

// today is the depletion of the balance now: that of midnight, less what came
// since, and what an average day's sun has drawn by this hour.
func (s *Site) today(p *plot, st *station, kc float64, at time.Time) (float64, bool) {
	eto := st.EToMM
	rain := st.Day.Close().RainMM
	if eto == nil || p.NetUnknown {
		return 0, false
	}
	d := p.Last.DepletionMM - p.NetTodayMM + *eto*kc*p.Last.Ks*drawnBy(at.In(s.c.Zone))
	if rain != nil {
		d -= *rain
	}
	return max(d, 0), true
}

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
