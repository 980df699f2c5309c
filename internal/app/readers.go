package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"ganlin/internal/journal"
)

// The journal's readers, as their progress and the metrics name them.
const (
	readerStore       = "store"
	readerDeadLetters = "dead_letters"
	readerNow         = "now"
)

// The bounds of what a reader handles at once, and how often at the most.
const (
	batchRecords = 512
	batchBytes   = 4 << 20
	batchEvery   = 100 * time.Millisecond
	handleAgain  = time.Second // the pause before a batch that could not be kept is handled again
)

// A moment is when the record was written that a reader handled last.
type moment struct{ ms atomic.Int64 }

func (m *moment) set(batch []*journal.Record) { m.ms.Store(batch[len(batch)-1].Time().UnixMilli()) }

// at is zero when nothing was handled yet.
func (m *moment) at() time.Time {
	if ms := m.ms.Load(); ms != 0 {
		return time.UnixMilli(ms)
	}
	return time.Time{}
}

// A trouble is why the records store does not keep what it should; empty when it does.
type trouble struct{ why atomic.Pointer[string] }

// said takes over how the last attempt went, logs when that changed, and reports whether it went well.
func (t *trouble) said(err error, log *slog.Logger) (well bool) {
	if err == nil {
		if before := t.why.Swap(nil); before != nil {
			log.Info("records are kept again")
		}
		return true
	}
	if errors.Is(err, context.Canceled) {
		return false
	}
	if before := t.why.Swap(new(err.Error())); before == nil {
		log.Error("records are not kept, trying again until they are", "error", err)
	}
	return false
}

// A readFunc is readBatches.
type readFunc func(ctx context.Context, from journal.Position, handle func(context.Context, []*journal.Record) error) error

// readBatches follows the journal from a position and hands over what is there,
// in batches. A batch is never held back: while one is handled the next one
// gathers, and between two lies at least batchEvery unless a batch is full.
// What cannot be kept, on a full disk, is handled again until it can.
func (p *program) readBatches(ctx context.Context, from journal.Position, handle func(context.Context, []*journal.Record) error) error {
	ctx, cancel := context.WithCancel(ctx)
	var follower sync.WaitGroup
	defer follower.Wait()
	defer cancel()
	records := make(chan *journal.Record)
	failed := make(chan error, 1)
	follower.Go(func() {
		failed <- p.journal.Follow(ctx, from, func(r *journal.Record) error {
			select {
			case records <- r:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
	})
	gathered := make(chan []*journal.Record)
	follower.Go(func() { gatherRecords(ctx, records, gathered) })
	for {
		select {
		case batch := <-gathered:
			begin := time.Now()
			for ctx.Err() == nil {
				err := handle(ctx, batch)
				if p.recordsTrouble.said(err, p.log) {
					break
				}
				select {
				case <-time.After(handleAgain):
				case <-ctx.Done():
				}
			}
			if bytesOf(batch) < batchBytes && len(batch) < batchRecords {
				select {
				case <-time.After(batchEvery - time.Since(begin)):
				case <-ctx.Done():
				}
			}
		case err := <-failed:
			if ctx.Err() != nil || errors.Is(err, context.Canceled) {
				return nil
			}
			return fmt.Errorf("following the journal: %w", err)
		case <-ctx.Done():
			return nil
		}
	}
}

// gatherRecords collects records into a batch until somebody takes it.
func gatherRecords(ctx context.Context, records <-chan *journal.Record, gathered chan<- []*journal.Record) {
	var batch []*journal.Record
	size := 0
	for {
		from, to := records, gathered
		if len(batch) == 0 {
			to = nil
		}
		if len(batch) >= batchRecords || size >= batchBytes {
			from = nil
		}
		select {
		case r := <-from:
			batch = append(batch, r)
			size += r.Bytes()
		case to <- batch:
			batch, size = nil, 0
		case <-ctx.Done():
			return
		}
	}
}

func bytesOf(batch []*journal.Record) (n int) {
	for _, r := range batch {
		n += r.Bytes()
	}
	return n
}
