package valve

import (
	"fmt"
	"math"
	"slices"
	"time"

	"ganlin/devices"
)

// Patience is how long a device has to do what it is told: to take an open
// before it expires, to move after it accepted, to report closed when its lease
// is over or it was told to close.
const Patience = time.Minute

// QueryPrefix begins the id of every command that only asks for the state. An
// answer to one tells how things stood when it was asked, so it counts only when
// nothing has changed for longer than Patience.
const QueryPrefix = "report-"

// A State is what is known of a valve.
type State string

// The states. All but closed are treated as open.
const (
	Closed    State = "closed"
	Requested State = "requested" // told to open, not yet answered; it was closed before
	Accepted  State = "accepted"  // it will open
	Open      State = "open"
	Closing   State = "closing" // told to close, not yet closed
	Unknown   State = "unknown" // not heard of yet, or it did not do as it was told
)

// Limits are what the registry allows of one valve. They win over what is asked for.
type Limits struct {
	MaxDurationS int     `json:"max_duration_s"`         // seconds; a valve without is never opened
	MaxVolumeL   float64 `json:"max_volume_l,omitempty"` // litres; 0: no limit by volume
	MinOffS      int     `json:"min_off_s,omitempty"`    // seconds between two openings
}

// An Ask is how much a rule or a person wants of one opening.
type Ask struct {
	DurationS int
	VolumeL   float64 // litres; 0: the limit alone counts
}

// A Lease is an opening that was commanded.
type Lease struct {
	Command    string    `json:"command"`
	Seq        int64     `json:"seq"`
	DurationS  int       `json:"duration_s"`
	VolumeL    float64   `json:"volume_l,omitempty"`
	ExpiresAt  time.Time `json:"expires_at"`
	AcceptedAt time.Time `json:"accepted_at,omitzero"`
}

// An Opening is a time in which water may run.
type Opening struct {
	Command    string    `json:"command,omitempty"` // by whose lease; empty: by hand, or nobody knows
	CommandedS int       `json:"commanded_s,omitempty"`
	CommandedL float64   `json:"commanded_l,omitempty"`
	OpenedAt   time.Time `json:"opened_at"`
	Until      time.Time `json:"until"`             // when the lease ends, or the longest opening by hand
	Assumed    bool      `json:"assumed,omitempty"` // it was accepted, but nobody saw it open
	Still      bool      `json:"still,omitempty"`   // the meter did not turn
}

// An Awaited is a close that is under way, and when it is to be repeated.
type Awaited struct {
	Command string    `json:"command"`
	Why     Kind      `json:"why,omitempty"`  // the machine's own reason
	Again   time.Time `json:"again,omitzero"` // zero until the tick with which it goes out
	WaitS   int       `json:"wait_s"`
}

// A Valve is what is known of one valve. Its JSON form is complete: a Valve read
// back decides as the one that was written. Limits may be changed at any time;
// everything else only by the methods.
type Valve struct {
	Device  devices.DeviceID `json:"device"`
	Limits  Limits           `json:"limits"`
	State   State            `json:"state"`
	Since   time.Time        `json:"since,omitzero"` // when State was entered
	Heard   time.Time        `json:"heard,omitzero"` // event time of the last report that told something new
	LastSeq int64            `json:"last_seq,omitempty"`

	Pending  *Lease    `json:"pending,omitempty"`   // told to the valve, not yet open
	Missed   []Lease   `json:"given_up,omitempty"`  // but the valve may have taken them; the newest last
	Opening  *Opening  `json:"opening,omitempty"`   // nil: no water runs as far as is known
	Closing  *Awaited  `json:"closing,omitempty"`   // nil: no close is awaited
	Idle     []string  `json:"idle,omitempty"`      // closes that need no answer any more; Tick tells of them
	ClosedAt time.Time `json:"closed_at,omitzero"`  // end of the last opening
	Flowing  time.Time `json:"flowing,omitzero"`    // since when the meter has turned although closed
	FlowLPM  float64   `json:"flow_lpm,omitempty"`  // how fast, last time, litres a minute
	CreepLPM float64   `json:"creep_lpm,omitempty"` // what the meter showed when a person had seen it shut
	Leaking  bool      `json:"leaking,omitempty"`   // until the meter stands still, or a person
	Strikes  int       `json:"strikes,omitempty"`   // opens in a row that came to nothing
	Struck   time.Time `json:"struck,omitzero"`     // when the last of them did
	NotUntil time.Time `json:"not_until,omitzero"`  // when the rules may try the next one
	Locked   bool      `json:"locked,omitempty"`    // it did not do as it was told; until a closed report, or a person
	Stopped  bool      `json:"stopped,omitempty"`   // nothing opens until Resume
}

// New returns a valve that nothing is known of: it counts as open until it reports.
func New(device devices.DeviceID, limits Limits) *Valve {
	return &Valve{Device: device, Limits: limits, State: Unknown}
}

// Clone returns a valve that shares nothing with this one.
func (v *Valve) Clone() Valve {
	c := *v
	c.Pending, c.Opening, c.Closing = clone(v.Pending), clone(v.Opening), clone(v.Closing)
	c.Missed, c.Idle = slices.Clone(v.Missed), slices.Clone(v.Idle)
	return c
}

func clone[T any](p *T) *T {
	if p == nil {
		return nil
	}
	return new(*p)
}

// A Refusal says by name why a valve is not opened; empty: it is.
type Refusal string

// The refusals.
const (
	NotClosed   Refusal = "not_closed" // not known to be closed
	IsLocked    Refusal = "locked"
	IsStopped   Refusal = "stopped"
	IsLeaking   Refusal = "leaking"
	IsResting   Refusal = "unresponsive" // the last opens came to nothing, and the next one waits
	MinimumOff  Refusal = "minimum_off"
	NoLimit     Refusal = "no_limit"     // the registry names no longest opening
	NoDuration  Refusal = "no_duration"  // none was asked for
	WrongVolume Refusal = "wrong_volume" // below 0 or no number
)

// Open asks for an opening. At is the time of the decision: the command expires
// Patience later. What is asked for is cut to the limits. The command is to be
// persisted together with the valve before it is sent.
func (v *Valve) Open(at time.Time, id string, ask Ask) (devices.Command, Refusal) {
	if r := v.refuses(at); r != "" {
		return devices.Command{}, r
	}
	cmd, r := v.Limits.Grant(at, ask)
	if r != "" {
		return devices.Command{}, r
	}
	numbered := v.command(at, id, devices.Open)
	cmd.ID, cmd.Seq = numbered.ID, numbered.Seq
	v.request(&cmd, at)
	return cmd, ""
}

// Grant returns the open that the limits allow of what is asked for, without id and seq.
func (l Limits) Grant(at time.Time, ask Ask) (devices.Command, Refusal) {
	switch {
	case l.MaxDurationS <= 0:
		return devices.Command{}, NoLimit
	case ask.DurationS <= 0:
		return devices.Command{}, NoDuration
	case !(ask.VolumeL >= 0) || math.IsInf(ask.VolumeL, 1):
		return devices.Command{}, WrongVolume
	}
	cmd := devices.Command{Action: devices.Open, MaxDurationS: min(ask.DurationS, l.MaxDurationS), MaxVolumeL: ask.VolumeL, ExpiresAt: at.Add(Patience)}
	if most := l.MaxVolumeL; most > 0 && (cmd.MaxVolumeL == 0 || cmd.MaxVolumeL > most) {
		cmd.MaxVolumeL = most
	}
	return cmd, ""
}

// request awaits the answer to an open.
func (v *Valve) request(cmd *devices.Command, at time.Time) {
	v.Pending = leaseOf(cmd)
	v.enter(Requested, at)
}

func leaseOf(cmd *devices.Command) *Lease {
	return &Lease{Command: cmd.ID, Seq: cmd.Seq, DurationS: cmd.MaxDurationS, VolumeL: cmd.MaxVolumeL, ExpiresAt: cmd.ExpiresAt}
}

// Adopt takes over a command that a person has given past the rules, with the
// time at which it was given. An open replaces the one that is under way: of two
// only one is sent, and should the valve speak of the other all the same, it is known.
func (v *Valve) Adopt(cmd devices.Command, at time.Time) []Event {
	v.LastSeq = max(v.LastSeq, cmd.Seq)
	if cmd.Action == devices.Close {
		v.close(cmd.ID, at)
		return nil
	}
	if v.State == Closing || v.State == Unknown {
		// It is closed again as soon as it opens: the close of before is still awaited.
		v.giveUp(leaseOf(&cmd))
		return []Event{v.event(Cancelled, at, Event{Command: cmd.ID})}
	}
	var events []Event
	if p := v.Pending; p != nil {
		v.giveUp(p)
		events = append(events, v.event(Cancelled, at, Event{Command: p.Command}))
	}
	if v.State == Open {
		v.Pending = leaseOf(&cmd)
	} else {
		v.request(&cmd, at)
	}
	return events
}

func (v *Valve) refuses(at time.Time) Refusal {
	switch {
	case v.Stopped:
		return IsStopped
	case v.Locked:
		return IsLocked
	case v.State != Closed:
		return NotClosed
	case v.Leaking:
		return IsLeaking
	case at.Before(v.NotUntil):
		return IsResting
	case !v.ClosedAt.IsZero() && at.Before(v.ClosedAt.Add(seconds(v.Limits.MinOffS))):
		return MinimumOff
	}
	return ""
}

// Close commands the valve to close, whatever is known of it. It is repeated by
// Tick until the valve reports closed; a valve that is known to be closed stays so.
func (v *Valve) Close(at time.Time, id string) devices.Command {
	cmd := v.command(at, id, devices.Close)
	v.close(cmd.ID, at)
	return cmd
}

func (v *Valve) close(command string, at time.Time) {
	if v.State == Closed {
		v.Idle = append(v.Idle, command)
		return
	}
	if v.State != Closing && v.State != Unknown {
		v.enter(Closing, at)
	}
	v.await(command, Patience)
}

// Stop is the emergency stop: a valve that is not known to be closed is
// commanded to close, and none opens until Resume.
func (v *Valve) Stop(at time.Time) []Event {
	v.Stopped = true
	if v.State == Closed {
		return nil
	}
	return []Event{v.shut(at, OnStop)}
}

// Resume ends the emergency stop.
func (v *Valve) Resume() { v.Stopped = false }

// Unanswered returns the ids of the commands of which nothing was told yet.
func (v *Valve) Unanswered() []string {
	all := slices.Clone(v.Idle)
	if v.Pending != nil {
		all = append(all, v.Pending.Command)
	}
	if v.Closing != nil {
		all = append(all, v.Closing.Command)
	}
	return all
}

// Clear takes the word of a person who has looked that the valve is shut: an
// opening has ended, locks are off, and what its meter shows now is no leak if it is little.
func (v *Valve) Clear(at time.Time) []Event {
	if v.FlowLPM > 0 {
		v.CreepLPM = min(v.FlowLPM, mostCreepLPM)
	}
	v.still()
	v.obeyed()
	if v.State == Closed {
		return nil
	}
	v.Heard = at
	return v.closes(devices.CommandReport{}, at, ByPerson)
}

// command numbers a command. A command without an id gets one that follows from valve and seq.
func (v *Valve) command(at time.Time, id string, action devices.Action) devices.Command {
	v.LastSeq = max(v.LastSeq+1, at.UnixMilli())
	if id == "" {
		id = fmt.Sprintf("%s-%d", v.Device, v.LastSeq)
	}
	return devices.Command{ID: id, Seq: v.LastSeq, Action: action}
}

// shut is a close that the machine commands by itself.
func (v *Valve) shut(at time.Time, why Kind) Event {
	cmd := v.Close(at, "")
	if v.Closing != nil {
		v.Closing.Why = why
	}
	return v.event(CloseSent, at, Event{Command: cmd.ID, Why: why, Send: &cmd})
}

func (v *Valve) await(command string, wait time.Duration) {
	v.awaitNothing()
	v.Closing = &Awaited{Command: command, WaitS: int(wait / time.Second)}
}

// awaitNothing lets go of a close that was not answered and is of no more use.
func (v *Valve) awaitNothing() {
	if v.Closing != nil {
		v.Idle = append(v.Idle, v.Closing.Command)
		v.Closing = nil
	}
}

func (v *Valve) enter(s State, at time.Time) {
	v.State, v.Since = s, at
	if s != Closed {
		v.Flowing, v.FlowLPM = time.Time{}, 0
	}
}

func seconds(n int) time.Duration { return time.Duration(n) * time.Second }
