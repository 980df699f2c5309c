package valves_test

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"ganlin/devices"
	"ganlin/internal/valves"
)

func TestStopAll(t *testing.T) {
	bubble(t, nil, func(f *field) {
		t := f.t
		all := []devices.DeviceID{"good", "mute", "away", "deaf", "broken", "opening", "stuck"}
		f.courier.Ask(all)
		synctest.Wait()
		f.device("mute").mute = 3
		f.device("away").away = true
		f.device("deaf").deaf = true
		f.device("broken").answer = devices.Failed
		f.device("stuck").stuck, f.device("stuck").open = true, true
		f.device("opening").deaf = true
		f.send("opening", open("a", 1))
		f.sendings()
		f.mu.Lock()
		f.devices["opening"].deaf = false
		f.mu.Unlock()
		begin := time.Now()
		got := f.courier.StopAll(t.Context(), all)
		if took := time.Since(begin); took != 5*time.Second {
			t.Errorf("it took %s", took)
		}
		for id, want := range map[devices.DeviceID]error{
			"good": nil, "mute": nil, "opening": nil, "away": valves.ErrOutOfReach, "deaf": valves.ErrNoAnswer, "broken": valves.ErrRefused,
			"stuck": valves.ErrClosing,
		} {
			if err, told := got[id]; !told || !errors.Is(err, want) {
				t.Errorf("%s: %v, want %v", id, err, want)
			}
		}
		for _, cmd := range f.device("opening").took {
			if cmd.Action == devices.Open {
				t.Error("an open was sent after the stop")
			}
		}
		// Nothing opens, and the others go on being told.
		f.send("good", open("b", time.Now().UnixMilli()+1000))
		f.mu.Lock()
		f.devices["away"].away, f.devices["deaf"].deaf = false, false
		f.mu.Unlock()
		time.Sleep(time.Minute)
		synctest.Wait()
		for _, id := range []devices.DeviceID{"away", "deaf", "good"} {
			if took := f.device(id).took; len(took) != 1 || took[0].Action != devices.Close {
				t.Errorf("%s did %+v", id, took)
			}
		}
		f.courier.Resume()
		f.send("good", open("c", time.Now().UnixMilli()+2000))
		synctest.Wait()
		if took := f.device("good").took; len(took) != 2 {
			t.Errorf("after the stop it did %+v", took)
		}
	})
}

// TestStopAllAwaitsTheMove has a valve take the close at once and take its time
// to move. What it says meanwhile, and what it had said before, proves nothing.
func TestStopAllAwaitsTheMove(t *testing.T) {
	for _, c := range []struct {
		name string
		word func(f *field) // 2.5 s after the stop
		want error
	}{
		{"it says nothing", func(*field) {}, valves.ErrClosing},
		{"it closes, and answers the next question", func(f *field) { f.devices[v1].open = false }, nil},
		{"a word of before comes late", func(f *field) { f.say(v1, devices.CommandReport{State: devices.Closed}) }, valves.ErrClosing},
		{"an answer of before comes late", func(f *field) {
			f.say(v1, devices.CommandReport{Command: "report-1", State: devices.Closed})
			f.say(v1, devices.CommandReport{Command: "a", State: devices.Closed})
		}, valves.ErrClosing},
	} {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, nil, func(f *field) {
				f.send(v1, closeBy("a", 1))
				f.device(v1).open, f.device(v1).stuck = true, true
				time.AfterFunc(2500*time.Millisecond, func() {
					f.mu.Lock()
					defer f.mu.Unlock()
					c.word(f)
				})
				if got := f.courier.StopAll(f.t.Context(), []devices.DeviceID{v1}); !errors.Is(got[v1], c.want) || (got[v1] == nil) != (c.want == nil) {
					f.t.Errorf("it ended with %v, want %v", got[v1], c.want)
				}
			})
		})
	}
}

// TestStopAllTellsAllAtOnce has valves to which sending takes a second each.
func TestStopAllTellsAllAtOnce(t *testing.T) {
	bubble(t, nil, func(f *field) {
		t := f.t
		var all []devices.DeviceID
		for n := range 100 {
			id := devices.DeviceID(fmt.Sprintf("v-%d", n))
			f.device(id).slow = time.Second
			all = append(all, id)
		}
		begin := time.Now()
		for id, err := range f.courier.StopAll(t.Context(), all) {
			if err != nil {
				t.Errorf("%s: %v", id, err)
			}
		}
		if took := time.Since(begin); took != time.Second {
			t.Errorf("it took %s", took)
		}
	})
}

// TestStopAllAndTheRules has the rules close the same valves meanwhile.
func TestStopAllAndTheRules(t *testing.T) {
	bubble(t, nil, func(f *field) {
		t := f.t
		f.device(v1).deaf = true
		time.AfterFunc(time.Second, func() {
			if err := f.courier.Send(v1, closeBy("newer", time.Now().UnixMilli())); err != nil {
				t.Error(err)
			}
			f.mu.Lock()
			f.devices[v1].deaf = false
			f.mu.Unlock()
		})
		if got := f.courier.StopAll(t.Context(), []devices.DeviceID{v1}); got[v1] != nil {
			t.Error(got)
		}
	})
}
