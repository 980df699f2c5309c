package app

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"testing"
	"time"

	"ganlin/devices"
	"ganlin/firmware-sim/firmware"
	"ganlin/internal/config"
	"ganlin/internal/httpapi"
	"ganlin/internal/influx/influxtest"
	"ganlin/internal/registry"
)

// Waterworks are a program that runs in this process, whole and in step, with a
// valve and a probe that speak to it as devices do, and a real database.
type waterworks struct {
	still
	t         *testing.T
	valve     *firmware.Device
	passwords map[string]string // by device
	influxd   int               // its process
}

const oneValve = `places: [{code: "500119101001", name: 三泉村}]
sites: [{id: sanquan, place: "500119101001"}]
stations: [{id: w-01, latitude: 29.16, longitude: 107.10, elevation_m: 640}]
plots: [{id: p-001, name: 后坡三号, place: "500119101001", station: w-01, household: h-001, area_mu: 3.2, crop: maize_grain, planted: 2026-04-02, soil: silt_loam, valves: [v-001]}]
devices:
  - {id: v-001, model: ganlin-valve-1, plot: p-001, max_duration_s: 7200}
  - {id: s-001, model: ganlin-soil-3, plot: p-001}
`

func newWaterworks(t *testing.T) *waterworks {
	t.Helper()
	files := t.TempDir()
	database := influxtest.StartIn(t, files).Endpoint()
	start := time.Date(2026, 7, 1, 8, 0, 0, 0, time.UTC)
	w := &waterworks{t: t, passwords: map[string]string{}, influxd: influxtest.PID(t, files)}
	w.still = openStill(t, t.TempDir(), func(o *programOptions) {
		o.config.Influx = &config.Influx{URL: database.URL, Org: database.Org, Bucket: database.Bucket, Token: config.NewSecret(database.Token)}
		o.config.MQTT.Listen = &config.Listen{Address: "127.0.0.1:0"}
		o.files = []*registry.File{registry.Read("registry.yaml", []byte(oneValve))}
		o.step, o.start = true, start
	})
	made, err := w.registrar().makeCredentials(t.Context(), w.registry.Load().Devices())
	if err == nil {
		err = w.records.LoadSecrets(t.Context(), w.secrets)
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range made {
		w.passwords[string(c.Device)] = c.Password
	}
	w.background(func(ctx context.Context) {
		if err := w.run(ctx); err != nil {
			t.Errorf("the program ended with %v: %s", err, w.log.tail())
		}
		w.folder = nil // it is closed
	})
	w.valve = firmware.New(firmware.Options{
		ID: "v-001", Every: 30 * time.Minute, Boot: start, Valve: &firmware.ValveOptions{MaxDuration: 2 * time.Hour, FlowLPM: 30, Latency: 20 * time.Millisecond},
	})
	w.background(func(ctx context.Context) {
		w.valve.Run(ctx, firmware.Link{
			Broker: &url.URL{Scheme: "tcp", Host: w.server.MQTTAddress()}, Username: "v-001", Password: w.passwords["v-001"], Logger: slog.New(slog.DiscardHandler),
		})
	})
	w.background(func(ctx context.Context) { // its time passes with the program's
		turn := time.NewTicker(10 * time.Millisecond)
		defer turn.Stop()
		for ctx.Err() == nil {
			<-turn.C
			w.valve.Advance(w.clock.Now())
			w.valve.Wake()
		}
	})
	if err := w.valve.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	for i := range 2 {
		if _, err := w.step.Step(t.Context(), start.Add(time.Duration(i+1)*time.Hour), nil); err != nil {
			t.Fatal(err)
		}
	}
	waitFor(t, time.Minute, "all parts to be ready", func() (bool, string) { return w.ready(), strings.Join(keysOf(w.parts()), " ") + w.log.tail() })
	return w
}

// background runs something until the test ends, the last to begin the first to end.
func (w *waterworks) background(run func(ctx context.Context)) {
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		run(ctx)
	}()
	w.t.Cleanup(func() {
		stop()
		<-ended
	})
}

// breakStores lets the records store fail at everything and freezes the
// database, and waits until the rules are stuck on it.
func (w *waterworks) breakStores() {
	w.t.Helper()
	w.t.Cleanup(func() { _ = syscall.Kill(w.influxd, syscall.SIGCONT) })
	if err := errors.Join(syscall.Kill(w.influxd, syscall.SIGSTOP), w.records.Close()); err != nil {
		w.t.Fatal(err)
	}
	before := w.engine.At().Sequence
	waitFor(w.t, 30*time.Second, "the rules to wait for the records store", func() (bool, string) {
		if err := w.journal.AppendTicks(w.t.Context(), w.clock.Now(), []devices.SiteID{"sanquan"}); err != nil {
			w.t.Fatal(err)
		}
		at := w.engine.At().Sequence
		stuck := at == before && w.lags()[readerRules].records > 2
		before = at
		return stuck, w.log.tail()
	})
}

// opens asks for an opening until it is answered so: after a stop the valve's word may be on its way.
func (w *waterworks) opens(want int) {
	w.t.Helper()
	c := newCaller(w.t, w.url(), w.token)
	waitFor(w.t, 10*time.Second, "an opening to be answered as it should", func() (bool, string) {
		status, text := c.call(http.MethodPost, "/valves/{id}/open", map[string]string{"id": "v-001"}, "", httpapi.Opening{DurationS: 900})
		return status == want, string(text)
	})
	if want == http.StatusAccepted {
		waitFor(w.t, 10*time.Second, "the valve to open", func() (bool, string) {
			all := w.valve.Openings()
			return len(all) > 0 && all[len(all)-1].ClosedAt.IsZero(), ""
		})
	}
}
