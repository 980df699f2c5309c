package dashboards_test

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"ganlin/dashboards"
	"ganlin/devices"
)

var morning = time.Date(2026, 7, 12, 1, 0, 0, 0, time.UTC) // 09:00 in the village

var beijing = time.FixedZone("CST", 8*3600)

// A village is a Source whose view the test sets. It stands in for the
// program, whose real one lives in another package.
type village struct {
	mu      sync.Mutex
	view    dashboards.View
	now     time.Time
	changed map[chan struct{}]bool
}

func newVillage(view dashboards.View) *village {
	if view.Zone == nil {
		view.Zone = beijing
	}
	return &village{view: view, now: morning, changed: map[chan struct{}]bool{}}
}

func (v *village) View() dashboards.View {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.view
}

func (v *village) Now() time.Time {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.now
}

// set shows another view at another time.
func (v *village) set(view dashboards.View, now time.Time) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if view.Zone == nil {
		view.Zone = beijing
	}
	v.view, v.now = view, now
	for c := range v.changed {
		select {
		case c <- struct{}{}:
		default:
		}
	}
}

func (v *village) Changes(ctx context.Context) <-chan struct{} {
	c := make(chan struct{}, 1)
	v.mu.Lock()
	defer v.mu.Unlock()
	v.changed[c] = true
	context.AfterFunc(ctx, func() {
		v.mu.Lock()
		defer v.mu.Unlock()
		delete(v.changed, c)
		close(c)
	})
	return c
}

func (v *village) readers() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return len(v.changed)
}

// serve returns the pages of a village on a mux of their own.
func serve(tb testing.TB, v *village) *http.ServeMux {
	tb.Helper()
	pages, err := dashboards.New(dashboards.Options{Source: v, Log: slog.New(slog.NewTextHandler(tb.Output(), nil)), Now: v.Now})
	if err != nil {
		tb.Fatal(err)
	}
	mux := http.NewServeMux()
	pages.Register(mux)
	return mux
}

func value(key string, number float64, at time.Time) dashboards.Value {
	k, err := devices.ParseKey(key)
	if err != nil {
		panic(err)
	}
	return dashboards.Value{Key: k, Number: number, At: at}
}

// probe is a soil probe with three depths that reports every half hour.
func probe(id string, at time.Time, moisture float64) dashboards.Device {
	d := dashboards.Device{ID: devices.DeviceID(id), At: at, Online: dashboards.IsOffline}
	if at.IsZero() {
		return d
	}
	d.Firmware, d.Online = "1.4.2", dashboards.IsOnline
	wave := math.Sin(float64(at.Unix()%86400) / 86400 * 2 * math.Pi)
	for i, depth := range []string{"20", "40", "60"} {
		d.Values = append(d.Values,
			value("soil_moisture@"+depth, moisture+0.018*float64(i)+0.004*wave, at),
			value("soil_temperature@"+depth, 26.4-1.6*float64(i)+1.5*wave/float64(i+1), at))
	}
	d.Values = append(d.Values, value("battery_voltage", 3.61+0.01*wave, at), value("rssi", -97, at))
	return d
}

func valve(id string, at time.Time, open bool) dashboards.Device {
	opened, flow, state := 0.0, 0.0, devices.Closed
	if open {
		opened, flow, state = 1, 12.4, devices.Opened
	}
	return dashboards.Device{
		ID: devices.DeviceID(id), Valve: true, At: at, Online: dashboards.IsOnline, OnlineAt: morning.Add(-50 * time.Hour),
		Values: []dashboards.Value{value("valve_open", opened, at), value("flow", flow, at), value("volume_total", 8123.4, at), value("battery_voltage", 3.3, at)},
		Report: &devices.CommandReport{Command: "c-1", State: state}, ReportAt: morning.Add(-20 * time.Minute), Firmware: "2.0.1",
	}
}

func weather(id string, at time.Time) dashboards.Device {
	return dashboards.Device{ID: devices.DeviceID(id), At: at, Online: dashboards.IsOnline, Values: []dashboards.Value{
		value("air_temperature", 31.26, at), value("relative_humidity", 58.4, at), value("wind_speed", 2.13, at), value("wind_direction", 135, at),
		value("solar_radiation", 712.3, at), value("rain_total", 1203.4, at), value("air_pressure", 941.22, at), value("battery_voltage", 12.61, at),
	}}
}

// calm returns parts and a ledger of a program that is well.
func calm(v dashboards.View) dashboards.View {
	v.Parts = []dashboards.Part{
		{Name: dashboards.Broker, Conditions: []dashboards.Condition{{Kind: dashboards.BrokerReady, Detail: "tcp://127.0.0.1:1883"}}},
		{Name: dashboards.Journal, Conditions: []dashboards.Condition{{Kind: dashboards.JournalReady}}},
		{Name: dashboards.Database, Conditions: []dashboards.Condition{{Kind: dashboards.DatabaseReady}}},
	}
	v.Ledger = dashboards.Ledger{
		Messages: dashboards.MessageLedger{Received: 12345, Decoded: 12340, DeadLettered: 5},
		Values:   dashboards.ValueLedger{Decoded: 98712, Stored: 98604, Duplicate: 96, Rejected: 12},
		Quiet:    true,
	}
	v.DeadLetters = []dashboards.DeadLetters{{Reason: "bad_json", Count: 3}, {Reason: "unknown_quantity", Count: 2}}
	v.Command = `mosquitto_pub -h 127.0.0.1 -p 1883 -u s-try -P 4f7c -i s-try -q 1 -t ganlin/v1/s-try/telemetry -m '{"values":{"soil_moisture@20":0.231}}'`
	return v
}

// troubled returns a view whose database is away and whose disk is full.
func troubled(v dashboards.View) dashboards.View {
	v.Parts = []dashboards.Part{
		{Name: dashboards.Broker, Conditions: []dashboards.Condition{{Kind: dashboards.BrokerRefusing}}},
		{Name: dashboards.Journal, Conditions: []dashboards.Condition{{Kind: dashboards.JournalDiskFull}, {Kind: dashboards.JournalLost, First: 5, Last: 6}}},
		{Name: dashboards.Database, Conditions: []dashboards.Condition{{Kind: dashboards.DatabaseUnreachable, Since: morning.Add(-125 * time.Minute)}}},
	}
	v.Ledger.Values.Stored -= 4100
	v.Ledger.Values.Waiting += 4099
	v.Ledger.Quiet = false
	return v
}

// fortyPlots is a village in a dry season at a time: a few plots silent, dry, watered or never heard of.
func fortyPlots(now time.Time) dashboards.View {
	v := calm(dashboards.View{Name: "三泉村", Clock: dashboards.Clock{Stepped: true, Day: 37, Days: 120}})
	fields := []string{"后坡", "大田湾", "水井坎", "石板丘", "秧田坝", "老屋基", "柏树林", "皂角坪"}
	for i := range 40 {
		n := i + 1
		at := now.Add(-time.Duration(i%4) * 7 * time.Minute)
		plot := dashboards.Plot{
			ID: devices.PlotID(fmt.Sprintf("p-%03d", n)), Name: fields[i%len(fields)] + []string{"一", "二", "三", "四", "五"}[i/len(fields)] + "号",
			WiltingPoint: 0.15, FieldCapacity: 0.32,
		}
		moisture := 0.205 + 0.0021*float64((i*7)%40)
		switch n {
		case 7, 23, 31:
			plot.Dry, moisture = true, 0.158
		case 12:
			at = morning.Add(-53 * time.Hour)
		case 18:
			at = morning.Add(-4 * time.Hour)
		case 27:
			at = now.Add(-75 * time.Minute)
		case 35:
			at = time.Time{}
		}
		d := probe(fmt.Sprintf("s-%03d", n), at, moisture)
		if n == 29 {
			d.Values[0].Number, d.Values[0].Flags = -0.012, devices.ProbeInAir
		}
		plot.Devices = append(plot.Devices, d)
		if n == 2 {
			plot.Devices = append(plot.Devices, dashboards.Device{
				ID: devices.DeviceID("neighbour-" + strings.Repeat("x", 54)), At: at, Online: dashboards.IsOnline, Values: []dashboards.Value{value("soil_moisture@20", 0.477, at)},
			})
		}
		if n%4 == 3 {
			v := valve(fmt.Sprintf("v-%03d", n), now.Add(-3*time.Minute), n == 7)
			if n == 15 {
				v.Online, v.OnlineAt = dashboards.IsOffline, morning.Add(-40*time.Minute)
			}
			plot.Devices = append(plot.Devices, v)
		}
		v.Plots = append(v.Plots, plot)
	}
	v.Stations = []dashboards.Station{{ID: "w-01", Devices: []dashboards.Device{weather("w-01", now.Add(-2*time.Minute))}}}
	return v
}

// drySummer is fortyPlots as the rules see them: grades, valves in every state, alerts and clues.
func drySummer(now time.Time) dashboards.View {
	v := fortyPlots(now)
	grades := []dashboards.Grade{dashboards.GradeNone, dashboards.GradeNone, dashboards.GradeLight, dashboards.GradeModerate, dashboards.GradeNone}
	states := []dashboards.ValveState{
		dashboards.ValveClosed, dashboards.ValveOpen, dashboards.ValveClosed, dashboards.ValveRequested, dashboards.ValveClosed,
		dashboards.ValveAccepted, dashboards.ValveClosed, dashboards.ValveClosing, dashboards.ValveClosed, dashboards.ValveUnknown,
	}
	crops := []string{"maize_grain", "potato", "maize_sweet"}
	for i := range v.Plots {
		p := &v.Plots[i]
		n := i + 1
		p.Dry, p.Grade = false, grades[i%len(grades)]
		share := map[dashboards.Grade]float64{dashboards.GradeNone: 0.25, dashboards.GradeLight: 0.48, dashboards.GradeModerate: 0.62}[p.Grade]
		p.Crop, p.Stage, p.AreaMu, p.Mode = crops[i%len(crops)], "mid", 1.2+0.4*float64(i%7), devices.Advise
		switch n {
		case 7, 23:
			p.Grade, share, p.Held = dashboards.GradeSevere, 0.81, map[int]string{23: "wind"}[n]
		case 31:
			p.Grade, share = dashboards.GradeExtreme, 0.97
		case 12, 18, 35:
			p.Grade, share = dashboards.GradeUnknown, 0
			p.WhyUnknown = []string{"soil_moisture"}
		case 29:
			p.Grade, p.WhyUnknown = dashboards.GradeUnknown, []string{"soil_moisture"}
		case 40:
			p.Grade, p.WhyUnknown, p.Devices = dashboards.GradeUnknown, []string{"no_probe"}, nil
		}
		if p.Grade != dashboards.GradeUnknown {
			const taw, raw = 110.4, 55.2
			depletion := taw*share + 0.3*float64(i%7)
			p.TAWMM, p.RAWMM, p.DepletionMM = new(taw), new(raw), new(depletion)
			p.DaysToStress = new(max(0, (raw-depletion)/5.1))
		}
		if n%4 != 3 {
			continue
		}
		p.Mode = devices.Auto
		valve := dashboards.Valve{ID: devices.DeviceID(fmt.Sprintf("v-%03d", n)), State: states[i/4]}
		switch valve.State {
		case dashboards.ValveOpen, dashboards.ValveClosing:
			p.Irrigating = true
			valve.OpenSince, valve.Until = now.Add(-50*time.Minute), now.Add(70*time.Minute)
			valve.DeliveredL, valve.CommandedL = new(5234.4), new(12000.0)
		case dashboards.ValveUnknown:
			valve.Locked = true
		case dashboards.ValveClosed, dashboards.ValveRequested, dashboards.ValveAccepted:
		}
		p.Valves = []dashboards.Valve{valve}
	}
	alert := func(rule, severity string, state dashboards.AlertState, ago time.Duration, plots ...int) {
		for _, n := range plots {
			p := v.Plots[n-1]
			a := dashboards.Alert{
				ID: fmt.Sprintf("a-%s-%s", rule, p.ID), Rule: rule, Subject: string(p.ID), PlotName: p.Name, Severity: severity, State: state,
				Since: now.Add(-ago - time.Duration(n)*time.Hour),
			}
			if p.DepletionMM != nil {
				a.Numbers = map[string]float64{"depletion_mm": *p.DepletionMM, "raw_mm": *p.RAWMM, "taw_mm": *p.TAWMM}
			}
			v.Alerts = append(v.Alerts, a)
		}
	}
	alert("water_need", "info", dashboards.AlertFiring, 2*time.Hour, 4, 9, 14, 19, 24, 34, 39)
	alert("soil_unknown", "warning", dashboards.AlertUnknown, 3*time.Hour, 12, 18)
	alert("drought_severe", "critical", dashboards.AlertFiring, 30*time.Hour, 7, 23, 31)
	alert("heat", "warning", dashboards.AlertPending, time.Hour, 1)
	v.Alerts = append(v.Alerts, dashboards.Alert{
		ID: "a-valve", Rule: "valve_unconfirmed", Subject: "v-039", Severity: "critical", State: dashboards.AlertFiring, Since: now.Add(-20 * time.Minute),
	})
	v.Clues = []dashboards.Clue{
		{ID: "c-2", Level: "yellow", LossLow: new(0.11), LossMid: new(0.18), LossHigh: new(0.27), Since: now.Add(-70 * time.Hour), Plots: []string{"后坡四号"}, Confidence: "medium"},
		{ID: "c-1", Level: "red", LossLow: new(0.34), LossMid: new(0.46), LossHigh: new(0.58), Since: now.Add(-5 * time.Hour), Plots: []string{"柏树林一号", "皂角坪三号"}, Confidence: "high"},
	}
	v.Water = dashboards.Water{TodayL: 36_240, SeasonL: 421_700, Openings: 31}
	return v
}
