package field

import (
	"fmt"
	"time"

	"ganlin/devices"
)

// Options describe a ground and its weather.
type Options struct {
	Season   Season
	Record   *Record   // observed weather in place of a season; nil: none
	Start    time.Time // soils are near field capacity then
	Seed     uint64
	Stations []devices.Station
	Plots    []devices.Plot // each with a known texture and crop and one of the stations
}

// A Ground is weather and land before anybody farms it: what every arm of a
// comparison shares. It belongs to one goroutine.
type Ground struct {
	start   time.Time
	skies   *skies
	station map[devices.StationID]int
	parcels []parcel // in the order of the options
	plot    map[devices.PlotID]int
}

// Survey returns the ground for the options.
func Survey(o Options) (*Ground, error) {
	src, err := newSource(o)
	if err != nil {
		return nil, err
	}
	g := &Ground{
		start: o.Start, skies: newSkies(src, o.Start, o.Stations, o.Seed),
		station: map[devices.StationID]int{}, plot: map[devices.PlotID]int{},
	}
	for i, s := range o.Stations {
		g.station[s.ID] = i
	}
	for i, p := range o.Plots {
		station, ok := g.station[p.Station]
		if !ok {
			return nil, fmt.Errorf("plot %s: its station %q is unknown", p.ID, p.Station)
		}
		parcel, err := newParcel(p, station, o.Seed)
		if err != nil {
			return nil, err
		}
		g.parcels = append(g.parcels, parcel)
		g.plot[p.ID] = i
	}
	return g, nil
}

func newSource(o Options) (source, error) {
	switch {
	case o.Record == nil:
	case !o.Record.Start.Equal(o.Start):
		return nil, fmt.Errorf("the weather begins at %s, the season at %s", o.Record.Start, o.Start)
	default:
		return o.Record, nil
	}
	return newWeather(o.Season, o.Start, o.Seed)
}

// A Truth is what nobody in the village knows of a plot.
type Truth struct {
	FieldCapacity, WiltingPoint float64 // m3/m3
	RootM                       float64 // deepest roots
}

// Truth returns the truth about a plot.
func (g *Ground) Truth(id devices.PlotID) Truth {
	p := g.parcels[g.index(id)]
	return Truth{p.soil.texture.capacity, p.soil.texture.wilting, p.rootMM / 1000}
}

func (g *Ground) index(id devices.PlotID) int {
	i, ok := g.plot[id]
	if !ok {
		panic(fmt.Sprintf("plot %s is unknown", id))
	}
	return i
}

// live lets the hour that begins so many hours after the start pass over a plot.
func (g *Ground) live(p *plot, hours int) {
	h := g.skies.hour(p.station, hours)
	if h.day != p.today.day {
		h.dayMM = g.skies.dayMM(p.station, hours)
	}
	p.live(h)
}

// An Outcome is what became of a plot.
type Outcome struct {
	Plot    devices.PlotID
	AreaM2  float64
	Yield   float64     // of what the same plants bear when they are never stressed
	Wetted  []time.Time // the local days, at their midnight, on which enough water came to be seen in the soil
	Balance Balance
}

// IrrigationM3 is the water that was brought, as a meter counts it.
func (o Outcome) IrrigationM3() float64 { return o.Balance.IrrigationMM * o.AreaM2 / 1000 }

func (p *plot) outcome() Outcome {
	o := Outcome{Plot: p.id, AreaM2: p.areaM2, Yield: p.yield(), Balance: p.balance()}
	for _, day := range p.Wetted.Days {
		o.Wetted = append(o.Wetted, time.Unix(86400*day, 0).UTC().Add(-utcOffset))
	}
	return o
}
