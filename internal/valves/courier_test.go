package valves_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"ganlin/devices"
	"ganlin/internal/valves"
)

const v1, v2 devices.DeviceID = "v-1", "v-2"

// bubble runs a test in simulated time.
func bubble(t *testing.T, change func(*valves.Options), test func(f *field)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		f := newField(t, change)
		test(f)
		f.balanced()
		f.stop()
	})
}

func TestAnOpenWaitsForAnAnswerToAQuestion(t *testing.T) {
	bubble(t, nil, func(f *field) {
		t := f.t
		f.device(v1).deaf = true
		f.send(v1, open("a", 1))
		f.send(v2, closeBy("b", 1))
		time.Sleep(20 * time.Second)
		for _, s := range f.sendings() {
			if strings.Contains(s, "open") {
				t.Errorf("sent %s", s)
			}
		}
		if d := f.device(v2); len(d.took) != 1 {
			t.Errorf("a close was held back: %v", d.took)
		}
		if f.courier.Ready([]devices.DeviceID{v1}) {
			t.Error("ready without an answer")
		}
		f.courier.Reported(v1, devices.CommandReport{Command: "report-of-an-earlier-start-1", State: devices.Closed}, time.Now())
		f.courier.Reported(v1, devices.CommandReport{State: devices.Closed}, time.Now())
		time.Sleep(4 * time.Second)
		if got := f.sendings(); slices.ContainsFunc(got, func(s string) bool { return strings.Contains(s, "open") }) {
			t.Errorf("an old answer let it pass: %v", got)
		}
		f.mu.Lock()
		f.devices[v1].deaf = false
		f.mu.Unlock()
		time.Sleep(3 * time.Second)
		if d := f.device(v1); len(d.took) != 1 || !f.courier.Ready([]devices.DeviceID{v1}) {
			t.Errorf("took %v", d.took)
		}
		f.turn(v1, false)
		f.sendings()
		f.send(v1, open("c", 2)) // asked once is enough
		if diff := cmp.Diff([]string{"27.000 v-1 open c"}, f.sendings()); diff != "" {
			t.Error(diff)
		}
	})
}

func TestAskingAhead(t *testing.T) {
	bubble(t, nil, func(f *field) {
		t := f.t
		f.courier.Ask([]devices.DeviceID{v1, v2})
		f.courier.Ask([]devices.DeviceID{v1, v2})
		if got := f.sendings(); len(got) != 2 || !f.courier.Ready([]devices.DeviceID{v1, v2}) {
			t.Errorf("sent %v", got)
		}
		if s := f.courier.Stats(); s != (valves.Stats{Asked: 2}) {
			t.Errorf("counted %+v", s)
		}
	})
}

func TestRepeatedUntilAnswered(t *testing.T) {
	bubble(t, nil, func(f *field) {
		t := f.t
		f.courier.Ask([]devices.DeviceID{v1})
		f.sendings()
		f.device(v1).mute = 6 // two words to each sending
		f.send(v1, open("a", 1))
		f.send(v1, open("a", 1))
		time.Sleep(time.Minute)
		got := f.sendings()
		if len(got) != 4 {
			t.Fatalf("sent %q", got)
		}
		if s := f.balanced(); s.Sent != 1 || s.Repeated != 3 || s.Confirmed != 1 || s.Taken != 1 {
			t.Errorf("counted %+v", s)
		}
		if d := f.device(v1); len(d.took) != 1 {
			t.Errorf("took %v", d.took)
		}
		f.send(v1, open("a", 1)) // handed over once more after a restart of the caller
		if got := f.sendings(); len(got) != 0 {
			t.Errorf("sent %q", got)
		}
	})
}

// TestPauses looks at the time between repetitions: from a quarter of a second to two, never all alike.
func TestPauses(t *testing.T) {
	bubble(t, nil, func(f *field) {
		t := f.t
		f.device(v1).deaf = true
		f.send(v1, closeBy("a", 1))
		time.Sleep(time.Minute)
		var times []time.Duration
		for _, s := range f.sendings() {
			d, err := time.ParseDuration(strings.Fields(s)[0] + "s")
			if err != nil {
				t.Fatal(err)
			}
			times = append(times, d)
		}
		if len(times) < 30 || len(times) > 70 {
			t.Errorf("sent %d times in a minute", len(times))
		}
		alike := map[time.Duration]bool{}
		for i := 1; i < len(times); i++ {
			pause := times[i] - times[i-1]
			alike[pause] = true
			if pause < 124*time.Millisecond || pause > 2001*time.Millisecond || i > 5 && pause < 999*time.Millisecond {
				t.Errorf("pause %d is %s", i, pause)
			}
		}
		if len(alike) < 10 {
			t.Errorf("only %d different pauses", len(alike))
		}
	})
}

func TestNothingIsSentAfterExpiry(t *testing.T) {
	for _, c := range []struct {
		name  string
		clock func() time.Time // that the courier goes by
		late  bool             // so opens come too late
	}{
		{"by the right clock", nil, false},
		{"by a clock that stands still", func() time.Time { return time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC) }, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, func(o *valves.Options) { o.Now = c.clock }, func(f *field) {
				t := f.t
				f.courier.Ask([]devices.DeviceID{v1, v2})
				synctest.Wait()
				f.device(v1).deaf = true
				f.device(v2).away = true
				for _, v := range []devices.DeviceID{v1, v2} {
					cmd := open("a"+string(v), 1)
					cmd.ExpiresAt = f.start.Add(time.Minute)
					f.send(v, cmd)
				}
				time.Sleep(61 * time.Second)
				f.mu.Lock()
				f.devices[v1].deaf, f.devices[v2].away = false, false
				f.mu.Unlock()
				time.Sleep(time.Minute)
				synctest.Wait()
				if late := f.device(v1).late + f.device(v2).late; (late > 0) != c.late {
					t.Errorf("%d opens came too late", late)
				}
				if s := f.balanced(); s.Expired != 2 {
					t.Errorf("counted %+v", s)
				}
			})
		})
	}
}

func TestOffline(t *testing.T) {
	bubble(t, nil, func(f *field) {
		t := f.t
		f.courier.Ask([]devices.DeviceID{v1, v2})
		synctest.Wait()
		f.device(v1).away, f.device(v2).away = true, true
		f.send(v1, open("a", 1))
		f.send(v2, closeBy("b", 1))
		begin := time.Now()
		if err := f.courier.Wait(t.Context(), []string{"a", "b"}); err != nil || time.Since(begin) != 5*time.Second {
			t.Errorf("waited %s, %v", time.Since(begin), err)
		}
		f.sendings()
		f.mu.Lock()
		f.devices[v1].away, f.devices[v2].away = false, false
		f.mu.Unlock()
		// Their words on connecting tell that they are back.
		f.courier.Reported(v1, devices.CommandReport{State: devices.Closed}, time.Now())
		f.courier.Reported(v2, devices.CommandReport{State: devices.Opened}, time.Now())
		if diff := cmp.Diff([]string{"5.000 v-2 close b"}, f.sendings()); diff != "" {
			t.Error(diff)
		}
		if s := f.balanced(); s.Unanswered != 1 || s.Confirmed != 1 {
			t.Errorf("counted %+v", s)
		}
	})
}

func TestComesBackWhileWaitedFor(t *testing.T) {
	bubble(t, nil, func(f *field) {
		t := f.t
		f.courier.Ask([]devices.DeviceID{v1})
		synctest.Wait()
		f.device(v1).away = true
		f.send(v1, open("a", 1))
		time.AfterFunc(4*time.Second, func() {
			f.mu.Lock()
			f.devices[v1].away = false
			f.mu.Unlock()
		})
		if err := f.courier.Wait(t.Context(), []string{"a"}); err != nil {
			t.Error(err)
		}
		if s := f.balanced(); s.Confirmed != 1 {
			t.Errorf("counted %+v", s)
		}
	})
}

func TestOnlyWhatIsOnlineIsSentTo(t *testing.T) {
	online := func(id devices.DeviceID) bool { return id == v1 }
	bubble(t, func(o *valves.Options) { o.Online = online }, func(f *field) {
		t := f.t
		f.send(v1, closeBy("a", 1))
		f.send(v2, closeBy("b", 1))
		if err := f.courier.Wait(t.Context(), []string{"a", "b"}); err != nil {
			t.Error(err)
		}
		if diff := cmp.Diff([]string{"0.000 v-1 close a"}, f.sendings()); diff != "" {
			t.Error(diff)
		}
	})
}

func TestWait(t *testing.T) {
	bubble(t, nil, func(f *field) {
		t := f.t
		f.courier.Ask([]devices.DeviceID{v1, v2})
		synctest.Wait()
		if err := f.courier.Wait(t.Context(), []string{"nobody"}); err == nil {
			t.Error("waited for a command that was never handed over")
		}
		f.device(v1).deaf = true
		f.send(v1, open("a", 1))
		f.send(v2, open("b", 1))
		begin := time.Now()
		if err := f.courier.Wait(t.Context(), []string{"b"}); err != nil || time.Since(begin) != 0 {
			t.Errorf("waited %s, %v", time.Since(begin), err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := f.courier.Wait(ctx, []string{"a"}); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		if err := f.courier.Wait(t.Context(), []string{"a", "b"}); err != nil || time.Since(begin) != 11*time.Second {
			t.Errorf("waited %s, %v", time.Since(begin), err)
		}
		f.sendings()
		time.Sleep(time.Minute)
		if got := f.sendings(); len(got) > 0 {
			t.Errorf("an open that was given up was sent again: %v", got)
		}
	})
}

func TestAnswers(t *testing.T) {
	for state, want := range map[devices.CommandState]valves.Stats{
		devices.Accepted: {Confirmed: 1},
		devices.Closed:   {Confirmed: 1},
		devices.Rejected: {Rejected: 1},
		devices.Expired:  {Expired: 1},
		devices.Failed:   {Failed: 1},
	} {
		bubble(t, nil, func(f *field) {
			t := f.t
			f.device(v1).answer = state
			f.send(v1, closeBy("a", 1))
			time.Sleep(10 * time.Second)
			want.Taken, want.Sent = 1, 1
			if got := f.balanced(); got != want {
				t.Errorf("after %s: %+v", state, got)
			}
		})
	}
}

// TestOpenIsNoAnswerToAClose has a valve answer a close with the word that it is open.
func TestOpenIsNoAnswerToAClose(t *testing.T) {
	bubble(t, nil, func(f *field) {
		f.device(v1).answer = devices.Opened
		f.send(v1, closeBy("a", 1))
		time.Sleep(10 * time.Second)
		if s := f.balanced(); s.Pending != 1 || s.Repeated < 3 {
			f.t.Errorf("counted %+v", s)
		}
	})
}

func TestTheNewestCommandCounts(t *testing.T) {
	bubble(t, nil, func(f *field) {
		t := f.t
		f.courier.Ask([]devices.DeviceID{v1})
		synctest.Wait()
		d := f.device(v1)
		d.deaf = true
		f.send(v1, open("a", 1))
		f.send(v1, closeBy("b", 2)) // an open is not repeated after a close
		f.send(v1, closeBy("c", 1)) // nor an older close
		if err := f.courier.Wait(t.Context(), []string{"a", "c"}); err != nil {
			t.Error(err)
		}
		f.mu.Lock()
		d.deaf = false
		f.mu.Unlock()
		time.Sleep(10 * time.Second)
		f.send(v1, open("d", 2)) // not newer than what it was told
		f.send(v1, open("e", 3))
		time.Sleep(10 * time.Second)
		f.send(v1, closeBy("f", 1)) // a close is always sent
		time.Sleep(10 * time.Second)
		synctest.Wait()
		var took []string
		for _, cmd := range d.took {
			took = append(took, cmd.ID)
		}
		if diff := cmp.Diff([]string{"b", "e", "f"}, took); diff != "" {
			t.Error(diff)
		}
	})
}

func TestWhatMayNotBeSent(t *testing.T) {
	bubble(t, nil, func(f *field) {
		t := f.t
		for _, cmd := range []devices.Command{
			{ID: "a", Action: devices.Open, MaxDurationS: 60},
			{ID: "a", Action: devices.Open, ExpiresAt: time.Now().Add(time.Minute)},
			{Action: devices.Close},
		} {
			if err := f.courier.Send(v1, cmd); err == nil {
				t.Errorf("%+v was taken", cmd)
			}
		}
		if got := f.sendings(); len(got) > 0 {
			t.Errorf("sent %v", got)
		}
	})
}

func TestASlowDeviceHoldsNobodyUp(t *testing.T) {
	bubble(t, nil, func(f *field) {
		t := f.t
		f.device(v1).slow = time.Hour // sending gives up after 5 s
		f.send(v1, closeBy("a", 1))
		f.send(v2, closeBy("b", 1))
		begin := time.Now()
		if err := f.courier.Wait(t.Context(), []string{"b"}); err != nil || time.Since(begin) != 0 {
			t.Errorf("waited %s, %v", time.Since(begin), err)
		}
		if err := f.courier.Wait(t.Context(), []string{"a"}); err != nil || time.Since(begin) != 10*time.Second {
			t.Errorf("waited %s, %v", time.Since(begin), err)
		}
	})
}

// TestRandomLines plays commands to many valves over bad lines. The counts add
// up, no open comes too late, and what a valve was told last is what it did last.
func TestRandomLines(t *testing.T) {
	for seed := range uint64(10) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			bubble(t, nil, func(f *field) {
				t := f.t
				r := rand.New(rand.NewPCG(seed, 0))
				last := map[devices.DeviceID]string{}
				for n := range 200 {
					id := devices.DeviceID(fmt.Sprintf("v-%d", r.IntN(10)))
					d := f.device(id)
					f.mu.Lock()
					d.away, d.deaf, d.mute, d.slow = r.IntN(4) == 0, r.IntN(4) == 0, r.IntN(3), time.Duration(r.IntN(2))*time.Second
					f.mu.Unlock()
					cmd := open(fmt.Sprint(n), int64(n))
					if r.IntN(2) == 0 {
						cmd = closeBy(fmt.Sprint(n), int64(n))
						last[id] = cmd.ID
					} else {
						delete(last, id)
					}
					f.send(id, cmd)
					time.Sleep(time.Duration(r.IntN(20)) * time.Second)
					f.balanced()
				}
				for _, d := range f.devices {
					f.mu.Lock()
					d.away, d.deaf, d.mute, d.slow = false, false, 0, 0
					f.mu.Unlock()
				}
				time.Sleep(2 * time.Minute)
				synctest.Wait()
				if s := f.balanced(); s.Pending != 0 {
					t.Errorf("counted %+v", s)
				}
				for id, d := range f.devices {
					if d.late > 0 {
						t.Errorf("%s was told to open %d times too late", id, d.late)
					}
					if d.leases > 0 {
						t.Errorf("%s took %d opens while it was open", id, d.leases)
					}
					if n := len(d.took); last[id] != "" && (n == 0 || d.took[n-1].Action != devices.Close) {
						t.Errorf("%s was told to close by %s and did %+v", id, last[id], d.took)
					}
				}
			})
		})
	}
}
