// Package engine drives the rules: it reads the journal, hands its facts to the
// sites, and makes what they decide true in one transaction before anything
// else learns of it. There is one writer, so nothing happens twice.
package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"ganlin/devices"
	"ganlin/rules"
)

// A Record is what the engine reads of a record of the journal.
type Record interface {
	Facts() iter.Seq[devices.Fact]
	FactsOf(kind devices.FactKind) iter.Seq[devices.Fact] // of a kind other than readings
	Decisions() iter.Seq[devices.Decision]
}

// A Position is how far in the journal something has come.
type Position struct {
	Sequence uint64 // of the record, from 1; 0: before the first
	Text     string // as the journal reads it
}

// A Journal is read from a position on and takes what was decided.
type Journal interface {
	// End returns the position of the newest record.
	End() Position
	// Whole reports whether nothing was purged: the first record ever written is there.
	Whole() bool
	// Follow calls fn with each record after a position, and waits at the end for more.
	Follow(ctx context.Context, after Position, fn func(Position, Record) error) error
	// Read calls fn again with the records after a position, up to the one of a sequence.
	Read(ctx context.Context, after Position, last uint64, fn func(Position, Record) error) error
	AppendDecisions(ctx context.Context, decisions []devices.Decision) error
}

// A Store makes effects true and keeps snapshots. Each method is one transaction.
type Store interface {
	Commit(ctx context.Context, e Effects) error
	// Progress returns up to where effects are committed.
	Progress(ctx context.Context) (Position, error)
	// Decided returns the decisions after a number, in the order in which they
	// were committed, at most limit, and the number of the last.
	Decided(ctx context.Context, after int64, limit int) ([]devices.Decision, int64, error)
	SaveSnapshot(ctx context.Context, at Position, state []byte) error
	Snapshot(ctx context.Context) (Position, []byte, error)
}

// Effects are what one or more ticks changed, up to a position.
type Effects struct {
	At        Position
	Decisions []devices.Decision
}

// Options say what an engine works with.
type Options struct {
	Journal Journal
	Store   Store
	// Configure returns the sites of a version of registry and rules.
	Configure func(ctx context.Context, v devices.Version) ([]rules.Config, error)
	// Committed is told what has just become true, before any page or step
	// learns of it. What it starts must not wait for the journal.
	Committed func(decisions []devices.Decision)
	MaxHeld   int // of facts that wait, in memory; 0: 4 Mi readings
	Log       *slog.Logger
}

// An Engine is the one writer of decisions.
type Engine struct {
	o Options

	// Of Run alone.
	version     devices.Version
	at          Position // of the record handled last
	ticked      time.Time
	looked      int64 // at rules, by this process
	committed   Position
	published   int64           // number of the last decision that is known to be in the journal
	announced   map[string]bool // until head: decisions that were seen in the journal; then nil
	head        Position        // the journal's end at the start
	unpublished bool            // there may be decisions that are not in the journal
	pending     []devices.Decision
	facts       int // since the last commit
	waiting     []stretch
	closed      int // stretches of waiting that a tick has ended
	lanes       map[devices.SiteID]*lane
	saved       time.Time
	savedTick   time.Time
	began       time.Time // of the facts that wait for a commit, on the wall

	mu    sync.Mutex // held while the sites change, and while a view of them is made
	sites rules.Sites
	turn  uint64 // counts the ticks, versions and acts of people that have changed them
	views atomic.Pointer[Views]

	told standing
}

// New prepares an engine. Run makes it work.
func New(o Options) *Engine {
	o.MaxHeld = cmp.Or(o.MaxHeld, maxHeld)
	return &Engine{
		o: o, announced: map[string]bool{}, unpublished: true, lanes: map[devices.SiteID]*lane{}, told: standing{changed: make(chan struct{})},
	}
}

// How much may be lost to recomputing: a commit without effects is due after
// either, a snapshot after so much event time or so long on the wall.
const (
	commitFacts   = 10_000
	commitEvery   = time.Second
	snapshotTime  = 24 * time.Hour
	snapshotEvery = 5 * time.Minute
)

// ErrForgotten says that a snapshot cannot be read and the journal does not go
// back to its beginning: whoever decided on would have forgotten which valves are
// open, which alerts fire and what was decided.
var ErrForgotten = errors.New("what the rules know cannot be read, and the journal is too short to make it anew")

// Load takes the newest snapshot over, so that Run begins there.
func (e *Engine) Load(ctx context.Context) error {
	var err error
	if e.committed, err = e.o.Store.Progress(ctx); err != nil {
		return fmt.Errorf("loading how far the rules are: %w", err)
	}
	at, text, err := e.o.Store.Snapshot(ctx)
	if err != nil {
		return fmt.Errorf("loading the state of the rules: %w", err)
	}
	if len(text) > 0 {
		if err := e.restore(ctx, text); err != nil {
			// Everything can be computed again as long as the journal holds it.
			if !e.o.Journal.Whole() {
				return fmt.Errorf("%w: %w", ErrForgotten, err)
			}
			e.o.Log.Warn("state of the rules is made anew from the journal", "because", err)
			at = Position{}
		}
	}
	e.at = at
	e.told.kept = e.from()
	e.tell()
	return nil
}

// Run follows the journal until ctx ends.
func (e *Engine) Run(ctx context.Context) error {
	e.saved = time.Now()
	e.head = e.o.Journal.End()
	err := e.publish(ctx)
	if err == nil {
		err = e.o.Journal.Follow(ctx, e.at, func(at Position, r Record) error { return e.handle(ctx, at, r) })
	}
	if ctx.Err() != nil {
		return nil //nolint:nilerr // it was asked to end
	}
	return fmt.Errorf("following the journal: %w", err)
}

// handle applies one record. Up to where effects were committed before, what
// comes out is known already and only brings the sites up to date.
func (e *Engine) handle(ctx context.Context, at Position, r Record) error {
	recovering := at.Sequence <= e.committed.Sequence
	if e.announced != nil {
		for d := range r.Decisions() {
			e.announced[d.ID] = true
		}
	}
	if e.facts == 0 {
		e.began = time.Now()
	}
	tick, err := e.apply(ctx, at, r, recovering)
	if err != nil {
		return err
	}
	e.at = at
	if !recovering {
		if err := e.commit(ctx); err != nil {
			return err
		}
	}
	if err := e.publish(ctx); err != nil {
		return err
	}
	e.tell()
	if !tick.IsZero() {
		return e.snapshot(ctx, tick)
	}
	return nil
}

// apply hands the facts of a record to the sites, and returns its newest tick.
func (e *Engine) apply(ctx context.Context, at Position, r Record, recovering bool) (tick time.Time, err error) {
	ticks := slices.Collect(r.FactsOf(devices.TickFact))
	if len(ticks) > 0 {
		if err := e.gather(ctx, ticks); err != nil {
			return tick, err
		}
	}
	held := len(ticks) > 0 || e.holds() < e.o.MaxHeld // a tick is also about what its own record holds
	for f := range r.Facts() {
		e.facts++
		switch f.Kind {
		case devices.VersionFact:
			if err := e.configure(ctx, *f.Version, at, recovering); err != nil {
				return tick, err
			}
		case devices.TickFact:
			e.tick(f, at, recovering)
			tick = f.At
		default:
			e.add(&f, at, held)
		}
	}
	if len(ticks) > 0 {
		e.settle()
	}
	return tick, nil
}

// tick lets the time of a site move on.
func (e *Engine) tick(f devices.Fact, at Position, recovering bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if l := e.lanes[f.Location.Site]; l != nil {
		l.Ticked = at.Sequence
	}
	before := e.sites.Evaluations()
	e.decide(e.sites.Tick(f), recovering)
	e.looked += e.sites.Evaluations() - before
	e.sites = e.sites.Unfinished()
	e.turn++
	if f.At.After(e.ticked) {
		e.ticked = f.At
	}
}

// decide takes down what was decided, unless it was already before a restart.
func (e *Engine) decide(decided []devices.Decision, recovering bool) {
	if !recovering {
		e.pending = append(e.pending, decided...)
	}
}

// configure puts a version into force. Sites decide at ticks, so that is the
// next tick; facts of what is new in it count from now on.
func (e *Engine) configure(ctx context.Context, v devices.Version, at Position, recovering bool) error {
	if v == e.version {
		return nil
	}
	configs, err := e.o.Configure(ctx, v)
	if err != nil {
		return fmt.Errorf("deciding by registry %.12s and rules %.12s: %w", v.Registry, v.Rules, err)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	var decided []devices.Decision
	e.sites, decided = e.sites.Configure(configs)
	e.decide(decided, recovering)
	e.version = v
	e.turn++
	lanes := map[devices.SiteID]*lane{}
	for _, site := range e.sites {
		if lanes[site.ID()] = e.lanes[site.ID()]; lanes[site.ID()] == nil {
			lanes[site.ID()] = &lane{Since: at.Sequence}
		}
	}
	e.lanes = lanes
	return nil
}

// commit makes what was decided true: at once when there is something, else now and then.
func (e *Engine) commit(ctx context.Context) error {
	if len(e.pending) == 0 && e.facts < commitFacts && time.Since(e.began) < commitEvery {
		return nil
	}
	decisions := e.pending
	if err := e.insist(ctx, "effects", func() error {
		return e.o.Store.Commit(ctx, Effects{At: e.at, Decisions: decisions})
	}); err != nil {
		return err
	}
	e.committed, e.facts, e.pending = e.at, 0, nil
	if len(decisions) > 0 {
		e.o.Committed(decisions)
		e.unpublished = true
	}
	return nil
}

// publishAtOnce bounds how many decisions are taken to the journal in one go.
const publishAtOnce = 500

// publish puts what was committed into the journal, each decision once: those
// that an earlier process took there before it ended were seen on the way here.
func (e *Engine) publish(ctx context.Context) error {
	if e.at.Sequence < e.head.Sequence || !e.unpublished {
		return nil
	}
	for {
		var decided []devices.Decision
		var last int64
		if err := e.insist(ctx, "what is not in the journal yet", func() (err error) {
			decided, last, err = e.o.Store.Decided(ctx, e.published, publishAtOnce)
			return err
		}); err != nil {
			return err
		}
		if len(decided) == 0 {
			e.announced, e.unpublished = nil, false
			return nil
		}
		fresh := decided[:0]
		for _, d := range decided {
			if !e.announced[d.ID] {
				fresh = append(fresh, d)
			}
		}
		if len(fresh) > 0 {
			if err := e.insist(ctx, "decisions in the journal", func() error { return e.o.Journal.AppendDecisions(ctx, fresh) }); err != nil {
				return err
			}
		}
		e.published = last
	}
}

// insist tries something until it succeeds or ctx ends: a full disk has to be
// waited for, because nothing may be decided behind what is not kept.
func (e *Engine) insist(ctx context.Context, what string, try func() error) error {
	for pause := 100 * time.Millisecond; ; pause = min(2*pause, 5*time.Second) {
		err := try()
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		e.o.Log.Error("decisions are not kept, trying again until they are", "what", what, "error", err, "again_in_ms", pause.Milliseconds())
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
