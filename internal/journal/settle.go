package journal

import (
	"context"
	"fmt"
)

// An end is where the stream ends and how the journal goes on from there.
type end struct {
	end      Position // of the newest record that is there
	at       int64    // when it was written, Unix ms
	streamAt uint64   // the last sequence of the stream
	counters Counters // of the furthest that anybody remembers

	lost     gap    // what is gone since; then a new generation begins
	reason   string // why
	previous Position
}

func memoriesOf(m manifest, kept []Kept) ([]memory, error) {
	position, err := ParsePosition(m.End)
	if err != nil {
		return nil, fmt.Errorf("reading the manifest: %w", err)
	}
	memories := []memory{{position, &m.Counters}}
	for _, k := range kept {
		memories = append(memories, memory{k.Position, k.Counters})
	}
	return memories, nil
}

// settle finds the newest record and compares it with what is remembered.
func (j *Journal) settle(ctx context.Context, st *stream, memories []memory) (end, error) {
	state, err := st.state(ctx)
	if err != nil {
		return end{}, err
	}
	newest, at, err := newestRecord(ctx, st, state.FirstSeq, state.LastSeq)
	if err != nil {
		return end{}, err
	}
	if err := j.compareStart(ctx, st, state.FirstSeq, state.LastSeq); err != nil {
		return end{}, err
	}
	e := end{streamAt: state.LastSeq}
	best, counted := memory{}, memory{} // the furthest of all, and of those that know the counters
	if newest != nil {
		e.end, e.at = newest.position, newest.at
		best = memory{e.end, &newest.counters}
		counted = best
		// A record that the stream counts but cannot give is lost too.
		memories = append(memories, memory{position: Position{e.end.Generation, e.end.Sequence + state.LastSeq - at, Hash{}}})
	}
	for _, m := range memories {
		best = newer(best, m)
		if m.counters != nil {
			counted = newer(counted, m)
		}
	}
	if counted.counters != nil {
		e.counters = *counted.counters
	}
	e.previous = best.position
	if best.position.Sequence > e.end.Sequence {
		e.lost, e.reason = gap{e.end.Sequence + 1, best.position.Sequence}, EndLost
		loss := Loss{First: e.lost.first, Last: e.lost.last, Values: unknownValues, Reason: EndLost}
		if best.counters != nil && newest != nil {
			loss.Values = best.counters.kept() - newest.counters.kept()
		}
		j.lose(loss)
		return e, nil
	}
	for _, m := range memories {
		if err := j.compare(ctx, st, &e, m.position); err != nil {
			return end{}, err
		}
	}
	return e, nil
}

// newestRecord returns the last record that the stream can give, nil when it is
// empty, and where it lies.
func newestRecord(ctx context.Context, st *stream, first, last uint64) (newest *Record, at uint64, err error) {
	for back := uint64(1); newest == nil && last >= first && last > 0; back *= 2 {
		from := max(first, 1)
		if last-from >= back {
			from = last + 1 - back
		}
		start := from
		for from <= last {
			got, err := st.fetch(ctx, from, fetchBytes)
			if err != nil {
				return nil, 0, err
			}
			if len(got) == 0 {
				break
			}
			for _, s := range got {
				if r, err := newRecord(s.data); err == nil {
					newest, at = r, s.at
				}
			}
			from = got[len(got)-1].at + 1
		}
		if start <= first {
			break
		}
	}
	return newest, at, nil
}

// compareStart looks whether the oldest record is the one that was left by the last purge.
func (j *Journal) compareStart(ctx context.Context, st *stream, first, last uint64) error {
	r, _, err := st.right(ctx, max(first, 1), last+1)
	if err != nil {
		return err
	}
	oldest := uint64(1)
	if r != nil {
		oldest = r.sequence
	}
	j.mu.Lock()
	j.first = orDefault(j.first, oldest)
	j.mu.Unlock()
	if r != nil {
		j.startAt(r)
	}
	return nil
}

// startAt takes the oldest record that was found.
func (j *Journal) startAt(r *Record) {
	j.mu.Lock()
	first := j.first
	j.mu.Unlock()
	if r.sequence <= first {
		return
	}
	loss := Loss{First: first, Last: r.sequence - 1, Values: unknownValues, Reason: Missing}
	if first == 1 {
		loss.Values = r.counters.kept() - r.fresh
	}
	j.lose(loss)
}

// compare looks whether a record is the one that is remembered.
func (j *Journal) compare(ctx context.Context, st *stream, e *end, p Position) error {
	if p.Sequence == 0 || p.Hash == (Hash{}) || p.Sequence == e.end.Sequence && p.Hash == e.end.Hash {
		return nil
	}
	r, _, err := st.find(ctx, p.Sequence)
	if err != nil || r == nil || r.sequence != p.Sequence || r.position.Hash == p.Hash {
		return err
	}
	e.lost, e.reason = gap{p.Sequence, p.Sequence}, OtherChain
	j.lose(Loss{First: p.Sequence, Last: p.Sequence, Values: unknownValues, Reason: OtherChain})
	return nil
}

// find returns the first record with at least our sequence, nil when there is
// none, and where it lies in the stream.
func (s *stream) find(ctx context.Context, sequence uint64) (found *Record, at uint64, err error) {
	return s.search(ctx, func(r *Record) bool { return r.sequence >= sequence })
}

// search returns the first record for which is reports true, as it does for all
// after that one.
func (s *stream) search(ctx context.Context, is func(*Record) bool) (found *Record, at uint64, err error) {
	state, err := s.state(ctx)
	if err != nil {
		return nil, 0, err
	}
	low, high := max(state.FirstSeq, 1), state.LastSeq+1 // what is sought lies in [low, high)
	for low < high {
		mid := low + (high-low)/2
		r, where, err := s.right(ctx, mid, high)
		switch {
		case err != nil:
			return nil, 0, err
		case r == nil:
			high = mid
		case is(r):
			found, at, high = r, where, mid
		default:
			low = where + 1
		}
	}
	return found, at, nil
}

// right returns the first record in [from, to) of the stream that is right.
func (s *stream) right(ctx context.Context, from, to uint64) (*Record, uint64, error) {
	for from < to {
		got, err := s.fetchOne(ctx, from)
		if err != nil || len(got) == 0 || got[0].at >= to {
			return nil, 0, err
		}
		if r, err := newRecord(got[0].data); err == nil {
			return r, got[0].at, nil
		}
		from = got[0].at + 1
	}
	return nil, 0, nil
}

// openGeneration writes the record that says what is gone before it.
func (j *Journal) openGeneration(ctx context.Context, e end) error {
	h := header{
		generation: max(e.end.Generation, e.previous.Generation) + 1,
		sequence:   e.previous.Sequence + 1,
		previous:   e.previous.Hash,
		counters:   e.counters,
		lost:       e.lost,
		reason:     e.reason,
	}
	if err := j.write(ctx, h, nil); err != nil {
		return fmt.Errorf("opening generation %d: %w", h.generation, err)
	}
	j.log.Warn("the journal goes on in a new generation", "generation", h.generation, "sequence", h.sequence)
	return nil
}
