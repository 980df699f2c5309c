package valves_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"ganlin/devices"
	"ganlin/internal/valves"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// errAway is what a sender says of a device that is not there.
var errAway = errors.New("away")

// A field is the devices that a courier sends to, with the lines between. Times
// are those of the bubble.
type field struct {
	t       *testing.T
	courier *valves.Courier
	stop    func() // ends Run
	start   time.Time

	mu      sync.Mutex
	devices map[devices.DeviceID]*device
	log     []string // every sending: seconds since the start, device, what
	said    []said
	hear    chan struct{}
}

// A device answers and moves at once, unless something is wrong with it.
type device struct {
	away   bool                 // cannot be reached
	deaf   bool                 // takes nothing in, and nobody knows
	mute   int                  // so many of its answers are lost
	slow   time.Duration        // how long sending to it takes
	answer devices.CommandState // instead of accepted, and nothing is done
	stuck  bool                 // accepts and does not move
	open   bool
	leases int // opens that it took while it was open
	late   int // opens that were sent after they had expired
	seq    int64
	took   []devices.Command // what it has obeyed
	seen   map[string]bool
}

// newField starts a courier. It belongs to a synctest bubble.
func newField(t *testing.T, change func(*valves.Options)) *field {
	t.Helper()
	f := &field{t: t, start: time.Now(), devices: map[devices.DeviceID]*device{}, hear: make(chan struct{}, 1)}
	o := valves.Options{Sender: f, Log: slog.New(slog.DiscardHandler)}
	if change != nil {
		change(&o)
	}
	f.courier = valves.New(o)
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() {
		if err := f.courier.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	running.Go(func() { f.deliver(ctx) })
	f.stop = func() { cancel(); running.Wait() }
	t.Cleanup(f.stop)
	return f
}

func (f *field) device(id devices.DeviceID) *device {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.devices[id] == nil {
		f.devices[id] = &device{seen: map[string]bool{}}
	}
	return f.devices[id]
}

// Publish is the line to the devices.
func (f *field) Publish(ctx context.Context, id devices.DeviceID, payload []byte) error {
	d := f.device(id)
	var cmd devices.Command
	if err := json.Unmarshal(payload, &cmd); err != nil {
		f.t.Error(err)
	}
	tooLate := cmd.Action == devices.Open && time.Now().After(cmd.ExpiresAt)
	f.mu.Lock()
	slow := d.slow
	f.mu.Unlock()
	if slow > 0 {
		select {
		case <-time.After(slow):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if tooLate && !d.away && !d.deaf {
		d.late++
	}
	if d.away {
		return errAway
	}
	f.log = append(f.log, fmt.Sprintf("%.3f %s %s", time.Since(f.start).Seconds(), id, short(cmd)))
	if d.deaf {
		return nil
	}
	for _, r := range d.obey(cmd) {
		f.say(id, r)
	}
	return nil
}

// obey does as it is told, and returns what the device says at once.
func (d *device) obey(cmd devices.Command) []devices.CommandReport {
	say := func(s devices.CommandState) devices.CommandReport {
		return devices.CommandReport{Command: cmd.ID, State: s}
	}
	switch {
	case cmd.Action == devices.Report:
		return []devices.CommandReport{say(d.state())}
	case cmd.Action == devices.Open && time.Now().After(cmd.ExpiresAt):
		return []devices.CommandReport{say(devices.Expired)}
	case cmd.Action == devices.Open && cmd.Seq <= d.seq && !d.seen[cmd.ID]:
		return nil
	case d.answer != "":
		return []devices.CommandReport{say(d.answer)}
	}
	repeated := d.seen[cmd.ID]
	if !repeated {
		d.seen[cmd.ID] = true
		d.seq = max(d.seq, cmd.Seq)
		d.took = append(d.took, cmd)
		if cmd.Action == devices.Open && d.open {
			d.leases++
		}
	}
	if d.stuck {
		return []devices.CommandReport{say(devices.Accepted)}
	}
	if cmd.Action == devices.Close || !repeated {
		d.open = cmd.Action == devices.Open
	}
	return []devices.CommandReport{say(devices.Accepted), say(d.state())}
}

func (d *device) state() devices.CommandState {
	if d.open {
		return devices.Opened
	}
	return devices.Closed
}

// say lets the courier hear a device, unless the word is lost. Nobody else changes anything meanwhile.
func (f *field) say(id devices.DeviceID, r devices.CommandReport) {
	d := f.devices[id]
	if d.mute > 0 {
		d.mute--
		return
	}
	f.said = append(f.said, said{id, r, time.Now()})
	select {
	case f.hear <- struct{}{}:
	default:
	}
}

// A said is a device's word on its way to the courier.
type said struct {
	id devices.DeviceID
	r  devices.CommandReport
	at time.Time
}

// deliver brings the courier what the devices say, in order.
func (f *field) deliver(ctx context.Context) {
	for {
		select {
		case <-f.hear:
		case <-ctx.Done():
			return
		}
		f.mu.Lock()
		all := f.said
		f.said = nil
		f.mu.Unlock()
		for _, one := range all {
			f.courier.Reported(one.id, one.r, one.at)
		}
	}
}

// turn lets a valve open or close without a command, and say so.
func (f *field) turn(id devices.DeviceID, open bool) {
	d := f.device(id)
	f.mu.Lock()
	defer f.mu.Unlock()
	d.open = open
	f.say(id, devices.CommandReport{State: d.state()})
}

// deafen lets a device take nothing in, or hear again.
func (f *field) deafen(id devices.DeviceID, deaf bool) {
	d := f.device(id)
	f.mu.Lock()
	defer f.mu.Unlock()
	d.deaf = deaf
}

func short(cmd devices.Command) string {
	if cmd.Action == devices.Report {
		return "?"
	}
	return fmt.Sprintf("%s %s", cmd.Action, cmd.ID)
}

// sendings returns what went to the devices since it was last called.
func (f *field) sendings() []string {
	synctest.Wait()
	f.mu.Lock()
	defer f.mu.Unlock()
	log := f.log
	f.log = nil
	return log
}

func (f *field) send(id devices.DeviceID, cmd devices.Command) {
	f.t.Helper()
	if err := f.courier.Send(id, cmd); err != nil {
		f.t.Fatal(err)
	}
}

// open is a command that expires in a minute.
func open(id string, seq int64) devices.Command {
	return devices.Command{ID: id, Seq: seq, Action: devices.Open, MaxDurationS: 60, ExpiresAt: time.Now().Add(time.Minute)}
}

func closeBy(id string, seq int64) devices.Command {
	return devices.Command{ID: id, Seq: seq, Action: devices.Close}
}

// balanced looks at the law of the counts.
func (f *field) balanced() valves.Stats {
	f.t.Helper()
	s := f.courier.Stats()
	if s.Taken != s.Confirmed+s.Rejected+s.Expired+s.Failed+s.Superseded+s.Unanswered+s.Pending {
		f.t.Errorf("the counts do not add up: %+v", s)
	}
	return s
}
