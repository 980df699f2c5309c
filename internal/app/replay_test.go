package app

import (
	"context"
	"log/slog"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"ganlin/devices"
	"ganlin/ingest"
	"ganlin/internal/records"
	"ganlin/internal/registry"
	"ganlin/rules"
)

// TestReplayOfTheWallClock decides the journal of a program again that ran by
// the wall, where messages come up to ten minutes late: with the time for them
// that was in force then, nothing is decided otherwise, in whatever order they
// come. The control gives them none.
func TestReplayOfTheWallClock(t *testing.T) {
	folder := t.TempDir()
	s := openStill(t, folder, func(o *programOptions) {
		o.files = []*registry.File{registry.Read("registry.yaml", []byte(twoHouseholds+`devices:
  - {id: s-001, model: ganlin-soil-3, plot: p-001}
  - {id: w-01, model: ganlin-weather-1, station: w-01}
`))}
	})
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.engine.Run(ctx) }()
	last := s.liveLate(t)
	if err := s.engine.WaitTick(t.Context(), last); err != nil {
		t.Fatal(err)
	}
	stop()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	var lived rules.Digest
	if err := s.records.EachDecision(t.Context(), lived.Add); err != nil {
		t.Fatal(err)
	}
	s.shut()

	again := func(shuffle uint64, change func(*devices.Fact)) *replay {
		f, err := openFolder(folder)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = f.close() }()
		store, err := records.Open(t.Context(), f.file(recordsFile))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = store.Close() }()
		r := &replay{versions: versions{store}, change: change}
		if shuffle > 0 {
			r.rng = rand.New(rand.NewPCG(shuffle, 0))
		}
		if err := readWhole(t.Context(), console{log: slog.New(slog.DiscardHandler)}, f, r.record); err != nil {
			t.Fatal(err)
		}
		return r
	}
	hurry := func(f *devices.Fact) {
		if f.Kind == devices.VersionFact {
			f.Version = &devices.Version{Registry: f.Version.Registry, Rules: f.Version.Rules}
		}
	}
	for shuffle := range uint64(4) {
		if r := again(shuffle, nil); r.digest.Sum() != lived.Sum() || r.late() != 0 || r.digest.Number() == 0 {
			t.Errorf("shuffle %d: %d decisions %s, lived were %d %s; %d late", shuffle, r.digest.Number(), r.digest.Sum(), lived.Number(), lived.Sum(), r.late())
		}
	}
	if r := again(0, hurry); r.digest.Sum() == lived.Sum() || r.late() == 0 {
		t.Errorf("without time for what is late the same is decided; %d late", r.late())
	}
}

// liveLate tells two days in which every message comes some minutes late, and returns the last tick.
func (s still) liveLate(t *testing.T) (tick time.Time) {
	t.Helper()
	begin := time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC)
	rng := rand.New(rand.NewPCG(1, 0))
	waiting := map[time.Time][]ingest.Decoded{} // by the tick after which they come
	for minute := 0; minute < 2*24*60; minute += 2 {
		tick = begin.Add(time.Duration(minute) * time.Minute)
		if minute%10 == 0 {
			sun := max(0, math.Sin(math.Pi*(float64(tick.Hour()+8)-6)/13))
			for device, values := range map[devices.DeviceID]map[string]float64{
				"w-01":  {"air_temperature": 27 + 8*sun, "relative_humidity": 75 - 30*sun, "wind_speed": 1.5, "solar_radiation": 850 * sun, "rain_total": 12},
				"s-001": {"soil_moisture@20": 0.2 - 0.00002*float64(minute), "soil_moisture@40": 0.22},
			} {
				comes := tick.Add(time.Duration(rng.IntN(4)) * 2 * time.Minute)
				waiting[comes] = append(waiting[comes], telemetry(t, device, tick, values))
			}
		}
		if came := waiting[tick]; len(came) > 0 {
			if err := s.journal.Append(t.Context(), came); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.journal.AppendTicks(t.Context(), tick, s.sites()); err != nil {
			t.Fatal(err)
		}
	}
	return tick
}

// telemetry is a message with one reading.
func telemetry(t *testing.T, device devices.DeviceID, at time.Time, values map[string]float64) ingest.Decoded {
	t.Helper()
	r := ingest.Reading{At: at}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		key, err := devices.ParseKey(name)
		if err != nil {
			t.Fatal(err)
		}
		r.Values = append(r.Values, ingest.Value{Key: key, Number: values[name]})
	}
	return ingest.Decoded{
		Device: device, Received: at, Location: devices.Location{Site: "sanquan", Place: "500119101001"}, Readings: []ingest.Reading{r}, Values: len(values),
	}
}
