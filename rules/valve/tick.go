package valve

import (
	"time"

	"ganlin/devices"
)

// longestWait is the longest time between two closes of a valve that does not answer.
const longestWait = 6 * time.Hour

// Tick lets time pass: at is the event time up to which all reports and meter
// readings have been handed over, now the time of the tick, at which commands are
// sent. Now is later than at by the time that facts may be on their way.
func (v *Valve) Tick(at, now time.Time) []Event {
	var events []Event
	for _, command := range v.Idle {
		events = append(events, v.event(Cancelled, at, Event{Command: command}))
	}
	v.Idle = nil
	v.sent(now)
	if p := v.Pending; p != nil && (v.State == Requested || v.State == Accepted || v.State == Open) {
		switch {
		case p.AcceptedAt.IsZero() && at.After(p.ExpiresAt):
			// Nothing keeps a command for later and the device obeys none that
			// has expired, so a valve that was closed still is. If it took the
			// command and could not say so, its word will come: see Missed.
			v.giveUp(p)
			if v.State == Requested {
				v.enter(Closed, at)
				v.strike(at)
			}
			events = append(events, v.event(Expired, at, Event{Command: p.Command}))
		case !p.AcceptedAt.IsZero() && at.After(p.AcceptedAt.Add(Patience)):
			if v.Opening == nil {
				v.Opening = p.assumed(p.AcceptedAt.Add(seconds(p.DurationS)))
			}
			events = append(events, v.lose(Unanswered, at, Event{Command: p.Command})...)
		}
	}
	switch {
	case v.State == Open && v.Opening.Command == "" && !at.Before(v.Opening.Until):
		events = append(events, v.shut(at, LeftOpen))
	case v.State == Open && at.After(v.Opening.Until.Add(Patience)):
		events = append(events, v.lose(Overdue, at, Event{Command: v.Opening.Command})...)
	case v.State == Closing && v.Closing.due(at):
		events = append(events, v.lose(NotClosing, at, Event{Command: v.Closing.Command})...)
	case v.State == Unknown, v.State == Closed && v.Leaking:
		if v.Closing == nil || v.Closing.due(at) {
			events = append(events, v.shutAgain(at, v.why()))
		}
	}
	events = append(events, v.leak(at)...)
	v.sent(now)
	return events
}

// due reports whether a close has gone out and was not answered in time.
func (a *Awaited) due(at time.Time) bool { return !a.Again.IsZero() && at.After(a.Again) }

// sent notes when a close goes out that was commanded since the last tick.
func (v *Valve) sent(now time.Time) {
	if c := v.Closing; c != nil && c.Again.IsZero() {
		c.Again = now.Add(seconds(c.WaitS))
	}
}

// lose is what happens when a valve is no longer known: it counts as open, is
// commanded to close, and is locked.
func (v *Valve) lose(kind Kind, at time.Time, e Event) []Event {
	v.enter(Unknown, at)
	v.Locked = true
	var events []Event
	if p := v.Pending; p != nil {
		v.giveUp(p)
		v.strike(at)
		if p.Command != e.Command {
			events = append(events, v.event(Cancelled, at, Event{Command: p.Command}))
		}
	}
	events = append(events, v.event(kind, at, e))
	return append(events, v.shutAgain(at, kind))
}

// why is what a valve is closed for once more.
func (v *Valve) why() Kind {
	switch {
	case v.Leaking:
		return Leak
	case v.Closing != nil && v.Closing.Why != "":
		return v.Closing.Why
	}
	return Unheard
}

// shutAgain commands a close, and the next one after twice the time.
func (v *Valve) shutAgain(at time.Time, why Kind) Event {
	wait := Patience
	if v.Closing != nil {
		wait = min(2*seconds(v.Closing.WaitS), longestWait)
	}
	cmd := v.command(at, "", devices.Close)
	v.await(cmd.ID, wait)
	v.Closing.Why = why
	return v.event(CloseSent, at, Event{Command: cmd.ID, Why: why, Send: &cmd})
}
