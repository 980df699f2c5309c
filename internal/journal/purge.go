package journal

import (
	"context"
	"slices"
	"time"
)

// Purge drops the records that were written before a time and that all readers
// have done with: each keeps the record that its cursor names, and the newest
// one always stays. It returns how many were dropped.
func (j *Journal) Purge(ctx context.Context, before time.Time, readers []Position) (uint64, error) {
	j.mu.Lock()
	st, limit := j.stream, j.end.Sequence
	j.mu.Unlock()
	for _, p := range readers {
		limit = min(limit, p.Sequence)
	}
	first, at, err := st.search(ctx, func(r *Record) bool { return r.sequence >= limit || r.at >= before.UnixMilli() })
	if err != nil || first == nil {
		return 0, err
	}
	held, err := st.state(ctx)
	if err != nil || at <= held.FirstSeq {
		return 0, err
	}
	j.mu.Lock()
	j.first = first.sequence
	j.losses = slices.DeleteFunc(slices.Clone(j.losses), func(l Loss) bool {
		done := l.Last < first.sequence && !l.Acknowledged.IsZero()
		if done {
			j.gone += l.Records()
		}
		return done
	})
	j.mu.Unlock()
	if err := j.remember(false); err != nil { // before: a purge that did not happen is no loss
		return 0, err
	}
	if err := st.purge(ctx, at); err != nil {
		return 0, err
	}
	left, err := st.state(ctx)
	if err != nil {
		return 0, err
	}
	j.mu.Lock()
	j.again = time.Time{}
	j.mu.Unlock()
	return held.Msgs - min(held.Msgs, left.Msgs), nil
}
