package valves

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"ganlin/devices"
)

// errNotOnline stands for a sending that was not even tried.
var errNotOnline = errors.New("device is not connected")

// Run sends what is due until ctx ends, and returns when every sending has.
func (c *Courier) Run(ctx context.Context) error {
	var sendings sync.WaitGroup
	defer sendings.Wait()
	for {
		due, next := c.due(time.Now())
		for _, d := range due {
			sendings.Go(func() { c.deliver(ctx, d) })
		}
		alarm := time.NewTimer(time.Until(next))
		select {
		case <-ctx.Done():
			alarm.Stop()
			return nil
		case <-c.wake:
		case <-alarm.C:
		}
		alarm.Stop()
	}
}

// due takes out what is to be sent now and returns when to look again. What has expired ends.
func (c *Courier) due(now time.Time) (due []*delivery, next time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.leapt()
	next = now.Add(time.Hour)
	for _, l := range c.lines {
		if d := l.command; d != nil && c.expired(d) {
			c.end(d, expired)
			c.o.Log.Warn("a valve did not take a command before it expired", "valve", d.device, "command", d.command.ID, "sent", d.sent)
		}
		for _, d := range []*delivery{l.query, l.command} {
			switch {
			case d == nil || d.sending:
			case c.held(d):
				next = earlier(next, now.Add(c.o.LongestRetry)) // it may expire
			case d.due.After(now):
				next = earlier(next, d.due)
			default:
				d.sending = true
				due = append(due, d)
			}
		}
	}
	return due, next
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// deliver sends a command once.
func (c *Courier) deliver(ctx context.Context, d *delivery) {
	sent, err := c.publish(ctx, d)
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	d.sending = false
	d.due = now.Add(d.pause/2 + rand.N(d.pause/2+1)) //nolint:gosec // spreads repetitions, guards nothing
	l := c.line(d.device)
	longest := c.o.LongestRetry
	if now.Sub(d.began) > insistent {
		longest = patient
	}
	if l.offline.IsZero() || now.Sub(l.offline) > c.o.PatienceOffline { // until then somebody may be waiting for it to come back
		d.pause = min(2*d.pause, longest)
	}
	switch {
	case sent:
		l.offline = time.Time{}
		c.count(d)
	case err != nil && ctx.Err() == nil && l.offline.IsZero():
		l.offline, d.pause = now, c.o.FirstRetry
		c.o.Log.Info("a valve cannot be reached, what it is to do waits", "valve", d.device, "command", d.command.ID, "error", err)
	}
	c.rouse()
}

// A device that says nothing for insistent is told only once in patient from
// then on. As soon as it is heard of it is told at once.
const (
	insistent = 5 * time.Minute
	patient   = time.Minute
)

// online reports whether a device is connected, as far as anybody says. What a
// status says may be wrong where the broker is another's: a close is tried all
// the same, once in patient.
func (c *Courier) online(d *delivery) bool {
	if c.o.Online != nil {
		return c.o.Online(d.device)
	}
	return c.line(d.device).gone.IsZero() || d.command.Action == devices.Close && time.Since(d.tried) >= patient
}

// publish sends a command unless it has ended or expired since it was due.
func (c *Courier) publish(ctx context.Context, d *delivery) (sent bool, err error) {
	c.mu.Lock()
	c.leapt() // it may have since this was due
	void := d.ended || c.expired(d) || c.held(d)
	online := c.online(d)
	if !void && online {
		d.tried = time.Now()
	}
	c.mu.Unlock()
	switch {
	case void:
		return false, nil
	case !online:
		return false, errNotOnline
	}
	payload, err := json.Marshal(d.command)
	if err != nil {
		return false, fmt.Errorf("writing command %s: %w", d.command.ID, err)
	}
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	err = c.o.Sender.Publish(ctx, d.device, payload)
	return err == nil, err
}

// held reports whether a command is an open that waits for its valve to say that it is closed.
func (c *Courier) held(d *delivery) bool {
	l := c.line(d.device)
	return d.isOpen() && (!l.answered || !l.word.closed())
}

// expired reports whether a command is an open that came too late.
func (c *Courier) expired(d *delivery) bool {
	return d.isOpen() && !c.o.Now().Before(d.command.ExpiresAt)
}

// count counts a sending.
func (c *Courier) count(d *delivery) {
	switch {
	case d.command.Action == devices.Report:
		c.stats.Asked++
	case d.sent == 0:
		c.stats.Sent++
	default:
		c.stats.Repeated++
	}
	d.sent++
}
