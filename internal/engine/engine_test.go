package engine_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"ganlin/devices"
	"ganlin/internal/engine"
)

// A sick world fails at what it is asked for as long as it is sick.
type sick struct {
	*process
	commit, publish, decided, snapshot atomic.Int64 // how often it is still to fail
}

var errSick = errors.New("the disk is full")

func fails(left *atomic.Int64) bool { return left.Add(-1) >= 0 }

func (s *sick) Commit(ctx context.Context, e engine.Effects) error {
	if fails(&s.commit) {
		return errSick
	}
	return s.process.Commit(ctx, e)
}

func (s *sick) AppendDecisions(ctx context.Context, decisions []devices.Decision) error {
	if fails(&s.publish) {
		return errSick
	}
	return s.process.AppendDecisions(ctx, decisions)
}

func (s *sick) Decided(ctx context.Context, after int64, limit int) ([]devices.Decision, int64, error) {
	if fails(&s.decided) {
		return nil, 0, errSick
	}
	return s.process.Decided(ctx, after, limit)
}

func (s *sick) SaveSnapshot(ctx context.Context, at engine.Position, state []byte) error {
	if fails(&s.snapshot) {
		return errSick
	}
	return s.process.SaveSnapshot(ctx, at, state)
}

// newEngine returns an engine over a world that begins anew, and what it logs.
func newEngine(t *testing.T, w *world) (*engine.Engine, *sick, *bytes.Buffer) {
	t.Helper()
	s := &sick{process: &process{world: w}}
	var log bytes.Buffer
	e := engine.New(engine.Options{
		Journal: s, Store: s, Configure: configure, Committed: s.committed, Log: slog.New(slog.NewTextHandler(&log, nil)),
	})
	s.engine = e
	if err := e.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	return e, s, &log
}

// TestASickStoreIsInsistedUpon lets each of the store's and the journal's
// writes fail for a while: nothing is lost, made twice or skipped, and it is said.
func TestASickStoreIsInsistedUpon(t *testing.T) {
	want := undisturbed(t, someHours)
	for name, c := range map[string]struct {
		ill   func(*sick) *atomic.Int64
		times int64
		waits time.Duration // at least, on the wall
	}{
		"commit":   {func(s *sick) *atomic.Int64 { return &s.commit }, 8, 16 * time.Second},
		"publish":  {func(s *sick) *atomic.Int64 { return &s.publish }, 8, 16 * time.Second},
		"decided":  {func(s *sick) *atomic.Int64 { return &s.decided }, 8, 16 * time.Second},
		"snapshot": {func(s *sick) *atomic.Int64 { return &s.snapshot }, 3, 0}, // done without until the next
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, someHours)
				e, s, log := newEngine(t, w)
				c.ill(s).Store(c.times)
				began := time.Now()
				if err := e.Run(t.Context()); !errors.Is(err, errOver) {
					t.Fatal(err)
				}
				for _, wrong := range w.wrongs(want) {
					t.Error(wrong)
				}
				if waited := time.Since(began); waited < c.waits {
					t.Errorf("it went on after %s", waited)
				}
				if n := bytes.Count(log.Bytes(), []byte(errSick.Error())); int64(n) != c.times {
					t.Errorf("%d of %d failures are in the log", n, c.times)
				}
			})
		})
	}
}

// TestAnEngineEndsWhileItInsists is asked to end while the store is sick.
func TestAnEngineEndsWhileItInsists(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, someHours)
		e, s, _ := newEngine(t, w)
		s.commit.Store(1 << 40)
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		if err := e.Run(ctx); err != nil || len(w.decided) > 0 || len(w.sent) > 0 {
			t.Errorf("%v, with %d decisions committed and %d carried out", err, len(w.decided), len(w.sent))
		}
	})
}

// TestWaitTick waits for a tick whose effects cannot be committed, and then can.
func TestWaitTick(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, someHours)
		e, s, _ := newEngine(t, w)
		s.commit.Store(1 << 40)
		short, stop := context.WithTimeout(t.Context(), time.Minute)
		defer stop()
		waited, ended := make(chan error, 1), make(chan error, 1)
		go func() { waited <- e.WaitTick(t.Context(), begin) }()
		go func() { ended <- e.Run(t.Context()) }()
		if err := e.WaitTick(short, begin); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("nothing is committed, and the tick is over: %v", err)
		}
		select {
		case err := <-waited:
			t.Errorf("nothing is committed, and the tick is over: %v", err)
		default:
		}
		s.commit.Store(0)
		if err := <-waited; err != nil {
			t.Error(err)
		}
		if err := <-ended; !errors.Is(err, errOver) {
			t.Error(err)
		}
	})
}

// TestASnapshotNobodyCanRead is made anew from the journal where that is whole.
// From a part of it the rules would decide otherwise: nothing is decided then.
func TestASnapshotNobodyCanRead(t *testing.T) {
	want := undisturbed(t, someHours)
	for name, text := range map[string]string{
		"without sites":        `{"format":2,"version":{"registry":"one","rules":"r"},"sites":{}}`,
		"of an earlier format": `{"version":{"registry":"one","rules":"r"},"sites":{"sanquan":{"Buffer":{"Facts":[]}}}}`,
		"that is no JSON":      `{`,
	} {
		for _, whole := range []bool{true, false} {
			w := newWorld(t, someHours)
			w.keeps = whole
			w.run(300)
			if whole != (w.purged == 0) {
				t.Fatalf("%d records are purged", w.purged)
			}
			w.snapshot = []byte(text)
			if !whole {
				s := &sick{process: &process{world: w}}
				e := engine.New(engine.Options{Journal: s, Store: s, Configure: configure, Log: slog.New(slog.DiscardHandler)})
				if err := e.Load(t.Context()); !errors.Is(err, engine.ErrForgotten) {
					t.Errorf("%s, over a purged journal: %v", name, err)
				}
				continue
			}
			if _, over := w.run(0); !over {
				t.Fatal("the season does not end")
			}
			for _, wrong := range w.wrongs(want) {
				t.Errorf("%s: %s", name, wrong)
			}
		}
	}
}

// TestViews looks at the sites while a season is lived: who
// has waited for a tick sees what was decided at it.
func TestViews(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, someHours)
		e, _, _ := newEngine(t, w)
		if views := e.Views(); len(views.Sites) != 0 {
			t.Errorf("%d sites before anything was read", len(views.Sites))
		}
		ended := make(chan error, 1)
		go func() { ended <- e.Run(t.Context()) }()
		for _, hour := range []int{3, 50, 51, 110} {
			tick := begin.Add(time.Duration(hour) * time.Hour)
			if err := e.WaitTick(t.Context(), tick); err != nil {
				t.Fatal(err)
			}
			views := e.Views()
			if len(views.Sites) != 1 || views.Sites[0].Watermark.Before(tick.Add(-lateness)) {
				t.Errorf("behind the tick of %s the view is of %s", tick, views.Sites[0].Watermark)
			}
		}
		if err := <-ended; !errors.Is(err, errOver) {
			t.Fatal(err)
		}
		views := e.Views()
		if len(views.Sites[0].Plots) != 2 || e.At() != w.position(len(w.records)) || e.Views() != views {
			t.Errorf("%d plots at %v of %d records", len(views.Sites[0].Plots), e.At(), len(w.records))
		}
	})
}

// TestLeaving takes a valve out of the registry that nobody has heard of: it may
// be open, and an emergency stop has to know of it, also behind a restart.
func TestLeaving(t *testing.T) {
	w := newWorld(t, 0)
	tick := func(hour int) record {
		at := begin.Add(time.Duration(hour) * time.Hour)
		return record{facts: []devices.Fact{{Kind: devices.TickFact, At: at, Location: devices.Location{Site: "sanquan"}}}}
	}
	version := func(v devices.Version) record {
		return record{facts: []devices.Fact{{Kind: devices.VersionFact, At: begin, Version: &v}}}
	}
	for _, step := range []struct {
		told record
		want []devices.DeviceID
	}{{version(first), nil}, {tick(0), nil}, {version(third), []devices.DeviceID{"v-1"}}, {tick(1), []devices.DeviceID{"v-1"}}, {version(first), nil}} {
		w.records = append(w.records, step.told)
		e, _, _ := newEngine(t, w)
		if err := e.Run(t.Context()); !errors.Is(err, errOver) {
			t.Fatal(err)
		}
		if got := e.Leaving(); !slices.Equal(got, step.want) {
			t.Errorf("leaving are %v, want %v", got, step.want)
		}
	}
}

// TestAVillageLeaves takes the only site out of the registry: its valve, of which
// nobody has heard, is known, over restarts, until its own timer has closed it.
func TestAVillageLeaves(t *testing.T) {
	w := newWorld(t, 0)
	tell := func(f devices.Fact) *engine.Engine {
		t.Helper()
		w.records = append(w.records, record{facts: []devices.Fact{f}})
		e, _, _ := newEngine(t, w)
		if err := e.Run(t.Context()); !errors.Is(err, errOver) {
			t.Fatal(err)
		}
		return e
	}
	tick := func(hour int) *engine.Engine {
		return tell(devices.Fact{Kind: devices.TickFact, At: begin.Add(time.Duration(hour) * time.Hour), Location: devices.Location{Site: "sanquan"}})
	}
	tell(devices.Fact{Kind: devices.VersionFact, At: begin, Version: &first})
	tick(0)
	e := tell(devices.Fact{Kind: devices.VersionFact, At: begin, Version: &nothing})
	for hour := 1; hour <= 4; hour++ {
		if where, known := e.Knows("v-1"); !known || where.Plot != "p-1" || !slices.Equal(e.Leaving(), []devices.DeviceID{"v-1"}) || !slices.Equal(e.Sites(), []devices.SiteID{"sanquan"}) {
			t.Errorf("before hour %d: v-1 stands at %+v, leaving are %v, of %v", hour, where, e.Leaving(), e.Sites())
		}
		e = tick(hour)
	}
	if err := e.WaitTick(t.Context(), begin.Add(4*time.Hour)); err != nil {
		t.Fatal(err)
	}
	e.Views() // of now
	if _, known := e.Knows("v-1"); known || len(e.Leaving()) > 0 || len(e.Sites()) > 0 {
		t.Errorf("it is never let go: leaving are %v, of %v", e.Leaving(), e.Sites())
	}
}
