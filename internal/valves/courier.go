// Package valves carries commands out. What a command says was decided and
// persisted before; here it is repeated, at the pace of the wall clock, until
// the valve answers, until it expires, or until a newer one takes its place.
// Nothing is kept on disk: after a restart the caller hands over again what had
// not been answered.
package valves

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"ganlin/devices"
	"ganlin/rules/valve"
)

// A Sender hands a command to a device now or not at all, at QoS 0 and not
// retained. An error says that the device could not be reached; that there is
// none says nothing.
type Sender interface {
	Publish(ctx context.Context, device devices.DeviceID, payload []byte) error
}

// Options say how commands are carried out. A zero field takes its default.
type Options struct {
	Sender Sender
	Online func(devices.DeviceID) bool // whether a device is connected; nil: only the Sender tells
	Now    func() time.Time            // the clock that commands expire by: in step mode the step clock; default time.Now
	// Elapsed is time that no setting of a clock moves: when Now leaps against it,
	// a machine has slept or its clock was set. Nil: Now leaps as it likes.
	Elapsed func() time.Duration
	Log     *slog.Logger // required, as the Sender

	Stopped bool // an emergency stop was in force before the start

	FirstRetry      time.Duration // the pause after the first sending; each next one is twice as long; default 250 ms
	LongestRetry    time.Duration // default 2 s
	Patience        time.Duration // how long Wait waits for an answer; default 10 s
	PatienceOffline time.Duration // how long Wait waits for a device to come back; default 5 s
}

const (
	sendTimeout    = 5 * time.Second
	rememberedEnds = 8192 // commands that have ended, for Wait and against repetition
)

// A Courier carries commands to valves, at most one at a time to each: the one
// with the highest seq. Its methods may be called from any goroutine; nothing is
// sent unless Run runs.
type Courier struct {
	o    Options
	name string        // tells the questions of this start from those of earlier ones
	wake chan struct{} // Run has something new to look at

	mu      sync.Mutex
	lines   map[devices.DeviceID]*line
	byID    map[string]*delivery // under way, and the ones that ended last
	ended   []string             // ids of those, oldest first
	asked   int
	stopped bool
	offset  time.Time // the reading of Now at which Elapsed was 0
	stats   Stats
}

// A line is one valve as the courier sees it.
type line struct {
	command  *delivery // nil: nothing under way
	query    *delivery // likewise
	answered bool      // it has answered a question since the start, or since the clock leapt
	seq      int64     // the highest of its commands
	offline  time.Time // by the wall: since when it could not be reached; zero: it could
}

// A delivery is a command under way.
type delivery struct {
	device  devices.DeviceID
	command devices.Command
	due     time.Time // by the wall
	pause   time.Duration
	sending bool
	sent    int
	done    chan struct{} // closed once it has ended
	ended   bool
	result  result
	by      *delivery // that took its place
}

// New returns a Courier that has sent nothing yet.
func New(o Options) *Courier {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.FirstRetry == 0 {
		o.FirstRetry = 250 * time.Millisecond
	}
	if o.LongestRetry == 0 {
		o.LongestRetry = 2 * time.Second
	}
	if o.Patience == 0 {
		o.Patience = 10 * time.Second
	}
	if o.PatienceOffline == 0 {
		o.PatienceOffline = 5 * time.Second
	}
	c := &Courier{
		o: o, name: fmt.Sprintf("%08x", rand.Uint32()), //nolint:gosec // tells starts apart, guards nothing
		stopped: o.Stopped, wake: make(chan struct{}, 1), lines: map[devices.DeviceID]*line{}, byID: map[string]*delivery{},
	}
	if o.Elapsed != nil {
		c.offset = c.origin()
	}
	return c
}

// Send takes a command over; the same id a second time changes nothing. An open
// is held until the valve has answered a question since the start, and since the
// clock leapt last. It ends without being sent when it has expired, when an emergency stop is in force, or
// when the valve was sent anything newer. A command that may not be sent at all
// is refused with an error.
func (c *Courier) Send(device devices.DeviceID, command devices.Command) error {
	if err := command.Validate(); err != nil {
		return fmt.Errorf("commanding %s: %w", device, err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.send(&delivery{device: device, command: command})
	return nil
}

func (c *Courier) send(d *delivery) {
	if c.byID[d.command.ID] != nil {
		return
	}
	l := c.line(d.device)
	d.pause, d.done = c.o.FirstRetry, make(chan struct{})
	c.byID[d.command.ID] = d
	c.stats.Taken++
	open := d.command.Action == devices.Open
	other := l.command
	if open && (c.stopped || d.command.Seq <= l.seq) || other != nil && other.command.Seq > d.command.Seq {
		d.by = other
		c.end(d, superseded)
		return
	}
	if other != nil {
		other.by = d
		c.end(other, superseded)
	}
	l.command = d
	l.seq = max(l.seq, d.command.Seq)
	if open && !l.answered {
		c.ask(d.device)
	}
	c.rouse()
}

// Ask asks valves for their state, again and again until they answer.
func (c *Courier) Ask(valves []devices.DeviceID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, device := range valves {
		c.ask(device)
	}
	c.rouse()
}

func (c *Courier) ask(device devices.DeviceID) {
	l := c.line(device)
	if l.answered || l.query != nil {
		return
	}
	c.asked++
	command := devices.Command{ID: fmt.Sprintf("%s%s-%d", valve.QueryPrefix, c.name, c.asked), Seq: c.o.Now().UnixMilli(), Action: devices.Report}
	l.query = &delivery{device: device, command: command, pause: c.o.FirstRetry}
}

// LastSeq returns the highest seq of the commands that a valve was given since the start.
func (c *Courier) LastSeq(device devices.DeviceID) int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.line(device).seq
}

// Busy reports whether a command to a valve is under way.
func (c *Courier) Busy(device devices.DeviceID) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.line(device).command != nil
}

// Ready reports whether every one of the valves has answered a question since the start.
func (c *Courier) Ready(valves []devices.DeviceID) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, device := range valves {
		if !c.line(device).answered {
			return false
		}
	}
	return true
}

// Reported takes a valve's word. Reports of any age and in any number may come.
func (c *Courier) Reported(device devices.DeviceID, r devices.CommandReport) {
	c.mu.Lock()
	defer c.mu.Unlock()
	l, known := c.lines[device]
	if !known {
		return
	}
	if q := l.query; q != nil && q.command.ID == r.Command {
		l.query, l.answered = nil, true
		if l.command != nil {
			l.command.due = time.Time{}
		}
	}
	if d := l.command; d != nil && d.command.ID == r.Command {
		c.end(d, resultOf(r.State))
	}
	if !l.offline.IsZero() {
		// What could not be sent before can be now.
		l.offline = time.Time{}
		for _, d := range []*delivery{l.query, l.command} {
			if d != nil {
				d.due, d.pause = time.Time{}, c.o.FirstRetry
			}
		}
	}
	c.rouse()
}

// end closes the account of a command.
func (c *Courier) end(d *delivery, r result) {
	d.ended, d.result = true, r
	c.stats.count(r)
	close(d.done)
	if l := c.line(d.device); l.command == d {
		l.command = nil
	}
	c.ended = append(c.ended, d.command.ID)
	if len(c.ended) > rememberedEnds {
		delete(c.byID, c.ended[0])
		c.ended = c.ended[1:]
	}
}

func (c *Courier) line(device devices.DeviceID) *line {
	l := c.lines[device]
	if l == nil {
		l = &line{}
		c.lines[device] = l
	}
	return l
}

func (c *Courier) rouse() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}
