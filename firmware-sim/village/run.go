package village

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"sync"
	"time"

	"ganlin/devices"
	"ganlin/firmware-sim/firmware"
)

// A Stepper is told that an hour is over. Step returns when the receiver has
// everything that the devices sent up to at: last holds the highest seq of
// each. The same time again gives the same answer, an earlier one an error.
type Stepper interface {
	Step(ctx context.Context, at time.Time, last map[devices.DeviceID]int64) (watermark time.Time, err error)
}

// A Link is how a village reaches the world.
type Link struct {
	Broker      *url.URL                                                     // see firmware.ParseBroker
	Credentials func(devices.DeviceID) (username, password string)           // nil: anonymous
	AckTimeout  time.Duration                                                // of a PUBACK, on the wall clock; 0 means 30 s
	Logger      *slog.Logger                                                 // nil: silent
	Acked       func(id devices.DeviceID, leaf devices.Leaf, payload []byte) // see firmware.Link.Acknowledged
	Rough       firmware.Rough                                               // delays and cuts; none of it changes what devices measure

	// Of Run alone.
	Step   Stepper
	From   time.Time                              // the receiver's last tick; a zero or early one means the start of the season
	Speed  float64                                // simulated seconds in one of the wall, at most; 0: as fast as it can
	Linger bool                                   // go on at wall pace after the last day, until ctx ends
	Keep   func(at time.Time, state []byte) error // called after each step with the village's State; an error ends the season; nil: not called
	Before func(at time.Time)                     // called before the step that ends at that time is lived, to switch radios or cut connections; nil: not called
}

// stepLength is one step of a season; afterwards, at wall pace, steps are of a minute.
const (
	stepLength   = time.Hour
	lingerLength = time.Minute
)

// grid is the finest interval at which devices take readings.
const grid = 10 * time.Minute

// Run lives the season from l.From on and returns what the village counted,
// also with an error: that of the stepper, of Keep or of ctx. A village without
// Resume forgets what water an earlier process brought onto the fields, and
// what its meters counted; one with it lives what the receiver knows already
// once more and says it again.
func (v *Village) Run(ctx context.Context, l Link) (Report, error) {
	if v.resumed {
		if l.From.Before(v.now) {
			return v.report(), fmt.Errorf("village was kept at %s, the receiver knows no more than up to %s", v.now.Format(time.RFC3339), l.From.Format(time.RFC3339))
		}
		for v.now.Before(l.From) {
			v.live(v.now, earlier(v.now.Truncate(stepLength).Add(stepLength), l.From))
		}
	}
	now := v.Start
	if l.From.After(now) {
		now = l.From
	}
	if l.From.IsZero() { // a receiver that knows no time yet would judge the first messages by the wall's
		if _, err := l.Step.Step(ctx, now, map[devices.DeviceID]int64{}); err != nil {
			return v.report(), fmt.Errorf("beginning at %s: %w", now.Format(time.RFC3339), err)
		}
	}
	v.pass(now)
	stop := v.radios(ctx, l, true)
	err := v.wait(ctx)
	if err != nil {
		err = fmt.Errorf("waiting for the devices to connect: %w", err)
	} else {
		err = v.steps(ctx, l, now)
	}
	stop()
	r := v.report()
	if !v.now.Before(v.End) {
		v.compare(&r)
	}
	return r, err
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

func (v *Village) steps(ctx context.Context, l Link, now time.Time) error {
	pace := time.Now()
	for {
		length, speed := stepLength, l.Speed
		if !now.Before(v.End) {
			if !l.Linger {
				return nil
			}
			length, speed = lingerLength, 1
		}
		at := now.Truncate(length).Add(length)
		if l.Before != nil {
			l.Before(at)
		}
		v.live(now, at)
		if err := v.wait(ctx); err != nil {
			return fmt.Errorf("waiting for the PUBACKs up to %s: %w", at.Format(time.RFC3339), err)
		}
		if _, err := l.Step.Step(ctx, at, v.lastSeqs()); err != nil {
			return fmt.Errorf("stepping to %s: %w", at.Format(time.RFC3339), err)
		}
		if l.Keep != nil {
			if err := l.Keep(at, v.State()); err != nil {
				return fmt.Errorf("keeping the village as it is at %s: %w", at.Format(time.RFC3339), err)
			}
		}
		if speed > 0 {
			pace = pace.Add(time.Duration(float64(at.Sub(now)) / speed))
			if late := time.Now(); pace.Before(late) {
				pace = late
			}
			if !sleepUntil(ctx, pace) {
				return fmt.Errorf("pacing the season: %w", ctx.Err())
			}
		}
		now = at
	}
}

// live lets the village live from one time to another: the devices measure, the
// water of open valves reaches the fields. Nothing waits for the network here.
func (v *Village) live(from, to time.Time) {
	for at := from.Truncate(grid).Add(grid); !at.After(to); at = at.Add(grid) {
		v.pass(at)
		for _, d := range v.devices {
			if d.Due(at) {
				d.Take()
			}
		}
	}
	v.pass(to)
	for _, d := range v.devices {
		d.Wake()
	}
}

// pass lets time pass for devices and land.
func (v *Village) pass(to time.Time) {
	v.now = to
	for i, d := range v.devices {
		d.Advance(to)
		if plot, ok := v.plotOf[v.Registry.Devices[i].ID]; ok {
			if litres := d.Drain(); litres > 0 {
				v.land.Irrigate(plot, litres)
			}
		}
	}
	v.land.Advance(to)
}

// wait waits until every device that has a radio has all its PUBACKs.
func (v *Village) wait(ctx context.Context) error {
	for _, d := range v.devices {
		if err := d.Wait(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (v *Village) lastSeqs() map[devices.DeviceID]int64 {
	last := make(map[devices.DeviceID]int64, len(v.devices))
	for _, d := range v.devices {
		if seq := d.LastSeq(); seq > 0 {
			last[d.ID()] = seq
		}
	}
	return last
}

// radios switches the devices on; stop lets them say goodbye and waits for it.
// In a batch each sends what it has for an hour as one message.
func (v *Village) radios(ctx context.Context, l Link, batch bool) (stop func()) {
	if l.Logger == nil {
		l.Logger = slog.New(slog.DiscardHandler)
	}
	ctx, cancel := context.WithCancel(ctx)
	var all sync.WaitGroup
	for _, d := range v.devices {
		link := firmware.Link{Broker: l.Broker, AckTimeout: l.AckTimeout, Logger: l.Logger, Batch: batch, Rough: l.Rough}
		if l.Credentials != nil {
			link.Username, link.Password = l.Credentials(d.ID())
		}
		if l.Acked != nil {
			link.Acknowledged = func(leaf devices.Leaf, payload []byte) { l.Acked(d.ID(), leaf, payload) }
		}
		all.Go(func() { d.Run(ctx, link) })
	}
	return func() {
		cancel()
		all.Wait()
	}
}

func sleepUntil(ctx context.Context, t time.Time) bool {
	timer := time.NewTimer(time.Until(t))
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
