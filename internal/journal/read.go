package journal

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// fetchBytes is about how much is read at once.
const fetchBytes = 4 << 20

// Read returns the records after a position, at least one and as many as are at
// hand, up to about 4 MiB. At the end of the journal it waits for the next one.
// It checks the chain: what is missing is reported as a Loss and passed over,
// and nothing damaged is returned. It returns an error when ctx ends, when the
// journal is closed, or when the position lies beyond the journal's end.
func (j *Journal) Read(ctx context.Context, after Position) ([]*Record, error) {
	for {
		j.mu.Lock()
		end, changed, closed := j.end, j.changed, j.closed
		records := j.recent.after(after)
		j.mu.Unlock()
		switch {
		case len(records) > 0:
			return records, nil
		case after.Sequence > end.Sequence:
			return nil, fmt.Errorf("reading after %s: the journal ends at %s", after, end)
		case closed:
			return nil, errClosed
		case after.Sequence == end.Sequence:
			select {
			case <-changed:
			case <-ctx.Done():
				return nil, ctx.Err()
			}
			continue
		}
		records, next, err := j.fetchAfter(ctx, after)
		switch {
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case err != nil:
			j.log.Warn("the journal cannot be read now", "error", err)
			select {
			case <-time.After(readPause):
			case <-changed:
			case <-ctx.Done():
			}
		case len(records) > 0:
			return records, nil
		default:
			after = next
		}
	}
}

// readPause lies between two tries while the server is away.
const readPause = time.Second

// Follow calls fn with each record after a position, in order, and waits at the
// end for more. It ends with the error of fn or, as Read does, by itself.
func (j *Journal) Follow(ctx context.Context, after Position, fn func(*Record) error) error {
	for {
		records, err := j.Read(ctx, after)
		if err != nil {
			return err
		}
		for _, r := range records {
			if err := fn(r); err != nil {
				return err
			}
			after = r.position
		}
	}
}

// fetchAfter reads from the stream. Without records, it is to be tried again after next.
func (j *Journal) fetchAfter(ctx context.Context, after Position) (records []*Record, next Position, err error) {
	j.mu.Lock()
	st, end, streamAt := j.stream, j.end, j.streamAt
	j.mu.Unlock()
	// Within a generation the two sequences keep their distance.
	if ahead := end.Sequence - after.Sequence; ahead <= streamAt {
		got, err := st.fetch(ctx, streamAt-ahead+1, fetchBytes)
		if err != nil {
			return nil, after, err
		}
		if records = contiguous(got, after, end); len(records) > 0 {
			return records, after, nil
		}
	}
	// Of an older generation only a search tells where it lies.
	r, at, err := st.find(ctx, after.Sequence+1)
	if err != nil {
		return nil, after, err
	}
	if r == nil || r.sequence > end.Sequence {
		j.lose(Loss{First: after.Sequence + 1, Last: end.Sequence, Values: unknownValues, Reason: Missing})
		return nil, end, nil
	}
	c := chain{last: after, kept: unknownValues}
	if before, _, err := st.find(ctx, after.Sequence); err == nil && before.position == after {
		c.kept = before.counters.kept()
	}
	if loss, ok := c.next(r); !ok {
		j.lose(loss)
	}
	got, err := st.fetch(ctx, at+1, fetchBytes)
	if err != nil {
		return nil, after, err
	}
	return append([]*Record{r}, contiguous(got, r.position, end)...), after, nil
}

// contiguous returns the records from the one right after a position to the
// first that does not follow, or to the end of what is known to be on disk.
func contiguous(got []stored, after, end Position) (records []*Record) {
	for _, s := range got {
		r, err := newRecord(s.data)
		if err != nil || r.sequence > end.Sequence {
			break
		}
		if r.sequence <= after.Sequence {
			continue
		}
		if after.Sequence > 0 && (r.sequence != after.Sequence+1 || r.previous != after.Hash) {
			break
		}
		records = append(records, r)
		after = r.position
	}
	return records
}

// recent holds the newest records, so that readers at the end need not ask the server.
type recent struct {
	records []*Record
	bytes   int
}

const recentBytes = 4 << 20

// size is about what a record takes in memory: its body, its header's line and itself.
func (r *Record) size() int { return len(r.body) + 1024 }

func (c *recent) add(r *Record) {
	c.records = append(c.records, r)
	c.bytes += r.size()
	for c.bytes > recentBytes && len(c.records) > 1 {
		c.bytes -= c.records[0].size()
		c.records[0] = nil
		c.records = c.records[1:]
	}
}

// after returns the records after a position if they are here.
func (c *recent) after(p Position) []*Record {
	if len(c.records) == 0 || p.Sequence+1 < c.records[0].sequence {
		return nil
	}
	i := p.Sequence + 1 - c.records[0].sequence
	if i >= uint64(len(c.records)) || p.Sequence > 0 && c.records[i].previous != p.Hash {
		return nil
	}
	bytes := 0
	for n, r := range c.records[i:] {
		if bytes += len(r.body); bytes > fetchBytes && n > 0 {
			return slices.Clone(c.records[i : int(i)+n]) //nolint:gosec // below the length
		}
	}
	return slices.Clone(c.records[i:])
}
