package rules_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"ganlin/devices"
	"ganlin/internal/rulefile"
	"ganlin/rules"
)

var begin = time.Date(2026, 6, 30, 16, 0, 0, 0, time.UTC) // local midnight

// config is a village of three plots: with probe and valve, with a valve alone, and with neither.
func config(tb testing.TB) rules.Config {
	tb.Helper()
	set, problems := rulefile.Load(nil, true)
	if len(problems) > 0 {
		tb.Fatal(problems)
	}
	plot := func(id devices.PlotID, home devices.HouseholdID, valves ...devices.DeviceID) devices.Plot {
		p := devices.Plot{
			ID: id, Place: "500119101001", Site: "sanquan", Station: "w-01", Household: home, AreaMu: 3, Crop: "maize_grain",
			Planted: time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC), Soil: devices.Soil{Texture: "loam"}, Valves: valves, Mode: devices.Auto,
		}
		return p
	}
	configs, err := rules.Configs(
		[]devices.Site{{ID: "sanquan", Place: "500119101001", TimeZone: "Asia/Shanghai"}},
		[]devices.Station{{ID: "w-01", Latitude: 29.16, Longitude: 107.1, ElevationM: 640}},
		[]devices.Plot{plot("p-1", "h-1", "v-1"), plot("p-2", "h-1", "v-2"), plot("p-3", "h-2")},
		[]devices.Device{
			{ID: "s-1", Model: "ganlin-soil-3", Plot: "p-1"},
			{ID: "w-01", Model: "ganlin-weather-1", Station: "w-01"},
			{ID: "v-1", Model: "ganlin-valve-1", Plot: "p-1", MaxDurationS: 7200, MaxVolumeL: 30_000},
			{ID: "v-2", Model: "ganlin-valve-1", Plot: "p-2", MaxDurationS: 7200, MaxVolumeL: 30_000},
		},
		set.Rules, 0)
	if err != nil {
		tb.Fatal(err)
	}
	return configs[0]
}

// A world is a dry summer told in facts, hour by hour, with valves that obey.
type world struct {
	hour   int
	total  float64 // of the rain gauge
	seq    int64
	theta  float64
	soaked bool                     // it rains on the first day, so that bare plots are known
	silent func(at time.Time) bool  // nil: never
	change float64                  // added to one reading
	bend   func(*devices.Fact) bool // what goes wrong on the way; false: it does not come; nil: nothing
	mute   devices.DeviceID         // a valve that neither hears nor says anything
}

func (w *world) fact(device devices.DeviceID, at time.Time, key string, v float64) devices.Fact {
	k, err := devices.ParseKey(key)
	if err != nil {
		panic(err)
	}
	l := devices.Location{Site: "sanquan", Place: "500119101001"}
	return devices.Fact{Kind: devices.ReadingFact, At: at, Received: at.Add(time.Second), Device: device, Location: l, Key: k, Value: v}
}

// live tells the facts of the hour that ends at at.
func (w *world) live(at time.Time) (facts []devices.Fact) {
	if w.silent != nil && w.silent(at) {
		w.hour++
		return nil
	}
	rng := rand.New(rand.NewPCG(7, uint64(w.hour)))
	local := float64((at.Hour() + 8) % 24)
	sun := math.Max(0, math.Sin(math.Pi*(local-6)/13))
	add := func(device devices.DeviceID, key string, v float64) {
		facts = append(facts, w.fact(device, at, key, v))
	}
	add("w-01", "air_temperature", 27+8*sun+rng.Float64())
	add("w-01", "relative_humidity", 75-30*sun)
	add("w-01", "wind_speed", 1.5+rng.Float64())
	add("w-01", "solar_radiation", 850*sun)
	if w.total = max(w.total, 12); w.soaked && w.hour >= 3 && w.hour < 9 {
		w.total += 25
	}
	add("w-01", "rain_total", w.total)
	w.theta = math.Max(0.13, w.theta-0.00025*(0.2+sun))
	for i, depth := range []int{20, 40, 60} {
		v := w.theta + 0.01*float64(i) + 0.002*rng.Float64()
		if w.hour == 287 && i == 0 {
			v += w.change
		}
		add("s-1", fmt.Sprintf("soil_moisture@%d", depth), v)
	}
	w.hour++
	if w.bend != nil {
		var came []devices.Fact
		for _, f := range facts {
			if w.bend(&f) {
				came = append(came, f)
			}
		}
		return came
	}
	return facts
}

// obey tells what the valve of a command reports: it opens after 2 s and closes when its water has run.
func (w *world) obey(d devices.Decision) (facts []devices.Fact) {
	if devices.DeviceID(d.Subject) == w.mute {
		return nil
	}
	report := func(after time.Duration, command string, state devices.CommandState, litres *float64) {
		w.seq++
		facts = append(facts, devices.Fact{
			Kind: devices.ReportFact, At: d.At.Add(after), Received: d.At, Device: devices.DeviceID(d.Subject), Location: devices.Location{Site: "sanquan"},
			Report: &devices.CommandReport{Command: command, State: state, At: d.At.Add(after), Seq: w.seq, VolumeL: litres},
		})
	}
	if d.Command.Action != devices.Open {
		report(2*time.Second, d.Command.ID, devices.Accepted, nil)
		report(2*time.Second, d.Command.ID, devices.Closed, nil)
		return facts
	}
	litres := math.Min(d.Command.MaxVolumeL, 250*float64(d.Command.MaxDurationS)/60)
	runs := time.Duration(litres / 250 * float64(time.Minute)).Truncate(time.Millisecond)
	report(2*time.Second, d.Command.ID, devices.Accepted, nil)
	report(2*time.Second, d.Command.ID, devices.Opened, nil)
	report(2*time.Second+runs, "", devices.Closed, &litres)
	if d.Subject == "v-1" {
		w.theta += litres / 2000 * 0.75 / 700
	}
	return facts
}

// hello is what valves report when they connect.
func (w *world) hello(at time.Time) (facts []devices.Fact) {
	for _, id := range []devices.DeviceID{"v-1", "v-2"} {
		w.seq++
		facts = append(facts, devices.Fact{
			Kind: devices.ReportFact, At: at, Device: id, Location: devices.Location{Site: "sanquan"},
			Report: &devices.CommandReport{State: devices.Closed, At: at, Seq: w.seq},
		})
	}
	return facts
}

// opensUnasked returns the report of a valve that opens for a command which nobody gave.
func (w *world) opensUnasked(id devices.DeviceID, at time.Time) devices.Fact {
	w.seq++
	return devices.Fact{
		Kind: devices.ReportFact, At: at, Device: id, Location: devices.Location{Site: "sanquan"},
		Report: &devices.CommandReport{Command: "of-nobody", State: devices.Opened, At: at, Seq: w.seq},
	}
}

// season lives hours of the world on a site. between is done to the facts of
// each hour on their way, after to the site behind each tick.
func season(tb testing.TB, s *rules.Site, w *world, hours int, between func([]devices.Fact), after func(*rules.Site) *rules.Site) (all []devices.Decision) {
	tb.Helper()
	if w.theta == 0 {
		w.theta = 0.2
	}
	at := begin
	s.Tick(at)
	late := w.hello(at.Add(time.Millisecond))
	for range hours {
		at = at.Add(time.Hour)
		facts := append(w.live(at), late...)
		late = nil
		if between != nil {
			between(facts)
		}
		for _, f := range facts {
			s.Add(f)
		}
		decided := s.Tick(at)
		for _, d := range decided {
			if d.Command != nil {
				late = append(late, w.obey(d)...)
			}
		}
		all = append(all, decided...)
		if after != nil {
			s = after(s)
		}
	}
	return all
}

func digest(tb testing.TB, decisions []devices.Decision) string {
	tb.Helper()
	var d rules.Digest
	seen := map[string]bool{}
	for _, one := range decisions {
		if seen[one.ID] {
			tb.Errorf("decision %s is made twice: %+v", one.ID, one)
		}
		seen[one.ID] = true
		if err := d.Add(one); err != nil {
			tb.Fatal(err)
		}
	}
	return d.Sum()
}

const someHours = 40 * 24

// TestASeasonDecides looks at what a dry summer leads to.
func TestASeasonDecides(t *testing.T) {
	all := season(t, rules.New(config(t)), &world{soaked: true}, someHours, nil, nil)
	count := map[string]int{}
	for _, d := range all {
		count[string(d.Kind)+" "+d.Outcome]++
	}
	t.Log(count)
	for _, want := range []string{
		"balance closed", "alert firing", "irrigation start", "irrigation done", "command open", "command confirmed", "ledger lease", "clue raised",
	} {
		if count[want] == 0 {
			t.Errorf("no %q", want)
		}
	}
	if count["balance closed"] != 3*40-3 && count["balance closed"] != 3*40 {
		t.Errorf("%d balances", count["balance closed"])
	}
	// Both valves were told to close before they were heard of, and that was confirmed too.
	if open := count["command open"]; count["command confirmed"] < open || count["ledger lease"] < open-2 {
		t.Errorf("commands and ledger: %v", count)
	}
}

// TestOrderPlaysNoPart hands over each hour's facts in any order. The control,
// which applies them as they come, decides otherwise.
func TestOrderPlaysNoPart(t *testing.T) {
	want := digest(t, season(t, rules.New(config(t)), &world{}, someHours, nil, nil))
	same := 0
	for seed := range uint64(5) {
		rng := rand.New(rand.NewPCG(seed, 1))
		shuffle := func(facts []devices.Fact) {
			rng.Shuffle(len(facts), func(i, j int) { facts[i], facts[j] = facts[j], facts[i] })
		}
		if got := digest(t, season(t, rules.New(config(t)), &world{}, someHours, shuffle, nil)); got != want {
			t.Errorf("seed %d: %s, want %s", seed, got, want)
		}
		control := rules.New(config(t))
		control.ApplyAsTheyCome()
		if got := digest(t, season(t, control, &world{}, someHours, shuffle, nil)); got == want {
			same++
		}
	}
	if same == 5 {
		t.Error("an engine that applies facts as they come decides the same")
	}
}

// TestSnapshotsChangeNothing restores the site from its snapshot again and again.
// What waits is no part of it and is held again, as from the journal. The
// control forgets that.
func TestSnapshotsChangeNothing(t *testing.T) {
	const hours = 25 * 24
	want := digest(t, season(t, rules.New(config(t)), &world{}, hours, nil, nil))
	restored := func(forget bool) string {
		var told []devices.Fact
		n := 0
		return digest(t, season(t, rules.New(config(t)), &world{}, hours, func(facts []devices.Fact) {
			told = append(told, facts...)
		}, func(s *rules.Site) *rules.Site {
			if n++; n%7 != 0 {
				return s
			}
			text, err := s.Snapshot()
			if err != nil {
				t.Fatal(err)
			}
			again := rules.New(config(t))
			if err := again.Restore(text); err != nil {
				t.Fatal(err)
			}
			for i := range told {
				if told[i].At.After(again.Watermark()) && !forget {
					again.Hold(&told[i])
				}
			}
			if again.Holds() != s.Holds() && !forget {
				t.Errorf("at %s %d are held, were %d", s.Watermark(), again.Holds(), s.Holds())
			}
			return again
		}))
	}
	if got := restored(false); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if got := restored(true); got == want {
		t.Error("that what waits is forgotten is not noticed")
	}
}

// TestOneReadingCounts changes one reading by 0.01 m3/m3.
func TestOneReadingCounts(t *testing.T) {
	want := digest(t, season(t, rules.New(config(t)), &world{}, someHours, nil, nil))
	if got := digest(t, season(t, rules.New(config(t)), &world{change: 0.01}, someHours, nil, nil)); got == want {
		t.Error("nothing is decided otherwise")
	}
}

// TestSilence lets every sensor fall silent: plots become unknown, an alert says
// so, and nothing opens.
func TestSilence(t *testing.T) {
	from := begin.Add(20 * 24 * time.Hour)
	w := &world{soaked: true, silent: func(at time.Time) bool { return at.After(from) }}
	s := rules.New(config(t))
	all := season(t, s, w, 30*24, nil, nil)
	alarm := time.Time{}
	for _, d := range all {
		if d.Kind == devices.AlertDecision && d.Rule == "soil_unknown" && d.Outcome == "firing" {
			if d.At.Before(from) {
				t.Errorf("at %s nobody knows how wet %s is", d.At, d.Subject)
			}
			if alarm.IsZero() {
				alarm = d.At
			}
		}
		if d.Kind == devices.CommandDecision && d.Outcome == "open" && d.At.After(from.Add(6*time.Hour)) {
			t.Errorf("at %s %s is opened", d.At, d.Subject)
		}
	}
	if alarm.IsZero() || alarm.After(from.Add(9*time.Hour)) { // more than 6 h, and 2 h more, by the hour
		t.Errorf("silent since %s, the alarm came at %s", from, alarm)
	}
	for _, p := range s.View().Plots {
		if p.DepletionMM != nil || p.Grade != 0 {
			t.Errorf("%s is known: %+v", p.ID, p)
		}
		if p.RainWeekMM != nil || p.SoilAgeH != nil && *p.SoilAgeH < 9*24 {
			t.Errorf("after ten silent days %s has fresh numbers: %+v", p.ID, p)
		}
	}
	if !slices.ContainsFunc(all, func(d devices.Decision) bool { return d.Kind == devices.CommandDecision && d.Outcome == "open" }) {
		t.Error("nothing was ever opened")
	}
}

// TestLateFactsChangeNothing adds a reading whose time is over.
func TestLateFactsChangeNothing(t *testing.T) {
	want := digest(t, season(t, rules.New(config(t)), &world{}, 10*24, nil, nil))
	s := rules.New(config(t))
	w := &world{}
	got := digest(t, season(t, s, w, 10*24, nil, func(s *rules.Site) *rules.Site {
		s.Add(w.fact("s-1", s.Watermark().Add(-time.Minute), "soil_moisture@20", 0.4))
		return s
	}))
	if got != want || s.Late() != 10*24 {
		t.Errorf("%s with %d late facts, want %s with 240", got, s.Late(), want)
	}
}
