package field

import (
	"hash/fnv"
	"math"
	"math/rand/v2"
	"time"

	"ganlin/devices"
)

// A Sky is the weather at one place and time.
type Sky struct {
	AirTemperatureC     float64
	RelativeHumidityPct float64
	WindSpeedMS         float64
	SolarRadiationWM2   float64
	RainTotalMM         float64 // since the season began
	AirPressureHPa      float64
}

// utcOffset of the region: its days begin at 16:00 UTC.
const utcOffset = 8 * time.Hour

// The draws of a seed, kept apart.
const (
	rainDraw = iota + 1
	dayDraw
	knotDraw
)

// weather makes the sky of a season. Everything it says is a function of seed
// and time; the caches only save the work.
type weather struct {
	season   climate
	start    time.Time
	seed     uint64
	beforeMM float64 // rain of the first month before the start
	rain     map[month]rainMonth
	days     map[int64]day
}

// A day is what is drawn once a day.
type day struct {
	meanC, rangeC float64 // of the air at the reference height
	dewC          float64
	clearness     float64 // share of the clear sky's radiation
	windMS        float64
}

// A site is how a station's place differs from the region.
type site struct {
	latitude, longitude float64
	elevationM          float64
	rainFactor          float64
}

// referenceM is the height that the season's temperatures are meant for; lapsePerM is the fall with height.
const (
	referenceM = 640
	lapsePerM  = 0.006
)

func newSite(s devices.Station, seed uint64) site {
	h := fnv.New64a()
	_, _ = h.Write([]byte(s.ID))
	rng := rand.New(rand.NewPCG(seed, h.Sum64())) //nolint:gosec // seeded on purpose
	return site{latitude: s.Latitude, longitude: s.Longitude, elevationM: s.ElevationM, rainFactor: 0.97 + 0.06*rng.Float64()}
}

func newWeather(s Season, start time.Time, seed uint64) (*weather, error) {
	c, err := s.climate()
	if err != nil {
		return nil, err
	}
	w := &weather{season: c, start: start, seed: seed, rain: map[month]rainMonth{}, days: map[int64]day{}}
	w.beforeMM = w.rainUntil(start)
	return w, nil
}

func (w *weather) rng(draw int, n int64) *rand.Rand {
	return rand.New(rand.NewPCG(w.seed+uint64(draw)<<56, uint64(n)*0x9e3779b97f4a7c15)) //nolint:gosec // seeded on purpose; a bit pattern
}

// at returns the sky over a site.
func (w *weather) at(t time.Time, s site) Sky {
	local := t.Add(utcOffset)
	number, hour := splitDay(local)
	today := w.day(number)
	air := w.air(local) - lapsePerM*(s.elevationM-referenceM)
	dew := today.dewC - lapsePerM*(s.elevationM-referenceM)/2
	raining := w.rainingAt(t)
	sky := Sky{
		AirTemperatureC:     air,
		RelativeHumidityPct: min(100, 100*vapour(min(dew, air))/vapour(air)),
		WindSpeedMS:         today.windMS * (0.6 + 0.8*max(0, math.Sin(math.Pi*(hour-8)/12))),
		SolarRadiationWM2:   1000 * math.Pow(sinElevation(t, s), 1.15) * today.clearness,
		RainTotalMM:         s.rainFactor * w.rainSince(t),
		AirPressureHPa:      standardPressure(s.elevationM) + 2*math.Sin(2*math.Pi*float64(number)/7) - 0.7*math.Sin(2*math.Pi*(hour-9)/12),
	}
	if raining {
		sky.RelativeHumidityPct = max(sky.RelativeHumidityPct, 93)
		sky.SolarRadiationWM2 *= 0.25
	}
	return sky
}

// air returns the temperature at the reference height: warmest at 15 h, coldest at 3 h.
func (w *weather) air(local time.Time) float64 {
	number, hour := splitDay(local)
	// Mean and range pass over into those of the next day around midnight.
	today, next := w.day(number), w.day(number+1)
	if hour < 12 {
		today, next = w.day(number-1), today
		hour += 24
	}
	part := (hour - 12) / 24
	mean := today.meanC + part*(next.meanC-today.meanC)
	swing := today.rangeC + part*(next.rangeC-today.rangeC)
	return mean + swing/2*math.Cos(2*math.Pi*(hour-15)/24)
}

// day draws a day's weather. A spell of some days is drawn at knots and blended,
// so that warm days follow warm ones.
func (w *weather) day(number int64) day {
	if d, ok := w.days[number]; ok {
		return d
	}
	const knotDays = 5
	local := time.Unix(number*86400, 0).UTC()
	knot, part := number/knotDays, float64(number%knotDays)/knotDays
	spell := (1-part)*w.rng(knotDraw, knot).NormFloat64() + part*w.rng(knotDraw, knot+1).NormFloat64()
	rng := w.rng(dayDraw, number)
	c := w.season
	wet := w.rainOfDay(number) > 1
	d := day{
		meanC:     c.meanC(local) + 1.6*spell + 0.5*rng.NormFloat64(),
		rangeC:    c.rangeC(local) + 0.8*rng.NormFloat64(),
		clearness: 0.95 - 0.4*c.haze(local)*rng.Float64(),
		windMS:    0.8 + 1.2*rng.ExpFloat64(),
	}
	if wet {
		d.meanC -= 2.5
		d.rangeC *= 0.55
		d.clearness *= 0.5
	}
	d.windMS = min(d.windMS, 8)
	d.dewC = d.meanC - d.rangeC/2 - c.dewDeficitC(local) + 0.5*rng.NormFloat64()
	w.days[number] = d
	return d
}

// splitDay returns the number of the local day since 1970 and the hour in it.
func splitDay(local time.Time) (number int64, hour float64) {
	seconds := local.Unix()
	number = seconds / 86400
	return number, float64(seconds-number*86400) / 3600
}

// standardPressure is the mean pressure at a height, hPa.
func standardPressure(elevationM float64) float64 {
	return 1013.25 * math.Pow(1-elevationM/44330, 5.255)
}

// vapour is the saturation vapour pressure (Magnus), hPa.
func vapour(tC float64) float64 { return 6.112 * math.Exp(17.62*tC/(243.12+tC)) }

// sinElevation returns the sine of the sun's height; 0 at night.
func sinElevation(t time.Time, s site) float64 {
	const rad = math.Pi / 180
	dayOfYear := float64(t.YearDay())
	declination := -23.44 * rad * math.Cos(2*math.Pi*(dayOfYear+10)/365)
	solarHour := float64(t.Unix()%86400)/3600 + s.longitude/15
	sin := math.Sin(s.latitude*rad)*math.Sin(declination) +
		math.Cos(s.latitude*rad)*math.Cos(declination)*math.Cos(2*math.Pi*(solarHour-12)/24)
	return max(0, sin)
}
