package valves_test

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"ganlin/devices"
)

func opens(sent []string) bool {
	return slices.ContainsFunc(sent, func(s string) bool { return strings.Contains(s, " open ") })
}

// TestPresenceOfAForeignBroker has a valve's status say that it is away: nothing
// is repeated to it, but a close is tried once a minute, for the status may be wrong.
func TestPresenceOfAForeignBroker(t *testing.T) {
	bubble(t, nil, func(f *field) {
		t := f.t
		f.courier.Ask([]devices.DeviceID{v1, v2})
		f.sendings()
		f.courier.Presence(v1, false)
		f.courier.Presence(v2, false)
		f.deafen(v1, true)
		f.deafen(v2, true)
		f.send(v1, open("a", 1))
		f.send(v2, closeBy("b", 1))
		time.Sleep(30 * time.Second)
		if got := f.sendings(); len(got) != 1 || !strings.HasSuffix(got[0], "close b") {
			t.Errorf("sent %v", got)
		}
		if got := f.courier.StopAll(t.Context(), []devices.DeviceID{v2}); got[v2] == nil || !strings.Contains(got[v2].Error(), "reached") {
			t.Errorf("the stop ended with %v", got[v2])
		}
		if got := f.sendings(); len(got) != 1 {
			t.Errorf("the stop sent %v", got)
		}
		time.Sleep(10 * time.Minute)
		if got := f.sendings(); len(got) < 8 || len(got) > 11 {
			t.Errorf("in ten minutes were sent %v", got)
		}
		f.deafen(v2, false)
		f.courier.Presence(v2, true)
		if got := f.sendings(); len(got) < 1 || f.device(v2).state() != devices.Closed {
			t.Errorf("when it came back were sent %v", got)
		}
	})
}

// TestAskedAfterALongAbsence lets a valve be away: after a short while an open
// goes out at once, after a long one the valve has to say first how it stands.
func TestAskedAfterALongAbsence(t *testing.T) {
	for name, c := range map[string]struct {
		away time.Duration
		told bool // of its presence
		held bool
	}{
		"away for a moment":      {30 * time.Second, true, false},
		"away for long":          {2 * time.Minute, true, true},
		"nobody says it is away": {2 * time.Minute, false, false},
		"silent for long":        {2 * time.Hour, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, nil, func(f *field) {
				f.courier.Ask([]devices.DeviceID{v1})
				f.sendings()
				if c.told {
					f.courier.Presence(v1, false)
				}
				time.Sleep(c.away)
				f.deafen(v1, true)
				if c.told {
					f.courier.Presence(v1, true)
				}
				f.send(v1, open("a", 1))
				time.Sleep(20 * time.Second)
				if got := f.sendings(); opens(got) == c.held {
					f.t.Errorf("sent %v", got)
				}
				f.deafen(v1, false)
				time.Sleep(10 * time.Second)
				if got := f.sendings(); !opens(got) {
					f.t.Errorf("it answers, and what was sent is %v", got)
				}
			})
		})
	}
}

// TestDoubt lets a person's word about a valve be checked: nothing opens until it says that it is closed.
func TestDoubt(t *testing.T) {
	bubble(t, nil, func(f *field) {
		t := f.t
		f.courier.Ask([]devices.DeviceID{v1, v2})
		synctest.Wait()
		f.turn(v1, true) // and somebody says that it is closed
		synctest.Wait()
		f.courier.Doubt(v1, v2)
		f.send(v1, open("a", 1))
		f.send(v2, open("b", 1))
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if n := len(f.device(v1).took); n != 0 {
			t.Error("a valve was opened that says it is open")
		}
		if n := len(f.device(v2).took); n != 1 {
			t.Error("a valve that says it is closed was not opened")
		}
		if state, _ := f.courier.Word(v1); state != devices.Opened {
			t.Errorf("its word is %q", state)
		}
	})
}

// TestASilentValveIsToldLessOften counts the sendings to a valve that nobody
// knows to be away: one in two seconds at first, then one a minute, until it speaks.
func TestASilentValveIsToldLessOften(t *testing.T) {
	bubble(t, nil, func(f *field) {
		f.deafen(v1, true)
		f.send(v1, closeBy("a", 1))
		time.Sleep(5 * time.Minute)
		before := len(f.sendings())
		time.Sleep(time.Hour)
		after := len(f.sendings())
		if before < 140 || after < 55 || after > 130 {
			f.t.Errorf("sent %d times in 5 minutes, then %d in an hour", before, after)
		}
		f.deafen(v1, false)
		time.Sleep(time.Minute)
		if f.balanced().Confirmed != 1 {
			f.t.Error("it is not told any more")
		}
	})
}

// TestWordsOfAClockThatWentBack has a valve's clock set back, so that all it says
// from then on is older than what it said before.
func TestWordsOfAClockThatWentBack(t *testing.T) {
	bubble(t, nil, func(f *field) {
		t := f.t
		f.courier.Ask([]devices.DeviceID{v1})
		f.sendings()
		past := time.Now().Add(-24 * time.Hour)
		f.courier.Reported(v1, devices.CommandReport{State: devices.Opened}, time.Now())
		f.courier.Reported(v1, devices.CommandReport{State: devices.Closed}, past)
		if state, _ := f.courier.Word(v1); state != devices.Opened {
			t.Errorf("an older word counts: %s", state)
		}
		f.courier.Doubt(v1)
		synctest.Wait()
		if state, _ := f.courier.Word(v1); state != devices.Closed {
			t.Errorf("what it answers does not count: %s", state)
		}
	})
}
