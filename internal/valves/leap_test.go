package valves_test

import (
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"ganlin/devices"
	"ganlin/internal/valves"
)

// TestNoOpenAfterALeap sets the clock against the time that has passed: nothing
// opens until the valve has said anew how it stands. The controls are a courier
// that is not told how much time has passed, and a clock that is only put right.
func TestNoOpenAfterALeap(t *testing.T) {
	for name, c := range map[string]struct {
		leap time.Duration
		told bool // how much time has passed
		held bool
	}{
		"the machine has slept":        {6 * time.Second, true, true},
		"the clock was set back":       {-time.Hour, true, true},
		"the clock was put right":      {5 * time.Second, true, false},
		"nobody knows what has passed": {6 * time.Second, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			var leap atomic.Int64
			bubble(t, func(o *valves.Options) {
				began := time.Now()
				o.Now = func() time.Time { return time.Now().Add(time.Duration(leap.Load())) }
				if c.told {
					o.Elapsed = func() time.Duration { return time.Since(began) }
				}
			}, func(f *field) {
				t := f.t
				opens := func() bool {
					return slices.ContainsFunc(f.sendings(), func(s string) bool { return strings.Contains(s, "open") })
				}
				send := func(id string, seq int64) {
					cmd := open(id, seq)
					cmd.ExpiresAt = time.Now().Add(time.Duration(leap.Load()) + time.Minute)
					f.send(v1, cmd)
				}
				f.courier.Ask([]devices.DeviceID{v1, v2})
				send("a", 1)
				if !opens() {
					t.Fatal("nothing opens before the leap either")
				}
				f.turn(v1, false)
				time.Sleep(30 * time.Minute)
				leap.Store(int64(c.leap))
				f.deafen(v1, true)
				send("b", 2)
				time.Sleep(20 * time.Second)
				f.send(v2, closeBy("c", 1))
				if got := opens(); got == c.held {
					t.Errorf("an open is sent: %v", got)
				}
				if ready := f.courier.Ready([]devices.DeviceID{v1}); ready == c.held {
					t.Errorf("ready: %v", ready)
				}
				if d := f.device(v2); len(d.took) != 1 {
					t.Error("a close was held back")
				}
				f.deafen(v1, false)
				time.Sleep(10 * time.Second)
				if c.held && !opens() {
					t.Error("nothing opens once it has answered")
				}
			})
		})
	}
}

// TestALeapInTheMidstOfSending leaps back between two repetitions of an open:
// by its expiry it might be sent for an hour more.
func TestALeapInTheMidstOfSending(t *testing.T) {
	var leap atomic.Int64
	bubble(t, func(o *valves.Options) {
		began := time.Now()
		o.Now = func() time.Time { return time.Now().Add(time.Duration(leap.Load())) }
		o.Elapsed = func() time.Duration { return time.Since(began) }
	}, func(f *field) {
		f.courier.Ask([]devices.DeviceID{v1})
		f.sendings()
		f.deafen(v1, true)
		f.send(v1, open("a", 1))
		time.Sleep(10 * time.Second)
		before := f.sendings()
		leap.Store(int64(-time.Hour))
		time.Sleep(time.Minute)
		after := f.sendings()
		isOpen := func(s string) bool { return strings.Contains(s, "open") }
		if !slices.ContainsFunc(before, isOpen) || slices.ContainsFunc(after, isOpen) || len(after) == 0 {
			f.t.Errorf("sent %v, after the leap %v", before, after)
		}
	})
}
