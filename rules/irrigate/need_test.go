package irrigate_test

import (
	"math"
	"testing"

	"ganlin/rules/irrigate"
)

// thirsty is a plot of 3 mu, 2000 m2, that may be watered at once: 50 mm are
// missing of a RAW of 45.
func thirsty() irrigate.Input {
	rule := irrigate.DefaultRule()
	rule.FromHour, rule.ToHour = 20, 6
	return irrigate.Input{
		Rule: rule, DepletionMM: new(50.0), RAWMM: 45, DaysLeft: 60,
		AreaMu: 3, ValveMaxDurationS: 7200, LocalHour: 22,
		Frost: irrigate.Clear, Wind: irrigate.Clear, Rain: irrigate.Clear,
	}
}

func TestDecisions(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*irrigate.Input)
		want   irrigate.Decision
		netMM  float64
	}{
		"as it is":                     {func(*irrigate.Input) {}, irrigate.Water, 50},
		"room for rain":                {func(in *irrigate.Input) { in.Rule.KeepRoomMM = 12 }, irrigate.Water, 38},
		"wet enough":                   {func(in *irrigate.Input) { in.DepletionMM = new(45.0) }, irrigate.NoNeed, 0},
		"wet, but begun":               {func(in *irrigate.Input) { in.DepletionMM, in.Irrigating = new(20.0), true }, irrigate.Water, 20},
		"begun and done":               {func(in *irrigate.Input) { in.DeliveredMM, in.Irrigating = 48, true }, irrigate.NoNeed, 0},
		"rain since":                   {func(in *irrigate.Input) { in.DeliveredMM = 10 }, irrigate.NoNeed, 0},
		"a later trigger":              {func(in *irrigate.Input) { in.Rule.TriggerOfRAW = 1.2 }, irrigate.NoNeed, 0},
		"an earlier trigger":           {func(in *irrigate.Input) { in.Rule.TriggerOfRAW, in.DepletionMM = 0.5, new(30.0) }, irrigate.Water, 30},
		"more room than need":          {func(in *irrigate.Input) { in.Rule.KeepRoomMM = 60 }, irrigate.NoNeed, 0},
		"soil unknown":                 {func(in *irrigate.Input) { in.DepletionMM = nil }, irrigate.UnknownSoil, 0},
		"soil no number":               {func(in *irrigate.Input) { in.DepletionMM = new(math.NaN()) }, irrigate.UnknownSoil, 0},
		"soil unknown while it waters": {func(in *irrigate.Input) { in.DepletionMM, in.Irrigating = nil, true }, irrigate.UnknownSoil, 0},
		"frost unknown":                {func(in *irrigate.Input) { in.Frost = irrigate.NotKnown }, irrigate.UnknownWeather, 50},
		"wind unknown":                 {func(in *irrigate.Input) { in.Wind = irrigate.NotKnown }, irrigate.UnknownWeather, 50},
		"rain unknown":                 {func(in *irrigate.Input) { in.Rain = irrigate.NotKnown }, irrigate.UnknownWeather, 50},
		"frost":                        {func(in *irrigate.Input) { in.Frost = irrigate.Holds }, irrigate.Frost, 50},
		"wind":                         {func(in *irrigate.Input) { in.Wind = irrigate.Holds }, irrigate.Wind, 50},
		"rain":                         {func(in *irrigate.Input) { in.Rain = irrigate.Holds }, irrigate.Rain, 50},
		"noon":                         {func(in *irrigate.Input) { in.LocalHour = 12 }, irrigate.Window, 50},
		"after midnight":               {func(in *irrigate.Input) { in.LocalHour = 5 }, irrigate.Water, 50},
		"at the end of the window":     {func(in *irrigate.Input) { in.LocalHour = 6 }, irrigate.Window, 50},
		"a window by day":              {func(in *irrigate.Input) { in.Rule.FromHour, in.Rule.ToHour = 6, 10 }, irrigate.Window, 50},
		"always":                       {func(in *irrigate.Input) { in.Rule.FromHour, in.Rule.ToHour, in.LocalHour = 0, 0, 13 }, irrigate.Water, 50},
		"harvested":                    {func(in *irrigate.Input) { in.DaysLeft = 0 }, irrigate.SeasonOver, 0},
		"the last days":                {func(in *irrigate.Input) { in.DaysLeft, in.Rule.StopDays = 10, 10 }, irrigate.SeasonOver, 0},
		"the day before them":          {func(in *irrigate.Input) { in.DaysLeft, in.Rule.StopDays = 11, 10 }, irrigate.Water, 50},
		"no more than until harvest":   {func(in *irrigate.Input) { in.RemainingMM = new(20.0) }, irrigate.Water, 25},
		"harvest is too near":          {func(in *irrigate.Input) { in.RemainingMM, in.DepletionMM = new(2.0), new(45.5) }, irrigate.SeasonOver, 0},
		"budget spent":                 {func(in *irrigate.Input) { in.BudgetL = new(0.0) }, irrigate.Budget, 50},
		"budget for a drop":            {func(in *irrigate.Input) { in.BudgetL = new(100.0) }, irrigate.Budget, 50},
		"no valve that may":            {func(in *irrigate.Input) { in.ValveMaxDurationS = 0 }, irrigate.NoLease, 50},
		"no valve that may, by flow":   {func(in *irrigate.Input) { in.ValveMaxDurationS, in.FlowLPM = 0, new(50.0) }, irrigate.NoLease, 50},
	} {
		in := thirsty()
		c.change(&in)
		plan, got := irrigate.Need(in)
		if got != c.want || plan.Reason != string(got) {
			t.Errorf("%s: %s (reason %s), want %s", name, got, plan.Reason, c.want)
		}
		if want := c.netMM; (want > 0 || got == irrigate.NoNeed) && (math.Abs(plan.NetMM-want) > 1e-9 || math.Abs(plan.GrossMM-want/0.75) > 1e-9) {
			t.Errorf("%s: net %g mm, gross %g, want net %g", name, plan.NetMM, plan.GrossMM, want)
		}
		if opens := plan.VolumeL > 0 && plan.MaxDurationS > 0; opens != (got == irrigate.Water) {
			t.Errorf("%s: %s with %g L in %d s", name, got, plan.VolumeL, plan.MaxDurationS)
		}
	}
}

func TestOneOpening(t *testing.T) {
	for name, c := range map[string]struct {
		change  func(*irrigate.Input)
		volumeL float64
		seconds int
	}{
		"all, by the longest time": {func(*irrigate.Input) {}, 50 / 0.75 * 2000, 7200},
		"time by the flow":         {func(in *irrigate.Input) { in.FlowLPM = new(2000.0) }, 50 / 0.75 * 2000, 4000},
		"volume by the flow":       {func(in *irrigate.Input) { in.FlowLPM = new(100.0) }, 12000, 7200},
		"volume by the valve":      {func(in *irrigate.Input) { in.ValveMaxVolumeL, in.FlowLPM = 6000, new(100.0) }, 6000, 3600},
		"volume by the budget":     {func(in *irrigate.Input) { in.BudgetL, in.FlowLPM = new(9000.0), new(100.0) }, 9000, 5400},
		"a flow of nothing":        {func(in *irrigate.Input) { in.FlowLPM, in.ValveMaxVolumeL = new(0.0), 6000 }, 6000, 7200},
	} {
		in := thirsty()
		c.change(&in)
		plan, decision := irrigate.Need(in)
		if decision != irrigate.Water || math.Abs(plan.VolumeL-c.volumeL) > 1e-6 || plan.MaxDurationS != c.seconds {
			t.Errorf("%s: %s, %g L in %d s, want %g L in %d s", name, decision, plan.VolumeL, plan.MaxDurationS, c.volumeL, c.seconds)
		}
	}
}

// Openings that the valve cuts short follow one another until the need is met, and never pass the depletion.
func TestOpeningsMeetTheNeed(t *testing.T) {
	in := thirsty()
	in.ValveMaxVolumeL, in.FlowLPM = 20000, new(200.0)
	in.Rule.KeepRoomMM = 5
	openings := 0
	for {
		plan, decision := irrigate.Need(in)
		if decision == irrigate.NoNeed {
			break
		}
		if decision != irrigate.Water || openings > 20 {
			t.Fatalf("opening %d: %s", openings, decision)
		}
		openings++
		in.Irrigating = true
		in.DeliveredMM += plan.VolumeL / 2000 * in.Rule.Efficiency
	}
	if left := *in.DepletionMM - in.DeliveredMM - in.Rule.KeepRoomMM; openings != 6 || left < -1e-9 || left >= in.Rule.MinimumMM {
		t.Errorf("%d openings leave %g mm", openings, left)
	}
}

func TestRules(t *testing.T) {
	if err := irrigate.DefaultRule().Validate(); err != nil {
		t.Error(err)
	}
	for name, change := range map[string]func(*irrigate.Rule){
		"no trigger":        func(r *irrigate.Rule) { r.TriggerOfRAW = 0 },
		"trigger no number": func(r *irrigate.Rule) { r.TriggerOfRAW = math.NaN() },
		"room below 0":      func(r *irrigate.Rule) { r.KeepRoomMM = -1 },
		"minimum below 0":   func(r *irrigate.Rule) { r.MinimumMM = -1 },
		"efficiency 0":      func(r *irrigate.Rule) { r.Efficiency = 0 },
		"efficiency in %":   func(r *irrigate.Rule) { r.Efficiency = 75 },
		"hour 24":           func(r *irrigate.Rule) { r.ToHour = 24 },
		"days below 0":      func(r *irrigate.Rule) { r.StopDays = -1 },
	} {
		rule := irrigate.DefaultRule()
		change(&rule)
		if rule.Validate() == nil {
			t.Errorf("%s is allowed", name)
		}
	}
}
