package engine

import (
	"context"
	"fmt"
	"slices"
	"time"

	"ganlin/devices"
	"ganlin/rules"
)

// Facts wait for their time in memory, as long as there is room, else in the
// journal alone, which holds them anyway: then they are read again when it has
// come. So is what waited when the program was started.

// A stretch is a run of the journal's records, from one tick to the next, with
// facts whose time had not come.
type stretch struct {
	After  Position  `json:"after"` // the record before its first
	Last   uint64    `json:"last"`  // sequence of its last record
	Oldest time.Time `json:"oldest"`
	Newest time.Time `json:"newest"`
	Room   int       `json:"room"` // that its facts take in memory

	held    bool // they are there
	crowded bool // they are not, for want of room
}

// A Waiting is how much room the facts take whose time has not come.
type Waiting struct {
	Held    int  // in memory: one for a reading
	Left    int  // in the journal alone
	Crowded bool // there was no room for more in memory
}

func (e *Engine) counted() Waiting {
	w := Waiting{Held: e.holds()}
	for i := range e.waiting {
		if st := &e.waiting[i]; !st.held {
			w.Left += st.Room
			w.Crowded = w.Crowded || st.crowded
		}
	}
	return w
}

// maxHeld bounds the facts in memory, as rules.Site counts them: about 50 MB, and
// ten minutes of 7,000 values a second.
const maxHeld = 4 << 20

// A lane is what the engine knows of a site beside its state.
type lane struct {
	Since  uint64 `json:"since"`  // sequence of the record that brought the site: what came before is not its own
	Ticked uint64 `json:"ticked"` // sequence of its last tick
}

// waits reports whether a fact that came with a record waits still.
func (l *lane) waits(s *rules.Site, f *devices.Fact, sequence uint64) bool {
	switch {
	case sequence < l.Since:
		return false
	case f.At.After(s.Watermark()):
		return true
	}
	return f.Kind == devices.ReportFact && sequence > l.Ticked // one is never too late
}

// add takes a fact that is no tick and no version; held says whether in memory.
func (e *Engine) add(f *devices.Fact, of Position, held bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, s := range e.sites.About(f) {
		room := s.Note(f)
		switch {
		case room == 0:
			continue
		case f.Kind == devices.ActFact:
			s.Hold(f)
			e.turn++ // people see at once what they did
			continue
		}
		st := e.open(held)
		at := f.At
		if !at.After(s.Watermark()) {
			at = s.Watermark().Add(time.Millisecond) // it is applied at the next tick
		}
		if st.Room == 0 || f.At.Before(st.Oldest) {
			st.Oldest = f.At
		}
		if at.After(st.Newest) {
			st.Newest = at
		}
		st.Last, st.Room = of.Sequence, st.Room+room
		if st.held {
			s.Hold(f)
		}
	}
}

// open returns the stretch that the next fact belongs to.
func (e *Engine) open(held bool) *stretch {
	if n := len(e.waiting); n > e.closed && e.waiting[n-1].held == held {
		return &e.waiting[n-1]
	}
	e.waiting = append(e.waiting, stretch{After: e.at, held: held, crowded: !held})
	return &e.waiting[len(e.waiting)-1]
}

// holds returns how much room the facts take that are in memory.
func (e *Engine) holds() (room int) {
	for _, s := range e.sites {
		room += s.Holds()
	}
	return room
}

// gather reads from the journal what is due at ticks and is not in memory. What
// else is found there is held too when there is room for it.
func (e *Engine) gather(ctx context.Context, ticks []devices.Fact) error {
	due := map[devices.SiteID]time.Time{}
	var until time.Time
	for i := range ticks {
		for _, s := range e.sites.About(&ticks[i]) {
			due[s.ID()] = s.WatermarkAt(ticks[i].At)
			if w := due[s.ID()]; w.After(until) {
				until = w
			}
		}
	}
	for i := range e.waiting {
		st := &e.waiting[i]
		if st.held || st.Oldest.After(until) {
			continue
		}
		whole := e.holds()+st.Room <= e.o.MaxHeld
		err := e.o.Journal.Read(ctx, st.After, st.Last, func(at Position, r Record) error {
			e.mu.Lock()
			defer e.mu.Unlock()
			for f := range r.Facts() {
				if f.Kind != devices.ReadingFact && f.Kind != devices.ReportFact {
					continue
				}
				for _, s := range e.sites.About(&f) {
					if (whole || !f.At.After(due[s.ID()])) && e.lanes[s.ID()].waits(s, &f, at.Sequence) {
						s.Hold(&f)
					}
				}
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("reading again what waited for its time: %w", err)
		}
		st.held = whole
	}
	return nil
}

// settle lets go of the stretches whose facts are all applied, once ticks were.
func (e *Engine) settle() {
	var behind time.Time // the watermark of the site that is furthest behind
	for i, s := range e.sites {
		if w := s.Watermark(); i == 0 || w.Before(behind) {
			behind = w
		}
	}
	e.waiting = slices.DeleteFunc(e.waiting, func(st stretch) bool { return len(e.sites) == 0 || !st.Newest.After(behind) })
	e.closed = len(e.waiting)
}

// from is where the journal is needed from on: it holds what waits.
func (e *Engine) from() Position {
	if len(e.waiting) > 0 {
		return e.waiting[0].After
	}
	return e.at
}
