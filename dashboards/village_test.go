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
