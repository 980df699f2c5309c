// Package field is the land that virtual devices stand in: weather, soils,
// plants and their yield. Soils have five layers and live by the hour: water
// comes in as fast as texture and slope let it, sinks above field capacity,
// evaporates from the top and is taken by roots that grow, less as layers dry.
// What a plant misses, weighed by its stage, is what it does not bear.
//
// The weather is a function of the seed and the time alone, or is read from a
// file. The truth about a plot differs from the textbook, as drawn from the
// seed. The package shares no code with what is tested on it, but public tables
// of FAO-56 and two of its formulas: docs/decisions/simulated-fields.md names them.
//
// A Ground, and a Field on it, belong to one goroutine.
package field

import (
	"fmt"
	"time"

	"ganlin/devices"
)

// A Field is a ground as it is farmed now: water comes when Irrigate is called.
// Soils move on at full hours since the start.
type Field struct {
	*Ground
	now   time.Time
	hours int // lived so far
	plots []plot
}

// New returns a field at its start.
func New(o Options) (*Field, error) {
	g, err := Survey(o)
	if err != nil {
		return nil, err
	}
	f := &Field{Ground: g, now: o.Start}
	for i := range g.parcels {
		f.plots = append(f.plots, g.parcels[i].fresh())
	}
	return f, nil
}

// Advance moves weather and soils on; a time that has passed changes nothing.
func (f *Field) Advance(to time.Time) {
	if !to.After(f.now) {
		return
	}
	f.now = to
	for last, _ := f.skies.split(to); f.hours < last; f.hours++ {
		for i := range f.plots {
			f.live(&f.plots[i], f.hours)
		}
	}
}

// Sky returns the weather at a station. It panics when the station is unknown.
func (f *Field) Sky(id devices.StationID) Sky {
	station, ok := f.station[id]
	if !ok {
		panic(fmt.Sprintf("station %s is unknown", id))
	}
	return f.skies.at(station, f.now)
}

// SoilMoisture returns the water content of a plot at a depth, m3/m3.
func (f *Field) SoilMoisture(id devices.PlotID, depthCM int) float64 {
	return f.plots[f.index(id)].Water.moisture(depthCM)
}

// SoilTemperature returns the temperature of a plot's soil at a depth, degrees Celsius.
func (f *Field) SoilTemperature(id devices.PlotID, depthCM int) float64 {
	return f.skies.soilTemperature(f.parcels[f.index(id)].station, f.now, depthCM)
}

// Irrigate brings water onto a plot through its sprinklers; it is in the soil at the next full hour.
func (f *Field) Irrigate(id devices.PlotID, litres float64) {
	p := &f.plots[f.index(id)]
	p.ComingMM += litres / p.areaM2
}

// Outcomes returns what has become of all plots so far, in the order of the options.
func (f *Field) Outcomes() []Outcome {
	all := make([]Outcome, len(f.plots))
	for i := range f.plots {
		all[i] = f.plots[i].outcome()
	}
	return all
}

// A State is a field to be kept and restored on the ground of the same options.
type State struct {
	Now   time.Time   `json:"now"`
	Plots []PlotState `json:"plots"`
}

// State returns the field as it is.
func (f *Field) State() State {
	s := State{Now: f.now, Plots: make([]PlotState, len(f.plots))}
	for i := range f.plots {
		s.Plots[i] = f.plots[i].PlotState
	}
	return s
}

// Restore goes back or on to a state of this field.
func (f *Field) Restore(s State) error {
	if len(s.Plots) != len(f.plots) {
		return fmt.Errorf("state of a field with %d plots, this one has %d", len(s.Plots), len(f.plots))
	}
	f.now = s.Now
	f.hours, _ = f.skies.split(s.Now)
	for i := range f.plots {
		f.plots[i] = f.parcels[i].fresh()
		f.plots[i].PlotState = s.Plots[i]
	}
	return nil
}
