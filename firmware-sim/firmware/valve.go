package firmware

import (
	"math"
	"slices"
	"time"

	"ganlin/devices"
)

// ValveOptions describe a valve controller with a flow meter.
type ValveOptions struct {
	MaxDuration time.Duration // longest opening, as in the registry; 0: the command alone decides
	MaxVolumeL  float64       // most water of one opening, as in the registry; 0: the command alone decides
	FlowLPM     float64       // when open
	Latency     time.Duration // from a command's sending to its effect, above 0, in the device's time
	NoTimer     bool          // a fault: the valve never closes by itself
	StuckOpen   bool          // a fault: it takes a close, does not move and says no more
}

// An Opening is one time that a valve let water through, as it really was.
type Opening struct {
	OpenedAt time.Time `json:"opened_at"`
	ClosedAt time.Time `json:"closed_at,omitzero"` // zero while open
	Until    time.Time `json:"until"`              // the end of its lease, cut to the valve's longest opening
	Expires  time.Time `json:"expires"`            // when the command that began it did
	Litres   float64   `json:"litres"`
}

// Over reports whether the opening lasted longer than it was allowed to; one second is forgiven.
func (o Opening) Over(now time.Time) bool { return o.end(now).After(o.Until.Add(time.Second)) }

// Duration returns how long the valve was open.
func (o Opening) Duration(now time.Time) time.Duration { return o.end(now).Sub(o.OpenedAt) }

func (o Opening) end(now time.Time) time.Time {
	if o.ClosedAt.IsZero() {
		return now
	}
	return o.ClosedAt
}

// A valve is the lease machine of a controller. It reads no clock: receive and
// advance pass the time, which never goes back.
type valve struct {
	ValveOptions
	now      time.Time
	lastSeq  int64    // of the opens that were answered
	recent   []string // ids of the last opens that were answered
	pending  []act    // commands under way, in order
	open     bool
	limitL   float64 // of this opening, litres counted from its start; +Inf: none
	totalL   float64 // the meter
	unspentL float64 // run through since drain was called
	openings []Opening
}

type act struct {
	at  time.Time
	cmd devices.Command
}

const rememberedIDs = 16

// receive takes a command and returns what the valve answers when it arrives.
// ok is false when the command is ignored. An accepted command acts in advance.
func (v *valve) receive(cmd devices.Command, now time.Time, clockSet bool) (answer devices.CommandReport, ok bool) {
	arrival := now.Add(v.Latency)
	answer = devices.CommandReport{Command: cmd.ID, At: arrival}
	switch {
	case cmd.Action == devices.Close:
		// Obeyed and answered whatever else is wrong with it.
		v.lastSeq = max(v.lastSeq, cmd.Seq)
	case cmd.Action == devices.Report:
		return v.statement(cmd.ID), true
	case cmd.ID == "", cmd.Seq <= v.lastSeq || slices.Contains(v.recent, cmd.ID):
		return answer, false
	case !clockSet:
		v.remember(cmd)
		answer.State, answer.Reason = devices.Rejected, "clock"
		return answer, true
	case cmd.Validate() != nil:
		v.remember(cmd)
		answer.State, answer.Reason = devices.Rejected, "invalid"
		return answer, true
	case arrival.After(cmd.ExpiresAt):
		v.remember(cmd)
		answer.State = devices.Expired
		return answer, true
	default:
		v.remember(cmd)
	}
	v.pending = append(v.pending, act{at: arrival, cmd: cmd})
	answer.State = devices.Accepted
	return answer, true
}

func (v *valve) remember(cmd devices.Command) {
	v.lastSeq = cmd.Seq
	if len(v.recent) == rememberedIDs {
		v.recent = slices.Delete(v.recent, 0, 1)
	}
	v.recent = append(v.recent, cmd.ID)
}

// advance lets time pass and returns what the valve reports, in order.
func (v *valve) advance(to time.Time) []devices.CommandReport {
	var reports []devices.CommandReport
	for {
		closes, ends := v.closesItself()
		if len(v.pending) > 0 && (!ends || !closes.Before(v.pending[0].at)) {
			next := v.pending[0]
			if next.at.After(to) {
				break
			}
			v.pending = v.pending[1:]
			v.run(next.at)
			if !v.StuckOpen || next.cmd.Action != devices.Close {
				reports = append(reports, v.obey(next.cmd))
			}
			continue
		}
		if !ends || closes.After(to) {
			break
		}
		v.run(closes)
		reports = append(reports, v.shut(""))
	}
	v.run(to)
	return reports
}

// obey carries out a command that has arrived.
func (v *valve) obey(cmd devices.Command) devices.CommandReport {
	if cmd.Action == devices.Close {
		return v.shut(cmd.ID)
	}
	if v.now.After(cmd.ExpiresAt) {
		return devices.CommandReport{Command: cmd.ID, State: devices.Expired, At: v.now}
	}
	if !v.open {
		v.open = true
		v.openings = append(v.openings, Opening{OpenedAt: v.now, Expires: cmd.ExpiresAt})
	}
	o := v.opening()
	o.Until = v.now.Add(time.Duration(cmd.MaxDurationS) * time.Second)
	if last := o.OpenedAt.Add(v.MaxDuration); v.MaxDuration > 0 && o.Until.After(last) {
		o.Until = last
	}
	v.limitL = math.Inf(1)
	if cmd.MaxVolumeL > 0 {
		v.limitL = o.Litres + cmd.MaxVolumeL
	}
	if v.MaxVolumeL > 0 {
		v.limitL = min(v.limitL, v.MaxVolumeL)
	}
	return v.report(cmd.ID)
}

// shut closes the valve for a command, or by itself when command is empty.
func (v *valve) shut(command string) devices.CommandReport {
	if v.open {
		v.opening().ClosedAt = v.now
		v.open = false
	}
	return v.report(command)
}

// closesItself returns when the lease or the water of the opening runs out.
func (v *valve) closesItself() (at time.Time, ok bool) {
	if !v.open || v.NoTimer {
		return at, false
	}
	at = v.opening().Until
	if left := v.limitL - v.opening().Litres; v.FlowLPM > 0 && left/v.FlowLPM < at.Sub(v.now).Minutes() {
		at = v.now.Add(time.Duration(math.Ceil(left/v.FlowLPM*60_000)) * time.Millisecond)
	}
	return at, true
}

// run lets water through up to a time. A time that has passed is now.
func (v *valve) run(to time.Time) {
	if !to.After(v.now) {
		return
	}
	if v.open {
		litres := v.FlowLPM * to.Sub(v.now).Minutes()
		v.opening().Litres += litres
		v.totalL += litres
		v.unspentL += litres
	}
	v.now = to
}

func (v *valve) opening() *Opening { return &v.openings[len(v.openings)-1] }

func (v *valve) report(command string) devices.CommandReport {
	r := devices.CommandReport{Command: command, At: v.now}
	r.State, r.VolumeL = v.state()
	return r
}

// statement tells the state when somebody asks or the valve connects. It
// stands a millisecond after the valve's time: behind everything up to it, and
// before everything that a command does that comes at the same time.
func (v *valve) statement(command string) devices.CommandReport {
	r := v.report(command)
	r.At = v.now.Add(time.Millisecond)
	return r
}

// state returns what a report says of the valve; the volume is that of the last opening.
func (v *valve) state() (devices.CommandState, *float64) {
	state := devices.Closed
	if v.open {
		state = devices.Opened
	}
	if len(v.openings) == 0 {
		return state, nil
	}
	litres := math.Round(v.opening().Litres*10) / 10
	return state, &litres
}

// drain returns the litres that ran through since it was last called.
func (v *valve) drain() float64 {
	litres := v.unspentL
	v.unspentL = 0
	return litres
}
