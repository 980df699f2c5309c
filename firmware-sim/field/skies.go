package field

import (
	"math"
	"time"

	"ganlin/devices"
)

// A source knows the weather over a site at an instant.
type source interface {
	at(t time.Time, s site) Sky
}

// skies are the weather of all stations, hour by hour, worked out as far as it
// was asked for and kept: four arms look at it again and again.
type skies struct {
	source source
	start  time.Time
	sites  []site
	rows   [][]row // of each station, from the start on
}

// A row is the weather at a full hour, and what it did up to the next one.
type row struct {
	Sky
	demandMM float64 // reference evapotranspiration up to the next row
	warmthC  float64 // sum of the temperatures of all rows before
	clear    float64 // share of a cloudless sky's radiation, of the last daylight
}

func newSkies(src source, start time.Time, stations []devices.Station, seed uint64) *skies {
	s := &skies{source: src, start: start, rows: make([][]row, len(stations))}
	for _, station := range stations {
		s.sites = append(s.sites, newSite(station, seed))
	}
	return s
}

// row returns the weather of a station so many hours after the start.
func (s *skies) row(station, hours int) *row {
	for len(s.rows[station]) <= hours+1 {
		s.add(station)
	}
	return &s.rows[station][hours]
}

// add works out the next row, and with it the demand of the hour before.
func (s *skies) add(station int) {
	n := len(s.rows[station])
	t := s.start.Add(time.Duration(n) * time.Hour)
	next := row{Sky: s.source.at(t, s.sites[station]), clear: 0.6}
	if n > 0 {
		last := &s.rows[station][n-1]
		last.demandMM = referenceMM(blend(last.Sky, next.Sky, 0.5), last.clear)
		next.clear, next.warmthC = last.clear, last.warmthC+last.AirTemperatureC
	}
	if high := sinElevation(t, s.sites[station]); high > 0.3 {
		next.clear = min(next.SolarRadiationWM2/(0.75*1367*high), 1)
	}
	s.rows[station] = append(s.rows[station], next)
}

// split returns the full hour before a time and the part of the hour that has passed since.
func (s *skies) split(t time.Time) (hours int, part float64) {
	since := max(t.Sub(s.start), 0)
	hours = int(since / time.Hour)
	return hours, (since - time.Duration(hours)*time.Hour).Hours()
}

// at returns the weather at any time.
func (s *skies) at(station int, t time.Time) Sky {
	hours, part := s.split(t)
	one, two := s.row(station, hours), s.row(station, hours+1)
	return blend(one.Sky, two.Sky, part)
}

// hour returns what acts on the plots of a station in the hour that begins so many hours after the start.
func (s *skies) hour(station, hours int) hour {
	begin := s.row(station, hours)
	h := hour{day: dayOf(s.start.Add(time.Duration(hours) * time.Hour)), demandMM: begin.demandMM}
	h.rainMM = s.row(station, hours+1).RainTotalMM - s.rows[station][hours].RainTotalMM
	return h
}

// dayMM returns the demand of the local day in which an hour lies, of the first day from the start on.
func (s *skies) dayMM(station, hours int) float64 {
	_, hour := splitDay(s.start.Add(time.Duration(hours)*time.Hour + utcOffset))
	first := max(hours-int(hour), 0)
	s.row(station, first+24)
	sum := 0.0
	for _, r := range s.rows[station][first : first+24] {
		sum += r.demandMM
	}
	return sum
}

// rainMM returns the rain of the time before, no further back than the start.
func (s *skies) rainMM(station, hours, before int) float64 {
	return s.row(station, hours).RainTotalMM - s.row(station, max(hours-before, 0)).RainTotalMM
}

// air returns the temperature at a time; before the start it is that of the start.
func (s *skies) air(station int, t time.Time) float64 {
	hours, part := s.split(t)
	one, two := s.row(station, hours), s.row(station, hours+1)
	return one.AirTemperatureC + part*(two.AirTemperatureC-one.AirTemperatureC)
}

// meanC returns the mean temperature of the hours before a time.
func (s *skies) meanC(station int, t time.Time, before int) float64 {
	last, _ := s.split(t)
	last++
	first := max(last-before, 0)
	return (s.row(station, last).warmthC - s.row(station, first).warmthC) / float64(last-first)
}

// soilTemperature is the mean of the last days, and on it the air's wave of the day, damped and late.
func (s *skies) soilTemperature(station int, t time.Time, depthCM int) float64 {
	const (
		dampingCM = 12
		memory    = 6 * 24
	)
	depth := float64(depthCM) / dampingCM
	then := t.Add(-time.Duration(depth / (2 * math.Pi) * 24 * float64(time.Hour)))
	wave := math.Exp(-depth) * (s.air(station, then) - s.meanC(station, then, 24))
	return s.meanC(station, t, memory) + 1 + wave
}

// blend returns the weather between two hours.
func blend(a, b Sky, part float64) Sky {
	between := func(a, b float64) float64 { return a + part*(b-a) }
	return Sky{
		AirTemperatureC:     between(a.AirTemperatureC, b.AirTemperatureC),
		RelativeHumidityPct: between(a.RelativeHumidityPct, b.RelativeHumidityPct),
		WindSpeedMS:         between(a.WindSpeedMS, b.WindSpeedMS),
		SolarRadiationWM2:   between(a.SolarRadiationWM2, b.SolarRadiationWM2),
		RainTotalMM:         between(a.RainTotalMM, b.RainTotalMM),
		AirPressureHPa:      between(a.AirPressureHPa, b.AirPressureHPa),
	}
}
