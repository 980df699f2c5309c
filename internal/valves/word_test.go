package valves_test

import (
	"testing"
	"testing/synctest"
	"time"

	"ganlin/devices"
)

// TestDoing has a valve that takes a close and does not move, until somebody moves
// it: it is doing what it was told until it says that it is done. One that refuses
// is doing nothing, and one that is closed already has nothing to do.
func TestDoing(t *testing.T) {
	bubble(t, nil, func(f *field) {
		t := f.t
		is := func(when string, want devices.Action) {
			t.Helper()
			synctest.Wait()
			if got := f.courier.Doing(v1); got != want {
				t.Errorf("%s: it is doing %q, want %q", when, got, want)
			}
		}
		is("nothing is known", "")
		f.courier.Ask([]devices.DeviceID{v1})
		synctest.Wait()
		f.send(v1, closeBy("a", 1))
		is("told to close while it is closed", "")
		d := f.device(v1)
		f.deafen(v1, true)
		f.send(v1, open("b", 2))
		is("told to open", devices.Open)
		f.send(v1, closeBy("c", 3))
		is("told to close before it said that it opens", devices.Close)
		f.deafen(v1, false)
		time.Sleep(10 * time.Second)
		is("closed", "")
		f.send(v1, open("d", 4))
		time.Sleep(10 * time.Second)
		is("open", "")
		f.mu.Lock()
		d.stuck = true
		f.mu.Unlock()
		f.send(v1, closeBy("e", 5))
		time.Sleep(10 * time.Second)
		if s := f.balanced(); s.Pending != 0 {
			t.Errorf("the close is not taken: %+v", s)
		}
		is("it took the close and does not move", devices.Close)
		f.turn(v1, true)
		is("it says that it is open", devices.Close)
		f.turn(v1, false)
		is("it says that it is closed", "")
		f.turn(v1, true)
		f.mu.Lock()
		d.answer = devices.Rejected
		f.mu.Unlock()
		f.send(v1, closeBy("f", 6))
		time.Sleep(10 * time.Second)
		is("it refuses", "")
	})
}
