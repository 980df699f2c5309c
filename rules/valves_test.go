package rules_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"ganlin/devices"
	"ganlin/rules"
)

// TestAValveThatDoesNotRespond lives twenty days with a valve that never answers:
// it is tried three times and then once a day, one alert stands all the while, and
// its farmer is told that water is held back, never that it runs.
func TestAValveThatDoesNotRespond(t *testing.T) {
	opens := func(mute devices.DeviceID) (n int, alerts []string, told map[rules.AdviceKind]int) {
		told = map[rules.AdviceKind]int{}
		all := season(t, rules.New(config(t)), &world{mute: mute}, 20*24, nil, func(s *rules.Site) *rules.Site {
			a := s.View().Plots[0].Advice
			told[a.Kind]++
			if mute != "" && a.Kind == rules.AdviceHeld && a.Reason != "unresponsive" && a.Reason != "wind" {
				t.Errorf("%s: held back for %s", s.Watermark(), a.Reason)
			}
			return s
		})
		for _, d := range all {
			switch {
			case d.Kind == devices.CommandDecision && d.Outcome == "open" && d.Subject == "v-1":
				n++
			case d.Kind == devices.AlertDecision && d.Rule == "valve_unconfirmed" && d.Subject == "v-1":
				alerts = append(alerts, d.Outcome)
			}
		}
		return n, alerts, told
	}
	n, alerts, told := opens("v-1")
	if n < 15 || n > 3+20 {
		t.Errorf("it was told %d times in twenty days to open", n)
	}
	if !slices.Equal(alerts, []string{"firing"}) {
		t.Errorf("the alert went %v", alerts)
	}
	if told[rules.AdviceWatering] > 0 || told[rules.AdviceHeld] < 300 {
		t.Errorf("its farmer was told %v", told)
	}
	if _, alerts, told := opens(""); len(alerts) > 0 || told[rules.AdviceWatering] == 0 { // the control: it responds
		t.Errorf("a good valve has the alerts %v, and its farmer was told %v", alerts, told)
	}
}

// TestALostValveIsNotToldAsWatering has a valve take an open, or open, and then say
// nothing for a month: once its lease is over nobody is told that it waters, the
// plot is held back for the lock, a day later its household is asked, and the ask
// stands. Of two valves it is one that is lost. The control is a valve that
// comes back after two days: it waters, and the ask ends for that.
func TestALostValveIsNotToldAsWatering(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		says   int           // of its reports
		silent time.Duration // from then on
		second bool          // the plot has another valve
		want   []string
	}{
		"takes it":                  {1, 1e6 * time.Hour, false, []string{"start", "stop locked", "kept_shut locked"}},
		"opens":                     {2, 1e6 * time.Hour, false, []string{"start", "stop locked", "kept_shut locked"}},
		"opens, beside another one": {2, 1e6 * time.Hour, true, []string{"start", "stop locked", "kept_shut locked"}},
		"comes back":                {1, 48 * time.Hour, false, []string{"start", "stop locked", "kept_shut locked", "start", "kept_shut_over opened"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			of := config(t)
			if c.second {
				of.Plots[0].Valves, of.Plots[1].Valves = []devices.DeviceID{"v-1", "v-2"}, nil
				of.Devices = slices.Clone(of.Devices)
			}
			s, w := rules.New(of), &world{theta: 0.15}
			var since, until time.Time
			var got []string
			late, open := 0, 0
			everyTen(s, w, 20*24, func(d devices.Decision) []devices.Fact {
				facts := w.obey(d)
				switch {
				case d.Subject != "v-1":
				case since.IsZero() && d.Command.Action == devices.Open:
					w.theta = 0.15 // nothing runs
					since, until = d.At, d.At.Add(time.Duration(d.Command.MaxDurationS)*time.Second)
					return facts[:c.says]
				case !since.IsZero() && d.At.Sub(since) < c.silent:
					return nil
				}
				return facts
			}, func(at time.Time, decided []devices.Decision) {
				for _, d := range decided {
					if d.Kind == devices.IrrigationDecision && d.Plot == "p-1" && d.Outcome != "hold" && d.Outcome != "done" {
						got = append(got, strings.TrimSpace(d.Outcome+" "+d.Texts["reason"]))
					}
				}
				a := s.View().Plots[0].Advice
				switch {
				case since.IsZero() || at.Sub(since) >= c.silent:
				case a.Kind == rules.AdviceWatering && !at.Before(until.Add(time.Minute)):
					late++
				case a.Kind == rules.AdviceWatering:
					open++
				case at.After(until.Add(time.Hour)) && (a.Kind != rules.AdviceHeld || a.Reason != "locked"):
					t.Errorf("%s: it is told as %s for %q", at, a.Kind, a.Reason)
				}
			})
			if late > 0 || c.says == 2 && open == 0 {
				t.Errorf("after its lease it was told %d times that it waters, before %d times", late, open)
			}
			if len(got) < len(c.want) || !slices.Equal(got[:len(c.want)], c.want) || c.silent > 48*time.Hour && len(got) > len(c.want) {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

// TestAPersonsOpeningStaysTheirs has a person open a valve two minutes before a
// rule wants to open it too, while the rules are ten minutes behind: the rule waits
// until that opening is over. The control is the same day without the person.
func TestAPersonsOpeningStaysTheirs(t *testing.T) {
	live := func(act *devices.Fact) (decided []devices.Decision) {
		c := config(t)
		c.Lateness = 10 * time.Minute
		s, w := rules.New(c), &world{theta: 0.14} // so dry that it wants water in the first evening
		s.Tick(begin)
		coming := w.hello(begin.Add(time.Millisecond))
		for n := range 24 * 6 {
			at := begin.Add(time.Duration(n+1) * 10 * time.Minute)
			if n%6 == 5 {
				coming = append(coming, w.live(at)...)
			}
			if act != nil && act.At.After(at.Add(-10*time.Minute)) && !act.At.After(at) {
				coming = append(coming, *act)
				coming = append(coming, w.obey(devices.Decision{Subject: "v-1", At: act.At, Command: act.Act.Command})...)
			}
			for _, f := range coming {
				s.Add(f)
			}
			coming = nil
			for _, d := range s.Tick(at) {
				decided = append(decided, d)
				if d.Command != nil && d.Rule != rules.PersonRule {
					coming = append(coming, w.obey(d)...)
				}
			}
		}
		return decided
	}
	opens := func(all []devices.Decision) (at []time.Time) {
		for _, d := range all {
			if d.Kind == devices.CommandDecision && d.Outcome == "open" && d.Subject == "v-1" && d.Rule != rules.PersonRule {
				at = append(at, d.At)
			}
		}
		return at
	}
	alone := opens(live(nil))
	if len(alone) == 0 {
		t.Fatal("the rules never wanted to open it")
	}
	act := personal("v-1", devices.OpenAct, alone[0].Add(-2*time.Minute))
	ended := act.At.Add(20 * time.Minute) // 5,000 L at 250 L a minute
	all := live(&act)
	if with := opens(all); len(with) == 0 || with[0].Before(ended) {
		t.Errorf("a person opened it at %s until %s, and the rules at %v", act.At, ended, with)
	}
	ledger := 0
	for _, d := range all {
		switch {
		case d.Kind == devices.LedgerDecision && d.Texts["command"] == act.Act.Command.ID:
			ledger++
			if d.Numbers["commanded_l"] != 5000 || d.Outcome != "lease" {
				t.Errorf("the ledger has %s %v", d.Outcome, d.Numbers)
			}
		case d.Subject == "v-1" && slices.Contains([]string{"overdue", "unknown", "not_closing", "cancelled", "expired"}, d.Outcome):
			t.Errorf("%s %s at %s", d.Kind, d.Outcome, d.At)
		}
	}
	if ledger != 1 {
		t.Errorf("the opening is %d times in the ledger", ledger)
	}
}

// said is the word of a valve as a fact.
func said(id devices.DeviceID, at time.Time, command string, state devices.CommandState) devices.Fact {
	return devices.Fact{
		Kind: devices.ReportFact, At: at, Received: at, Device: id, Location: devices.Location{Site: "sanquan"},
		Report: &devices.CommandReport{Command: command, State: state, At: at, Seq: at.UnixMilli()},
	}
}

// TestWhatHappensAtAValveIsDecided lets hands, faults and people work a valve: each
// thing is one decision with its time and its cause, under the same id however
// often it is lived, and nothing of it depends on random ids of acts.
func TestWhatHappensAtAValveIsDecided(t *testing.T) {
	minute := func(n float64) time.Time { return begin.Add(time.Duration(n * float64(time.Minute))) }
	act := func(n float64, action devices.ActAction, id devices.DeviceID, actID string) devices.Fact {
		return devices.Fact{Kind: devices.ActFact, At: minute(n), Act: &devices.Act{ID: actID, At: minute(n), Action: action, By: "agro-1", Valve: id}}
	}
	live := func(actID string) (got []string, all []devices.Decision) {
		s := rules.New(config(t))
		facts := []devices.Fact{
			said("v-1", minute(2), "x", devices.Closed),
			said("v-1", minute(10), "", devices.Opened),
			said("v-1", minute(15), "", devices.Closed),
			said("v-1", minute(20), "report-1", devices.Opened), // nobody knows why
			said("v-1", minute(21), "v-1-1", devices.Closed),
			personal("v-1", devices.OpenAct, minute(30)),
			said("v-1", minute(33), "person-v-1-"+minute(30).Format("021504"), devices.Opened), // late
			said("v-1", minute(34), "y", devices.Closed),
			said("v-1", minute(40), "", devices.Opened),
			act(42, devices.StopAct, "", actID+"1"),
			said("v-1", minute(43), "z", devices.Closed),
			act(45, devices.ResumeAct, "", actID+"2"),
			said("v-1", minute(50), "", devices.Failed),
			act(55, devices.ClearAct, "v-1", actID+"3"),
		}
		for n := range 12 {
			for _, f := range facts {
				if f.At.After(minute(float64(5*n-5))) && !f.At.After(minute(float64(5*n))) {
					s.Add(f)
				}
			}
			all = append(all, s.Tick(minute(float64(5*n)))...)
		}
		for _, d := range all {
			if d.Subject == "v-1" && d.Kind != devices.AlertDecision || d.Kind == devices.ActDecision {
				got = append(got, strings.TrimSpace(fmt.Sprintf("%s %s %s %s %s", d.At.Sub(begin), d.Kind, d.Outcome, d.Texts["reason"], d.Texts["by"])))
			}
		}
		return got, all
	}
	got, all := live("a")
	want := []string{
		"0s command close unheard", "5m0s command confirmed", "10m0s valve by_hand", "15m0s valve closed_by_hand", "15m0s ledger hand",
		"20m0s valve found_open", "20m0s command close found_open", "30m0s command open  farmer-h-001", "33m0s valve late", "35m0s command close late",
		"42m0s act stop  agro-1", "45m0s command close stopped", "45m0s act resume  agro-1", "50m0s valve failed", "50m0s command close failed",
		"55m0s act clear  agro-1",
	}
	for _, w := range want {
		if !slices.Contains(got, w) {
			t.Errorf("nobody told of %q: %q", w, got)
		}
	}
	again, second := live("b")
	if digest(t, all) != digest(t, second) || !slices.Equal(got, again) {
		t.Error("the ids of acts count")
	}
	for i := range all {
		if all[i].ID != second[i].ID {
			t.Errorf("a decision has the ids %s and %s", all[i].ID, second[i].ID)
		}
	}
}

// TestALateSuccessIsReconciled has the word of an opening come two hours after it
// was given up: it is in the ledger with its water, confirmed, and nothing is
// locked or counted against the valve. The control is a word that never comes.
func TestALateSuccessIsReconciled(t *testing.T) {
	live := func(comes bool) (outcomes []string, ledger int, strikes int) {
		s, w := rules.New(config(t)), &world{}
		var first string
		var late []devices.Fact
		s.Tick(begin)
		coming := w.hello(begin.Add(time.Millisecond))
		for n := range 8 * 24 {
			at := begin.Add(time.Duration(n+1) * time.Hour)
			for _, f := range append(w.live(at), coming...) {
				s.Add(f)
			}
			coming = nil
			if len(late) > 0 && at.Sub(late[0].At) > 2*time.Hour && comes {
				coming, late = late, nil
			}
			for _, d := range s.Tick(at) {
				if first != "" && d.Texts["command"] == first {
					outcomes = append(outcomes, d.Outcome)
					if d.Kind == devices.LedgerDecision && d.Numbers["delivered_l"] > 1000 {
						ledger++
					}
				}
				switch {
				case d.Command == nil:
				case first == "" && d.Subject == "v-1" && d.Outcome == "open":
					first, late = d.ID, w.obey(d)
				case len(late) > 0 && d.Subject == "v-1": // it has no connection
				default:
					coming = append(coming, w.obey(d)...)
				}
			}
			strikes = s.View().Valves[0].Strikes
			if ledger > 0 {
				break
			}
		}
		return outcomes, ledger, strikes
	}
	if outcomes, ledger, strikes := live(true); !slices.Equal(outcomes, []string{"expired", "confirmed", "lease"}) || ledger != 1 || strikes != 0 {
		t.Errorf("it went %v, is %d times in the ledger, and %d strikes are left", outcomes, ledger, strikes)
	}
	if outcomes, ledger, _ := live(false); !slices.Equal(outcomes, []string{"expired"}) || ledger != 0 {
		t.Errorf("without a word it went %v, and is %d times in the ledger", outcomes, ledger)
	}
}
