package app

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"slices"
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
	if v.p.valves.Stopped() {
		return devices.Command{}, refusedError{id, valve.IsStopped}
	}
	kept, ok := v.p.valves.Reserve(id) // so that of many who ask at once one opens it
	if !ok {
		return devices.Command{}, v.taken(id)
	}
	defer kept.Release()
	at := v.p.clock.Now().Truncate(time.Millisecond)
	if err := v.mayOpen(id, at); err != nil {
		return devices.Command{}, err
	}
	command, refusal := limits.Grant(at, ask)
	if refusal != "" {
		return devices.Command{}, refusedError{id, refusal}
	}
	act := v.number(by, id, command, at, reason)
	if err := v.keepOpen(ctx, act); err != nil {
		return devices.Command{}, fmt.Errorf("%w: the opening cannot be kept, so the valve stays shut: %w", httpapi.ErrUnavailable, err)
	}
	return *act.Command, kept.Send(*act.Command)
}

// Close closes a valve, whatever is known of it.
func (v valveActs) Close(ctx context.Context, by string, id devices.DeviceID, reason string) (devices.Command, error) {
	if done, err := v.between(ctx); err == nil { // a close waits for nothing for long
		defer done()
	}
	if _, departs := v.p.departs(id); !departs {
		if _, err := v.limits(id); err != nil {
			return devices.Command{}, err
		}
	}
	act := v.number(by, id, devices.Command{Action: devices.Close}, v.p.clock.Now().Truncate(time.Millisecond), reason)
	if err := v.p.valves.Send(id, *act.Command); err != nil { // before any disk: nothing may keep a close back
		return devices.Command{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, turnPatience)
	defer cancel()
	if err := errors.Join(v.p.journal.AppendAct(ctx, act), v.p.records.KeepCommand(ctx, keptCommand(act))); err != nil {
		v.p.log.Error("a person's close is sent and not kept", "valve", id, "error", err)
	}
	return *act.Command, nil
}

// Clear takes down that a person has looked at a valve and says that it is shut.
// Until it says so itself nothing is sent to it that opens it.
func (v valveActs) Clear(ctx context.Context, by string, id devices.DeviceID, reason string) error {
	done, err := v.between(ctx)
	if err != nil {
		return err
	}
	defer done()
	if _, err := v.limits(id); err != nil {
		return err
	}
	known := v.p.decidedNow().valves[id]
	if known == nil || !known.Locked && !known.Leaking && known.Strikes == 0 && known.State != valve.Unknown {
		return fmt.Errorf("%w: valve %s is neither locked nor leaking, and it responds: there is nothing to clear; a valve that is open is closed", httpapi.ErrConflict, id)
	}
	v.p.valves.Doubt(id)
	act := devices.Act{ID: actID(), At: v.p.clock.Now().Truncate(time.Millisecond), Action: devices.ClearAct, By: by, Reason: reason, Valve: id}
	if err := v.p.journal.AppendAct(ctx, act); err != nil {
		return fmt.Errorf("%w: it cannot be written down who cleared it, so it stays as it is: %w", httpapi.ErrUnavailable, err)
	}
	return nil
}

// number makes an act of a command: no other has its id and seq.
func (v valveActs) number(by string, id devices.DeviceID, c devices.Command, at time.Time, reason string) devices.Act {
	least, action := at.UnixMilli(), devices.CloseAct
	if c.Action == devices.Open { // a close is obeyed whatever its seq, and waits for nobody's view
		action = devices.OpenAct
		if known := v.p.decidedNow().valves[id]; known != nil {
			least = max(least, known.LastSeq+1)
		}
	}
	c.Seq = v.p.valves.Next(id, least)
	c.ID = fmt.Sprintf("person-%s-%d", id, c.Seq)
	return devices.Act{ID: c.ID, At: at, Action: action, By: by, Reason: reason, Valve: id, Command: &c}
}

// keepOpen puts an opening on disk. One that the rules would not hear of is never
// sent, wherever this is cut short: what a start sends again is in the journal. One
// that they hear of in vain is to them an opening that the valve did not take.
func (v valveActs) keepOpen(ctx context.Context, act devices.Act) error {
	if err := v.p.journal.AppendAct(ctx, act); err != nil {
		return err
	}
	return v.p.records.KeepCommand(ctx, keptCommand(act))
}

func keptCommand(act devices.Act) records.Command {
	return records.Command{ID: act.ID, Valve: act.Valve, At: act.At, Command: *act.Command}
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
	if d, ok := v.p.registry.Load().Device(id); ok && d.MaxDurationS > 0 {
		return valve.Limits{MaxDurationS: d.MaxDurationS, MaxVolumeL: d.MaxVolumeL}, nil
	}
	return valve.Limits{}, fmt.Errorf("%w: there is no valve %s", httpapi.ErrNotFound, id)
}

// taken says why a valve could not be reserved for an opening.
func (v valveActs) taken(id devices.DeviceID) error {
	if state, _ := v.p.valves.Word(id); state != "" && state != devices.Closed {
		return refusedError{id, valve.NotClosed}
	}
	return refusedError{id, isBusy}
}

// mayOpen says why a valve cannot be opened now. The valve's own newest word
// counts before what the rules knew at their watermark.
func (v valveActs) mayOpen(id devices.DeviceID, at time.Time) error {
	known := v.p.decidedNow().valves[id]
	switch {
	case known == nil && !slices.Contains(v.p.commanded(), id):
		return fmt.Errorf("%w: valve %s waters no plot of the registry, so nobody accounts for its water; name it under the valves of one", httpapi.ErrConflict, id)
	case known == nil:
		return fmt.Errorf("%w: nothing is known of valve %s yet; try again in a moment", httpapi.ErrConflict, id)
	case known.Locked:
		return refusedError{id, valve.IsLocked}
	case known.Leaking:
		return refusedError{id, valve.IsLeaking}
	case known.Pending != nil && at.Before(known.Pending.ExpiresAt):
		return refusedError{id, isBusy}
	}
	closed := known.State == valve.Closed
	if state, said := v.p.valves.Word(id); state != "" && !said.Before(known.Heard) {
		closed = state == devices.Closed
	}
	if !closed {
		return refusedError{id, valve.NotClosed}
	}
	return nil
}

// isBusy says that a valve is not opened because somebody else is commanding it at the moment.
const isBusy valve.Refusal = "busy"

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
	isBusy:            "another command to it is on its way; look in a moment how it stands",
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
	case errors.Is(err, valves.ErrClosing):
		return "closing"
	case errors.Is(err, valves.ErrOutOfReach):
		return "out_of_reach"
	case errors.Is(err, valves.ErrRefused):
		return "refused"
	}
	return "no_answer"
}

func actID() string { return "act-" + rand.Text() }
