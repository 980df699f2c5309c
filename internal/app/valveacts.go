package app

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"ganlin/devices"
	"ganlin/internal/file"
	"ganlin/internal/httpapi"
	"ganlin/internal/records"
	"ganlin/internal/valves"
	"ganlin/rules/valve"
)

// valveActs is a person's hand on the valves. What a person asks for is on disk
// before it is sent, and is sent at once: the rules, whose time may be minutes
// behind, learn of it from the journal.
type valveActs struct{ p *program }

// turnPatience is how long an act waits for a step to end: acts fall between steps.
const turnPatience = 5 * time.Second

// Open opens a valve for as long as its limits allow of what is asked for.
func (v valveActs) Open(ctx context.Context, by string, id devices.DeviceID, ask valve.Ask, reason string) (devices.Command, error) {
	done, err := v.between(ctx)
	if err != nil {
		return devices.Command{}, err
	}
	defer done()
	limits, err := v.limits(id)
	if err != nil {
		return devices.Command{}, err
	}
	if err := v.mayOpen(id); err != nil {
		return devices.Command{}, err
	}
	at := v.p.clock.Now().Truncate(time.Millisecond)
	command, refusal := limits.Grant(at, ask)
	if refusal != "" {
		return devices.Command{}, refusedError{id, refusal}
	}
	return v.give(ctx, by, id, command, at, reason)
}

// Close closes a valve, whatever is known of it.
func (v valveActs) Close(ctx context.Context, by string, id devices.DeviceID, reason string) (devices.Command, error) {
	if done, err := v.between(ctx); err == nil { // a close waits for nothing for long
		defer done()
	}
	if _, err := v.limits(id); err != nil {
		return devices.Command{}, err
	}
	at := v.p.clock.Now().Truncate(time.Millisecond)
	return v.give(ctx, by, id, devices.Command{Action: devices.Close}, at, reason)
}

// give puts a command on disk and sends it. A close is sent also when the disk takes nothing.
func (v valveActs) give(ctx context.Context, by string, id devices.DeviceID, c devices.Command, at time.Time, reason string) (devices.Command, error) {
	c.Seq = max(v.p.valves.LastSeq(id)+1, at.UnixMilli())
	c.ID = fmt.Sprintf("person-%s-%d", id, c.Seq)
	action := devices.OpenAct
	if c.Action == devices.Close {
		action = devices.CloseAct
	}
	act := devices.Act{ID: c.ID, At: at, Action: action, By: by, Reason: reason, Valve: id, Command: &c}
	err := errors.Join(
		v.p.journal.AppendAct(ctx, act),
		v.p.records.KeepCommand(ctx, records.Command{ID: c.ID, Valve: id, At: at, Command: c}),
	)
	if err != nil && c.Action == devices.Open {
		return devices.Command{}, fmt.Errorf("%w: the opening cannot be kept, so the valve stays shut: %w", httpapi.ErrUnavailable, err)
	}
	if err != nil {
		v.p.log.Error("a person's close is not kept and is sent all the same", "valve", id, "error", err)
	}
	return c, v.p.valves.Send(id, c)
}

// Stop is the emergency stop. It closes every valve that can be reached before
// it touches a disk, and stays in force until Resume, also over a restart.
func (v valveActs) Stop(ctx context.Context, by string) (map[devices.DeviceID]error, error) {
	results := v.p.stopAll(ctx, by)
	v.p.stopping.Lock() // two taps at once
	kept := file.Replace(v.p.folder.file(stopFile), []byte(by+"\n"))
	v.p.stopping.Unlock()
	at := v.p.clock.Now().Truncate(time.Millisecond)
	ctx, cancel := context.WithTimeout(ctx, turnPatience) // a journal that is not there must not keep the answer back
	defer cancel()
	kept = errors.Join(kept, v.p.journal.AppendAct(ctx, devices.Act{ID: actID(), At: at, Action: devices.StopAct, By: by}))
	if kept != nil {
		v.p.log.Error("the emergency stop is in force but not kept: a restart would end it", "error", kept)
		return results, fmt.Errorf("%w: the stop is in force, but a restart would end it: %w", httpapi.ErrUnavailable, kept)
	}
	return results, nil
}

// Resume ends the emergency stop.
func (v valveActs) Resume(ctx context.Context, by string) error {
	at := v.p.clock.Now().Truncate(time.Millisecond)
	if err := v.p.journal.AppendAct(ctx, devices.Act{ID: actID(), At: at, Action: devices.ResumeAct, By: by}); err != nil {
		return fmt.Errorf("%w: the emergency stop stays in force: %w", httpapi.ErrUnavailable, err)
	}
	if err := os.Remove(v.p.folder.file(stopFile)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("%w: the emergency stop stays in force: %w", httpapi.ErrUnavailable, err)
	}
	v.p.valves.Resume()
	v.p.lastStop.Store(nil)
	return nil
}

// A stopReport tells of an emergency stop that is in force.
type stopReport struct {
	at      time.Time // of the clock that acts are dated by
	by      string
	results map[devices.DeviceID]error // how it ended for each valve; nil while it is under way
}

// stopAll closes every valve that can be reached, and takes down how that ended for each.
func (p *program) stopAll(ctx context.Context, by string) map[devices.DeviceID]error {
	r := stopReport{at: p.clock.Now(), by: by}
	p.lastStop.Store(&r)
	results := p.valves.StopAll(ctx, p.everyValve())
	p.lastStop.Store(&stopReport{r.at, by, results})
	return results
}

// stopFile says that an emergency stop is in force, and by whom.
const stopFile = "stopped"

func (p *program) wasStopped() bool {
	_, err := os.Stat(p.folder.file(stopFile))
	return err == nil
}

// stopAgain closes all valves again when an emergency stop was in force as the program ended.
func (p *program) stopAgain(ctx context.Context) error {
	if p.wasStopped() {
		p.log.Warn("an emergency stop is in force since before this start: ganlin resume ends it")
		by, _ := os.ReadFile(p.folder.file(stopFile)) // it is in force, whoever it was
		for id, err := range p.stopAll(ctx, strings.TrimSpace(string(by))) {
			if err != nil && ctx.Err() == nil {
				p.log.Error("a valve is not known to be closed", "valve", id, "error", err)
			}
		}
	}
	<-ctx.Done()
	return nil
}

// between waits for the end of a step, so that an act falls between two: then
// a season in which somebody acts can be lived again.
func (v valveActs) between(ctx context.Context) (done func(), err error) {
	if v.p.step == nil {
		return func() {}, nil
	}
	ctx, cancel := context.WithTimeout(ctx, turnPatience)
	defer cancel()
	select {
	case v.p.step.turn <- struct{}{}:
		return func() { <-v.p.step.turn }, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("%w: a step of time does not end", httpapi.ErrUnavailable)
	}
}

// limits returns what the registry allows of a valve.
func (v valveActs) limits(id devices.DeviceID) (valve.Limits, error) {
	for _, d := range v.p.registry.Load().Devices() {
		if d.ID == id && d.MaxDurationS > 0 {
			return valve.Limits{MaxDurationS: d.MaxDurationS, MaxVolumeL: d.MaxVolumeL}, nil
		}
	}
	return valve.Limits{}, fmt.Errorf("%w: there is no valve %s", httpapi.ErrNotFound, id)
}

// mayOpen says why a valve cannot be opened now. The valve's own newest word
// counts before what the rules knew at their watermark.
func (v valveActs) mayOpen(id devices.DeviceID) error {
	village := v.p.decidedNow()
	if v.p.valves.Stopped() {
		return refusedError{id, valve.IsStopped}
	}
	known := village.valves[id]
	switch {
	case known == nil:
		return fmt.Errorf("%w: nothing is known of valve %s yet; try again in a moment", httpapi.ErrConflict, id)
	case known.Locked:
		return refusedError{id, valve.IsLocked}
	case known.Leaking:
		return refusedError{id, valve.IsLeaking}
	}
	closed := known.State == valve.Closed
	if d, ok := v.p.now.Snapshot().Device(id); ok && d.Report != nil && d.Report.At.After(known.Heard) {
		closed = d.Report.State == devices.Closed
	}
	if !closed || v.p.valves.Busy(id) {
		return refusedError{id, valve.NotClosed}
	}
	return nil
}

// A refusedError says that a valve is not opened.
type refusedError struct {
	valve devices.DeviceID
	why   valve.Refusal
}

func (e refusedError) Error() string {
	return fmt.Sprintf("%s: valve %s does not open: %s", httpapi.ErrConflict, e.valve, refusals[e.why])
}

func (e refusedError) Unwrap() error { return httpapi.ErrConflict }

// refusals are in words what a person is told.
var refusals = map[valve.Refusal]string{
	valve.NotClosed:   "it is open, or not known to be closed; close it first",
	valve.IsLocked:    "it did not do as it was told, and somebody has to look at it",
	valve.IsStopped:   "an emergency stop is in force; resume ends it",
	valve.IsLeaking:   "water runs although it is closed, and somebody has to look at it",
	valve.NoLimit:     "the registry names no longest opening of it (max_duration_s)",
	valve.NoDuration:  "duration_s must be above 0",
	valve.WrongVolume: "volume_l must be a number that is not below 0",
}

// valveClosed is how a stop ends well for a valve.
const valveClosed = "closed"

// stopResult is in words how a stop ended for a valve.
func stopResult(err error) string {
	switch {
	case err == nil:
		return valveClosed
	case errors.Is(err, valves.ErrOutOfReach):
		return "out_of_reach"
	case errors.Is(err, valves.ErrRefused):
		return "refused"
	}
	return "no_answer"
}

func actID() string { return "act-" + rand.Text() }
