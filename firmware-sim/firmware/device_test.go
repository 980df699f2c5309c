package firmware_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"ganlin/devices"
	"ganlin/firmware-sim/firmware"
	"ganlin/firmware-sim/simtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	noon = time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)
	half = 30 * time.Minute
)

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// newProbe returns a probe at three depths in a soil that never changes.
func newProbe(change func(*firmware.Options)) *firmware.Device {
	o := firmware.Options{
		ID: "s-001", Every: half, Boot: noon, Seed: 7, UnixMillis: true, Faults: firmware.Faults{Noise: 1},
		Channels: firmware.ProbeChannels(
			func(depthCM int) float64 { return 0.2 + float64(depthCM)/1000 },
			func(depthCM int) float64 { return 25 - float64(depthCM)/20 },
			noon, 20, 40, 60),
	}
	if change != nil {
		change(&o)
	}
	return firmware.New(o)
}

// take lets a device live through n intervals and take a reading at the end of each.
func take(d *firmware.Device, from time.Time, n int) time.Time {
	for range n {
		from = from.Add(half)
		d.Advance(from)
		d.Take()
	}
	return from
}

// A reading is the native format as this test reads it.
type reading struct {
	At     json.RawMessage    `json:"at"`
	Seq    int64              `json:"seq"`
	Values map[string]float64 `json:"values"`
}

// readings decodes telemetry messages, arrays and single ones.
func readings(t *testing.T, messages []simtest.Seen) []reading {
	t.Helper()
	var all []reading
	for _, m := range messages {
		text := []byte(m.Payload)
		if text[0] != '[' {
			text = fmt.Appendf(nil, "[%s]", text)
		}
		var some []reading
		if err := json.Unmarshal(text, &some); err != nil {
			t.Fatalf("%s: %v", m.Payload, err)
		}
		all = append(all, some...)
	}
	return all
}

// run starts a device's radio and returns what ends it.
func run(t *testing.T, d *firmware.Device, l firmware.Link) (stop func()) {
	t.Helper()
	if l.Logger == nil {
		l.Logger = quiet()
	}
	ctx, cancel := contextOf(t)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		d.Run(ctx, l)
	}()
	stop = func() {
		cancel()
		<-ended
	}
	t.Cleanup(stop)
	return stop
}

// publishAll runs devices against a broker until all they have is acknowledged and returns what an observer saw.
func publishAll(t *testing.T, topic string, all ...*firmware.Device) []reading {
	t.Helper()
	b := simtest.StartBroker(t)
	o := simtest.Observe(t, b)
	for _, d := range all {
		stop := run(t, d, firmware.Link{Broker: b.URL()})
		if err := d.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
		stop()
	}
	want := 0
	for _, d := range all {
		want += int(d.Counts().Readings)
	}
	var got []reading
	simtest.Until(t, "the observer has every reading", func() bool {
		got = readings(t, o.On(topic))
		return len(got) >= want
	})
	return got
}

const telemetry = "ganlin/v1/s-001/telemetry"

// TestSameSeedSameReadings takes the same readings in one go, in two halves of
// which the second is a process of its own, and with another seed.
func TestSameSeedSameReadings(t *testing.T) {
	const n = 200
	whole := newProbe(nil)
	take(whole, noon, n)
	first, second, other := newProbe(nil), newProbe(nil), newProbe(func(o *firmware.Options) { o.Seed = 8 })
	middle := take(first, noon, n/2)
	take(second, middle, n/2)
	take(other, noon, n)

	want := publishAll(t, telemetry, whole)
	got := publishAll(t, telemetry, first, second)
	withoutSeq := func(all []reading) []reading {
		last := int64(0)
		for i := range all {
			if all[i].Seq <= last {
				t.Errorf("reading %d has seq %d after %d", i, all[i].Seq, last)
			}
			last, all[i].Seq = all[i].Seq, 0
		}
		return all
	}
	if diff := cmp.Diff(withoutSeq(want), withoutSeq(got)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(want, withoutSeq(publishAll(t, telemetry, other))); diff == "" {
		t.Error("another seed gave the same readings")
	}
}

func TestNoiseAndBias(t *testing.T) {
	d := newProbe(func(o *firmware.Options) { o.Channels[0].Bias = 0 })
	const n = 2000
	take(d, noon, n)
	sum, squares := 0.0, 0.0
	for _, r := range publishAll(t, telemetry, d) {
		v := r.Values["soil_moisture@20"] - 0.22
		sum, squares = sum+v, squares+v*v
	}
	if mean, spread := sum/n, math.Sqrt(squares/n); math.Abs(mean) > 0.0003 || math.Abs(spread-0.002) > 0.0003 {
		t.Errorf("noise has mean %.5f and spread %.5f, want 0 and 0.002", mean, spread)
	}

	ideal := newProbe(func(o *firmware.Options) { o.Faults.Noise = 0 })
	take(ideal, noon, 3)
	for _, r := range publishAll(t, telemetry, ideal) {
		if r.Values["soil_moisture@40"] != 0.24 || r.Values["soil_temperature@60"] != 22 {
			t.Errorf("an ideal probe reads %v", r.Values)
		}
	}
}

func TestFaults(t *testing.T) {
	const n = 4000
	d := newProbe(func(o *firmware.Options) {
		o.Faults = firmware.Faults{Drop: 0.1, Duplicate: 0.05, Late: 0.02, LateBy: 3 * time.Hour, Break: 0.03}
	})
	b := simtest.StartBroker(t)
	o := simtest.Observe(t, b)
	run(t, d, firmware.Link{Broker: b.URL()})
	simtest.Until(t, "the device is online", func() bool { return d.Counts().Connects == 1 })
	now := noon
	for range n / 8 {
		now = take(d, now, 8)
		d.Wake()
		if err := d.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	d.Advance(now.Add(3 * time.Hour)) // the last late ones are due
	d.Wake()
	if err := d.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	c := d.Counts()
	near := func(what string, got int64, share float64) {
		if want := share * n; math.Abs(float64(got)-want) > 5*math.Sqrt(want) {
			t.Errorf("%s: %d of %d, want about %g", what, got, n, want)
		}
	}
	near("dropped", c.Dropped, 0.1)
	near("duplicates", c.Duplicates, 0.9*0.05)
	near("late", c.Late, 0.9*0.02)
	near("broken", c.Broken, 0.9*0.03)
	if c.Readings+c.Broken+c.Dropped != n || c.Waiting+c.Held != 0 || c.Values != 7*c.Readings {
		t.Errorf("counts do not add up to %d readings: %+v", n, c)
	}

	simtest.Until(t, "the observer has every message", func() bool { return len(o.On(telemetry)) >= int(c.Readings+c.Broken+c.Duplicates) })
	var broken, again, late int64
	seen := map[int64]int{}
	last := int64(0)
	for _, m := range o.On(telemetry) {
		var r reading
		if json.Unmarshal([]byte(m.Payload), &r) != nil {
			broken++
			continue
		}
		seen[r.Seq]++
		if seen[r.Seq] == 2 {
			again++
		} else if r.Seq < last {
			late++
		}
		last = max(last, r.Seq)
	}
	if broken < c.Broken || again > c.Duplicates || again < c.Duplicates-broken || int64(len(seen)) != c.Readings || late == 0 || late > c.Late {
		t.Errorf("the observer saw %d broken, %d twice, %d late, %d in all; the device says %+v", broken, again, late, len(seen), c)
	}
}

func TestOutages(t *testing.T) {
	d := newProbe(func(o *firmware.Options) { o.Faults.Outage = 0.3 })
	b := simtest.StartBroker(t)
	run(t, d, firmware.Link{Broker: b.URL()})
	now, silent := noon, 0
	const days = 100
	for range days * 24 {
		before := d.Counts().Readings
		now = take(d, now, 2)
		d.Wake()
		if err := d.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
		if d.Counts().Readings == before {
			silent++
		}
	}
	c := d.Counts()
	if c.Connects < 10 || c.Connects > 45 || silent < 60 || silent > 400 {
		t.Errorf("%d connections and %d silent hours in %d days", c.Connects, silent, days)
	}
	if all := int64(days * 48); c.Readings+c.Waiting != all || c.Waiting > 24 {
		t.Errorf("%d readings acknowledged and %d waiting of %d", c.Readings, c.Waiting, all)
	}
}

func TestClockNotSet(t *testing.T) {
	d := newProbe(nil)
	d.LoseClock()
	now := take(d, noon, 3)
	d.SetClock()
	take(d, now, 2)
	var years []int
	for _, r := range publishAll(t, telemetry, d) {
		var millis int64
		if err := json.Unmarshal(r.At, &millis); err != nil {
			t.Fatal(err)
		}
		years = append(years, time.UnixMilli(millis).UTC().Year())
	}
	if diff := cmp.Diff([]int{1970, 1970, 1970, 2026, 2026}, years); diff != "" {
		t.Error(diff)
	}
}

func TestDue(t *testing.T) {
	d := newProbe(nil)
	if !d.Due(noon) || d.Due(noon.Add(10*time.Minute)) || !d.Due(noon.Add(half)) {
		t.Error("a probe is due every half hour and at no other time")
	}
}

// reportsOf decodes valve reports.
func reportsOf(t *testing.T, messages []simtest.Seen) []devices.CommandReport {
	t.Helper()
	var all []devices.CommandReport
	for _, m := range messages {
		var r devices.CommandReport
		if err := json.Unmarshal([]byte(m.Payload), &r); err != nil {
			t.Fatal(err)
		}
		all = append(all, r)
	}
	return all
}
