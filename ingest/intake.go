package ingest

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"ganlin/devices"
)

// A Locator knows where the readings of a device belong, and so which devices there are.
type Locator interface {
	Locate(id devices.DeviceID) (devices.Location, bool)
}

// IntakeOptions are the parts of an intake; all but MaxBytes and Series are required.
type IntakeOptions struct {
	Journal  Journal
	Locator  Locator
	Clock    Clock
	MaxBytes int                                  // of messages that may wait; 0 is 64 MiB
	Series   func(devices.DeviceID) []devices.Key // that a device had before this start; nil: none had any
	Log      *slog.Logger
}

// An Intake keeps the acknowledgement rule: it takes messages from any number
// of sources, decodes them, and settles each after the journal has answered
// for it. While one group is on its way to the disk the next one gathers, so a
// group is as large as the disk is slow and nothing ever waits for a timer.
type Intake struct {
	options IntakeOptions
	shares  map[devices.DeviceID]*share // of the goroutine that decodes

	mu      sync.Mutex
	waiting []Message
	bytes   int // of waiting
	closed  bool
	arrived chan struct{} // holds one token when something may be waiting

	received, qos0, committed, refused, cut uint64
}

// The size at which a group stops filling, and what a message counts for
// beside its payload: the least that the journal writes for it.
const (
	groupBytes   = 256 << 10
	messageBytes = 128
)

// NewIntake returns an intake that takes messages at once and settles them when it runs.
func NewIntake(o IntakeOptions) *Intake {
	if o.MaxBytes == 0 {
		o.MaxBytes = 64 << 20
	}
	return &Intake{options: o, shares: map[devices.DeviceID]*share{}, arrived: make(chan struct{}, 1)}
}

// IntakeStats tells what an intake has done since it was made, and what waits in it.
type IntakeStats struct {
	Received     uint64 // messages taken
	QoS0         uint64 // messages of them that nothing is promised for
	Committed    uint64 // messages of them that the journal has on disk
	Refused      uint64 // deliveries turned away by a full queue, and messages by the journal; those of QoS 0 are lost
	Cut          uint64 // payloads of dead letters that were cut because their device has sent so many
	Waiting      int    // messages
	WaitingBytes int
}

// Stats returns the counts of this moment.
func (in *Intake) Stats() IntakeStats {
	in.mu.Lock()
	defer in.mu.Unlock()
	return IntakeStats{in.received, in.qos0, in.committed, in.refused, in.cut, len(in.waiting), in.bytes}
}

// Deliver takes over a message. It does not block: it returns ErrFull when too
// many bytes wait, and ErrRefused once Run has ended. The message is then
// still the caller's, and unsettled.
func (in *Intake) Deliver(m Message) error {
	size := sizeOf(m)
	in.mu.Lock()
	defer in.mu.Unlock()
	switch {
	case in.closed:
		in.refused++
		return ErrRefused
	case in.bytes > 0 && in.bytes+size > in.options.MaxBytes:
		in.refused++
		return ErrFull
	}
	in.received++
	if m.QoS == 0 {
		in.qos0++
	}
	in.waiting = append(in.waiting, m)
	in.bytes += size
	in.signal()
	return nil
}

// Run works until ctx ends. It then finishes the group in hand, for which the
// journal gets a context that outlives ctx, and refuses whatever waits.
func (in *Intake) Run(ctx context.Context) error {
	groups := make(chan *group)
	var committer sync.WaitGroup
	committer.Go(func() { in.commit(context.WithoutCancel(ctx), groups) })
	in.gather(ctx, groups)
	close(groups)
	committer.Wait()

	in.mu.Lock()
	in.closed = true
	in.mu.Unlock()
	in.refuseWaiting(fmt.Errorf("stopping: %w", ErrRefused))
	return nil
}

// A group is what is put on disk together.
type group struct {
	messages []Message
	decoded  []Decoded
	bytes    int
	full     bool // the next message does not fit
}

// add counts a message in unless it does not fit; the first one always does.
func (g *group) add(size int) bool {
	g.full = g.bytes > 0 && g.bytes+size > groupBytes
	if !g.full {
		g.bytes += size
	}
	return !g.full
}

// gather decodes what waits into a group that grows until the journal is free
// to take it.
func (in *Intake) gather(ctx context.Context, groups chan<- *group) {
	g := new(group)
	for {
		arrived, ready := in.arrived, groups
		if g.full {
			arrived = nil
		}
		if g.bytes == 0 {
			ready = nil
		}
		select {
		case <-ctx.Done():
			if g.bytes > 0 {
				groups <- g
			}
			return
		case ready <- g:
			g = new(group)
		case <-arrived:
			in.fill(g)
		}
	}
}

// fill decodes some of the waiting messages into the group: so many that the
// cost of taking them is shared, so few that a journal that has become free
// does not wait long.
func (in *Intake) fill(g *group) {
	const some = 128
	first := len(g.messages)
	in.mu.Lock()
	n := 0
	for n < min(some, len(in.waiting)) && g.add(sizeOf(in.waiting[n])) {
		n++
	}
	g.messages = append(g.messages, in.waiting[:n]...)
	in.drop(n)
	in.mu.Unlock()

	latest := in.options.Clock.Latest()
	for _, m := range g.messages[first:] {
		g.decoded = append(g.decoded, in.decode(m, latest))
	}
}

// drop removes the first n waiting messages. It is called with the lock held.
func (in *Intake) drop(n int) {
	for _, m := range in.waiting[:n] {
		in.bytes -= sizeOf(m)
	}
	clear(in.waiting[:n])
	in.waiting = in.waiting[n:]
	if len(in.waiting) > 0 {
		in.signal()
	}
}

// signal tells the gatherer that something waits.
func (in *Intake) signal() {
	select {
	case in.arrived <- struct{}{}:
	default:
	}
}

// sizeOf is what a message counts for.
func sizeOf(m Message) int { return len(m.Payload) + len(m.Topic) + messageBytes }

// decode reads a message, finds out where its readings belong, and holds its
// device to its share.
func (in *Intake) decode(m Message, latest time.Time) Decoded {
	d := Decode(m, latest)
	location, known := in.options.Locator.Locate(d.Device)
	owner := d.Device
	switch {
	case known:
		d.Location = location
		in.share(owner).admit(&d)
	case d.Device != "":
		owner = ""
		unknown := whole(m, UnknownDevice, "device %s is not in the registry; add it there, then replay", d.Device)
		unknown.Dead[0].Codec = d.Codec
		d.Dead, d.Whole = unknown.Dead, true
		d.Readings, d.Presence, d.Report, d.Values, d.Rejected = nil, nil, nil, 0, nil
	}
	if len(d.Dead) > 0 {
		if n := in.share(owner).cut(d.Dead, d.Received); n > 0 {
			in.mu.Lock()
			in.cut += uint64(n)
			in.mu.Unlock()
		}
	}
	return d
}

// commit appends the groups and settles their messages. When the journal
// refuses one, all that waits is refused with it, so that devices keep their
// messages and do not wait for an answer; the next group tries again.
func (in *Intake) commit(ctx context.Context, groups <-chan *group) {
	refusing := false
	for g := range groups {
		err := in.options.Journal.Append(ctx, g.decoded)
		if refusing != (err != nil) {
			refusing = !refusing
			if refusing {
				in.options.Log.ErrorContext(ctx, "journal refuses; messages are left to those who sent them", "error", err)
			} else {
				in.options.Log.InfoContext(ctx, "journal takes messages again")
			}
		}
		in.settle(g.messages, err)
		if err != nil {
			in.refuseWaiting(err)
		}
	}
}

// refuseWaiting refuses all that waits.
func (in *Intake) refuseWaiting(err error) {
	in.mu.Lock()
	waiting := slices.Clone(in.waiting)
	in.drop(len(waiting))
	in.mu.Unlock()
	in.settle(waiting, err)
}

// settle answers messages, in the order in which they came.
func (in *Intake) settle(messages []Message, err error) {
	in.mu.Lock()
	if err == nil {
		in.committed += uint64(len(messages))
	} else {
		in.refused += uint64(len(messages))
	}
	in.mu.Unlock()
	for _, m := range messages {
		if m.Settle != nil {
			m.Settle(err)
		}
	}
}
