package rules_test

import (
	"slices"
	"testing"
	"time"

	"ganlin/devices"
	"ganlin/rules"
	"ganlin/rules/valve"
)

// without returns a configuration without some plots, and their devices if all is gone.
func without(c rules.Config, all bool, plots ...devices.PlotID) rules.Config {
	c.Plots = slices.DeleteFunc(slices.Clone(c.Plots), func(p devices.Plot) bool { return slices.Contains(plots, p.ID) })
	if all {
		c.Devices = slices.DeleteFunc(slices.Clone(c.Devices), func(d devices.Device) bool { return slices.Contains(plots, d.Plot) })
	}
	return c
}

// again restores a site from its snapshot, as at a start.
func again(t *testing.T, s *rules.Site, c rules.Config) *rules.Site {
	t.Helper()
	text, err := s.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	restored := rules.New(c)
	if err := restored.Restore(text); err != nil {
		t.Fatal(err)
	}
	return restored
}

func of(all []devices.Decision, kind devices.DecisionKind, outcome string) []devices.Decision {
	return slices.DeleteFunc(slices.Clone(all), func(d devices.Decision) bool { return d.Kind != kind || d.Outcome != outcome })
}

// TestAHouseholdLeaves takes the plots of a household with an open clue out of the
// registry, moves them to another place, or leaves them: its clue is withdrawn by
// name when they are gone, and is counted where it was raised.
func TestAHouseholdLeaves(t *testing.T) {
	const elsewhere = "500119102001"
	for name, c := range map[string]struct {
		change    func(rules.Config) rules.Config
		withdrawn bool
	}{
		"nothing changes": {func(c rules.Config) rules.Config { return c }, false},
		"its plots leave": {func(c rules.Config) rules.Config { return without(c, true, "p-3") }, true},
		"it moves": {func(c rules.Config) rules.Config {
			c.Plots = slices.Clone(c.Plots)
			for i := range c.Plots {
				c.Plots[i].Place = elsewhere
			}
			return c
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			s := rules.New(config(t))
			raised := of(season(t, s, &world{}, someHours, nil, nil), devices.ClueDecision, "raised")
			i := slices.IndexFunc(raised, func(d devices.Decision) bool { return d.Subject == "h-2" })
			if i < 0 {
				t.Fatal("there is no clue to withdraw")
			}
			changed := c.change(config(t))
			s.Configure(changed)
			s = again(t, s, changed)
			at := s.Watermark()
			all := hourly(s, at.Add(time.Hour), 3)
			var withdrawn []devices.Decision
			for _, d := range of(all, devices.ClueDecision, "withdrawn") {
				if d.Subject == "h-2" {
					withdrawn = append(withdrawn, d)
				}
			}
			if !c.withdrawn {
				if len(withdrawn) > 0 {
					t.Errorf("withdrawn: %+v", withdrawn)
				}
				return
			}
			if len(withdrawn) != 1 {
				t.Fatalf("withdrawn %d times", len(withdrawn))
			}
			d := withdrawn[0]
			if d.Texts["reason"] != rules.Removed || d.Texts["clue"] != raised[i].ID || !d.At.Equal(at.Add(time.Hour)) || d.Severity != "none" {
				t.Errorf("withdrawn as %+v", d)
			}
			if p, before := d.Points[0], raised[i].Points[0]; p.Location != before.Location || p.Numbers["open"] != before.Numbers["open"]-1 {
				t.Errorf("it is counted as %+v, was raised as %+v", p, before)
			}
			for _, h := range s.View().Households {
				if h.ID == "h-2" {
					t.Error("it is still shown")
				}
			}
		})
	}
}

// TestAClueIsCountedWhereItWasRaised lets a household move and recover.
func TestAClueIsCountedWhereItWasRaised(t *testing.T) {
	s := rules.New(config(t))
	raised := of(season(t, s, &world{}, someHours, nil, nil), devices.ClueDecision, "raised")
	c := config(t)
	for i := range c.Plots {
		c.Plots[i].Place = "500119102001"
	}
	s.Configure(c)
	all := hourly(s, s.Watermark().Add(time.Hour), 1)
	s.Configure(without(c, true, "p-3"))
	all = append(all, hourly(s, s.Watermark().Add(time.Hour), 1)...)
	withdrawn := of(all, devices.ClueDecision, "withdrawn")
	if len(withdrawn) != 1 || withdrawn[0].Points[0].Location.Place != raised[0].Points[0].Location.Place || withdrawn[0].Points[0].Numbers["open"] != 0 {
		t.Errorf("withdrawn as %+v", withdrawn)
	}
}

// opened returns a site whose valve v-1 is opened by a rule, with the moment and the command.
func opened(t *testing.T, c rules.Config) (*rules.Site, *world, devices.Decision) {
	t.Helper()
	s, w := rules.New(c), &world{theta: 0.2}
	at := begin
	s.Tick(at)
	facts := w.hello(at.Add(time.Millisecond))
	for range 30 * 24 {
		at = at.Add(time.Hour)
		for _, f := range append(facts, w.live(at)...) {
			s.Add(f)
		}
		facts = nil
		for _, d := range s.Tick(at) {
			switch {
			case d.Command == nil:
			case d.Subject == "v-1" && d.Command.Action == devices.Open:
				for _, f := range w.obey(d)[:2] { // accepted, open; it has not closed yet
					s.Add(f)
				}
				s.Tick(at.Add(time.Minute))
				return s, w, d
			default:
				facts = append(facts, w.obey(d)...)
			}
		}
	}
	t.Fatal("v-1 is never opened")
	return nil, nil, devices.Decision{}
}

// TestAValveLeavesWhileItIsOpen takes a valve out of the registry while water
// runs: it is told to close until it says that it is closed, and what it gave is
// in the ledger. Where nothing is heard of it any more, its own timer counts.
func TestAValveLeavesWhileItIsOpen(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(rules.Config) rules.Config
		heard  bool // the device is declared still, and says that it has closed
	}{
		{"its plot stays", func(c rules.Config) rules.Config {
			c.Plots = slices.Clone(c.Plots)
			c.Plots[0].Valves = nil
			return c
		}, true},
		{"its plot leaves", func(c rules.Config) rules.Config {
			c = without(c, false, "p-1")
			return c
		}, true},
		{"it leaves with all", func(c rules.Config) rules.Config { return without(c, true, "p-1") }, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, w, open := opened(t, config(t))
			changed := c.change(config(t))
			s.Configure(changed)
			s = again(t, s, changed)
			if got := s.Leaving(); !slices.Equal(got, []devices.DeviceID{"v-1"}) {
				t.Fatalf("leaving are %v", got)
			}
			at := open.At.Add(2 * time.Minute)
			told := of(s.Tick(at), devices.CommandDecision, "close")
			if len(told) != 1 || told[0].Subject != "v-1" || told[0].Plot != "p-1" || told[0].Texts["reason"] != rules.Removed || told[0].Command.Action != devices.Close {
				t.Fatalf("told %+v", told)
			}
			var all []devices.Decision
			litres, closed := 812.5, at.Add(30*time.Second)
			if c.heard {
				w.seq++
				s.Add(devices.Fact{
					Kind: devices.ReportFact, At: closed, Device: "v-1", Location: devices.Location{Site: "sanquan"},
					Report: &devices.CommandReport{Command: told[0].Command.ID, State: devices.Closed, At: closed, Seq: w.seq, VolumeL: &litres},
				})
				all = s.Tick(at.Add(time.Minute))
			} else {
				minutes := 0
				for ; len(s.Leaving()) > 0 && minutes < 200; minutes++ {
					all = append(all, s.Tick(at.Add(time.Duration(minutes+1)*time.Minute))...)
				}
				if minutes < 120 || minutes > 123 {
					t.Errorf("it is given up after %d minutes, may be open for 120", minutes)
				}
			}
			if got := s.Leaving(); len(got) > 0 {
				t.Errorf("leaving are still %v", got)
			}
			outcome := "cancelled"
			if c.heard {
				outcome = "confirmed"
				ledger := slices.DeleteFunc(slices.Clone(all), func(d devices.Decision) bool { return d.Kind != devices.LedgerDecision })
				if len(ledger) != 1 || ledger[0].Plot != "p-1" || ledger[0].Numbers["delivered_l"] != litres || ledger[0].Points[0].Location.Plot != "p-1" {
					t.Errorf("the ledger has %+v", ledger)
				}
			}
			settled := map[string]bool{}
			for _, d := range all {
				if d.Kind == devices.CommandDecision && d.Command == nil {
					settled[d.Texts["command"]+" "+d.Outcome] = true
				}
			}
			if !settled[told[0].Command.ID+" "+outcome] {
				t.Errorf("what became of %s: %v", told[0].Command.ID, settled)
			}
			for _, d := range of(all, devices.CommandDecision, "open") {
				if d.Subject == "v-1" {
					t.Errorf("it is opened: %+v", d)
				}
			}
		})
	}
}

// TestAValveComesBack: it counts as what it was, and may be opened again.
func TestAValveComesBack(t *testing.T) {
	c := config(t)
	s, _, open := opened(t, c)
	s.Configure(without(c, false, "p-1"))
	s.Tick(open.At.Add(2 * time.Minute))
	s.Configure(c)
	i := slices.IndexFunc(s.View().Valves, func(v valve.Valve) bool { return v.Device == "v-1" })
	if v := s.View().Valves[i]; len(s.Leaving()) > 0 || v.Stopped || v.State != valve.Closing || v.Opening == nil {
		t.Errorf("it came back as %+v", v)
	}
}

// TestAPlotLeavesWhileItIsWatered: its watering is over by name.
func TestAPlotLeavesWhileItIsWatered(t *testing.T) {
	s, _, open := opened(t, config(t))
	s.Configure(without(config(t), true, "p-1"))
	stopped := of(s.Tick(open.At.Add(10*time.Minute)), devices.IrrigationDecision, "stop")
	if len(stopped) != 1 || stopped[0].Subject != "p-1" || stopped[0].Texts["reason"] != rules.Removed || stopped[0].Rule != "water_need" {
		t.Errorf("stopped: %+v", stopped)
	}
	for _, d := range of(hourly(s, open.At.Add(time.Hour), 5), devices.IrrigationDecision, "stop") {
		if d.Subject == "p-1" {
			t.Errorf("and again: %+v", d)
		}
	}
}

// TestAPlotLeavesThatWasAskedFor: whoever was told that it needs water, or that
// its valve stays shut, is told that this is over. The control keeps the plot.
func TestAPlotLeavesThatWasAskedFor(t *testing.T) {
	for _, leaves := range []bool{false, true} {
		s := rules.New(config(t))
		told := map[string]devices.Decision{} // by plot, of episodes that are not over
		for _, d := range season(t, s, &world{}, someHours, nil, nil) {
			if d.Kind != devices.IrrigationDecision {
				continue
			}
			switch d.Outcome {
			case rules.Advised, rules.KeptShut:
				told[d.Subject] = d
			case rules.Advised + rules.Over, rules.KeptShut + rules.Over:
				delete(told, d.Subject)
			}
		}
		begun, asked := told["p-3"]
		if !asked {
			t.Fatalf("nobody is asked for p-3: %v", told)
		}
		c := config(t)
		if leaves {
			c = without(c, true, "p-3")
		}
		s.Configure(c)
		s = again(t, s, c)
		var over []devices.Decision
		for _, d := range of(hourly(s, s.Watermark().Add(time.Hour), 3), devices.IrrigationDecision, begun.Outcome+rules.Over) {
			if d.Subject == "p-3" {
				over = append(over, d)
			}
		}
		switch {
		case !leaves && len(over) > 0:
			t.Errorf("the plot is there, and over is %+v", over)
		case leaves && (len(over) != 1 || over[0].Texts["episode"] != begun.ID || over[0].Texts["reason"] != rules.Removed || over[0].Rule != begun.Rule || over[0].Texts["raised_at"] == ""):
			t.Errorf("told %+v, over %+v", begun, over)
		}
	}
}

// TestAValveLeavesBeforeItsWordIsHeard: a person opens it, it leaves, and only then
// the rules come to that time. It counts as closed until then, and stays all the same.
func TestAValveLeavesBeforeItsWordIsHeard(t *testing.T) {
	c := config(t)
	c.Lateness = 10 * time.Minute
	for _, opens := range []bool{false, true} {
		s := rules.New(c)
		at := begin.Add(time.Hour)
		here := devices.Location{Site: "sanquan"}
		say := func(after time.Duration, command string, state devices.CommandState, seq int64) {
			s.Add(devices.Fact{
				Kind: devices.ReportFact, At: at.Add(after), Device: "v-1", Location: here,
				Report: &devices.CommandReport{Command: command, State: state, At: at.Add(after), Seq: seq},
			})
		}
		s.Tick(begin)
		say(-40*time.Minute, "", devices.Closed, 1)
		s.Tick(at)
		if opens {
			command := devices.Command{ID: "person-v-1", Seq: at.UnixMilli(), Action: devices.Open, MaxDurationS: 3600, ExpiresAt: at.Add(time.Minute)}
			s.Add(devices.Fact{Kind: devices.ActFact, At: at, Act: &devices.Act{ID: command.ID, At: at, Action: devices.OpenAct, By: "farmer", Valve: "v-1", Command: &command}})
		}
		changed := without(c, true, "p-1")
		s.Configure(changed)
		s = again(t, s, changed)
		if opens {
			say(time.Second, "person-v-1", devices.Accepted, 2)
			say(2*time.Second, "person-v-1", devices.Opened, 3)
		}
		var all []devices.Decision
		for m := range 15 {
			all = append(all, s.Tick(at.Add(time.Duration(m+1)*time.Minute))...)
		}
		told := 0
		for _, d := range of(all, devices.CommandDecision, "close") {
			if d.Subject == "v-1" && d.Command != nil {
				told++
			}
		}
		if got := s.Leaving(); opens != slices.Contains(got, "v-1") || opens != (told > 0) {
			t.Errorf("opened: %t; it is told to close %d times, leaving are %v", opens, told, got)
		}
	}
}
