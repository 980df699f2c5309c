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
}

// A device answers at once, unless something is wrong with it.
type device struct {
	away   bool                 // cannot be reached
	deaf   bool                 // takes nothing in, and nobody knows
	mute   int                  // so many of its answers are lost
	slow   time.Duration        // how long sending to it takes
	answer devices.CommandState // instead of accepted
	late   int                  // opens that were sent after they had expired
	seq    int64
	took   []devices.Command // what it has obeyed
	seen   map[string]bool
}

// newField starts a courier. It belongs to a synctest bubble.
func newField(t *testing.T, change func(*valves.Options)) *field {
	t.Helper()
	f := &field{t: t, start: time.Now(), devices: map[devices.DeviceID]*device{}}
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
	r := devices.CommandReport{Command: cmd.ID, State: devices.Accepted}
	switch {
	case cmd.Action == devices.Report:
		r.State = devices.Closed
	case cmd.Action == devices.Open && time.Now().After(cmd.ExpiresAt):
		r.State = devices.Expired
	case cmd.Action == devices.Open && cmd.Seq <= d.seq && !d.seen[cmd.ID]:
		return nil
	case d.answer != "":
		r.State = d.answer
	case !d.seen[cmd.ID]:
		d.seen[cmd.ID] = true
		d.seq = max(d.seq, cmd.Seq)
		d.took = append(d.took, cmd)
	}
	if d.mute > 0 {
		d.mute--
		return nil
	}
	go f.courier.Reported(id, r)
	return nil
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
