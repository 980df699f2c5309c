package valve_test

import (
	"cmp"
	"math"
	"slices"
	"time"

	"ganlin/devices"
)

// A device is a valve controller as the contract describes it, with a meter and
// a timer of its own. What it is told and what it says takes time on the way.
// Its faults are switched on by hand.
type device struct {
	now      time.Time
	open     bool
	openedAt time.Time
	until    time.Time
	limit    time.Duration // of the registry
	lastSeq  int64
	lpm      float64
	litres   float64
	acts     []act
	said     []said
	seq      int64

	deaf      bool // hears nothing
	noTimer   bool // a fault: never closes by itself
	stuckShut bool // accepts, does not move, says nothing more
	stuckOpen bool // accepts a close, does not move, says nothing more
	lying     bool // stays open but says closed
	dumb      bool // does as it is told and says nothing
	dry       bool // no water comes when it is open

	longest time.Duration // of an opening, beyond what it was allowed to be
}

type act struct {
	at  time.Time
	cmd devices.Command
}

type said struct {
	at time.Time
	r  devices.CommandReport
}

func (d *device) state() devices.CommandState {
	if d.open {
		return devices.Opened
	}
	return devices.Closed
}

func (d *device) say(at time.Time, command string, state devices.CommandState) {
	if d.dumb {
		return
	}
	litres := math.Round(d.litres*10) / 10
	d.seq++
	d.said = append(d.said, said{at: at, r: devices.CommandReport{Command: command, State: state, At: at, Seq: d.seq, VolumeL: &litres}})
}

// hear takes a command that arrives at a time, which may lie ahead.
func (d *device) hear(cmd devices.Command, arrives time.Time) {
	if !d.deaf {
		d.acts = append(d.acts, act{arrives, cmd})
		slices.SortStableFunc(d.acts, func(a, b act) int { return a.at.Compare(b.at) })
	}
}

// advance lets time pass.
func (d *device) advance(to time.Time) {
	for {
		ends := d.open && !d.noTimer
		if len(d.acts) > 0 && (!ends || !d.until.Before(d.acts[0].at)) {
			a := d.acts[0]
			if a.at.After(to) {
				break
			}
			d.acts = d.acts[1:]
			d.run(a.at)
			d.obey(a.cmd)
			continue
		}
		if !ends || d.until.After(to) {
			break
		}
		d.run(d.until)
		d.shut("")
	}
	d.run(to)
}

func (d *device) run(to time.Time) {
	if d.open {
		d.litres += d.lpm * to.Sub(d.now).Minutes()
		d.longest = max(d.longest, to.Sub(d.until), to.Sub(d.openedAt)-d.limit)
	}
	d.now = to
}

func (d *device) obey(cmd devices.Command) {
	switch {
	case cmd.Action == devices.Report:
		d.say(d.now, cmd.ID, d.state())
	case cmd.Action == devices.Close:
		d.lastSeq = max(d.lastSeq, cmd.Seq)
		d.say(d.now, cmd.ID, devices.Accepted)
		if !d.stuckOpen {
			d.shut(cmd.ID)
		}
	case cmd.Seq <= d.lastSeq:
	case d.now.After(cmd.ExpiresAt):
		d.lastSeq = cmd.Seq
		d.say(d.now, cmd.ID, devices.Expired)
	default:
		d.lastSeq = cmd.Seq
		d.say(d.now, cmd.ID, devices.Accepted)
		if d.stuckShut {
			return
		}
		d.turnOn(time.Duration(cmd.MaxDurationS) * time.Second)
		d.say(d.now, cmd.ID, devices.Opened)
	}
}

func (d *device) turnOn(lease time.Duration) {
	if !d.open {
		d.open, d.openedAt, d.litres = true, d.now, 0
	}
	d.until = d.now.Add(lease)
	if last := d.openedAt.Add(d.limit); d.until.After(last) {
		d.until = last
	}
}

func (d *device) shut(command string) {
	d.open = d.open && d.lying
	d.until = d.now.Add(1000 * time.Hour) // of one that lies: its timer has run out
	d.say(d.now, command, devices.Closed)
}

// byHand turns the knob.
func (d *device) byHand(open bool) {
	if open && !d.open {
		d.turnOn(d.limit)
		d.say(d.now, "", devices.Opened)
	} else if !open && d.open {
		d.shut("")
	}
}

// told removes and returns what the device has said up to a time, in order.
func (d *device) told(until time.Time) []said {
	slices.SortStableFunc(d.said, func(a, b said) int { return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.r.Seq, b.r.Seq)) })
	n := 0
	for n < len(d.said) && !d.said[n].at.After(until) {
		n++
	}
	out := slices.Clone(d.said[:n])
	d.said = slices.Delete(d.said, 0, n)
	return out
}
