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
	made    int                  // deliveries
	stopped bool
	offset  time.Time // the reading of Now at which Elapsed was 0
	stats   Stats
}

// A line is one valve as the courier sees it.
type line struct {
	command  *delivery // nil: nothing under way
	query    *delivery // likewise
	reserved *Reservation
	awaited  []*closing // what emergency stops wait for

	closing  bool // it was told to close while it was not known to be closed, and has not said since that it is
	answered bool // it has answered a question since the start, and since it was last doubted
	word     word
	heard    time.Time // by the wall: its last word of any kind

	seq     int64     // the highest of its commands
	next    int64     // the highest that was given out
	offline time.Time // by the wall: since when it could not be reached; zero: it could
	gone    time.Time // by the wall: since when it is said to be away; zero: it is not
}

// A delivery is a command under way.
type delivery struct {
	device  devices.DeviceID
	command devices.Command
	number  int       // in the order in which they were made
	began   time.Time // by the wall
	due     time.Time // by the wall
	tried   time.Time // by the wall: the last sending
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
// is held until the valve has said how it stands: since the start, since it was
// last doubted, and within the last hour. It ends without being sent when it has
// expired, when an emergency stop is in force, when the valve was sent anything
// newer, when it is not closed, and when another open is on its way or announced:
// of two opens the one that was here first counts. A command that may not be sent
// at all is refused with an error.
func (c *Courier) Send(device devices.DeviceID, command devices.Command) error {
	if err := command.Validate(); err != nil {
		return fmt.Errorf("commanding %s: %w", device, err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.send(c.delivery(device, command))
	return nil
}

func (c *Courier) delivery(device devices.DeviceID, command devices.Command) *delivery {
	c.made++
	return &delivery{device: device, command: command, number: c.made, began: time.Now(), pause: c.o.FirstRetry, done: make(chan struct{})}
}

func (c *Courier) send(d *delivery) {
	if c.byID[d.command.ID] != nil {
		return
	}
	l := c.line(d.device)
	c.byID[d.command.ID] = d
	c.stats.Taken++
	other := l.command
	if d.isOpen() && c.refuses(l, d) || other != nil && other.command.Seq > d.command.Seq {
		d.by = other
		c.end(d, superseded)
		return
	}
	if other != nil {
		other.by = d
		c.end(other, superseded)
	}
	if !d.isOpen() && (!l.word.closed() || other != nil && other.isOpen()) {
		l.closing = true
	}
	l.command = d
	l.seq = max(l.seq, d.command.Seq)
	if d.isOpen() && time.Since(l.heard) > longSilence {
		l.answered = false
	}
	if c.held(d) {
		c.askNow(d.device)
	}
	c.rouse()
}

func (d *delivery) isOpen() bool { return d.command.Action == devices.Open }

// refuses reports whether an open has no place at a valve.
func (c *Courier) refuses(l *line, d *delivery) bool {
	return c.stopped || d.command.Seq <= l.seq || l.reserved != nil || l.command != nil && l.command.isOpen() || l.answered && !l.word.closed()
}

// Ask asks valves for their state, again and again until they answer.
func (c *Courier) Ask(valves []devices.DeviceID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, device := range valves {
		if !c.line(device).answered {
			c.ask(device)
		}
	}
	c.rouse()
}

func (c *Courier) ask(device devices.DeviceID) {
	l := c.line(device)
	if l.query != nil {
		return
	}
	l.query = c.delivery(device, devices.Command{Seq: c.o.Now().UnixMilli(), Action: devices.Report})
	l.query.command.ID = fmt.Sprintf("%s%s-%d", valve.QueryPrefix, c.name, l.query.number)
}

// askNow asks, at once also when it was asked in vain for long.
func (c *Courier) askNow(device devices.DeviceID) {
	c.ask(device)
	q := c.line(device).query
	q.began, q.due, q.pause = time.Now(), time.Time{}, c.o.FirstRetry
}

// Next gives out a seq for a command: no less than least, and above all that were
// given out for the valve and sent to it.
func (c *Courier) Next(device devices.DeviceID, least int64) int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.nextSeq(device, least)
}

func (c *Courier) nextSeq(device devices.DeviceID, least int64) int64 {
	l := c.line(device)
	l.next = max(least, l.next+1, l.seq+1)
	return l.next
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

// end closes the account of a command.
func (c *Courier) end(d *delivery, r result) {
	d.ended, d.result = true, r
	c.stats.count(r)
	close(d.done)
	l := c.line(d.device)
	if l.command == d {
		l.command = nil
	}
	if !d.isOpen() && (r == rejected || r == failed) {
		l.closing = false
	}
	if d.isOpen() && d.sent > 0 && (r == expired || r == superseded || r == unanswered) {
		l.answered = false // it may have been obeyed all the same
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
