package rules_test

import (
	"testing"
	"time"

	"ganlin/devices"
	"ganlin/rules"
)

// personal is the fact that a person commanded a valve.
func personal(id devices.DeviceID, action devices.ActAction, at time.Time) devices.Fact {
	c := devices.Command{ID: "person-" + string(id) + "-" + at.Format("021504"), Seq: at.UnixMilli(), Action: devices.Close}
	if action == devices.OpenAct {
		c.Action, c.MaxDurationS, c.MaxVolumeL, c.ExpiresAt = devices.Open, 1800, 5000, at.Add(time.Minute)
	}
	return devices.Fact{Kind: devices.ActFact, At: at, Act: &devices.Act{ID: c.ID, At: at, Action: action, By: "farmer-h-001", Valve: id, Command: &c}}
}

// TestAPersonOpensAValve has the opening of a person in the account as any
// other. The control, where the rules do not hear of it, takes it for a valve
// that opened by itself.
func TestAPersonOpensAValve(t *testing.T) {
	at := begin.Add(3*24*time.Hour - 30*time.Second) // just before a tick: in this world a valve hears of it then
	live := func(told bool) (ledger, strange int, all []devices.Decision) {
		s, w := rules.New(config(t)), &world{}
		act := personal("v-2", devices.OpenAct, at)
		all = season(t, s, w, 5*24, nil, func(s *rules.Site) *rules.Site {
			if s.Watermark().Equal(begin.Add(3*24*time.Hour - time.Hour)) {
				if told {
					s.Add(act)
				} else {
					for _, f := range w.obey(devices.Decision{Subject: "v-2", At: at, Command: act.Act.Command}) {
						s.Add(f)
					}
				}
			}
			return s
		})
		for _, d := range all {
			switch {
			case d.Kind == devices.LedgerDecision && d.Texts["command"] == act.Act.Command.ID:
				ledger++
				if d.Numbers["delivered_l"] != 5000 || d.Numbers["commanded_l"] != 5000 {
					t.Errorf("the ledger has %v", d.Numbers)
				}
			case d.Kind == devices.CommandDecision && d.Subject == "v-2" && d.Outcome == "close" && d.At.After(at) && d.At.Before(at.Add(2*time.Hour)):
				strange++
			case d.Rule == rules.PersonRule && (d.ID != act.Act.Command.ID || d.Texts["by"] != "farmer-h-001" || d.Numbers["max_duration_s"] != 1800):
				t.Errorf("the act is told as %+v", d)
			}
		}
		return ledger, strange, all
	}
	ledger, strange, all := live(true)
	if ledger != 1 || strange > 0 {
		t.Errorf("%d in the ledger, %d closes that nobody asked for", ledger, strange)
	}
	_, _, again := live(true)
	if digest(t, all) != digest(t, again) {
		t.Error("the same act decided otherwise")
	}
	if _, strange, _ := live(false); strange == 0 {
		t.Error("nobody noticed an opening that nobody told of")
	}
}

// TestAPersonsCloseIsRespected closes a valve in the middle of its watering:
// the plot is left alone until the next noon, also while the act still lies
// ahead of the watermark. The control has no such act.
func TestAPersonsCloseIsRespected(t *testing.T) {
	for _, lateness := range []time.Duration{0, 90 * time.Minute} {
		c := config(t)
		c.Lateness = lateness
		var first time.Time
		opened := func(acts ...devices.Fact) (at []time.Time) {
			for _, d := range season(t, rules.New(c), &world{}, someHours, func(facts []devices.Fact) {}, func(s *rules.Site) *rules.Site {
				for _, f := range acts {
					if w := s.Watermark().Add(lateness); !f.At.Before(w) && f.At.Before(w.Add(time.Hour)) {
						s.Add(f)
					}
				}
				return s
			}) {
				if d.Subject == "v-1" && d.Kind == devices.CommandDecision && d.Outcome == "open" {
					at = append(at, d.At)
				}
			}
			return at
		}
		without := opened()
		if len(without) < 2 {
			t.Fatalf("only %d openings to interrupt", len(without))
		}
		first = without[0]
		closing := first.Add(20 * time.Minute)
		zone := time.FixedZone("CST", 8*3600)
		until := closing.Add(6 * time.Hour).In(zone)
		noon := time.Date(until.Year(), until.Month(), until.Day(), 12, 0, 0, 0, zone)
		if noon.Before(until) {
			noon = noon.AddDate(0, 0, 1)
		}
		between := func(all []time.Time) (n int) {
			for _, at := range all {
				if at.After(closing) && at.Before(noon) {
					n++
				}
			}
			return n
		}
		with := opened(personal("v-1", devices.CloseAct, closing))
		if n := between(with); n > 0 {
			t.Errorf("lateness %s: opened %d times after a person's close", lateness, n)
		}
		if with[len(with)-1].Before(noon) {
			t.Errorf("lateness %s: never watered again", lateness)
		}
		if lateness == 0 && between(without) == 0 {
			t.Error("nothing would have been opened anyway")
		}
	}
}

// TestAdviceIsWhatHappens holds every plot's advice against what the rules do in the hour after it.
func TestAdviceIsWhatHappens(t *testing.T) {
	kinds := map[rules.AdviceKind]int{}
	var said map[devices.PlotID]rules.Advice
	var hour time.Time
	s := rules.New(config(t))
	var views []map[devices.PlotID]rules.Advice
	var at []time.Time
	all := season(t, s, &world{}, someHours, nil, func(s *rules.Site) *rules.Site {
		said, hour = map[devices.PlotID]rules.Advice{}, s.Watermark()
		for _, p := range s.View().Plots {
			kinds[p.Advice.Kind]++
			said[p.ID] = p.Advice
		}
		views, at = append(views, said), append(at, hour)
		return s
	})
	opened := map[devices.PlotID][]time.Time{}
	for _, d := range all {
		if d.Kind == devices.CommandDecision && d.Outcome == "open" {
			opened[d.Plot] = append(opened[d.Plot], d.At)
		}
	}
	opens := func(p devices.PlotID, from, until time.Time) bool {
		for _, o := range opened[p] {
			if !o.Before(from) && !o.After(until) { // what is commanded at that very tick is not answered yet
				return true
			}
		}
		return false
	}
	for i, hour := range at[:len(at)-24] {
		for id, a := range views[i] {
			switch {
			case id == "p-3" && (a.Kind == rules.AdviceItself || a.Kind == rules.AdviceWatering):
				t.Errorf("%s: a plot without a valve: %s", hour, a.Kind)
			case a.Kind == rules.AdviceItself && !opens(id, hour, a.From.Add(time.Hour)):
				t.Errorf("%s: %s was to be watered from %s", hour, id, a.From)
			case a.Kind == rules.AdviceNoNeed && opens(id, hour, hour.Add(time.Hour)) && a.Until.After(hour.Add(24*time.Hour)):
				t.Errorf("%s: %s was watered, with no need until %s", hour, id, a.Until)
			case (a.Kind == rules.AdviceItself || a.Kind == rules.AdviceWater) && (a.DepthMM <= 0 || a.GrossMM <= a.DepthMM || a.VolumeL <= 0 || a.From.Before(hour)):
				t.Errorf("%s: %s: %+v", hour, id, a)
			case a.Kind == rules.AdviceItself && len(opened[id]) > 3 && hour.After(opened[id][3]) && a.DurationS < 600:
				t.Errorf("%s: %s: nobody knows how long after several openings: %+v", hour, id, a)
			}
		}
	}
	t.Log(kinds)
	for _, k := range []rules.AdviceKind{rules.AdviceItself, rules.AdviceNoNeed, rules.AdviceWater, rules.AdviceWatering} {
		if kinds[k] == 0 {
			t.Errorf("never %s", k)
		}
	}
}
