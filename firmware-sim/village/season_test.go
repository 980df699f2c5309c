package village_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"ganlin/devices"
	"ganlin/firmware-sim/field"
	"ganlin/firmware-sim/firmware"
	"ganlin/firmware-sim/simtest"
	"ganlin/firmware-sim/village"
)

// A gardener is a receiver that waters: every sixth evening it opens all
// valves, repeats the command until it is accepted, and sends it once more.
type gardener struct {
	t        *testing.T
	v        *village.Village
	observer *simtest.Observer
	at       []time.Time
}

func (g *gardener) Step(ctx context.Context, at time.Time, _ map[devices.DeviceID]int64) (time.Time, error) {
	g.at = append(g.at, at)
	since := at.Sub(g.v.Start)
	if since%(24*time.Hour) != 20*time.Hour || int(since/(24*time.Hour))%6 != 2 {
		return at, ctx.Err()
	}
	var all sync.WaitGroup
	for _, d := range g.v.Registry.Devices {
		if strings.HasPrefix(string(d.ID), "v-") {
			all.Go(func() { g.open(d.ID, at) })
		}
	}
	all.Wait()
	return at, ctx.Err()
}

func (g *gardener) open(id devices.DeviceID, at time.Time) {
	name := fmt.Sprintf("%s-%d", id, at.Unix())
	command := func(id string, action devices.Action) string {
		return fmt.Sprintf(`{"id":%q,"seq":%d,"action":%q,"max_duration_s":3000,"expires_at":%q}`, id, at.UnixMilli(), action, at.Add(10*time.Minute).Format(time.RFC3339))
	}
	answered := func(name string) bool {
		return slices.ContainsFunc(g.observer.On(devices.Topic(id, devices.Reports)), func(m simtest.Seen) bool { return strings.Contains(m.Payload, name) })
	}
	g.insist(id, command("state-"+name, devices.Report), func() bool { return answered("state-" + name) })
	g.insist(id, command(name, devices.Open), func() bool { return answered(`"` + name + `"`) })
	g.observer.Send(g.t, devices.Topic(id, devices.Commands), command(name, devices.Open))
}

// insist sends a command every 50 ms until it is answered, as it may be lost.
func (g *gardener) insist(id devices.DeviceID, command string, answered func() bool) {
	next := time.Time{}
	simtest.Until(g.t, "a command is answered", func() bool {
		if now := time.Now(); now.After(next) {
			g.observer.Send(g.t, devices.Topic(id, devices.Commands), command)
			next = now.Add(50 * time.Millisecond)
		}
		return answered()
	})
}

// acts returns what valves say of their own changes, by device: each time,
// state and volume once, without the answers to questions.
func acts(t *testing.T, o *simtest.Observer) map[string][]string {
	t.Helper()
	all := map[string][]string{}
	for topic := range o.Topics() {
		if !strings.HasSuffix(topic, "/report") {
			continue
		}
		for _, m := range o.On(topic) {
			var r devices.CommandReport
			if err := json.Unmarshal([]byte(m.Payload), &r); err != nil {
				t.Fatal(err)
			}
			asked := strings.HasPrefix(r.Command, "state-") || r.Command == "" && r.At.Nanosecond() == 1e6 && r.At.Second() == 0
			if line := fmt.Sprintf("%s %s %s %v", r.At, r.Command, r.State, volume(r)); !asked && !slices.Contains(all[topic], line) {
				all[topic] = append(all[topic], line)
			}
		}
		slices.Sort(all[topic])
	}
	return all
}

func volume(r devices.CommandReport) float64 {
	if r.VolumeL == nil {
		return math.NaN()
	}
	return *r.VolumeL
}

// gardened lives a season that is watered, and returns readings, acts and report.
func gardened(t *testing.T, o village.Options, change func(*village.Village, *village.Link)) (map[string]map[string]float64, map[string][]string, village.Report) {
	t.Helper()
	b := simtest.StartBroker(t)
	observer := simtest.Observe(t, b)
	v := newVillage(t, o)
	l := village.Link{Broker: b.URL(), Step: &gardener{t: t, v: v, observer: observer}}
	if change != nil {
		change(v, &l)
	}
	r, err := v.Run(t.Context(), l)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]map[string]float64{}
	simtest.Until(t, "the observer has every reading", func() bool {
		all, _ = valuesSeen(observer)
		return len(all) >= int(r.Fleet.Readings)
	})
	return all, acts(t, observer), r
}

// TestBadNetworkChangesNothing lives the same watered days on a good network
// and on one that delays every message and cuts connections.
func TestBadNetworkChangesNothing(t *testing.T) {
	o := village.Options{Days: 5, Plots: 5, Seed: 21, Faults: firmware.Faults{Noise: 1}}
	want, wantActs, calm := gardened(t, o, nil)
	rough := firmware.Rough{Delay: 10 * time.Millisecond, Cut: 0.006, Seed: 2}
	got, gotActs, torn := gardened(t, o, func(_ *village.Village, l *village.Link) { l.Rough = rough })
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(wantActs, gotActs); diff != "" {
		t.Error(diff)
	}
	if torn.Fleet.Connects < calm.Fleet.Connects+3 || torn.Fleet.Values != calm.Fleet.Values || torn.Openings != calm.Openings || calm.Openings.Number != 3 {
		t.Errorf("calm %+v %+v\nrough %+v %+v", calm.Fleet, calm.Openings, torn.Fleet, torn.Openings)
	}
}

// TestStateOverRestarts lives watered days in one process, and in two of which
// the second takes up what the first kept while water flows.
func TestStateOverRestarts(t *testing.T) {
	o := village.Options{Days: 4, Plots: 5, Seed: 22, Faults: firmware.Faults{Noise: 1}}
	want, wantActs, whole := gardened(t, o, nil)

	// The first process ends after the hour in which valves have opened; its
	// last step is not kept, as if it was killed before.
	var kept [][]byte
	enough := fmt.Errorf("enough")
	b := simtest.StartBroker(t)
	observer := simtest.Observe(t, b)
	v := newVillage(t, o)
	end := v.Start.Add(2*24*time.Hour + 21*time.Hour)
	_, err := v.Run(t.Context(), village.Link{
		Broker: b.URL(), Step: &gardener{t: t, v: v, observer: observer},
		Keep: func(at time.Time, state []byte) error {
			if at.Equal(end) {
				return enough
			}
			kept = append(kept, state)
			return nil
		},
	})
	if err == nil || len(kept) != 68 {
		t.Fatalf("%v after %d steps", err, len(kept))
	}
	o.Resume = kept[len(kept)-1]
	v = newVillage(t, o)
	r, err := v.Run(t.Context(), village.Link{Broker: b.URL(), From: end, Step: &gardener{t: t, v: v, observer: observer}})
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]map[string]float64
	simtest.Until(t, "the observer has every reading", func() bool {
		got, _ = valuesSeen(observer)
		return len(got) >= len(want)
	})
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(wantActs, acts(t, observer)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(whole.Openings, r.Openings, cmpopts.EquateApprox(0, 1e-9)); diff != "" || r.Openings.Number != 3 {
		t.Error(diff)
	}
	if diff := cmp.Diff(whole.Water, r.Water, cmpopts.EquateApprox(0, 1e-9)); diff != "" || r.Water.AutomaticM3 == 0 {
		t.Error(diff)
	}
	if diff := cmp.Diff(whole.Losses, r.Losses); diff != "" {
		t.Error(diff)
	}
}

func TestStatesThatAreRefused(t *testing.T) {
	state := newVillage(t, village.Options{Days: 1, Plots: 2, Seed: 1}).State()
	for name, c := range map[string]struct {
		o    village.Options
		want string
	}{
		"another seed":   {village.Options{Days: 1, Plots: 2, Seed: 2, Resume: state}, "with 2 plots, 1 days and seed 1, not of"},
		"another season": {village.Options{Season: "wet", Days: 1, Plots: 2, Seed: 1, Resume: state}, `not of the season "wet"`},
		"more plots":     {village.Options{Days: 1, Plots: 3, Seed: 1, Resume: state}, "not of"},
		"nonsense":       {village.Options{Days: 1, Plots: 2, Seed: 1, Resume: []byte("{")}, "reading the state"},
		"half of it":     {village.Options{Days: 1, Plots: 2, Seed: 1, Resume: []byte(strings.Replace(string(state), `"devices":[{`, `"devices":[],"x":[{`, 1))}, "has 0 devices"},
	} {
		if _, err := village.New(c.o); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	v := newVillage(t, village.Options{Days: 1, Plots: 2, Seed: 1, Resume: state})
	if _, err := v.Run(t.Context(), village.Link{Step: &script{}}); err == nil || !strings.Contains(err.Error(), "the receiver knows no more") {
		t.Errorf("a receiver that has forgotten: %v", err)
	}
}

// TestReportOfASeason lives a whole season on rain alone.
func TestReportOfASeason(t *testing.T) {
	b := simtest.StartBroker(t)
	v := newVillage(t, village.Options{Plots: 12, Seed: 3, Faults: firmware.Faults{Noise: 1}})
	r, err := v.Run(t.Context(), village.Link{Broker: b.URL(), Step: &script{}})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%+v\n%+v\n%v", r.Water, r.Yield, r.Losses)
	if w := r.Water; w.AutomaticM3 != 0 || w.SavedPercent != 100 || w.ManualM3 < 1000 || w.FullM3 < w.ManualM3 || math.Abs(w.ByHoseM3-1.25*w.ManualM3) > 1e-6 {
		t.Errorf("water %+v", w)
	}
	if y := r.Yield; y.Full != 1 || y.Automatic != y.Rainfed || y.Rainfed > 0.75 || y.Rainfed < 0.3 || y.Manual < 0.85 || y.Manual > 1 {
		t.Errorf("yield %+v", y)
	}
	owners := map[devices.HouseholdID]bool{}
	for _, p := range v.Registry.Plots {
		owners[p.Household] = true
	}
	for id, loss := range r.Losses {
		if !owners[id] || loss < 0.1 || loss > 0.9 {
			t.Errorf("household %s lost %.2f", id, loss)
		}
	}
	if len(r.Losses) != len(owners) || r.Calendar != village.Manual() {
		t.Errorf("losses of %d of %d households; the calendar is %s", len(r.Losses), len(owners), r.Calendar)
	}
	// In a batch everybody sends once an hour.
	if f, devices := r.Fleet, int64(len(r.Devices)); f.Acknowledged > devices*(120*24+10) || f.Readings < 3*f.Acknowledged/2 || f.Waiting != 0 {
		t.Errorf("%d devices: %+v", devices, f)
	}
	text, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var keys map[string]json.RawMessage
	if err := json.Unmarshal(text, &keys); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"at", "calendar", "fleet", "losses", "openings", "water", "wetted", "yield"}, slices.Sorted(maps.Keys(keys))); diff != "" {
		t.Error(diff)
	}
}

func TestSeasonFromAFile(t *testing.T) {
	v := newVillage(t, village.Options{Season: "../field/testdata/summer-by-day.csv", Plots: 2, Seed: 1})
	if want := time.Date(2025, 4, 30, 16, 0, 0, 0, time.UTC); !v.Start.Equal(want) || v.End.Sub(want) != 120*24*time.Hour {
		t.Errorf("from %s to %s", v.Start, v.End)
	}
	if p := v.Registry.Plots[0].Planted; p.Year() != 2025 {
		t.Errorf("planted on %s", p)
	}
	for season, want := range map[field.Season]string{
		"../field/testdata/summer-by-hour.csv": "covers 3 days, the season has 120",
		"nowhere.csv":                          "opening the weather",
	} {
		if _, err := village.New(village.Options{Season: season}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", season, err)
		}
	}
}

// BenchmarkState is what is kept after every step.
func BenchmarkState(b *testing.B) {
	v, err := village.New(village.Options{Seed: 1})
	if err != nil {
		b.Fatal(err)
	}
	size := 0
	for b.Loop() {
		size = len(v.State())
	}
	b.ReportMetric(float64(size), "B")
}
