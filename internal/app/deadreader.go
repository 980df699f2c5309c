package app

import (
	"context"
	"fmt"
	"sync"
	"time"

	"ganlin/internal/journal"
	"ganlin/internal/records"
)

// A deadReader copies the dead letters out of the journal's records into the
// records store, in one transaction with how far it has come.
type deadReader struct {
	read    readFunc
	records *records.Store

	mu       sync.Mutex
	position journal.Position
	kept     journal.Position // the latest that is in the records store

	handled moment
}

// counts counts the dead letters by reason; nothing when the store does not answer.
func (d *deadReader) counts() map[string]records.LetterCount {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	counts, err := d.records.DeadLetterCounts(ctx)
	if err != nil {
		return nil
	}
	return counts
}

// keepEvery is how many records without dead letters pass before the position is kept all the same.
const keepEvery = 10_000

func (d *deadReader) run(ctx context.Context) error {
	return d.read(ctx, d.at(), d.handle)
}

func (d *deadReader) handle(ctx context.Context, batch []*journal.Record) error {
	var letters []records.DeadLetter
	for _, r := range batch {
		n := 0
		for l := range r.DeadLetters() {
			letters = append(letters, records.DeadLetter{
				ID:       fmt.Sprintf("%d-%d", r.Position().Sequence, n),
				Received: l.Received, Device: l.Device, Topic: l.Topic,
				Reason: string(l.Reason), Detail: l.Detail, Codec: l.Codec, Part: l.Part,
				Length: l.Length, SHA256: l.SHA256, Payload: l.Payload,
			})
			n++
		}
	}
	at := batch[len(batch)-1].Position()
	keep := len(letters) > 0 || at.Sequence >= d.keptAt().Sequence+keepEvery
	if keep {
		err := d.records.Commit(ctx, records.Progress{Reader: readerDeadLetters, Position: at.String()}, letters)
		if err != nil {
			return fmt.Errorf("keeping %d dead letters: %w", len(letters), err)
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.position = at
	d.handled.set(batch)
	if keep {
		d.kept = at
	}
	return nil
}

// keptAt is where reading goes on after a restart.
func (d *deadReader) keptAt() journal.Position {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.kept
}

func (d *deadReader) at() journal.Position {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.position
}
