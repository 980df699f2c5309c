package village_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ganlin/devices"
	"ganlin/firmware-sim/firmware"
	"ganlin/firmware-sim/simtest"
	"ganlin/firmware-sim/village"
)

// A script is a receiver that only keeps what it is told.
type script struct {
	step func(at time.Time, last map[devices.DeviceID]int64) error

	mu sync.Mutex
	at []time.Time
}

func (s *script) Step(_ context.Context, at time.Time, last map[devices.DeviceID]int64) (time.Time, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.at = append(s.at, at)
	if s.step == nil {
		return at, nil
	}
	return at, s.step(at, last)
}

// valuesSeen returns every reading an observer got, by device and time, each
// once, and how many messages nobody can read.
func valuesSeen(o *simtest.Observer) (all map[string]map[string]float64, broken int) {
	all = map[string]map[string]float64{}
	for topic := range o.Topics() {
		device, isTelemetry := strings.CutSuffix(topic, "/telemetry")
		if !isTelemetry {
			continue
		}
		for _, m := range o.On(topic) {
			text := []byte(m.Payload)
			if text[0] != '[' {
				text = fmt.Appendf(nil, "[%s]", text)
			}
			var some []struct {
				At     json.RawMessage
				Values map[string]float64
			}
			if json.Unmarshal(text, &some) != nil {
				broken++
				continue
			}
			for _, r := range some {
				all[device+" "+string(r.At)] = r.Values
			}
		}
	}
	return all, broken
}

// A season runs a village and returns what an observer saw of it and what the village counted.
func season(t *testing.T, b *simtest.Broker, o village.Options, change func(*village.Village, *village.Link)) (map[string]map[string]float64, village.Report) {
	t.Helper()
	observer := simtest.Observe(t, b)
	v := newVillage(t, o)
	l := village.Link{Broker: b.URL(), Step: &script{}}
	if change != nil {
		change(v, &l)
	}
	r, err := v.Run(t.Context(), l)
	if err != nil {
		t.Fatal(err)
	}
	var all map[string]map[string]float64
	simtest.Until(t, "the observer has every reading and message", func() bool {
		got, broken := valuesSeen(observer)
		all = got
		return len(got) >= int(r.Fleet.Readings) && broken >= int(r.Fleet.Broken)
	})
	return all, r
}

// TestRoughSeason lives the same days twice: undisturbed, and with a broker
// that stops, connections that break and devices that are silent for hours.
// The same readings arrive.
func TestRoughSeason(t *testing.T) {
	o := village.Options{Days: 4, Plots: 10, Seed: 11, Faults: firmware.OrdinaryFaults()}
	o.Faults.Outage, o.Faults.Break, o.Faults.Late, o.Faults.LateBy = 0.1, 0.005, 0.01, 3*time.Hour

	b := simtest.StartBroker(t)
	want, calm := season(t, b, o, nil)
	b = simtest.StartBroker(t)
	hour := 0
	got, rough := season(t, b, o, func(v *village.Village, l *village.Link) {
		l.Before = func(time.Time) {
			switch hour++; hour {
			case 20, 70:
				b.Stop()
				b.Start(t)
			case 30, 31:
				for _, d := range v.Registry.Devices {
					v.Device(d.ID).Cut()
				}
			case 40:
				v.Device("s-001").SetRadio(false)
			case 60:
				v.Device("s-001").SetRadio(true)
			}
		}
	})
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if calm.Fleet.Values != rough.Fleet.Values || calm.Fleet.Readings != rough.Fleet.Readings || calm.Fleet.Broken != rough.Fleet.Broken {
		t.Errorf("calm %+v, rough %+v", calm.Fleet, rough.Fleet)
	}
	if rough.Fleet.Connects <= calm.Fleet.Connects+2*int64(len(rough.Devices)) {
		t.Errorf("%d connections: it was not rough", rough.Fleet.Connects)
	}
	if f := rough.Fleet; f.Waiting != 0 || f.Overwritten != 0 || f.Dropped == 0 || f.Duplicates == 0 || f.Late == 0 || f.Broken == 0 {
		t.Errorf("fleet %+v", f)
	}
	values := int64(0)
	for _, one := range got {
		values += int64(len(one))
	}
	if values != rough.Fleet.Values {
		t.Errorf("the observer has %d values, the fleet counted %d", values, rough.Fleet.Values)
	}

	// The control: with another seed nothing is the same.
	o.Seed = 12
	other, _ := season(t, simtest.StartBroker(t), o, nil)
	if cmp.Equal(want, other) {
		t.Error("another seed gave the same readings")
	}
}

// TestStepsAreBarriers looks, whenever an hour is over, that every device has its PUBACKs and that last says so.
func TestStepsAreBarriers(t *testing.T) {
	b := simtest.StartBroker(t)
	s := &script{}
	acked := map[devices.DeviceID]int64{}
	var mu sync.Mutex
	v := newVillage(t, village.Options{Days: 2, Plots: 6, Seed: 1})
	s.step = func(at time.Time, last map[devices.DeviceID]int64) error {
		mu.Lock()
		defer mu.Unlock()
		if diff := cmp.Diff(maps.Clone(acked), last); diff != "" {
			return fmt.Errorf("at %s: %s", at, diff)
		}
		for _, d := range v.Registry.Devices {
			if d.ID == "s-002" && !at.Before(v.Start.Add(5*time.Hour)) && at.Before(v.Start.Add(9*time.Hour)) {
				continue
			}
			if c := v.Device(d.ID).Counts(); c.Waiting != 0 {
				return fmt.Errorf("at %s %s waits for %d PUBACKs", at, d.ID, c.Waiting)
			}
		}
		return nil
	}
	r, err := v.Run(t.Context(), village.Link{
		Broker: b.URL(), Step: s,
		Before: func(at time.Time) {
			switch at.Sub(v.Start) {
			case 5 * time.Hour:
				v.Device("s-002").SetRadio(false)
			case 9 * time.Hour:
				v.Device("s-002").SetRadio(true)
			}
		},
		Acked: func(id devices.DeviceID, leaf devices.Leaf, payload []byte) {
			if payload[0] != '[' {
				payload = fmt.Appendf(nil, "[%s]", payload)
			}
			var some []struct{ Seq int64 }
			if err := json.Unmarshal(payload, &some); err != nil {
				t.Errorf("%s %s: %v", leaf, payload, err)
			}
			mu.Lock()
			defer mu.Unlock()
			for _, one := range some {
				acked[id] = max(acked[id], one.Seq)
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(s.at) != 49 || !s.at[0].Equal(v.Start) || !s.at[1].Equal(v.Start.Add(time.Hour)) || !s.at[48].Equal(v.End) {
		t.Errorf("steps %v", s.at)
	}
	// Six probes, four valves and a station: 48, 48 and 144 readings a day.
	if want := int64(2 * (6*48 + 4*48 + 144)); r.Fleet.Readings != want {
		t.Errorf("%d readings, want %d", r.Fleet.Readings, want)
	}
}

// TestResume takes a season up in the middle, as a later process would.
func TestResume(t *testing.T) {
	o := village.Options{Days: 2, Plots: 4, Seed: 9, Faults: firmware.Faults{Noise: 1}}
	lastSeq := func(v *village.Village) int64 { return v.Device("s-001").LastSeq() }
	var whole, resumed *village.Village
	want, _ := season(t, simtest.StartBroker(t), o, func(v *village.Village, _ *village.Link) { whole = v })
	var middle time.Time
	got, _ := season(t, simtest.StartBroker(t), o, func(v *village.Village, l *village.Link) {
		resumed = v
		middle = v.Start.Add(30 * time.Hour)
		l.From = middle
	})
	if len(got) != len(want)*18/48 {
		t.Errorf("%d of %d readings in 18 of 48 hours", len(got), len(want))
	}
	for key, values := range got {
		if diff := cmp.Diff(want[key], values); diff != "" {
			t.Errorf("%s: %s", key, diff)
		}
	}
	if a, b := lastSeq(whole), lastSeq(resumed); a != b {
		t.Errorf("the last seq is %d in one process and %d in two", a, b)
	}
}

// TestValvesWaterTheFields opens a valve as the server would, in step.
func TestValvesWaterTheFields(t *testing.T) {
	b := simtest.StartBroker(t)
	observer := simtest.Observe(t, b)
	v := newVillage(t, village.Options{Season: "drought", Days: 2, Plots: 1, Seed: 3})
	reports := func() int { return len(observer.On("ganlin/v1/v-001/report")) }
	s := &script{}
	s.step = func(at time.Time, _ map[devices.DeviceID]int64) error {
		if !at.Equal(v.Start.Add(24 * time.Hour)) {
			return nil
		}
		before := reports()
		observer.Send(t, "ganlin/v1/v-001/command", fmt.Sprintf(`{"id":"a","seq":%d,"action":"open","max_duration_s":99999,"expires_at":%q}`,
			at.UnixMilli(), at.Add(time.Minute).Format(time.RFC3339)))
		simtest.Until(t, "the command is accepted while the step lasts", func() bool { return reports() > before })
		return nil
	}
	r, err := v.Run(t.Context(), village.Link{Broker: b.URL(), Step: s})
	if err != nil {
		t.Fatal(err)
	}
	if o := r.Openings; o.Number != 1 || o.LongestOpenS != 6749.556 || o.OverLimit != 0 || o.Late != 0 || math.Round(o.Litres) != 19_000 { // 15 mm on 1.9 mu
		t.Errorf("openings %+v", o)
	}
	simtest.Until(t, "the observer has every report", func() bool { return reports() == 4 })
	var tells []string
	for _, m := range observer.On("ganlin/v1/v-001/report") {
		var c devices.CommandReport
		if err := json.Unmarshal([]byte(m.Payload), &c); err != nil {
			t.Fatal(err)
		}
		tells = append(tells, fmt.Sprintf("%s %s %s", c.At.Sub(v.Start), c.Command, c.State))
	}
	if diff := cmp.Diff([]string{"1ms  closed", "24h0m2s a accepted", "24h0m2s a open", "25h52m31.556s  closed"}, tells); diff != "" {
		t.Error(diff)
	}
	all, _ := valuesSeen(observer)
	moisture := func(at time.Time) float64 {
		return all[fmt.Sprintf("ganlin/v1/s-001 %d", at.UnixMilli())]["soil_moisture@20"]
	}
	if dry, wet := moisture(v.Start.Add(24*time.Hour)), moisture(v.Start.Add(27*time.Hour)); wet < dry+0.005 {
		t.Errorf("soil moisture %.3f before and %.3f after watering", dry, wet)
	}
}

func TestRunEnds(t *testing.T) {
	b := simtest.StartBroker(t)
	o := village.Options{Days: 1, Plots: 1}
	refused := errors.New("no more")
	v := newVillage(t, o)
	r, err := v.Run(t.Context(), village.Link{Broker: b.URL(), Step: &script{step: func(at time.Time, _ map[devices.DeviceID]int64) error {
		if at.After(v.Start.Add(3 * time.Hour)) {
			return refused
		}
		return nil
	}}})
	if !errors.Is(err, refused) || r.Fleet.Readings == 0 || !r.At.Equal(v.Start.Add(4*time.Hour)) {
		t.Errorf("%+v, %v", r, err)
	}

	// After the last day the clock goes on, in steps of a minute.
	v = newVillage(t, o)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	s := &script{step: func(at time.Time, _ map[devices.DeviceID]int64) error {
		if at.After(v.End) {
			cancel()
		}
		return nil
	}}
	_, err = v.Run(ctx, village.Link{Broker: b.URL(), Step: s, From: v.End.Add(-90 * time.Minute), Linger: true})
	if !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	var after []time.Duration
	for _, at := range s.at {
		after = append(after, at.Sub(v.End))
	}
	if diff := cmp.Diff([]time.Duration{-time.Hour, 0, time.Minute}, after); diff != "" {
		t.Error(diff)
	}
}

func TestSpeedIsACap(t *testing.T) {
	b := simtest.StartBroker(t)
	v := newVillage(t, village.Options{Days: 1, Plots: 1})
	begin := time.Now()
	if _, err := v.Run(t.Context(), village.Link{Broker: b.URL(), Step: &script{}, Speed: 24 * 3600}); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(begin); took < time.Second {
		t.Errorf("a day at a day a second took %s", took)
	}
}

func TestLive(t *testing.T) {
	b := simtest.StartBroker(t)
	observer := simtest.Observe(t, b)
	v := newVillage(t, village.Options{Plots: 8, ProbesOnly: true, Start: time.Now().UTC()})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan village.Report)
	go func() { done <- v.Live(ctx, village.Link{Broker: b.URL()}, 20*time.Millisecond) }()
	simtest.Until(t, "every probe has sent twenty readings", func() bool {
		for i := range 8 {
			if len(observer.On(fmt.Sprintf("ganlin/v1/s-%03d/telemetry", i+1))) < 20 {
				return false
			}
		}
		return true
	})
	cancel()
	r := <-done
	var all map[string]map[string]float64
	simtest.Until(t, "the observer has every reading", func() bool {
		all, _ = valuesSeen(observer)
		return len(all) >= int(r.Fleet.Readings)
	})
	if len(all) != int(r.Fleet.Readings) || r.Fleet.Values != 7*r.Fleet.Readings || r.Fleet.Waiting != 0 || r.Fleet.Acknowledged != r.Fleet.Published {
		t.Errorf("the observer has %d readings, the fleet counted %+v", len(all), r.Fleet)
	}
}
