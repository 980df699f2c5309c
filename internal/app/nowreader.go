package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"ganlin/devices"
	"ganlin/internal/journal"
	"ganlin/internal/now"
)

// A nowReader keeps the latest values up to date, and a copy of them in the data folder.
type nowReader struct {
	journal *journal.Journal
	read    readFunc
	now     *now.State
	file    string
	log     *slog.Logger
	facts   []devices.Fact // of one batch at a time

	// hear is told what devices say of themselves, also while the rules wait for the
	// records store: an emergency stop needs the answers. Nil until there are valves.
	hear func(*devices.Fact)

	mu       sync.Mutex
	position journal.Position
	kept     journal.Position // of the saved copy
	saved    time.Time        // on the wall

	handled moment
}

// saveEvery is how often the latest values are saved while they change.
const saveEvery = 30 * time.Second

// load catches up with the journal, so that what is shown and the tick are right
// from the first moment.
func (n *nowReader) load(ctx context.Context) error {
	n.saved = time.Now()
	head := n.journal.State().End
	if n.position.Compare(head) >= 0 {
		return nil
	}
	done := errors.New("done")
	err := n.journal.Follow(ctx, n.position, func(r *journal.Record) error {
		n.apply([]*journal.Record{r})
		if r.Position().Compare(head) >= 0 {
			return done
		}
		return nil
	})
	if !errors.Is(err, done) {
		return fmt.Errorf("catching up with the latest values: %w", err)
	}
	return nil
}

func (n *nowReader) run(ctx context.Context) error {
	err := n.read(ctx, n.at(), func(_ context.Context, batch []*journal.Record) error {
		n.apply(batch)
		if time.Since(n.saved) < saveEvery {
			return nil
		}
		return n.save()
	})
	return errors.Join(err, n.save())
}

// keptFacts bounds the room that is kept from one batch to the next.
const keptFacts = 1024

func (n *nowReader) apply(batch []*journal.Record) {
	n.facts = n.facts[:0]
	for _, r := range batch {
		for f := range r.Facts() {
			n.facts = append(n.facts, f)
			if n.hear != nil {
				n.hear(&f)
			}
		}
	}
	at := batch[len(batch)-1].Position()
	n.now.Apply(at.String(), n.facts)
	if clear(n.facts); cap(n.facts) > keptFacts {
		n.facts = nil // it was an uncommonly large batch
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.position = at
	n.handled.set(batch)
}

// save keeps a copy. That it fails, on a full disk, costs a longer start and nothing else.
func (n *nowReader) save() error {
	n.saved = time.Now()
	at := n.at()
	if err := n.now.Save(n.file); err != nil {
		n.log.Warn("saving the latest values", "error", err)
		return nil
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.kept = at
	return nil
}

// keptAt is where reading goes on after a restart.
func (n *nowReader) keptAt() journal.Position {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.kept
}

func (n *nowReader) at() journal.Position {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.position
}
