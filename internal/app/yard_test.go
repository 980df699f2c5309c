package app

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"ganlin/devices"
	"ganlin/firmware-sim/firmware"
	"ganlin/internal/config"
	"ganlin/internal/httpapi"
	"ganlin/internal/registry"
)

// A yard is a whole program on the wall clock, with virtual valves that are
// connected to its broker and live by the same clock. Its database is away.
type yard struct {
	still
	t         *testing.T
	valves    []*firmware.Device
	passwords map[devices.DeviceID]string
	connect   func(httpapi.Credential) *firmware.Device // a valve
}

// newYard lets so many valves connect, v-1 and so on, each on a plot of its own.
// change makes one of them other than ideal.
func newYard(t *testing.T, folder string, n int, change func(devices.DeviceID, *firmware.ValveOptions)) *yard {
	t.Helper()
	return newYardOver(t, "", folder, n, change)
}

// newYardOver has them connect to a broker of another's at an address, where that is not empty.
func newYardOver(t *testing.T, foreign, folder string, n int, change func(devices.DeviceID, *firmware.ValveOptions)) *yard {
	t.Helper()
	text := strings.Builder{}
	text.WriteString("places: [{code: \"500119101001\", name: 三泉村}]\nsites: [{id: sanquan, place: \"500119101001\"}]\n" +
		"stations: [{id: w-01, latitude: 29.16, longitude: 107.10, elevation_m: 640}]\nplots:\n")
	for i := range n {
		fmt.Fprintf(&text, "  - {id: p-%d, place: \"500119101001\", station: w-01, household: h-%d, area_mu: 3, crop: maize_grain, planted: 2026-04-02, soil: silt_loam, valves: [v-%d]}\n", i+1, i+1, i+1)
	}
	text.WriteString("devices:\n")
	for i := range n {
		fmt.Fprintf(&text, "  - {id: v-%d, model: ganlin-valve-1, plot: p-%d, max_duration_s: 3600, max_volume_l: 20000}\n", i+1, i+1)
	}
	y := &yard{t: t, still: openStill(t, folder, func(o *programOptions) {
		if foreign == "" {
			o.config.MQTT.Listen = &config.Listen{Address: "127.0.0.1:0"}
		} else {
			o.config.MQTT = config.MQTT{Brokers: []config.Broker{{URL: "tcp://" + foreign, ClientID: "ganlin-yard", Sources: []config.Source{{
				Topics: []string{"ganlin/v1/+/telemetry", "ganlin/v1/+/status", "ganlin/v1/+/report"}, Codec: config.Native,
			}}}}}
		}
		o.files = []*registry.File{registry.Read("registry.yaml", []byte(text.String()))}
	})}
	made, err := y.registrar().makeCredentials(t.Context(), y.registry.Load().Devices())
	if err == nil {
		err = y.takeOver(t.Context(), nil, nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	var living sync.WaitGroup
	living.Go(func() {
		if err := y.run(ctx); err != nil {
			t.Error(err)
		}
	})
	y.passwords = map[devices.DeviceID]string{}
	broker := &url.URL{Scheme: "tcp", Host: foreign}
	if foreign == "" {
		broker.Host = y.server.MQTTAddress()
	}
	y.connect = func(c httpapi.Credential) *firmware.Device {
		o := firmware.ValveOptions{MaxDuration: time.Hour, FlowLPM: 60, Latency: 100 * time.Millisecond}
		if change != nil {
			change(c.Device, &o)
		}
		d := firmware.New(firmware.Options{ID: c.Device, Every: time.Hour, Valve: &o, Boot: time.Now().UTC()})
		y.valves, y.passwords[c.Device] = append(y.valves, d), c.Password
		living.Go(func() {
			d.Run(ctx, firmware.Link{Broker: broker, Username: c.Username, Password: c.Password, Logger: slog.New(slog.DiscardHandler)})
		})
		living.Go(func() { lives(ctx, d) })
		return d
	}
	for _, c := range made {
		y.connect(c)
	}
	t.Cleanup(func() {
		stop()
		living.Wait()
		y.folder = nil // run has closed it
	})
	waitFor(t, time.Minute, "the valves to say how they stand", func() (bool, string) {
		return y.program.valves.Ready(y.everyValve()), y.log.tail()
	})
	y.tick(0)
	return y
}

// lives lets a valve's time pass with the wall.
func lives(ctx context.Context, d *firmware.Device) {
	beat := time.NewTicker(10 * time.Millisecond)
	defer beat.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-beat.C:
			d.Advance(now.UTC())
			d.Wake()
		}
	}
}

// tick lets event time come to so long after now: by the lateness, and the rules
// have heard of everything that was said until now.
func (y *yard) tick(ahead time.Duration) {
	y.t.Helper()
	now := time.Now().UTC().Add(ahead).Truncate(time.Millisecond)
	if err := y.journal.AppendTicks(y.t.Context(), now, y.sites()); err != nil {
		y.t.Fatal(err)
	}
	if err := y.engine.WaitTick(y.t.Context(), now); err != nil {
		y.t.Fatal(err)
	}
}

// post acts through the API, and returns the status and the answer.
func (y *yard) post(path string, body any) (int, string) {
	change := []func(*http.Request){bearer(y.token)}
	if body != nil {
		change = append(change, sending(body))
	}
	res := y.ask(http.MethodPost, "/api/v1"+path, change...)
	text, err := io.ReadAll(res.Body)
	if err != nil {
		y.t.Error(err)
	}
	return res.StatusCode, string(text)
}

// stop is the emergency stop: how it ended for each valve, and when it was asked for.
func (y *yard) stop() (said map[string]string, warning string, asked time.Time) {
	y.t.Helper()
	asked = time.Now()
	status, text := y.post("/stop", nil)
	var stopped struct {
		Valves  map[string]string
		Warning string
	}
	if err := json.Unmarshal([]byte(text), &stopped); err != nil || status != http.StatusOK {
		y.t.Fatalf("the stop answers %d %s", status, text)
	}
	return stopped.Valves, stopped.Warning, asked
}

// open opens every valve and waits until water runs through each.
func (y *yard) open() {
	y.t.Helper()
	for _, d := range y.valves {
		waitFor(y.t, 20*time.Second, string(d.ID())+" to be told to open", func() (bool, string) {
			status, text := y.post("/valves/"+string(d.ID())+"/open", map[string]int{"duration_s": 1800})
			return status == http.StatusAccepted, text // at first the rules are still closing what they know nothing of
		})
	}
	for _, d := range y.valves {
		waitFor(y.t, 20*time.Second, "water from "+string(d.ID()), func() (bool, string) {
			return y.state(d.ID()) == devices.Opened && len(d.Openings()) > 0, y.log.tail()
		})
		if err := d.Wait(y.t.Context()); err != nil { // for all that it said to be on disk
			y.t.Fatal(err)
		}
	}
}

// settled waits until the rules have closed what they knew nothing of at first.
func (y *yard) settled() {
	y.t.Helper()
	waitFor(y.t, 20*time.Second, "the first closes to be taken", func() (bool, string) {
		s := y.program.valves.Stats()
		return s.Confirmed >= int64(len(y.valves)) && s.Pending == 0, fmt.Sprintf("%+v", s)
	})
}

// state is the valve's newest word.
func (y *yard) state(id devices.DeviceID) devices.CommandState {
	state, _ := y.program.valves.Word(id)
	return state
}
