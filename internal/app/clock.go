package app

import (
	"sync"
	"time"
)

// wallClock is the machine's clock.
type wallClock struct{}

func (wallClock) Now() time.Time    { return time.Now().UTC() }
func (wallClock) Latest() time.Time { return time.Now().UTC() }

// barrier is the length of a step: one simulated hour.
const barrier = time.Hour

// stepClock stands at the last tick and moves on with the wall by
// milliseconds, but stays below the next tick. Simulated readings of the coming
// hour carry times up to the next tick, so that is the latest time. Before the
// first tick it is the wall's clock.
type stepClock struct {
	mu   sync.Mutex
	tick time.Time
	set  time.Time // on the wall's monotonic clock: when the tick was set
}

func newStepClock(tick time.Time) *stepClock {
	return &stepClock{tick: tick, set: time.Now()}
}

func (c *stepClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.tick.IsZero() {
		return time.Now().UTC()
	}
	return c.tick.Add(min(time.Since(c.set), barrier-time.Millisecond)).Truncate(time.Millisecond)
}

func (c *stepClock) Latest() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.tick.IsZero() {
		return time.Now().UTC()
	}
	return c.tick.Add(barrier)
}

func (c *stepClock) last() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.tick
}

func (c *stepClock) advance(tick time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.tick, c.set = tick, time.Now()
}
