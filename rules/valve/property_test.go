package valve_test

import (
	"encoding/json"
	"fmt"
	"math"
	"testing"
	"time"

	"ganlin/devices"
	"ganlin/rules/valve"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// latency is the time from a command's sending to its effect.
const latency = 2 * time.Second

// A world is a valve as it is and a valve as it is thought to be.
type world struct {
	t        *rapid.T
	v        *valve.Valve
	d        *device
	now      time.Time // the tick
	lateness time.Duration

	opens    map[string]int // outcomes of each
	closes   map[string]int
	ended    []valve.Ended
	events   []string
	alarms   int
	broken   string // the first promise that was broken
	openings int    // of the device
}

func newWorld(t *rapid.T) *world {
	w := &world{
		t: t, now: noon, opens: map[string]int{}, closes: map[string]int{},
		v: valve.New("v-1", valve.Limits{MaxDurationS: 3600, MaxVolumeL: 5000}),
		d: &device{now: noon, limit: time.Hour, lpm: 20},
	}
	w.d.say(noon, "", devices.Closed)
	return w
}

func (w *world) broke(format string, args ...any) {
	if w.broken == "" {
		w.broken = fmt.Sprintf("%s: ", w.now.Sub(noon)) + fmt.Sprintf(format, args...)
	}
}

// take notes events, looks at what they promise, and sends what they ask for.
func (w *world) take(before valve.State, events []valve.Event, delivered bool) {
	sentClose := false
	for _, e := range events {
		w.events = append(w.events, tell(e))
		if e.Kind.Alarm() {
			w.alarms++
		}
		if _, open := w.opens[e.Command]; open {
			switch e.Kind {
			case valve.WasOpened, valve.Rejected, valve.Expired, valve.Failed, valve.Unanswered, valve.Cancelled:
				w.opens[e.Command]++
			}
		} else if e.Kind == valve.Obeyed || e.Kind == valve.Cancelled {
			w.closes[e.Command]++
		}
		if e.Ended != nil {
			w.ended = append(w.ended, *e.Ended)
		}
		if e.Send != nil {
			if e.Send.Action != devices.Close {
				w.broke("%s commands %s by itself", e.Kind, e.Send.Action)
			}
			sentClose = true
			w.closes[e.Send.ID] = 0
			w.send(*e.Send, delivered)
		}
	}
	if before != valve.Unknown && w.v.State == valve.Unknown && !sentClose {
		w.broke("it is unknown since %s and no close was sent", before)
	}
	if w.v.Locked && w.v.State != valve.Unknown {
		w.broke("it is locked and %s", w.v.State)
	}
}

func (w *world) send(cmd devices.Command, delivered bool) {
	if err := cmd.Validate(); err != nil {
		w.broke("%v", err)
	}
	if delivered {
		w.d.hear(cmd, w.now.Add(latency))
	}
}

// step lets time pass: the device acts, what it says is heard, and Tick.
func (w *world) step(by time.Duration, delivered bool) {
	w.now = w.now.Add(by)
	wasOpen := w.d.open
	w.d.advance(w.now)
	if w.d.open && !wasOpen {
		w.openings++
	}
	watermark := w.now.Add(-w.lateness)
	for _, s := range w.d.told(watermark) {
		before := w.v.State
		w.take(before, w.v.Report(s.r, s.at), delivered)
	}
	before := w.v.State
	w.take(before, w.v.Tick(watermark, w.now), delivered)
}

func (w *world) openIt(ask valve.Ask, delivered bool) {
	before, stopped := w.v.State, w.v.Stopped
	cmd, refusal := w.v.Open(w.now, fmt.Sprintf("open-%d", len(w.opens)), ask)
	if refusal != "" {
		return
	}
	if before != valve.Closed || stopped {
		w.broke("opened while %s, stopped %v", before, stopped)
	}
	if cmd.MaxDurationS > 3600 || cmd.MaxVolumeL > 5000 || cmd.ExpiresAt.Sub(w.now) > time.Minute {
		w.broke("opened beyond the limits: %+v", cmd)
	}
	w.opens[cmd.ID] = 0
	w.send(cmd, delivered)
}

// live plays a day of commands, hands and losses. The caller chooses faults of the device.
func (w *world) live(loss bool, after func()) {
	t := w.t
	w.lateness = rapid.SampledFrom([]time.Duration{0, 10 * time.Minute}).Draw(t, "lateness")
	pace := rapid.SampledFrom([]time.Duration{30 * time.Second, time.Minute, 20 * time.Minute, time.Hour})
	for range rapid.IntRange(5, 60).Draw(t, "steps") {
		through := !loss || rapid.IntRange(0, 3).Draw(t, "through") > 0
		switch rapid.IntRange(0, 11).Draw(t, "what") {
		case 0, 1, 2, 3:
			w.openIt(valve.Ask{
				DurationS: rapid.SampledFrom([]int{1, 60, 600, 1800, 9000}).Draw(t, "duration"),
				VolumeL:   rapid.SampledFrom([]float64{0, 100, 1e6}).Draw(t, "volume"),
			}, through)
		case 4:
			cmd := w.v.Close(w.now, "")
			w.closes[cmd.ID] = 0
			w.send(cmd, through)
		case 5:
			w.take(w.v.State, w.v.Stop(w.now), through)
		case 6, 7:
			w.v.Resume()
		case 8:
			w.d.byHand(rapid.Bool().Draw(t, "open"))
		case 9:
			w.v = restart(t, w.v)
		case 10:
			if loss && len(w.d.acts) > 0 { // a command comes twice, and once more much later
				again := w.d.acts[0]
				w.d.hear(again.cmd, again.at.Add(time.Second))
				w.d.hear(again.cmd, again.at.Add(2*time.Hour))
			}
		}
		if after != nil {
			after()
		}
		w.step(pace.Draw(t, "pace"), through)
	}
}

// settle lets everything run out.
func (w *world) settle() {
	w.d.deaf, w.d.stuckOpen, w.d.stuckShut, w.d.lying = false, false, false, false
	for range 30 {
		w.step(time.Hour, true)
	}
}

func (w *world) check() {
	if w.v.State != valve.Closed {
		w.broke("after all it is still %s", w.v.State)
	}
	for id, n := range w.opens {
		if n == 0 {
			w.broke("nobody knows what became of open %s", id)
		}
	}
	for id, n := range w.closes {
		if n != 1 {
			w.broke("close %s has %d outcomes", id, n)
		}
	}
}

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
