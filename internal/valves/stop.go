package valves

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"ganlin/devices"
)

// How an emergency stop ended for a valve that has not said that it is closed.
var (
	ErrClosing    = errors.New("the valve has taken the close and has not said that it is closed")
	ErrOutOfReach = errors.New("the valve cannot be reached")
	ErrRefused    = errors.New("the valve says that it does not close")
	ErrNoAnswer   = errors.New("the valve was told to close and has not answered")
)

const (
	stopTime = 5 * time.Second // how long an emergency stop waits for answers
	askAgain = time.Second     // how often it asks a valve that is about to close
)

// A closing is a close of an emergency stop, and whether the valve has closed.
type closing struct {
	*delivery
	closed chan struct{} // closed once it said so
	shut   bool
}

// StopAll is the emergency stop: it sends a close to all valves at once, takes
// no open until Resume, and waits up to 5 s for each to say that it is closed. It
// needs nothing but Run and the Sender. The result holds every valve, with nil for
// those that said so; those that have not answered go on being told.
func (c *Courier) StopAll(ctx context.Context, valves []devices.DeviceID) map[devices.DeviceID]error {
	ctx, cancel := context.WithTimeout(ctx, stopTime)
	defer cancel()
	closings := c.closeAll(valves)
	results := make(map[devices.DeviceID]error, len(closings))
	var all sync.WaitGroup
	var mu sync.Mutex
	for _, w := range closings {
		all.Go(func() {
			err := c.waitClosed(ctx, w)
			mu.Lock()
			defer mu.Unlock()
			results[w.device] = err
		})
	}
	all.Wait()
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

func (c *Courier) closeAll(valves []devices.DeviceID) []*closing {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stopped = true
	for _, l := range c.lines {
		if l.command != nil && l.command.isOpen() {
			c.end(l.command, superseded)
		}
	}
	closings := make([]*closing, 0, len(valves))
	for _, device := range valves {
		l, seq := c.line(device), c.nextSeq(device, c.o.Now().UnixMilli())
		d := c.delivery(device, devices.Command{ID: fmt.Sprintf("stop-%s-%d", device, seq), Seq: seq, Action: devices.Close})
		w := &closing{delivery: d, closed: make(chan struct{})}
		l.awaited = append(l.awaited, w)
		c.send(d)
		closings = append(closings, w)
	}
	return closings
}

// shut lets those go who wait for a valve to be closed, if its word proves it:
// an answer to that close, or to anything that it was told or asked later.
func (c *Courier) shut(l *line, r *devices.CommandReport) {
	if r.State != devices.Closed || len(l.awaited) == 0 {
		return
	}
	to := l.query
	if !to.is(r.Command) {
		to = c.byID[r.Command]
	}
	for _, w := range l.awaited {
		if to != nil && to.device == w.device && !to.isOpen() && to.number >= w.number && !w.shut {
			w.shut = true
			close(w.closed)
		}
	}
}

// waitClosed waits for a valve to say that it is closed.
func (c *Courier) waitClosed(ctx context.Context, w *closing) error {
	defer c.forget(w)
	again := time.NewTicker(askAgain)
	defer again.Stop()
	for {
		select {
		case <-w.closed:
			return nil
		case <-ctx.Done():
			return c.howFar(w)
		case <-again.C:
		}
		if errors.Is(c.howFar(w), ErrClosing) {
			c.askMoved(w.device)
		}
	}
}

// howFar tells how a valve stands that has not said that it is closed.
func (c *Courier) howFar(w *closing) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	d, l := w.delivery, c.line(w.device)
	for d.by != nil {
		d = d.by
	}
	switch {
	case w.shut:
		return nil
	case d.ended && d.result == confirmed:
		return ErrClosing
	case d.ended:
		return ErrRefused
	case !l.offline.IsZero() || !l.gone.IsZero():
		return ErrOutOfReach
	}
	return ErrNoAnswer
}

// askMoved asks a valve that has taken a close whether it has closed.
func (c *Courier) askMoved(device devices.DeviceID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.askNow(device)
	c.rouse()
}

func (c *Courier) forget(w *closing) {
	c.mu.Lock()
	defer c.mu.Unlock()
	l := c.line(w.device)
	l.awaited = slices.DeleteFunc(l.awaited, func(o *closing) bool { return o == w })
}
