package app

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/oapi-codegen/runtime/types"

	"ganlin/devices"
	"ganlin/internal/httpapi"
	"ganlin/internal/now"
	"ganlin/rules"
	"ganlin/rules/valve"
)

// plotSource shows the plots as the API does.
type plotSource struct{ *program }

var _ httpapi.Plots = plotSource{}

// Declared returns a plot of the registry.
func (p plotSource) Declared(id devices.PlotID) (devices.Plot, bool) {
	return p.registry.Load().Plot(id)
}

// Watered returns the plots that a valve waters.
func (p plotSource) Watered(valve devices.DeviceID) (watered []devices.Plot) {
	reg := p.registry.Load()
	if where, departs := p.departs(valve); departs { // to close it
		plot, ok := reg.Plot(where.Plot)
		if !ok {
			plot = devices.Plot{ID: where.Plot, Site: where.Site, Place: where.Place}
		}
		return []devices.Plot{plot}
	}
	if d, ok := reg.Device(valve); !ok || d.MaxDurationS == 0 {
		return nil
	}
	for _, plot := range reg.Plots() {
		if slices.Contains(plot.Valves, valve) {
			watered = append(watered, plot)
		}
	}
	return watered
}

// Plots returns a page of those plots that want holds for.
func (p plotSource) Plots(_ context.Context, want func(devices.Plot, httpapi.Grade) bool, after devices.PlotID, limit int) ([]httpapi.Plot, bool) {
	v := p.decidedNow()
	from, found := slices.BinarySearchFunc(v.plots, after, func(p devices.Plot, id devices.PlotID) int { return strings.Compare(string(p.ID), string(id)) })
	if found {
		from++
	}
	page := []httpapi.Plot{}
	for _, plot := range v.plots[from:] {
		if !want(plot, v.grade(plot.ID)) {
			continue
		}
		if len(page) == limit {
			return page, true
		}
		page = append(page, v.apiPlot(plot))
	}
	return page, false
}

// Plot returns a plot with the newest values of what stands on it and at its station.
func (p plotSource) Plot(_ context.Context, id devices.PlotID) (httpapi.PlotDetail, error) {
	v, latest := p.decidedNow(), p.now.Snapshot()
	plot, ok := v.registry.Plot(id)
	if !ok {
		return httpapi.PlotDetail{}, fmt.Errorf("%w: there is no plot %q", httpapi.ErrNotFound, id)
	}
	d := httpapi.PlotDetail{Plot: v.apiPlot(plot), Devices: []httpapi.DeviceNow{}, OpenAlerts: []string{}}
	for _, device := range slices.Concat(v.onPlot[id], v.atStation[plot.Station]) {
		d.Devices = append(d.Devices, deviceNow(device, v.valves[device.ID], latest))
	}
	if site := v.viewOf[plot.Site]; site != nil {
		for _, a := range site.Alerts {
			on, _ := v.plot(a.Subject)
			if about := on.ID == id || a.Subject == string(plot.Station); about && a.ID != "" {
				d.OpenAlerts = append(d.OpenAlerts, a.ID)
			}
		}
	}
	return d, nil
}

// Outlook returns when a plot comes under stress.
func (p plotSource) Outlook(_ context.Context, id devices.PlotID) (httpapi.Outlook, error) {
	v := p.decidedNow()
	plot, ok := v.registry.Plot(id)
	if !ok {
		return httpapi.Outlook{}, fmt.Errorf("%w: there is no plot %q", httpapi.ErrNotFound, id)
	}
	o := httpapi.Outlook{Plot: id, Grade: v.grade(id), Advice: httpapi.Advice{Kind: httpapi.AdviceKindUnknown}}
	known, site := v.standing[id], v.viewOf[plot.Site]
	if known == nil || site == nil {
		return o, nil
	}
	o.AsOf, o.DaysToStress = &site.Watermark, known.DaysToStress
	a := known.Advice
	o.Advice = httpapi.Advice{
		Kind: httpapi.AdviceKind(a.Kind), From: a.From, Until: a.Until, DepthMM: a.DepthMM, GrossMM: a.GrossMM,
		VolumeL: a.VolumeL, DurationS: a.DurationS, Reason: a.Reason,
	}
	if days := known.DaysToStress; days != nil {
		o.StressAt = new(site.Watermark.Add(time.Duration(*days * 24 * float64(time.Hour))).Truncate(time.Second))
	}
	return o, nil
}

// grade is a plot's grade of drought.
func (v *villageView) grade(id devices.PlotID) httpapi.Grade {
	if known := v.standing[id]; known != nil {
		return httpapi.Grade(known.Grade.String())
	}
	return httpapi.GradeUnknown
}

func (v *villageView) apiPlot(plot devices.Plot) httpapi.Plot {
	one := httpapi.Plot{
		ID: plot.ID, Name: plot.Name, Site: plot.Site, Place: plot.Place, Station: plot.Station, AreaMu: plot.AreaMu,
		Crop: plot.Crop, Planted: types.Date{Time: plot.Planted}, Mode: plot.Mode, Valves: slices.Clone(plot.Valves), Grade: v.grade(plot.ID),
	}
	if one.Valves == nil {
		one.Valves = []devices.DeviceID{}
	}
	if plot.Placed() {
		one.Latitude, one.Longitude = &plot.Latitude, &plot.Longitude
	}
	if known, site := v.standing[plot.ID], v.viewOf[plot.Site]; known != nil && site != nil {
		one.State = plotState(known, site.Watermark)
	}
	return one
}

func plotState(k *rules.PlotView, at time.Time) *httpapi.PlotState {
	s := &httpapi.PlotState{
		AsOf: at, DepletionMM: k.DepletionMM, RAWMM: k.RAWMM, TAWMM: k.TAWMM, RSMPct: k.RSMPct, DaysToStress: k.DaysToStress,
		Loss: k.Loss, FieldCapacity: k.FieldCapacity, WiltingPoint: k.WiltingPoint, Stage: k.Stage, CropDay: k.CropDay,
		Irrigating: k.Irrigating, Held: k.Held, UnknownBecause: k.WhyUnknown,
	}
	if s.UnknownBecause == nil {
		s.UnknownBecause = []string{}
	}
	return s
}

func deviceNow(d devices.Device, v *valve.Valve, latest *now.Snapshot) httpapi.DeviceNow {
	one := httpapi.DeviceNow{Device: d.ID, Model: d.Model, Online: httpapi.DeviceNowOnlineUnknown, Values: []httpapi.LatestValue{}}
	if v != nil {
		one.Valve = valveNow(v)
	}
	known, ok := latest.Device(d.ID)
	if !ok {
		return one
	}
	if one.Valve != nil && known.Report != nil {
		one.Valve.Reported, one.Valve.ReportedAt = string(known.Report.State), known.ReportAt
	}
	switch known.Online {
	case now.IsOnline:
		one.Online = httpapi.DeviceNowOnlineYes
	case now.IsOffline:
		one.Online = httpapi.DeviceNowOnlineNo
	case now.OnlineUnknown:
	}
	for _, value := range known.Values {
		spec, _ := value.Key.Quantity.Spec()
		one.Values = append(one.Values, httpapi.LatestValue{Key: value.Key.String(), Unit: string(spec.Unit), Value: value.Number, At: value.At})
	}
	return one
}

func valveNow(v *valve.Valve) *httpapi.ValveNow {
	one := &httpapi.ValveNow{State: httpapi.ValveNowState(v.State), Since: v.Since, Locked: v.Locked, Leaking: v.Leaking, Unresponsive: v.Unresponsive(), Stopped: v.Stopped}
	if v.Opening != nil {
		one.OpenUntil = v.Opening.Until
	}
	return one
}
