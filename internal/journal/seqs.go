package journal

import (
	"context"
	"maps"

	"ganlin/devices"
)

// HighestSeq returns the highest seq of all that a device sent and the journal
// has on disk, and whether there is one.
func (j *Journal) HighestSeq(ctx context.Context, id devices.DeviceID) (int64, bool, error) {
	return j.index.HighestSeq(ctx, id)
}

// WaitSeqs returns when the journal has, of each device, a message of this seq
// or a higher one on disk.
func (j *Journal) WaitSeqs(ctx context.Context, last map[devices.DeviceID]int64) error {
	missing := maps.Clone(last)
	for {
		j.mu.Lock()
		changed, closed := j.changed, j.closed
		j.mu.Unlock()
		if closed {
			return errClosed
		}
		for id, want := range missing {
			seq, ok, err := j.HighestSeq(ctx, id)
			if err != nil {
				return err
			}
			if ok && seq >= want {
				delete(missing, id)
			}
		}
		if len(missing) == 0 {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
