// Package field is the land that virtual devices stand in: a sky with seeded
// weather, and soils that get wet and dry. It is plausible and no more: three
// layers that empty by a demand taken from the sun, numbers rounded for the
// hills of south-east Chongqing. It knows no crop stages, no runoff on slopes
// and no yield, and it shares no formula with what is tested on it.
//
// The weather is a function of the seed and the time alone, so a season can be
// entered anywhere. The soils are not: they carry what has been rained and
// irrigated since the start.
//
// A Field belongs to one goroutine.
package field

import (
	"fmt"
	"math"
	"time"

	"ganlin/devices"
)

// maxStep bounds one step of the soils.
const maxStep = 10 * time.Minute

// squareMetresPerMu is the area of one mu.
const squareMetresPerMu = 2000.0 / 3

// Options describe a field.
type Options struct {
	Season   Season
	Start    time.Time // of the season; soils are near field capacity then
	Seed     uint64
	Stations []devices.Station
	Plots    []devices.Plot // each with a known texture and one of the stations
}

// A Field is the weather and the soils of a village.
type Field struct {
	now     time.Time
	weather *weather
	sites   map[devices.StationID]site
	skies   map[devices.StationID]Sky // now
	plots   map[devices.PlotID]*plot
	order   []*plot
}

type plot struct {
	site    devices.StationID
	planted time.Time
	areaM2  float64
	soil    soil
	rainMM  float64 // of the station's counter, seen last
}

// New returns a field at its start.
func New(o Options) (*Field, error) {
	w, err := newWeather(o.Season, o.Start, o.Seed)
	if err != nil {
		return nil, err
	}
	f := &Field{now: o.Start, weather: w, sites: map[devices.StationID]site{}, skies: map[devices.StationID]Sky{}, plots: map[devices.PlotID]*plot{}}
	for _, s := range o.Stations {
		f.sites[s.ID] = newSite(s, o.Seed)
	}
	f.look()
	for _, p := range o.Plots {
		texture, ok := textures[p.Soil.Texture]
		if !ok {
			return nil, fmt.Errorf("plot %s: the texture %q is unknown", p.ID, p.Soil.Texture)
		}
		if _, ok := f.sites[p.Station]; !ok {
			return nil, fmt.Errorf("plot %s: its station %q is unknown", p.ID, p.Station)
		}
		f.plots[p.ID] = &plot{site: p.Station, planted: p.Planted, areaM2: p.AreaMu * squareMetresPerMu, soil: newSoil(texture)}
		f.order = append(f.order, f.plots[p.ID])
	}
	return f, nil
}

// Advance moves weather and soils on; a time that has passed changes nothing.
func (f *Field) Advance(to time.Time) {
	for f.now.Before(to) {
		next := f.now.Add(min(maxStep, to.Sub(f.now)))
		hours := next.Sub(f.now).Hours()
		f.now = next
		f.look()
		for _, p := range f.order {
			sky := f.skies[p.site]
			demand := demandMMPerHour(sky) * cropFactor(next.Sub(p.planted)) * hours
			p.soil.step(sky.RainTotalMM-p.rainMM, demand, hours)
			p.rainMM = sky.RainTotalMM
		}
	}
}

// look takes the weather of now.
func (f *Field) look() {
	for id, s := range f.sites {
		f.skies[id] = f.weather.at(f.now, s)
	}
}

// Sky returns the weather at a station. It panics when the station is unknown.
func (f *Field) Sky(id devices.StationID) Sky {
	sky, ok := f.skies[id]
	if !ok {
		panic(fmt.Sprintf("station %s is unknown", id))
	}
	return sky
}

// SoilMoisture returns the water content of a plot at a depth, m3/m3.
func (f *Field) SoilMoisture(id devices.PlotID, depthCM int) float64 {
	return f.plot(id).soil.moisture(depthCM)
}

// SoilTemperature returns the temperature of a plot's soil at a depth, degrees
// Celsius: the day's wave of the air, damped and late.
func (f *Field) SoilTemperature(id devices.PlotID, depthCM int) float64 {
	return f.weather.soilTemperature(f.now, f.sites[f.plot(id).site], depthCM)
}

// Irrigate brings water onto a plot, spread over all of it.
func (f *Field) Irrigate(id devices.PlotID, litres float64) {
	p := f.plot(id)
	p.soil.irrigate(litres / p.areaM2)
}

// Balance returns where the water of a plot has come from and gone to since the start.
func (f *Field) Balance(id devices.PlotID) Balance { return f.plot(id).soil.balance() }

func (f *Field) plot(id devices.PlotID) *plot {
	p, ok := f.plots[id]
	if !ok {
		panic(fmt.Sprintf("plot %s is unknown", id))
	}
	return p
}

// demandMMPerHour is what sun and dry air would take from a well-watered
// meadow: two thirds of the radiation as evaporation, more in heat.
func demandMMPerHour(s Sky) float64 {
	const joulesPerMM = 2.45e6 // to evaporate 1 mm of 1 m2
	return 0.6 * s.SolarRadiationWM2 * 3600 / joulesPerMM * min(max(1+0.02*(s.AirTemperatureC-25), 0.6), 1.4)
}

// cropFactor grows from a bare field to a closed stand and falls at ripeness.
func cropFactor(age time.Duration) float64 {
	days := age.Hours() / 24
	switch {
	case days < 20:
		return 0.4
	case days < 65:
		return 0.4 + 0.7*(days-20)/45
	case days < 110:
		return 1.1
	default:
		return math.Max(0.5, 1.1-0.6*(days-110)/30)
	}
}
