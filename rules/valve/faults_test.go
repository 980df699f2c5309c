package valve_test

import (
	"strings"
	"testing"
	"time"

	"ganlin/devices"
	"ganlin/rules/valve"

	"pgregory.net/rapid"
)

// TestWhyItIsClosed looks at the reasons that closes carry, of the first and of those that follow.
func TestWhyItIsClosed(t *testing.T) {
	for why, script := range map[valve.Kind]string{
		valve.OnStop:     "0 open\n1 stop",
		valve.FoundOpen:  "100 open report-1",
		valve.Late:       "0 OPEN a 1800\n60.5 tick\n61 open a",
		valve.LeftOpen:   "0 open\n3600 tick",
		valve.Unanswered: "0 OPEN a 1800\n2 accepted a\n62.5 tick\n123 tick\n300 tick",
		valve.Overdue:    "0 OPEN a 1800\n2 open a\n1863 tick\n1950 tick",
		valve.NotClosing: "0 OPEN a 1800\n2 open a\n100 CLOSE b\n100 tick\n161 tick\n222 tick",
		valve.Failed:     "0 OPEN a 1800\n2 accepted a\n5 failed a\n5 tick\n70 tick",
		valve.Leak:       "0 flow 6\n60 tick\n60 tick\n130 tick",
	} {
		v, told := closedValve(), 0
		for line := range strings.SplitSeq(script, "\n") {
			_, events := playLine(t, v, line)
			for _, e := range events {
				if e.Send != nil && e.Why == why {
					told++
				} else if e.Send != nil || e.Why != "" {
					t.Errorf("%s: %s for %q", why, e.Kind, e.Why)
				}
			}
		}
		if told == 0 {
			t.Errorf("%s was never a reason", why)
		}
	}
	v := valve.New("v-1", limits)
	if e := v.Tick(noon, noon); len(e) != 1 || e[0].Why != valve.Unheard {
		t.Errorf("at first it is closed for %+v", e)
	}
}

// TestFaultsInEveryState is the matrix of lying devices: each fault in each
// situation raises its alarm within a minute of when it can be known, a close is
// sent, and nothing opens until the valve has said that it is closed.
func TestFaultsInEveryState(t *testing.T) {
	type fault struct {
		spoil func(d *device)
		kinds []valve.Kind  // one of which is told
		known time.Duration // after the open, when the fault can be known
		opens bool          // it may be opened again: nothing is wrong with its position
	}
	faults := map[string]fault{
		"takes an open and does not move": {func(d *device) { d.stuckShut = true }, []valve.Kind{valve.Unanswered}, time.Minute, false},
		"moves and says nothing":          {func(d *device) { d.dumb = true }, []valve.Kind{valve.Leak}, 2 * time.Minute, false},
		"stays open and says closed":      {func(d *device) { d.lying = true }, []valve.Kind{valve.Leak}, 6 * time.Minute, false},
		"does not close":                  {func(d *device) { d.stuckOpen, d.noTimer = true, true }, []valve.Kind{valve.Overdue, valve.NotClosing}, 5 * time.Minute, false},
		"opens and no water comes":        {func(d *device) { d.dry = true }, []valve.Kind{valve.StillMeter}, time.Minute, true},
	}
	rule := func(w *world) { w.openIt(valve.Ask{DurationS: 300}, true) }
	person := func(w *world) { w.person(devices.Open, true) }
	nothing := func(*world) {}
	situations := map[string]struct {
		begin, later func(w *world)
		restarts     bool // before every step
	}{
		"by a rule":   {rule, nothing, false},
		"by a person": {person, nothing, false},
		"restarted":   {rule, nothing, true},
		"then closed": {rule, func(w *world) { w.person(devices.Close, true) }, false},
		"then a stop": {rule, func(w *world) { w.take(w.v.State, w.v.Stop(w.now), true) }, false},
	}
	for name, f := range faults {
		for situation, s := range situations {
			t.Run(name+", "+situation, func(t *testing.T) {
				w := newWorld(nil)
				w.metered = true
				w.step(10*time.Second, true)
				f.spoil(w.d)
				s.begin(w)
				opened, alarmed, closed := w.now, time.Duration(0), false
				w.seen = func(e valve.Event) {
					for _, k := range f.kinds {
						if e.Kind == k && alarmed == 0 {
							alarmed = w.now.Sub(opened)
						}
					}
					closed = closed || e.Send != nil
				}
				for range 60 {
					if s.restarts {
						w.v = restart(t, w.v)
					}
					w.step(10*time.Second, true)
					if w.now.Sub(opened) == 4*time.Minute {
						s.later(w)
					}
				}
				if alarmed == 0 || alarmed > f.known+2*valve.Patience {
					t.Errorf("alarmed after %s: %q", alarmed, w.events)
				}
				w.v.Resume()
				if _, refusal := w.v.Open(w.now, "again", valve.Ask{DurationS: 60}); (refusal == "") != f.opens || !f.opens && !closed {
					t.Errorf("refused by %q, a close was sent: %v\n%q", refusal, closed, w.events)
				}
			})
		}
	}
}

// TestLyingValves has valves that say closed and let water run: the meter finds
// them out, and nothing opens meanwhile. The control has no meter.
func TestLyingValves(t *testing.T) {
	for name, metered := range map[string]bool{"metered": true, "without a meter": false} {
		t.Run(name, func(t *testing.T) {
			unseen := 0
			rapid.Check(t, func(t *rapid.T) {
				w := newWorld(t)
				w.metered = metered
				w.step(time.Minute, true)
				w.d.lying = true
				w.openIt(valve.Ask{DurationS: rapid.IntRange(1, 900).Draw(t, "duration")}, true)
				for range 60 {
					w.step(30*time.Second, true)
				}
				if w.d.open && w.v.State == valve.Closed && !w.v.Leaking {
					unseen++
				}
			})
			if (unseen == 0) != metered {
				t.Errorf("%d lies were not found out", unseen)
			}
		})
	}
}
