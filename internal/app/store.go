package app

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"strings"
	"sync"

	"ganlin/ingest"
	"ganlin/internal/influx"
	"ganlin/internal/journal"
	"ganlin/internal/records"
)

// A store takes lines until each is stored or refused by the database for good.
type store interface {
	Write(ctx context.Context, lines []influx.Line) (influx.Result, error)
}

// A storeReader brings the journal's lines to the database. What the database
// took is counted in the same transaction that moves its position on, so that
// neither can be lost without the other; lines written twice are one point.
type storeReader struct {
	journal *journal.Journal
	read    readFunc
	records *records.Store
	store   store

	batch   func([]*journal.Record) []*journal.Record // of a test; else nil
	waiting journal.Waiting
	began   journal.Trail // where the walk of waiting begins

	mu       sync.Mutex
	trail    journal.Trail
	stored   int64
	rejected map[string]int64 // by reason; replaced, never changed

	handled moment
}

func newStoreReader(p *program, kept journal.Kept, counts map[string]int64) *storeReader {
	trail := journal.TrailFrom(kept.Position, kept.Counters, counts[countLost])
	s := &storeReader{
		journal: p.journal, read: p.readBatches, records: p.records, store: p.writer, batch: p.o.hooks.batch,
		began: trail, trail: trail, stored: counts[countStored], rejected: map[string]int64{},
	}
	for name, n := range counts {
		if reason, ok := strings.CutPrefix(name, countRejected); ok {
			s.rejected[reason] = n
		}
	}
	return s
}

// The names of the store's counters in its progress. It keeps those of the
// journal too: when the journal has lost its end nobody else remembers them.
const (
	countStored   = "stored"
	countRejected = "rejected_" // and the reason
	countLost     = "lost"
	countJournal  = "journal_" // and the name

	journalReceived     = countJournal + "received"
	journalDecoded      = countJournal + "decoded"
	journalDeadLettered = countJournal + "dead_lettered"
	journalValues       = countJournal + "values"
	journalDuplicate    = countJournal + "duplicate"
	journalUnidentified = countJournal + "unidentified"
	journalRejected     = countJournal + "rejected_" // and the reason
)

// keepCounters adds the journal's counters to the store's.
func keepCounters(counts map[string]int64, c journal.Counters) {
	counts[journalReceived], counts[journalDecoded], counts[journalDeadLettered] = c.Received, c.Decoded, c.DeadLettered
	counts[journalValues], counts[journalDuplicate], counts[journalUnidentified] = c.Values, c.Duplicate, c.Unidentified
	for reason, n := range c.Rejected {
		counts[journalRejected+string(reason)] = n
	}
}

// keptCounters reads what keepCounters wrote; nil when it was not.
func keptCounters(counts map[string]int64) *journal.Counters {
	if _, ok := counts[journalReceived]; !ok {
		return nil
	}
	c := &journal.Counters{
		Received: counts[journalReceived], Decoded: counts[journalDecoded], DeadLettered: counts[journalDeadLettered],
		Values: counts[journalValues], Duplicate: counts[journalDuplicate], Unidentified: counts[journalUnidentified],
	}
	for name, n := range counts {
		if reason, ok := strings.CutPrefix(name, journalRejected); ok {
			if c.Rejected == nil {
				c.Rejected = map[ingest.Reason]int64{}
			}
			c.Rejected[ingest.Reason(reason)] = n
		}
	}
	return c
}

func (s *storeReader) run(ctx context.Context) error {
	return s.read(ctx, s.began.At, s.handle)
}

// walk counts what waits, from where the store stood at the start.
func (s *storeReader) walk(ctx context.Context) error {
	return s.waiting.Run(ctx, s.journal, s.began)
}

// A storeCount is the store's part of the accounting at one moment.
type storeCount struct {
	stored, waiting, lost int64
	rejected              map[string]int64 // by reason; not to be changed
	walked                uint64           // the sequence of the last record that the walk has counted
}

func (s *storeReader) counts() storeCount {
	s.mu.Lock()
	defer s.mu.Unlock()
	return storeCount{stored: s.stored, rejected: s.rejected, waiting: s.waiting.Values(), lost: s.waiting.Lost(), walked: s.waiting.Walked()}
}

func (s *storeReader) at() journal.Position {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.trail.At
}

// An origin is where in the journal a line stands.
type origin struct {
	record *journal.Record
	line   int
}

// handle writes a batch and keeps how far it has come.
func (s *storeReader) handle(ctx context.Context, batch []*journal.Record) error {
	var lines []influx.Line
	var from []origin // of each line
	sent := batch
	if s.batch != nil {
		sent = s.batch(batch)
	}
	for _, r := range sent {
		n := 0
		for text, values := range r.Lines() {
			lines = append(lines, influx.Line{Text: bytes.TrimSuffix(text, []byte{'\n'}), Values: values})
			from = append(from, origin{r, n})
			n++
		}
	}
	var result influx.Result
	if len(lines) > 0 {
		var err error
		if result, err = s.store.Write(ctx, lines); err != nil {
			return fmt.Errorf("storing %d lines: %w", len(lines), err)
		}
	}
	stored, rejected := s.stored+int64(result.Stored), maps.Clone(s.rejected)
	var dead []records.DeadLetter
	for _, d := range result.Dead {
		o := from[d.Index]
		rejected[string(d.Reason)] += int64(lines[d.Index].Values)
		dead = append(dead, records.DeadLetter{
			ID:       fmt.Sprintf("%d-line-%d", o.record.Position().Sequence, o.line),
			Received: o.record.Time(),
			Reason:   string(d.Reason),
			Detail:   "the database refuses this line: " + d.Detail,
			Part:     true,
			Length:   len(lines[d.Index].Text),
			Payload:  lines[d.Index].Text,
		})
	}
	trail, last := s.trail, batch[len(batch)-1]
	for _, r := range batch {
		trail.Next(r)
	}
	counts := map[string]int64{countStored: stored, countLost: trail.Lost}
	for reason, n := range rejected {
		counts[countRejected+reason] = n
	}
	keepCounters(counts, last.Counters())
	if err := s.records.Commit(ctx, records.Progress{Reader: readerStore, Position: last.Position().String(), Counts: counts}, dead); err != nil {
		return fmt.Errorf("keeping how far the store is: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.trail, s.stored, s.rejected = trail, stored, rejected
	s.handled.set(batch)
	for _, r := range batch {
		s.waiting.Passed(r)
	}
	return nil
}
