// Package engine drives the rules: it reads the journal, hands its facts to the
// sites, and makes what they decide true in one transaction before anything
// else learns of it. There is one writer, so nothing happens twice.
package engine

import (
	"context"
	"fmt"
	"iter"
	"log/slog"
	"sync"
	"time"

	"ganlin/devices"
	"ganlin/rules"
)

// A Record is what the engine reads of a record of the journal.
type Record interface {
	Facts() iter.Seq[devices.Fact]
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
	// Follow calls fn with each record after a position, and waits at the end for more.
	Follow(ctx context.Context, after Position, fn func(Position, Record) error) error
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
	Log       *slog.Logger
}

// An Engine is the one writer of decisions.
type Engine struct {
	o Options

	// Of Run alone.
	version     devices.Version
	at          Position // of the record handled last
	committed   Position
	published   int64           // number of the last decision that is known to be in the journal
	announced   map[string]bool // until head: decisions that were seen in the journal; then nil
	head        Position        // the journal's end at the start
	unpublished bool            // there may be decisions that are not in the journal
	pending     []devices.Decision
	facts       int // since the last commit
	saved       time.Time
	savedTick   time.Time
	began       time.Time // of the facts that wait for a commit, on the wall

	mu      sync.Mutex
	sites   rules.Sites
	kept    Position // of the newest snapshot
	ticked  time.Time
	looked  int64         // at rules, by this process
	changed chan struct{} // closed at each tick
}

// New prepares an engine. Run makes it work.
func New(o Options) *Engine {
	return &Engine{o: o, announced: map[string]bool{}, unpublished: true, changed: make(chan struct{})}
}

// How much may be lost to recomputing: a commit without effects is due after
// either, a snapshot after so much event time or so long on the wall.
const (
	commitFacts   = 10_000
	commitEvery   = time.Second
	snapshotTime  = 24 * time.Hour
	snapshotEvery = 5 * time.Minute
)

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
			e.o.Log.Warn("state of the rules is made anew from the journal", "because", err)
			at = Position{}
		}
	}
	e.at, e.kept = at, at
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
	var tick time.Time
	for f := range r.Facts() {
		e.facts++
		switch f.Kind {
		case devices.VersionFact:
			if err := e.configure(ctx, *f.Version, recovering); err != nil {
				return err
			}
		case devices.TickFact:
			e.tick(f, recovering)
			tick = f.At
		default:
			e.add(f)
		}
	}
	e.mu.Lock()
	e.at = at
	e.mu.Unlock()
	if !recovering {
		if err := e.commit(ctx); err != nil {
			return err
		}
	}
	if err := e.publish(ctx); err != nil {
		return err
	}
	if !tick.IsZero() {
		e.tell(tick)
		return e.snapshot(ctx, tick)
	}
	return nil
}

func (e *Engine) add(f devices.Fact) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.sites.Add(f)
}

// tick lets the time of a site move on.
func (e *Engine) tick(f devices.Fact, recovering bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	before := e.sites.Evaluations()
	e.decide(e.sites.Tick(f), recovering)
	e.looked += e.sites.Evaluations() - before
}

// decide takes down what was decided, unless it was already before a restart.
func (e *Engine) decide(decided []devices.Decision, recovering bool) {
	if !recovering {
		e.pending = append(e.pending, decided...)
	}
}

// configure puts a version into force. Sites decide at ticks, so that is the
// next tick; facts of what is new in it count from now on.
func (e *Engine) configure(ctx context.Context, v devices.Version, recovering bool) error {
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

// tell lets those go on who wait for a tick.
func (e *Engine) tell(tick time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if tick.After(e.ticked) {
		e.ticked = tick
	}
	close(e.changed)
	e.changed = make(chan struct{})
}

// WaitTick returns once everything up to a tick is decided and committed.
func (e *Engine) WaitTick(ctx context.Context, at time.Time) error {
	for {
		e.mu.Lock()
		ticked, changed := e.ticked, e.changed
		e.mu.Unlock()
		if !ticked.Before(at) {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("waiting for the decisions of %s: %w", at.Format(time.RFC3339), ctx.Err())
		}
	}
}

// Look calls fn with every site, one after the other. fn must not keep it.
func (e *Engine) Look(fn func(*rules.Site)) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, s := range e.sites {
		fn(s)
	}
}

// Evaluations returns how often this process looked at a rule for something.
func (e *Engine) Evaluations() int64 {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.looked
}

// Kept is where reading begins after a restart: nothing behind it may be purged.
func (e *Engine) Kept() Position {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.kept
}

// At is the position of the record that was handled last.
func (e *Engine) At() Position {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.at
}

// Version is by what is decided now.
func (e *Engine) Version() devices.Version {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.version
}
