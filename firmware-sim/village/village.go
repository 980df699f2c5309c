// Package village builds a village of virtual devices from a seed and lets it
// live through a season: every plot with its soil probe and valve, a weather
// station for twenty plots, all of them MQTT clients of their own.
//
// Run drives the receiver in step: it lives an hour, waits for every PUBACK,
// then says that the hour is over. Live is a plain fleet on the wall clock.
package village

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"ganlin/devices"
	"ganlin/firmware-sim/field"
	"ganlin/firmware-sim/firmware"
)

// localOffset is the distance of the village's clocks from UTC.
const localOffset = 8 * time.Hour

// Options describe a village. The zero value is a dry season of 120 days on 40 plots.
type Options struct {
	Season     field.Season // "" means drought; or the path of a CSV file with observed weather, see field.ReadRecord
	Days       int          // 0 means 120
	Plots      int          // 0 means 40
	Seed       uint64
	Start      time.Time // zero means 2026-05-01, local midnight, or where the observed weather begins
	Faults     firmware.Faults
	ProbesOnly bool   // every plot with a probe and nothing else
	Resume     []byte // what Keep was given last, to go on from there; nil: from the start

	record *field.Record // that Season names
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

	options Options
	field   *field.Field
	land    Land               // the field, as devices see it
	devices []*firmware.Device // in the order of the registry
	byID    map[devices.DeviceID]*firmware.Device
	plotOf  map[devices.DeviceID]devices.PlotID // of valves
	now     time.Time                           // of the devices
	resumed bool
	before  sums // of earlier processes
}

const (
	defaultDays  = 120
	defaultPlots = 40
)

// complete fills in what is left out.
func (o Options) complete() (Options, error) {
	if o.Season == "" {
		o.Season = field.Drought
	}
	if o.Days == 0 {
		o.Days = defaultDays
	}
	if o.Plots == 0 {
		o.Plots = defaultPlots
	}
	if path := string(o.Season); strings.HasSuffix(strings.ToLower(path), ".csv") {
		var err error
		if o.record, err = field.OpenRecord(path); err != nil {
			return o, err
		}
	}
	if o.Start.IsZero() {
		o.Start = time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC).Add(-localOffset)
		if o.record != nil {
			o.Start = o.record.Start
		}
	}
	switch {
	case o.Days < 0 || o.Plots < 0:
		return o, fmt.Errorf("a village of %d plots and %d days cannot be", o.Plots, o.Days)
	case o.record != nil && o.record.Days() < o.Days:
		return o, fmt.Errorf("%s covers %d days, the season has %d", o.Season, o.record.Days(), o.Days)
	}
	return o, nil
}

// field returns the options of the land under a registry.
func (o Options) field(r Registry) field.Options {
	return field.Options{Season: o.Season, Record: o.record, Start: o.Start, Seed: o.Seed, Stations: r.Stations, Plots: r.Plots}
}

// New returns a village, the same for the same options.
func New(o Options) (*Village, error) {
	o, err := o.complete()
	if err != nil {
		return nil, err
	}
	v := &Village{
		Registry: newRegistry(o), Start: o.Start, End: o.Start.Add(time.Duration(o.Days) * 24 * time.Hour),
		options: o, byID: map[devices.DeviceID]*firmware.Device{}, plotOf: map[devices.DeviceID]devices.PlotID{}, now: o.Start,
	}
	if v.field, err = field.New(o.field(v.Registry)); err != nil {
		return nil, err
	}
	v.land = v.field
	for _, d := range v.Registry.Devices {
		v.install(d, o)
	}
	if o.Resume != nil {
		if err := v.resume(o.Resume); err != nil {
			return nil, fmt.Errorf("taking the village up again: %w", err)
		}
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

// commandLatency is how long a command takes to a valve.
const commandLatency = 2 * time.Second

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

// flow returns what a plot's sprinklers take, L/min.
func (v *Village) flow(id devices.PlotID) float64 {
	i := slices.IndexFunc(v.Registry.Plots, func(p devices.Plot) bool { return p.ID == id })
	return round(field.ApplicationMMH*v.Registry.Plots[i].AreaMu*squareMetresPerMu/60, 1)
}

// Device returns a device, for tests that cut it off or count what it did; nil when there is none of that id.
func (v *Village) Device(id devices.DeviceID) *firmware.Device { return v.byID[id] }
