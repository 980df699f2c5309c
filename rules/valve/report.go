package valve

import (
	"math"
	"strings"
	"time"

	"ganlin/devices"
)

// Report takes the valve's word. At is the event time of the report. A report
// that repeats what is known, or that is older than it, changes nothing.
func (v *Valve) Report(r devices.CommandReport, at time.Time) []Event {
	if r.Command == "" {
		v.speaks(at)
	}
	if at.Before(v.Heard) || isAnswer(r) && at.Sub(v.Since) < Patience {
		return nil
	}
	switch r.State {
	case devices.Accepted:
		return v.accepts(r, at)
	case devices.Opened:
		return v.opens(r, at)
	case devices.Closed:
		if v.provesClosed(r) {
			v.Heard = at
			return v.closes(r, at, "")
		}
	case devices.Rejected, devices.Expired:
		return v.declines(r, at)
	case devices.Failed:
		if v.State != Unknown {
			v.Heard = at
			return v.lose(Failed, at, Event{Command: r.Command, Reason: r.Reason})
		}
	}
	return nil
}

func isAnswer(r devices.CommandReport) bool { return strings.HasPrefix(r.Command, QueryPrefix) }

func (l *Lease) is(command string) bool { return l != nil && command != "" && l.Command == command }

func (v *Valve) accepts(r devices.CommandReport, at time.Time) []Event {
	switch {
	case v.Pending.is(r.Command) && v.Pending.AcceptedAt.IsZero():
	case v.missed(r.Command) && v.State == Closed:
		// It was given up too early: the word of it was long under way.
		v.Pending = v.takeUp(r.Command)
		v.enter(Requested, at)
	default:
		return nil
	}
	v.Heard, v.Pending.AcceptedAt = at, at
	if v.State == Requested {
		v.enter(Accepted, at)
	}
	events := []Event{v.event(WasAccepted, at, Event{Command: r.Command})}
	if v.Stopped && v.State == Accepted {
		events = append(events, v.shut(at, OnStop))
	}
	return events
}

func (v *Valve) opens(r devices.CommandReport, at time.Time) []Event {
	var lease *Lease
	switch {
	case v.Pending.is(r.Command):
		lease, v.Pending = v.Pending, nil
	case v.missed(r.Command):
		lease = v.takeUp(r.Command)
	case v.Opening != nil, v.State == Unknown:
		return nil // as it was thought to be
	case v.Pending != nil && (isAnswer(r) || v.State == Accepted):
		return nil // the command's own report tells it better
	}
	v.Heard = at
	o := v.Opening
	if o == nil || o.Assumed {
		o = &Opening{OpenedAt: at}
		v.Opening = o
	}
	o.Until = o.OpenedAt.Add(seconds(v.Limits.MaxDurationS))
	if v.State != Closing && v.State != Unknown {
		v.awaitNothing()
		v.enter(Open, at)
	}
	if lease == nil {
		kind := HandOpened
		if r.Command != "" {
			kind = FoundOpen
		}
		return v.closeUnwanted(kind, at, v.event(kind, at, Event{Command: r.Command}))
	}
	v.obeyed()
	o.Command, o.CommandedS, o.CommandedL = lease.Command, lease.DurationS, lease.VolumeL
	if until := at.Add(seconds(lease.DurationS)); until.Before(o.Until) {
		o.Until = until
	}
	events := []Event{v.event(WasOpened, at, Event{Command: r.Command})}
	kind := WasOpened
	if lease.AcceptedAt.After(lease.ExpiresAt) || lease.AcceptedAt.IsZero() && at.After(lease.ExpiresAt) {
		kind = Late
		events = append(events, v.event(Late, at, Event{Command: r.Command}))
	}
	return v.closeUnwanted(kind, at, events...)
}

// closeUnwanted adds a close to events that tell of an opening of a kind which nobody may want.
func (v *Valve) closeUnwanted(kind Kind, at time.Time, events ...Event) []Event {
	switch {
	case v.State != Open:
	case v.Stopped:
		events = append(events, v.shut(at, OnStop))
	case kind == FoundOpen, kind == Late:
		events = append(events, v.shut(at, kind))
	}
	return events
}

// provesClosed reports whether a closed report tells something new.
func (v *Valve) provesClosed(r devices.CommandReport) bool {
	switch v.State {
	case Closed:
		return false
	case Requested, Accepted:
		return v.Pending.is(r.Command) // else it tells of the time before
	case Open:
		return true
	}
	// While an open is under way only the answer to the close after it shows that it was overtaken.
	return v.Pending == nil || r.Command == v.Closing.Command || v.Opening != nil && !isAnswer(r)
}

// closes ends what is known to be open. By is empty when the valve itself says so.
func (v *Valve) closes(r devices.CommandReport, at time.Time, by Ending) []Event {
	var events []Event
	next := Closed
	switch p := v.Pending; {
	case p.is(r.Command) && v.Opening == nil:
		// It has come and gone, and nobody saw it open.
		v.obeyed()
		v.Pending, v.Opening = nil, p.assumed(at)
	case p == nil, by == ByPerson, v.Closing != nil && v.Closing.Command == r.Command:
		if p != nil {
			v.giveUp(p)
			events = append(events, v.event(Cancelled, at, Event{Command: p.Command}))
		}
	case v.State == Closing:
		next = Closing // closed by hand; the open is still to come, and the close after it
	case p.AcceptedAt.IsZero():
		next = Requested // likewise
	default:
		next = Accepted
	}
	closed := Event{Command: r.Command}
	if v.Opening != nil {
		closed.Ended = v.account(r, at, by)
		v.Opening, v.ClosedAt = nil, at
	}
	if next != Closing {
		if v.Closing != nil {
			events = append(events, v.event(Obeyed, at, Event{Command: v.Closing.Command}))
		}
		v.Closing, v.Locked = nil, false
		v.enter(next, at)
	}
	events = append(events, v.event(WasClosed, at, closed))
	for i := range events {
		events[i].State = v.State
	}
	return events
}

// assumed is the opening of a lease that nobody saw open, and that is over at the latest at a time.
func (l *Lease) assumed(until time.Time) *Opening {
	o := &Opening{
		Command: l.Command, CommandedS: l.DurationS, CommandedL: l.VolumeL, Assumed: true,
		OpenedAt: l.AcceptedAt, Until: until,
	}
	if o.OpenedAt.IsZero() {
		o.OpenedAt = until
	}
	return o
}

// account tells of the opening that ends.
func (v *Valve) account(r devices.CommandReport, at time.Time, by Ending) *Ended {
	o := v.Opening
	e := &Ended{
		Command: o.Command, CommandedS: o.CommandedS, CommandedL: o.CommandedL,
		OpenedAt: o.OpenedAt, ClosedAt: at, DurationS: max(0, at.Sub(o.OpenedAt).Seconds()),
		Assumed: o.Assumed, Still: o.Still, By: by,
	}
	// The volume is that of the last opening; of one that nobody saw it may be the one before.
	if l := r.VolumeL; l != nil && *l >= 0 && !math.IsInf(*l, 1) && (!o.Assumed || r.Command == o.Command) {
		litres := *l
		e.DeliveredL = &litres
	}
	switch {
	case by != "":
	case v.Closing != nil, r.Command != "" && !isAnswer(r) && r.Command != o.Command:
		e.By = ByCommand
	case !at.Before(o.Until.Add(-time.Second)), e.DeliveredL != nil && o.CommandedL > 0 && *e.DeliveredL > o.CommandedL-1:
		e.By = ByLease // to the second and the litre
	default:
		e.By = ByHand
	}
	return e
}

// declines takes the valve's word that it will not do as it was told.
func (v *Valve) declines(r devices.CommandReport, at time.Time) []Event {
	switch {
	case v.Pending.is(r.Command):
	case v.missed(r.Command):
		v.takeUp(r.Command) // it was given up anyway
		return nil
	case v.Closing != nil && v.Closing.Command == r.Command && v.State == Closing:
		v.Heard = at
		return v.lose(Failed, at, Event{Command: r.Command, Reason: r.Reason})
	default:
		return nil
	}
	v.Heard, v.Pending = at, nil
	if v.State == Requested || v.State == Accepted {
		v.enter(Closed, at)
		v.strike(at)
	}
	kind := Rejected
	if r.State == devices.Expired {
		kind = Expired
	}
	return []Event{v.event(kind, at, Event{Command: r.Command, Reason: r.Reason})}
}
