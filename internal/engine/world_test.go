package engine_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"math"
	"slices"
	"testing"
	"time"

	"go.uber.org/goleak"

	"ganlin/devices"
	"ganlin/internal/engine"
	"ganlin/rules"
	"ganlin/rules/condition"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var begin = time.Date(2026, 6, 30, 16, 0, 0, 0, time.UTC) // local midnight

// The versions of the registry: the second has a plot and a probe more, in the
// third the valve waters nothing, and the last has no site.
var (
	first   = devices.Version{Registry: "one", Rules: "r"}
	second  = devices.Version{Registry: "two", Rules: "r"}
	third   = devices.Version{Registry: "three", Rules: "r"}
	nothing = devices.Version{Registry: "empty", Rules: "r"}
)

// configure makes the site of a version.
func configure(_ context.Context, v devices.Version) ([]rules.Config, error) {
	if v == nothing {
		return nil, nil
	}
	when, err := condition.Compile("depletion_mm > 40", condition.Plot, nil)
	if err != nil {
		return nil, err
	}
	dry := condition.Rule{ID: "dry", Subject: condition.Plot, When: when, Severity: condition.Warning, Do: condition.RaiseAlert}
	dry.Seal()
	plots := []devices.Plot{{
		ID: "p-1", Place: "500119101001", Site: "sanquan", Station: "w-1", Household: "h-1", AreaMu: 3, Crop: "maize_grain",
		Planted: time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC), Soil: devices.Soil{Texture: "loam"}, Valves: []devices.DeviceID{"v-1"},
	}}
	all := []devices.Device{
		{ID: "s-1", Plot: "p-1"}, {ID: "w-1", Station: "w-1"}, {ID: "v-1", Plot: "p-1", MaxDurationS: 7200},
	}
	if v == third {
		plots[0].Valves = nil
	}
	if v == second {
		another := plots[0]
		another.ID, another.Household, another.Valves = "p-2", "h-2", nil
		plots, all = append(plots, another), append(all, devices.Device{ID: "s-2", Plot: "p-2"})
	}
	return rules.Configs([]devices.Site{{ID: "sanquan", Place: "500119101001", TimeZone: "Asia/Shanghai"}},
		[]devices.Station{{ID: "w-1", Latitude: 29.16, Longitude: 107.1, ElevationM: 640}}, plots, all, []condition.Rule{dry}, lateness)
}

// lateness is how long facts may be on their way: after each tick those of the last two hours wait.
const lateness = 100 * time.Minute

// A record is one of the journal in memory.
type record struct {
	facts     []devices.Fact
	decisions []devices.Decision
}

func (r record) Facts() iter.Seq[devices.Fact]         { return slices.Values(r.facts) }
func (r record) Decisions() iter.Seq[devices.Decision] { return slices.Values(r.decisions) }

func (r record) FactsOf(kind devices.FactKind) iter.Seq[devices.Fact] {
	return func(yield func(devices.Fact) bool) {
		for _, f := range r.facts {
			if f.Kind == kind && !yield(f) {
				return
			}
		}
	}
}

// A world is the journal and the store that outlive processes, and a season
// that goes on an hour at a time when a process has read all there is.
type world struct {
	t       testing.TB
	hours   int // of the season
	hour    int // told
	records []record
	keeps   bool     // nothing is purged
	purged  int      // records that are there no more
	reread  []uint64 // sequences of those that were read again because of what waits
	crowded bool     // the engine has said so
	maxHeld int
	chatter int // more readings an hour

	progress  engine.Position
	decided   []devices.Decision // as committed; the number of one is its index, from 1
	snapshot  []byte
	snapped   engine.Position
	sent      map[string]int // how often Committed was told of a decision
	unknown   int            // decisions that were in the journal before they were committed
	conflicts int            // decisions that were to be committed again

	behind, ahead bool // a process began with a snapshot older, newer than what was committed

	forgetProgress bool // of a control: every process takes all for new
	publishFirst   bool // of a control: the journal learns of decisions before they are committed
	purgeAhead     bool // of a control: the journal is purged up to the snapshot, whatever waits
}

func newWorld(tb testing.TB, hours int) *world {
	tb.Helper()
	return &world{t: tb, hours: hours, sent: map[string]int{}}
}

func (w *world) position(n int) engine.Position {
	if n == 0 {
		return engine.Position{}
	}
	return engine.Position{Sequence: uint64(n), Text: fmt.Sprint(n)}
}

// live tells the next hour in three records: the version when it is new, what
// was measured, the tick. Some of it comes an hour after its time, and what the
// valve says of the hand that opens it each day comes even later.
func (w *world) live() bool {
	if w.hour == w.hours {
		return false
	}
	at := begin.Add(time.Duration(w.hour) * time.Hour)
	here := devices.Location{Site: "sanquan"}
	version := func(v devices.Version) {
		w.records = append(w.records, record{facts: []devices.Fact{{Kind: devices.VersionFact, At: at, Version: &v}}})
	}
	switch w.hour {
	case 0:
		version(first)
	case w.hours / 2:
		version(second)
	}
	var facts []devices.Fact
	add := func(d devices.DeviceID, key string, v float64) {
		k, err := devices.ParseKey(key)
		if err != nil {
			w.t.Fatal(err)
		}
		facts = append(facts, devices.Fact{Kind: devices.ReadingFact, At: at, Received: at, Device: d, Location: here, Key: k, Value: v})
	}
	sun := max(0, math.Sin(math.Pi*(float64((at.Hour()+8)%24)-6)/13))
	add("w-1", "air_temperature", 27+8*sun)
	add("w-1", "relative_humidity", 75-30*sun)
	add("w-1", "wind_speed", 1.5)
	add("w-1", "solar_radiation", 850*sun)
	add("w-1", "rain_total", 12)
	// Wet and dry by turns, so that alerts come and go. The second probe begins dry.
	add("s-1", "soil_moisture@20", 0.22+0.06*math.Sin(float64(w.hour)/7))
	if since := w.hour - w.hours/2; since >= 0 {
		add("s-2", "soil_moisture@20", 0.22-0.06*math.Cos(float64(since)/7))
	}
	facts[0].At = at.Add(-time.Hour)
	for range w.chatter {
		add("s-1", "battery_voltage", 3.6)
		facts[len(facts)-1].At = at.Add(time.Duration(len(facts)) * time.Second)
	}
	say := func(state devices.CommandState, litres *float64) {
		said := at.Add(-4 * time.Hour)
		facts = append(facts, devices.Fact{
			Kind: devices.ReportFact, At: said, Received: at, Device: "v-1", Location: here,
			Report: &devices.CommandReport{State: state, At: said, Seq: int64(w.hour), VolumeL: litres},
		})
	}
	switch w.hour % 24 {
	case 5:
		say(devices.Opened, nil)
	case 6:
		say(devices.Closed, new(500.0))
	}
	w.records = append(w.records, record{facts: facts})
	w.records = append(w.records, record{facts: []devices.Fact{{Kind: devices.TickFact, At: at, Location: here}}})
	w.hour++
	return true
}

// errOver ends a process that has lived to the end of the season.
var errOver = errors.New("the season is over")

// errDead is what a process gets that has been killed.
var errDead = errors.New("killed")

// A process is one life of an engine. It is killed at a point of its dealings
// with the world; nothing that it does afterwards has an effect.
type process struct {
	*world
	kill   context.CancelFunc
	points int    // passed
	die    int    // at which it is killed; 0: never
	at     string // where it was killed
	engine *engine.Engine
}

// point reports whether the process still lives behind a point.
func (p *process) point(name string) bool {
	if p.at != "" {
		return false
	}
	if p.points++; p.points == p.die {
		p.at = name
		p.kill()
		return false
	}
	return true
}

func (p *process) End() engine.Position { return p.position(len(p.records)) }

func (p *process) Whole() bool { return p.purged == 0 }

func (p *process) Follow(ctx context.Context, after engine.Position, fn func(engine.Position, engine.Record) error) error {
	for n := int(after.Sequence); ; n++ {
		if n == len(p.records) && !p.live() {
			return errOver
		}
		if !p.point("before a record") {
			return ctx.Err()
		}
		if n < p.purged {
			continue
		}
		if err := fn(p.position(n+1), p.records[n]); err != nil {
			return err
		}
		p.crowded = p.crowded || p.engine.Waiting().Crowded
		p.purge()
	}
}

func (p *process) Read(_ context.Context, after engine.Position, last uint64, fn func(engine.Position, engine.Record) error) error {
	for n := max(int(after.Sequence), p.purged); n < int(last); n++ {
		if !p.point("before reading again") {
			return errDead
		}
		p.reread = append(p.reread, uint64(n+1))
		if err := fn(p.position(n+1), p.records[n]); err != nil {
			return err
		}
	}
	return nil
}

// purge drops the records that the engine does not need any more.
func (p *process) purge() {
	kept := p.engine.Kept()
	if p.purgeAhead {
		kept = p.snapped
	}
	if !p.keeps {
		p.purged = max(p.purged, int(kept.Sequence)-1)
	}
}

func (p *process) AppendDecisions(_ context.Context, decisions []devices.Decision) error {
	if !p.point("before publishing") {
		return errDead
	}
	half := len(decisions) / 2
	p.journalled(decisions[:half])
	if !p.point("half published") {
		return errDead
	}
	p.journalled(decisions[half:])
	if !p.point("after publishing") {
		return errDead
	}
	return nil
}

func (p *process) journalled(decisions []devices.Decision) {
	if len(decisions) == 0 {
		return
	}
	for _, d := range decisions {
		if !p.isCommitted(d.ID) {
			p.unknown++
		}
	}
	p.records = append(p.records, record{decisions: slices.Clone(decisions)})
}

func (w *world) isCommitted(id string) bool {
	return slices.ContainsFunc(w.decided, func(d devices.Decision) bool { return d.ID == id })
}

func (p *process) Commit(_ context.Context, e engine.Effects) error {
	if p.publishFirst {
		p.journalled(e.Decisions)
	}
	if !p.point("before the commit") {
		return errDead
	}
	for _, d := range e.Decisions {
		if p.isCommitted(d.ID) {
			p.conflicts++
			continue
		}
		p.decided = append(p.decided, d)
	}
	p.progress = e.At
	if !p.point("after the commit") {
		return errDead
	}
	return nil
}

func (p *process) Progress(context.Context) (engine.Position, error) {
	if p.forgetProgress {
		return engine.Position{}, nil
	}
	return p.progress, nil
}

func (p *process) Decided(_ context.Context, after int64, limit int) ([]devices.Decision, int64, error) {
	if !p.point("before reading what was decided") {
		return nil, 0, errDead
	}
	some := p.decided[after:min(int(after)+limit, len(p.decided))]
	return slices.Clone(some), after + int64(len(some)), nil
}

func (p *process) SaveSnapshot(_ context.Context, at engine.Position, state []byte) error {
	if !p.point("before the snapshot") {
		return errDead
	}
	if !json.Valid(state) {
		p.t.Errorf("the snapshot is no JSON: %s", state)
	}
	p.snapped, p.snapshot = at, slices.Clone(state)
	if !p.point("after the snapshot") {
		return errDead
	}
	return nil
}

func (p *process) Snapshot(context.Context) (engine.Position, []byte, error) {
	return p.snapped, p.snapshot, nil
}

func (p *process) committed(decisions []devices.Decision) {
	if !p.point("before Committed") {
		return
	}
	for _, d := range decisions {
		p.sent[d.ID]++
	}
	p.point("after Committed")
}

// run lives one process, killed at a point, and tells where that was and
// whether the season has come to its end.
func (w *world) run(die int) (killed string, over bool) {
	ctx, cancel := context.WithCancel(w.t.Context())
	defer cancel()
	p := &process{world: w, kill: cancel, die: die}
	w.behind = w.behind || w.snapshot != nil && w.snapped.Sequence < w.progress.Sequence
	w.ahead = w.ahead || w.snapped.Sequence > w.progress.Sequence
	e := engine.New(engine.Options{
		Journal: p, Store: p, Configure: configure, Committed: p.committed, MaxHeld: w.maxHeld, Log: slog.New(slog.DiscardHandler),
	})
	p.engine = e
	if err := e.Load(ctx); err != nil {
		w.t.Fatal(err)
	}
	err := e.Run(ctx)
	if over = errors.Is(err, errOver); !over && (err != nil || p.at == "") {
		w.t.Fatalf("killed %q: %v", p.at, err)
	}
	if got := e.Kept(); p.at == "" && (got.Sequence == 0 || got.Sequence >= w.snapped.Sequence) {
		w.t.Errorf("kept from %v on, the snapshot is of %v and two hours wait", got, w.snapped)
	}
	return p.at, over
}

// wrongs lists what is broken of the promises, compared with an undisturbed world.
func (w *world) wrongs(undisturbed *world) (wrong []string) {
	add := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	if got, want := digest(w.t, w.decided), digest(w.t, undisturbed.decided); got != want {
		add("%d decisions with digest %.8s, undisturbed %d with %.8s", len(w.decided), got, len(undisturbed.decided), want)
	}
	if w.conflicts > 0 {
		add("%d decisions are made twice", w.conflicts)
	}
	if w.unknown > 0 {
		add("%d decisions were told before they were committed", w.unknown)
	}
	published := map[string]int{}
	for _, r := range w.records {
		for _, d := range r.decisions {
			published[d.ID]++
		}
	}
	for _, d := range w.decided {
		switch n := published[d.ID]; {
		case n == 0:
			add("decision %s is not in the journal", d.ID)
		case n > 1:
			add("decision %s is %d times in the journal", d.ID, n)
		}
		delete(published, d.ID)
		if w.sent[d.ID] > 1 {
			add("decision %s is carried out %d times", d.ID, w.sent[d.ID])
		}
	}
	for id := range published {
		add("decision %s is in the journal and nowhere else", id)
	}
	return wrong
}

func digest(tb testing.TB, decisions []devices.Decision) string {
	tb.Helper()
	var g rules.Digest
	for _, d := range decisions {
		if err := g.Add(d); err != nil {
			tb.Fatal(err)
		}
	}
	return g.Sum()
}
