package valves

import (
	"context"
	"fmt"
	"time"
)

// Wait returns when each of the commands has ended: when the valve has answered,
// when it has expired, or when waiting is over. That is Patience after the call,
// and PatienceOffline after the valve was found out of reach. An open that was
// waited for in vain is not sent again, so that it cannot act at a time when
// nobody expects it; a close goes on being sent. An id that was never handed
// over is an error.
func (c *Courier) Wait(ctx context.Context, ids []string) error {
	begin := time.Now()
	for _, id := range ids {
		c.mu.Lock()
		d := c.byID[id]
		c.mu.Unlock()
		if d == nil {
			return fmt.Errorf("waiting for command %s: it was never handed over", id)
		}
		if err := c.waitFor(ctx, d, begin); err != nil {
			return fmt.Errorf("waiting for command %s: %w", id, err)
		}
	}
	return nil
}

func (c *Courier) waitFor(ctx context.Context, d *delivery, begin time.Time) error {
	look := time.NewTicker(c.o.FirstRetry) // whether it can be reached changes meanwhile
	defer look.Stop()
	for !c.overdue(d, begin) {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-d.done:
			return nil
		case <-look.C:
		}
	}
	return nil
}

// overdue ends an open that was waited for long enough.
func (c *Courier) overdue(d *delivery, begin time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	until := begin.Add(c.o.Patience)
	if offline := c.line(d.device).offline; !offline.IsZero() {
		if offline.Before(begin) {
			offline = begin
		}
		until = earlier(until, offline.Add(c.o.PatienceOffline))
	}
	if d.ended || time.Now().Before(until) {
		return d.ended
	}
	if d.isOpen() {
		c.end(d, unanswered)
	}
	return true
}
