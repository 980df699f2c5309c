// Package village builds a village of virtual devices from a seed and lets it
// live through a season: every plot with its soil probe and valve, a weather
// station for twenty plots, all of them MQTT clients of their own.
//
// Run drives the receiver in step: it lives an hour, waits for every PUBACK,
// then says that the hour is over. Live is a plain fleet on the wall clock.
package village

import (
	"fmt"
	"time"

	"ganlin/devices"
	"ganlin/firmware-sim/field"
	"ganlin/firmware-sim/firmware"
)

// localOffset is the distance of the village's clocks from UTC.
const localOffset = 8 * time.Hour

// Options describe a village. The zero value is a dry season of 120 days on 40 plots.
type Options struct {
	Season     field.Season // "" means drought
	Days       int          // 0 means 120
	Plots      int          // 0 means 40
	Seed       uint64
	Start      time.Time // zero means 2026-05-01, local midnight
	Faults     firmware.Faults
	ProbesOnly bool // every plot with a probe and nothing else
}

// Land is what a village grows on. It is called by one goroutine.
type Land interface {
	Advance(to time.Time)
	Sky(station devices.StationID) field.Sky
	SoilMoisture(plot devices.PlotID, depthCM int) float64    // m3/m3
	SoilTemperature(plot devices.PlotID, depthCM int) float64 // degrees Celsius
	Irrigate(plot devices.PlotID, litres float64)
}

// A Village is a registry with the devices that it declares. It lives once:
// Run or Live is called one time.
type Village struct {
	Registry Registry
	Start    time.Time
	End      time.Time

	land    Land
	devices []*firmware.Device // in the order of the registry
	byID    map[devices.DeviceID]*firmware.Device
	plotOf  map[devices.DeviceID]devices.PlotID // of valves
	now     time.Time                           // of the devices
}

// New returns a village, the same for the same options.
func New(o Options) (*Village, error) {
	if o.Season == "" {
		o.Season = field.Drought
	}
	if o.Days == 0 {
		o.Days = 120
	}
	if o.Plots == 0 {
		o.Plots = 40
	}
	if o.Days < 0 || o.Plots < 0 {
		return nil, fmt.Errorf("a village of %d plots and %d days cannot be", o.Plots, o.Days)
	}
	if o.Start.IsZero() {
		o.Start = time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC).Add(-localOffset)
	}
	v := &Village{
		Registry: newRegistry(o), Start: o.Start, End: o.Start.Add(time.Duration(o.Days) * 24 * time.Hour),
		byID: map[devices.DeviceID]*firmware.Device{}, plotOf: map[devices.DeviceID]devices.PlotID{}, now: o.Start,
	}
	land, err := field.New(field.Options{Season: o.Season, Start: o.Start, Seed: o.Seed, Stations: v.Registry.Stations, Plots: v.Registry.Plots})
	if err != nil {
		return nil, err
	}
	v.land = land
	for _, d := range v.Registry.Devices {
		v.install(d, o)
	}
	return v, nil
}

// Intervals between readings.
const (
	usualEvery   = 30 * time.Minute
	stationEvery = 10 * time.Minute
)

// probeDepthsCM are the depths of the sensors on a probe.
var probeDepthsCM = []int{20, 40, 60}

// Of a valve: what flows for each mu of its plot, and how long a command takes to it.
const (
	flowLPMPerMu   = 25
	minFlowLPM     = 40
	commandLatency = 2 * time.Second
)

func (v *Village) install(d devices.Device, o Options) {
	opts := firmware.Options{ID: d.ID, Every: usualEvery, Seed: o.Seed, Faults: o.Faults, Boot: o.Start}
	switch d.Model {
	case probeModel:
		opts.UnixMillis = true
		opts.Channels = firmware.ProbeChannels(
			func(depthCM int) float64 { return v.land.SoilMoisture(d.Plot, depthCM) },
			func(depthCM int) float64 { return v.land.SoilTemperature(d.Plot, depthCM) },
			o.Start, probeDepthsCM...)
	case stationModel:
		opts.Every = stationEvery
		opts.Channels = firmware.StationChannels(func() firmware.Weather { return firmware.Weather(v.land.Sky(d.Station)) })
	case valveModel:
		v.plotOf[d.ID] = d.Plot
		opts.Valve = &firmware.ValveOptions{
			MaxDuration: time.Duration(d.MaxDurationS) * time.Second, MaxVolumeL: d.MaxVolumeL,
			FlowLPM: v.flow(d.Plot), Latency: commandLatency,
		}
	}
	device := firmware.New(opts)
	v.devices = append(v.devices, device)
	v.byID[d.ID] = device
}

// flow returns what a plot's pipe carries, L/min.
func (v *Village) flow(id devices.PlotID) float64 {
	for _, p := range v.Registry.Plots {
		if p.ID == id {
			return max(minFlowLPM, round(flowLPMPerMu*p.AreaMu, 1))
		}
	}
	return minFlowLPM
}

// Device returns a device, for tests that cut it off or count what it did; nil when there is none of that id.
func (v *Village) Device(id devices.DeviceID) *firmware.Device { return v.byID[id] }
