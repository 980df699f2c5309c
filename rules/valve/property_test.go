package valve_test

import (
	"encoding/json"
	"math"
	"testing"
	"time"

	"ganlin/devices"
	"ganlin/rules/valve"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// TestHonestValves watches valves that do as they are told, over a line that loses and repeats commands.
func TestHonestValves(t *testing.T) {
	openings := 0
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		w.live(true, nil)
		w.settle()
		w.check()
		openings += len(w.ended)
		if w.d.longest > time.Second {
			t.Fatalf("it was open for %s too long", w.d.longest)
		}
		if w.broken != "" {
			t.Fatal(w.broken)
		}
	})
	t.Logf("%d openings", openings)
}

// TestGoodLines watches honest valves over a line that loses nothing: nothing is alarmed, each opening is accounted for.
func TestGoodLines(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		w.live(false, nil)
		w.settle()
		w.check()
		for id, n := range w.opens {
			if n != 1 {
				t.Errorf("open %s has %d outcomes", id, n)
			}
		}
		if w.alarms > 0 || w.broken != "" {
			t.Errorf("%d alarms, %s\n%q", w.alarms, w.broken, w.events)
		}
		litres := 0.0
		for _, e := range w.ended {
			if e.DeliveredL == nil {
				t.Fatalf("nobody knows what was delivered: %+v", e)
			}
			litres += *e.DeliveredL
			if d := e.DurationS/60*20 - *e.DeliveredL; d < -0.1 || d > 0.1 {
				t.Errorf("in %g s %g L were delivered: %q", e.DurationS, *e.DeliveredL, w.events)
			}
		}
	})
}

// TestFaultyValves watches valves that fail at random, and are mended in the end.
func TestFaultyValves(t *testing.T) {
	alarms := 0
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		w.live(true, func() {
			flip := func(b *bool) { *b = rapid.IntRange(0, 3).Draw(t, "fault") == 0 }
			flip(&w.d.deaf)
			flip(&w.d.stuckShut)
			flip(&w.d.stuckOpen)
			flip(&w.d.noTimer)
			flip(&w.d.lying)
			if rapid.IntRange(0, 9).Draw(t, "fails") == 0 {
				w.d.say(w.d.now, "", devices.Failed)
			}
			if n := len(w.d.said); n > 0 && rapid.IntRange(0, 9).Draw(t, "mute") == 0 {
				w.d.said = w.d.said[:n-1]
			}
		})
		w.d.noTimer = false
		w.settle()
		w.check()
		alarms += w.alarms
		if w.broken != "" {
			t.Fatalf("%s\n%q", w.broken, w.events)
		}
	})
	if alarms == 0 {
		t.Error("no fault was ever alarmed")
	}
	t.Logf("%d alarms", alarms)
}

// TestWorldSeesBrokenPromises is the control: the same world finds what must not be.
func TestWorldSeesBrokenPromises(t *testing.T) {
	for _, c := range []struct {
		name  string
		spoil func(w *world)
		seen  func(w *world) bool
	}{
		{"a valve without a timer", func(w *world) { w.d.noTimer = true }, func(w *world) bool { return w.d.longest > time.Second }},
		{
			"a valve that forgets what it waits for", func(w *world) { w.v.Pending, w.v.State = nil, valve.Closed },
			func(w *world) bool { w.check(); return w.broken != "" },
		},
		{
			"a valve that forgets what it has told", func(w *world) { w.v.Idle = nil },
			func(w *world) bool { w.check(); return w.broken != "" },
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			seen := 0
			rapid.Check(t, func(t *rapid.T) {
				w := newWorld(t)
				w.live(true, func() { c.spoil(w) })
				w.settle()
				if c.seen(w) {
					seen++
				}
			})
			if seen == 0 {
				t.Error("it was never seen")
			}
		})
	}
}

// A disturbance adds words of a valve that tell nothing new.
type disturbance func(t *rapid.T, w *world)

// undisturbed plays the same day twice, the second time with disturbances, and returns what is different.
func undisturbed(t *rapid.T, disturb disturbance) string {
	type step struct {
		what int
		ask  valve.Ask
		pace time.Duration
	}
	day := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) step {
		return step{
			what: rapid.IntRange(0, 6).Draw(t, "what"),
			ask:  valve.Ask{DurationS: rapid.SampledFrom([]int{1, 3, 60, 61, 600, 3600}).Draw(t, "duration")},
			pace: rapid.SampledFrom([]time.Duration{time.Second, 30 * time.Second, time.Minute, time.Hour}).Draw(t, "pace"),
		}
	}), 5, 40).Draw(t, "day")
	run := func(disturb disturbance) ([]string, string) {
		w := newWorld(t)
		w.step(time.Minute, true)
		for _, s := range day {
			switch s.what {
			case 0, 1, 2, 3:
				w.openIt(s.ask, true)
			case 4:
				w.send(w.v.Close(w.now, ""), true)
			case 5:
				w.d.byHand(!w.d.open)
			}
			if disturb != nil {
				disturb(t, w)
			}
			w.step(s.pace, true)
		}
		state, err := json.Marshal(w.v)
		if err != nil {
			t.Fatal(err)
		}
		return w.events, string(state)
	}
	events, state := run(nil)
	disturbed, other := run(disturb)
	return gocmp.Diff(events, disturbed) + gocmp.Diff(state, other)
}

// reconnects lets the device say its state on connecting, answer questions with
// what it knew a moment ago, say things twice, and the program start again.
func reconnects(t *rapid.T, w *world) {
	for range rapid.IntRange(0, 3).Draw(t, "times") {
		litres := math.Round(w.d.litres*10) / 10
		switch rapid.IntRange(0, 3).Draw(t, "which") {
		case 0:
			w.d.said = append(w.d.said, said{at: w.d.now, r: devices.CommandReport{State: w.d.state(), VolumeL: &litres}})
		case 1:
			w.d.said = append(w.d.said, said{at: w.d.now.Add(latency), r: devices.CommandReport{Command: "report-1", State: w.d.state(), VolumeL: &litres}})
		case 2:
			if len(w.d.said) > 0 {
				w.d.said = append(w.d.said, w.d.said[0])
			}
		case 3:
			w.v = restart(t, w.v)
		}
	}
}

func TestReconnectsChangeNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		if diff := undisturbed(t, reconnects); diff != "" {
			t.Fatal(diff)
		}
	})
}

// TestStaleWordsWouldBeSeen is the control: the same answers, not marked as such, change what happens.
func TestStaleWordsWouldBeSeen(t *testing.T) {
	seen := 0
	rapid.Check(t, func(t *rapid.T) {
		if undisturbed(t, func(_ *rapid.T, w *world) {
			w.d.said = append(w.d.said, said{at: w.d.now.Add(latency), r: devices.CommandReport{State: w.d.state()}})
		}) != "" {
			seen++
		}
	})
	if seen == 0 {
		t.Error("no stale word ever changed anything")
	}
}
