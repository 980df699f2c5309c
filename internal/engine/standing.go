package engine

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"ganlin/devices"
	"ganlin/rules"
)

// A standing is how the engine stands behind the record handled last, for who
// asks. Its lock is never held for long: nobody who asks waits for a tick.
type standing struct {
	mu      sync.Mutex
	at      Position
	kept    Position // from where on the newest snapshot needs the journal
	version devices.Version
	ticked  time.Time     // the newest tick whose effects are committed
	turn    uint64        // of the sites
	awaited uint64        // the turn that WaitTick was asked for last
	changed chan struct{} // closed when it changes
	late    int64
	looked  int64
	waiting Waiting
	leaving []devices.DeviceID
}

// Views are how all sites stand behind a tick. All who look share them, so
// nobody changes them.
type Views struct {
	Sites []rules.View // by id
	turn  uint64
	made  time.Time // on the wall
}

// How often views are made where ticks follow each other at once, and how old
// one may be that is shown meanwhile. By the wall's clock each tick has its own.
const (
	viewEvery = 200 * time.Millisecond
	viewAge   = time.Second
)

// tell makes known what has been handled, with a view of it.
func (e *Engine) tell() {
	late, leaving := int64(0), []devices.DeviceID(nil)
	for _, s := range e.sites {
		late += s.Late()
		if e.told.turn != e.turn { // nobody else writes it
			leaving = append(leaving, s.Leaving()...)
		}
	}
	waiting := e.counted()
	t := &e.told
	if t.turn != e.turn {
		e.mu.Lock()
		if v := e.views.Load(); v == nil || time.Since(v.made) >= viewEvery {
			e.view()
		}
		e.mu.Unlock()
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.at, t.version, t.ticked, t.late, t.looked, t.waiting = e.at, e.version, e.ticked, late, e.looked, waiting
	if t.turn != e.turn {
		t.turn, t.leaving = e.turn, leaving
		close(t.changed)
		t.changed = make(chan struct{})
	}
}

// view makes the view of this moment unless there is one. e.mu is held.
func (e *Engine) view() *Views {
	if v := e.views.Load(); v != nil && v.turn == e.turn {
		return v
	}
	v := &Views{Sites: make([]rules.View, 0, len(e.sites)), turn: e.turn, made: time.Now()}
	for _, s := range e.sites {
		v.Sites = append(v.Sites, s.View())
	}
	e.views.Store(v)
	return v
}

// Views returns how all sites stand, at the newest tick whose effects are
// committed or a second before, but never before a tick that WaitTick has waited
// for. As a rule they are there already.
func (e *Engine) Views() *Views {
	e.told.mu.Lock()
	turn, awaited := e.told.turn, e.told.awaited
	e.told.mu.Unlock()
	if v := e.views.Load(); v != nil && (v.turn >= turn || v.turn >= awaited && time.Since(v.made) < viewAge) {
		return v
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.view()
}

// WaitTick returns once everything up to a tick is decided and committed.
func (e *Engine) WaitTick(ctx context.Context, at time.Time) error {
	for {
		e.told.mu.Lock()
		changed, over := e.told.changed, !e.told.ticked.Before(at)
		if over {
			e.told.awaited = e.told.turn
		}
		e.told.mu.Unlock()
		if over {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("waiting for the decisions of %s: %w", at.Format(time.RFC3339), ctx.Err())
		}
	}
}

// Evaluations returns how often this process looked at a rule for something.
func (e *Engine) Evaluations() int64 { return told(e, func(s *standing) int64 { return s.looked }) }

// Late returns how many facts came after their time and changed nothing.
func (e *Engine) Late() int64 { return told(e, func(s *standing) int64 { return s.late }) }

// Waiting returns what waits for its time.
func (e *Engine) Waiting() Waiting { return told(e, func(s *standing) Waiting { return s.waiting }) }

// Leaving returns the valves that have left the registry and are not known to be closed.
func (e *Engine) Leaving() []devices.DeviceID {
	return told(e, func(s *standing) []devices.DeviceID { return s.leaving })
}

// Knows returns where a valve stands that is decided about, or that has left the
// registry and is not known to be closed. It waits for nothing, and a valve that has
// closed may be known for one tick longer.
func (e *Engine) Knows(id devices.DeviceID) (devices.Location, bool) {
	v := e.views.Load()
	if v == nil {
		return devices.Location{}, false
	}
	for i := range v.Sites {
		gates := v.Sites[i].Gates
		at, known := slices.BinarySearchFunc(gates, id, func(g rules.GateView, id devices.DeviceID) int { return strings.Compare(string(g.Device), string(id)) })
		if known {
			return gates[at].Location, true
		}
	}
	return devices.Location{}, false
}

// Valves returns the valves that Knows knows.
func (e *Engine) Valves() (all []devices.DeviceID) {
	if v := e.views.Load(); v != nil {
		for i := range v.Sites {
			for _, g := range v.Sites[i].Gates {
				all = append(all, g.Device)
			}
		}
	}
	return all
}

// Sites returns the sites that are decided about, with those that have left the
// registry and have valves that are not known to be closed.
func (e *Engine) Sites() (all []devices.SiteID) {
	if v := e.views.Load(); v != nil {
		for i := range v.Sites {
			all = append(all, v.Sites[i].Site)
		}
	}
	return all
}

// Kept is where reading begins after a restart, with what waits for its time:
// nothing behind it may be purged.
func (e *Engine) Kept() Position { return told(e, func(s *standing) Position { return s.kept }) }

// At is the position of the record that was handled last.
func (e *Engine) At() Position { return told(e, func(s *standing) Position { return s.at }) }

// Version is by what is decided now.
func (e *Engine) Version() devices.Version {
	return told(e, func(s *standing) devices.Version { return s.version })
}

func told[T any](e *Engine, what func(*standing) T) T {
	e.told.mu.Lock()
	defer e.told.mu.Unlock()
	return what(&e.told)
}
