package app

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ganlin/devices"
	"ganlin/firmware-sim/field"
	"ganlin/firmware-sim/firmware"
	"ganlin/firmware-sim/village"
	"ganlin/internal/records"
	"ganlin/internal/registry"
	"ganlin/rules"
)

// once lives a season with demo --once and returns its report.
func (tr *trial) once(args ...string) *seasonReport {
	tr.t.Helper()
	name := filepath.Join(tr.t.TempDir(), "report.json")
	out, err := tr.try(append([]string{"demo", "--once", "--report", name}, args...)...)
	var r seasonReport
	if e := readJSONFile(name, &r); e != nil {
		tr.t.Fatalf("the season ended with %v and no report (%v): %s", err, e, out)
	}
	if err != nil {
		tr.t.Errorf("the season ended with %v:\n%s", err, out)
	}
	return &r
}

// aSeason is the size of the seasons that are lived in tests.
func aSeason(seed int) []string {
	return []string{"--season", "drought", "--days", "120", "--plots", fmt.Sprint(counts(12, 40)), "--seed", fmt.Sprint(seed)}
}

// TestSeason lives dry seasons from probe to clue in the whole program.
func TestSeason(t *testing.T) {
	t.Parallel()
	hashes := map[string]int{}
	for seed := 1; seed <= 3; seed++ {
		tr := &trial{t: t, kind: asItIs, folder: t.TempDir()}
		data := filepath.Join(tr.folder, "season")
		box := newLetterbox(t)
		r := tr.once(append(aSeason(seed), "--data", data, "--notify-webhook", box.URL)...)
		box.mannerly(t)
		t.Logf("seed %d: %d values, alerts %+v, commands %+v, clues %+v of %d households, water %+v, yield %+v, %.0f s, %s",
			seed, r.Accounting.Values.Stored, r.Alerts, r.Commands, r.Clues, r.Households, r.Water, r.Yield, r.WallS, r.SHA256)
		for _, p := range r.Promises {
			if !p.Held {
				t.Errorf("seed %d: promise %s is broken: %g", seed, p.ID, p.Counted)
			}
		}
		v := r.Accounting.Values
		switch {
		case v.Waiting != 0 || v.Decoded != v.Stored+v.Duplicate+v.Rejected || v.Stored == 0 || r.Influx.Values != v.Stored:
			t.Errorf("seed %d: accounting %+v, %d values in the database", seed, r.Accounting, r.Influx.Values)
		case r.Alerts.ByRule[droughtRule] == 0 || r.Alerts.ByRule["drought_severe"] == 0 || r.Alerts.Closed == 0 || r.Commands.Confirmed == 0 || r.Commands.OverLimit != 0:
			t.Errorf("seed %d: alerts %+v, commands %+v", seed, r.Alerts, r.Commands)
		case r.Clues.Households < 2 || r.Clues.Households >= r.Households || r.Clues.RankCorrelation < 0.6:
			t.Errorf("seed %d: clues %+v of %d households", seed, r.Clues, r.Households)
		}
		hashes[r.SHA256]++
		if seed == 1 {
			tr.replays(data, r.SHA256)
			t.Run("over Mosquitto", func(t *testing.T) { overMosquitto(t, r.SHA256) })
		}
	}
	if len(hashes) != 3 {
		t.Errorf("three seeds have the decisions %v", hashes)
	}
}

// replays decides a stopped season again from its journal: the facts as they
// came, in any order between the ticks, and with one reading changed.
func (tr *trial) replays(data, want string) {
	tr.t.Helper()
	for shuffle := range counts(3, 20) + 1 {
		args := []string{"rules", "replay", "--json", "--data", data}
		if shuffle > 0 {
			args = append(args, "--shuffle", fmt.Sprint(shuffle))
		}
		var r struct {
			SHA256 string `json:"decisions_sha256"`
			Facts  int64
			Late   int64
		}
		if err := json.Unmarshal(tr.command(args...), &r); err != nil {
			tr.t.Fatal(err)
		}
		if r.SHA256 != want || r.Facts == 0 || r.Late != 0 {
			tr.t.Errorf("shuffle %d: %+v, want %s", shuffle, r, want)
		}
	}
	f, err := openFolder(data)
	if err != nil {
		tr.t.Fatal(err)
	}
	defer func() { _ = f.close() }()
	store, err := records.Open(tr.t.Context(), f.file(recordsFile))
	if err != nil {
		tr.t.Fatal(err)
	}
	defer func() { _ = store.Close() }()
	// The last reading of a day is what its balance is corrected by, unless the
	// soil is full or bare; so one of the first ten counts.
	midnight := time.Date(2026, 7, 10, 16, 0, 0, 0, time.UTC)
	for nth := range 10 {
		seen := 0
		r := &replay{versions: versions{store}, change: func(f *devices.Fact) {
			if f.Key.Quantity == devices.SoilMoisture && f.Key.DepthCM == "20" && f.At.Equal(midnight) {
				if seen == nth {
					f.Value -= 0.01
				}
				seen++
			}
		}}
		if err := readWhole(tr.t.Context(), console{log: slog.New(slog.DiscardHandler)}, f, r.record); err != nil {
			tr.t.Fatal(err)
		}
		if seen > nth && r.digest.Sum() != want {
			return
		}
	}
	tr.t.Error("one reading changed by 0.01, and the decisions are the same")
}

// TestSameSeedSameDecisions lives a season twice, the second time over a
// network that delays every message and cuts connections: what is decided, and
// what becomes of the fields, is the same.
func TestSameSeedSameDecisions(t *testing.T) {
	t.Parallel()
	o := village.Options{
		Season: field.Drought, Days: counts(4, 15), Plots: 6, Seed: 9, Faults: firmware.Faults{Noise: 1},
		Start: time.Date(2026, 7, 9, 16, 0, 0, 0, time.UTC),
	}
	calm, rough := newEstate(t, o), newEstate(t, o)
	rough.link.Rough = firmware.Rough{Delay: 50 * time.Millisecond, Cut: 0.01, Seed: 1}
	want, got := calm.season(nil), rough.season(nil)
	calm.measures()
	_, wantSHA := calm.decisions()
	all, gotSHA := rough.decisions()
	if gotSHA != wantSHA || got.Openings.Number == 0 {
		t.Errorf("%d decisions and %d openings, %s, want %s", len(all), got.Openings.Number, gotSHA, wantSHA)
	}
	if got.Water != want.Water || got.Yield != want.Yield || got.Openings != want.Openings {
		t.Errorf("the fields had %+v %+v %+v, want %+v %+v %+v", got.Water, got.Yield, got.Openings, want.Water, want.Yield, want.Openings)
	}
	if got.Fleet.Connects <= want.Fleet.Connects {
		t.Errorf("%d connections: it was not rough", got.Fleet.Connects)
	}
}

// overMosquitto lives a season with a foreign broker between, paho at both ends: it decides the same.
func overMosquitto(t *testing.T, want string) {
	t.Helper()
	m := mosquitto(t)
	r := (&trial{t: t, kind: asItIs, folder: t.TempDir()}).once(append(aSeason(1), "--broker", "tcp://"+m)...)
	for _, p := range r.Promises {
		if !p.Held {
			t.Errorf("promise %s is broken: %g", p.ID, p.Counted)
		}
	}
	if r.SHA256 != want {
		t.Errorf("%d commands confirmed, %d clues, %s, want %s", r.Commands.Confirmed, r.Clues.Raised, r.SHA256, want)
	}
}

// TestAWholeWetSeason lives a wet season in the whole program, in the full counts alone: TestAWetSeason is faster.
func TestAWholeWetSeason(t *testing.T) {
	if counts(0, 1) == 0 {
		t.Skip("the whole program in a wet season is for the full counts")
	}
	tr := &trial{t: t, kind: asItIs, folder: t.TempDir()}
	r := tr.once("--season", "wet", "--days", "120", "--plots", "40", "--seed", "1")
	if r.Clues.Raised != 0 || r.Alerts.ByRule[droughtRule] != 0 || r.Alerts.ByRule["drought_severe"] != 0 || !r.kept() {
		t.Errorf("clues %+v, alerts %+v, promises %+v", r.Clues, r.Alerts, r.Promises)
	}
}

// An estate is a village in this process beside a program in another.
type estate struct {
	*trial
	village *village.Village
	link    village.Link
	records string // where they are; empty: in the data folder
}

// newEstate starts the program with time from outside.
func newEstate(t *testing.T, o village.Options) *estate {
	t.Helper()
	e := layEstate(t, o, asItIs, "")
	e.serve()
	return e
}

// layEstate makes everything ready for a program of a kind to start. extra is
// added to its configuration.
func layEstate(t *testing.T, o village.Options, kind, extra string) *estate {
	t.Helper()
	v, err := village.New(o)
	if err != nil {
		t.Fatal(err)
	}
	e := &estate{village: v, trial: &trial{t: t, kind: kind, folder: t.TempDir(), mqtt: freeAddress(t)}}
	e.config = filepath.Join(e.folder, "ganlin.yaml")
	pages := freeAddress(t)
	write(t, e.config, fmt.Sprintf("data: data\nhttp: {listen: %q, url: %q}\nmqtt: {listen: {address: %q}}\nregistry: [registry.yaml]\nsignals: {allow_private: [127.0.0.0/8]}\n%s",
		pages, "http://"+pages, e.mqtt, extra))
	reg, problems := registry.Load(nil, registry.Options{Imported: []*registry.File{registry.FromEntities("village", registry.Entities(v.Registry))}})
	if reg == nil {
		t.Fatal(problems)
	}
	var text strings.Builder
	if err := registry.WriteYAML(&text, reg); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(e.folder, "registry.yaml"), text.String())
	var made []struct{ Device, Password string }
	if err := json.Unmarshal(e.command("devices", "import", filepath.Join(e.folder, "registry.yaml"), "--config", e.config, "--json"), &made); err != nil {
		t.Fatal(err)
	}
	secrets := map[devices.DeviceID]string{}
	for _, m := range made {
		secrets[devices.DeviceID(m.Device)] = m.Password
	}
	e.link = village.Link{
		Broker:      &url.URL{Scheme: "tcp", Host: e.mqtt},
		Credentials: func(id devices.DeviceID) (string, string) { return string(id), secrets[id] },
	}
	return e
}

func (e *estate) serve() {
	e.t.Helper()
	e.launch("serve", "--config", e.config, "--step")
	e.waitReady()
	if e.link.Step == nil {
		e.link.Step = village.API{URL: e.ready.HTTP, Token: e.ready.Token, Client: http.DefaultClient, Logger: slog.New(slog.DiscardHandler)}
	}
}

// season lives the village to its end; meanwhile is done beside it.
func (e *estate) season(meanwhile func(ctx context.Context)) village.Report {
	e.t.Helper()
	ctx, cancel := context.WithCancel(e.t.Context())
	defer cancel()
	type ended struct {
		r   village.Report
		err error
	}
	done := make(chan ended, 1)
	go func() {
		r, err := e.village.Run(ctx, e.link)
		done <- ended{r, err}
	}()
	if meanwhile != nil {
		meanwhile(ctx)
	}
	end := <-done
	if end.err != nil {
		e.t.Fatalf("the season ended with %v; %s", end.err, e.out.tail())
	}
	return end.r
}

// measures holds the metrics of the rules and the valves of the running program
// against what the API says.
func (e *estate) measures() {
	e.t.Helper()
	_, page := e.trial.get("/metrics")
	sum := map[string]float64{}
	of := map[string]float64{}
	for line := range strings.Lines(string(page)) {
		var v float64
		series, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		if _, err := fmt.Sscan(value, &v); err != nil || strings.HasPrefix(line, "#") {
			continue
		}
		name, _, _ := strings.Cut(series, "{")
		sum[name] += v
		of[series] = v
	}
	valves := 0
	for _, p := range e.village.Registry.Plots {
		valves += len(p.Valves)
	}
	if n := sum["ganlin_valves"]; n != float64(valves) || of[`ganlin_valves{state="closed"}`] == 0 {
		e.t.Errorf("%g valves are measured of %d: %v", n, valves, of)
	}
	if _, told := of[`ganlin_valve_commands_total{result="expired"}`]; !told || of[`ganlin_valve_commands_total{result="confirmed"}`] == 0 {
		e.t.Error("no command is measured")
	}
	if _, told := of[`ganlin_alerts{severity="critical",state="firing"}`]; !told {
		e.t.Error("alerts that nobody has are not measured as 0")
	}
	delay, told := of["ganlin_rules_watermark_delay_seconds"]
	if !told || delay < 0 || delay > 3600 || of["ganlin_rules_evaluations_total"] == 0 {
		e.t.Errorf("a delay of %g s (%v), %g evaluations", delay, told, of["ganlin_rules_evaluations_total"])
	}
	for series := range of {
		if strings.Contains(series, `device="`) {
			e.t.Errorf("%s has a label for each device", series)
		}
	}
}

// decisions returns what the stopped program decided, and the digest of it.
func (e *estate) decisions() (all []devices.Decision, sha256 string) {
	e.t.Helper()
	e.stop()
	store, err := records.Open(e.t.Context(), cmp.Or(e.records, filepath.Join(e.folder, "data", recordsFile)))
	if err != nil {
		e.t.Fatal(err)
	}
	defer func() { _ = store.Close() }()
	var digest rules.Digest
	if err := store.EachDecision(e.t.Context(), func(d devices.Decision) error {
		all = append(all, d)
		return digest.Add(d)
	}); err != nil {
		e.t.Fatal(err)
	}
	return all, digest.Sum()
}

// TestKilledSeason kills the program at random points of a season while the
// village lives on: it resumes, no valve is open longer than its lease, nothing
// happens twice, and the decisions are those of the undisturbed season.
func TestKilledSeason(t *testing.T) {
	t.Parallel()
	o := village.Options{
		Season: field.Drought, Days: counts(60, 120), Plots: 12, Seed: 5, Faults: firmware.Faults{Noise: 1},
		Start: time.Date(2026, 5, 31, 16, 0, 0, 0, time.UTC),
	}
	calm := newEstate(t, o)
	want := calm.season(nil)
	all, sha256 := calm.decisions()

	killed := newEstate(t, o)
	rng := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 0))
	kills, slowest := counts(3, 20), time.Duration(0)
	got := killed.season(func(context.Context) {
		for n := range kills {
			// At a random hour of its share of the season, and a random moment of that hour.
			hours := o.Days * 24 * n / kills
			at := killed.village.Start.Add(time.Duration(hours+rng.IntN(o.Days*24/kills)) * time.Hour)
			waitFor(t, 5*time.Minute, fmt.Sprintf("%s of the season", at), func() (bool, string) {
				s, err := killed.status()
				return err == nil && !s.Tick.Before(at), fmt.Sprint(s.Tick, err, killed.out.tail())
			})
			<-time.After(time.Duration(rng.IntN(20)) * time.Millisecond) // what is killed is random, nothing is waited for
			killed.kill()
			began := time.Now()
			killed.serve()
			slowest = max(slowest, time.Since(began))
		}
	})
	again, gotSHA := killed.decisions()
	t.Logf("%d kills, slowest restart %s; %d openings, longest %.0f s; %d decisions %s", kills, slowest, got.Openings.Number, got.Openings.LongestOpenS, len(again), gotSHA)
	if got.Openings.OverLimit != 0 || got.Openings.Late != 0 || got.Openings.Number == 0 {
		t.Errorf("openings %+v", got.Openings)
	}
	if got.Openings.Number != want.Openings.Number || got.Openings.Litres != want.Openings.Litres {
		t.Errorf("openings %+v, undisturbed %+v", got.Openings, want.Openings)
	}
	if gotSHA != sha256 {
		t.Errorf("%d decisions %s, undisturbed %d decisions %s: %s", len(again), gotSHA, len(all), sha256, firstDifference(again, all))
	}
}

// firstDifference tells where two seasons part.
func firstDifference(got, want []devices.Decision) string {
	for i := range min(len(got), len(want)) {
		a, _ := rules.Canonical(got[i])
		b, _ := rules.Canonical(want[i])
		if string(a) != string(b) {
			return fmt.Sprintf("\n%s\n%s", a, b)
		}
	}
	return "one goes on"
}

// TestSilentVillage switches all radios off in a dry month: within 8 hours every
// plot is unknown, an alert says so, and nothing opens. The control, in which
// they go on, opens.
func TestSilentVillage(t *testing.T) {
	t.Parallel()
	o := village.Options{Season: field.Drought, Days: 24, Plots: 6, Seed: 2, Faults: firmware.Faults{Noise: 1}, Start: time.Date(2026, 6, 30, 16, 0, 0, 0, time.UTC)}
	silence := o.Start.Add(16 * 24 * time.Hour)
	run := func(silent bool) []devices.Decision {
		e := newEstate(t, o)
		if silent {
			e.link.Before = func(at time.Time) {
				if at.Equal(silence) {
					for _, d := range e.village.Registry.Devices {
						e.village.Device(d.ID).SetRadio(false)
					}
				}
			}
		}
		e.season(nil)
		all, _ := e.decisions()
		return all
	}
	opens := func(all []devices.Decision) (n int) {
		for _, d := range all {
			if d.Kind == devices.CommandDecision && d.Outcome == "open" && d.At.After(silence.Add(8*time.Hour)) {
				n++
			}
		}
		return n
	}
	all := run(true)
	unknown := map[string]bool{}
	for _, d := range all {
		if d.Kind == devices.AlertDecision && d.Rule == "soil_unknown" && d.Outcome == "firing" && !d.At.Before(silence) && !d.At.After(silence.Add(9*time.Hour)) {
			unknown[d.Subject] = true
		}
	}
	if len(unknown) != o.Plots || opens(all) != 0 {
		t.Errorf("%d of %d plots became unknown in time, %d openings", len(unknown), o.Plots, opens(all))
	}
	if n := opens(run(false)); n == 0 {
		t.Error("the control opens nothing either")
	}
}
