package valves

import (
	"context"
	"errors"
	"fmt"
	"time"

	"ganlin/devices"
)

// How an emergency stop ended for a valve.
var (
	ErrOutOfReach = errors.New("the valve cannot be reached")
	ErrRefused    = errors.New("the valve says that it does not close")
	ErrNoAnswer   = errors.New("the valve was told to close and has not answered")
)

// stopTime is how long an emergency stop waits for answers.
const stopTime = 5 * time.Second

// StopAll is the emergency stop: it sends a close to all valves at once, takes
// no open until Resume, and waits up to 5 s for answers. It needs nothing but
// Run and the Sender. The result holds every valve, with nil for those that
// answered; the others go on being told.
func (c *Courier) StopAll(ctx context.Context, valves []devices.DeviceID) map[devices.DeviceID]error {
	ctx, cancel := context.WithTimeout(ctx, stopTime)
	defer cancel()
	closes := c.closeAll(valves)
	results := make(map[devices.DeviceID]error, len(closes))
	for _, d := range closes {
		results[d.device] = c.answered(ctx, d)
	}
	return results
}

// Stopped reports whether an emergency stop is in force.
func (c *Courier) Stopped() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.stopped
}

// Resume lets opens pass again.
func (c *Courier) Resume() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stopped = false
}

func (c *Courier) closeAll(valves []devices.DeviceID) []*delivery {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stopped = true
	for _, l := range c.lines {
		if l.command != nil && l.command.command.Action == devices.Open {
			c.end(l.command, superseded)
		}
	}
	closes := make([]*delivery, 0, len(valves))
	for _, device := range valves {
		c.asked++
		command := devices.Command{
			ID:  fmt.Sprintf("stop-%s-%d", c.name, c.asked),
			Seq: max(c.line(device).seq+1, c.o.Now().UnixMilli()), Action: devices.Close,
		}
		d := &delivery{device: device, command: command}
		c.send(d)
		closes = append(closes, d)
	}
	return closes
}

// answered waits for the answer to a close, or to the one that took its place.
func (c *Courier) answered(ctx context.Context, d *delivery) error {
	for {
		select {
		case <-d.done:
		case <-ctx.Done():
		}
		c.mu.Lock()
		ended, result, by, offline := d.ended, d.result, d.by, !c.line(d.device).offline.IsZero()
		c.mu.Unlock()
		switch {
		case ended && by != nil:
			d = by
			continue
		case ended && result == confirmed:
			return nil
		case ended:
			return ErrRefused
		case offline:
			return ErrOutOfReach
		}
		return ErrNoAnswer
	}
}
