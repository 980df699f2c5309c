package irrigate_test

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"ganlin/rules/irrigate"
)

// thirsty is a plot of 3 mu, 2000 m2, that may be watered at once: 50 mm are
// missing of a RAW of 45.
func thirsty() irrigate.Input {
	return irrigate.Input{
		Rule:        irrigate.Rule{TriggerOfRAW: 1, MinimumMM: 3, Efficiency: 0.75, FromHour: 20, ToHour: 6},
		DepletionMM: new(50.0), RAWMM: 45, TAWMM: 100, DaysLeft: 60, AreaM2: 2000, Valves: []irrigate.Valve{{MaxDurationS: 7200}}, LocalHour: 22,
		Interlocks: irrigate.Interlocks{Frost: irrigate.Clear, Wind: irrigate.Clear, Rain: irrigate.Clear},
	}
}

func TestDecisions(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*irrigate.Input)
		want   irrigate.Decision
		netMM  float64
	}{
		"as it is":        {func(*irrigate.Input) {}, irrigate.Water, 50},
		"room for rain":   {func(in *irrigate.Input) { in.Rule.KeepRoomMM = 12 }, irrigate.Water, 38},
		"room as a share": {func(in *irrigate.Input) { in.Rule.KeepRoomMM, in.Rule.KeepRoomOfRAW = 12, 0.4 }, irrigate.Water, 32},
		"few roots": {func(in *irrigate.Input) {
			in.Rule.KeepRoomMM, in.DepletionMM, in.RAWMM, in.TAWMM = 20, new(17.0), 13, 22
		}, irrigate.Water, 4},
		"wet enough":                   {func(in *irrigate.Input) { in.DepletionMM = new(45.0) }, irrigate.NoNeed, 0},
		"wet, but begun":               {func(in *irrigate.Input) { in.DepletionMM, in.Irrigating = new(20.0), true }, irrigate.Water, 20},
		"begun and done":               {func(in *irrigate.Input) { in.DepletionMM, in.Irrigating = new(2.0), true }, irrigate.NoNeed, 0},
		"a later trigger":              {func(in *irrigate.Input) { in.Rule.TriggerOfRAW = 1.2 }, irrigate.NoNeed, 0},
		"an earlier trigger":           {func(in *irrigate.Input) { in.Rule.TriggerOfRAW, in.DepletionMM = 0.5, new(30.0) }, irrigate.Water, 30},
		"more room than need":          {func(in *irrigate.Input) { in.Rule.KeepRoomMM, in.TAWMM = 60, 150 }, irrigate.TooLittle, 0},
		"soil unknown":                 {func(in *irrigate.Input) { in.DepletionMM = nil }, irrigate.UnknownSoil, 0},
		"soil no number":               {func(in *irrigate.Input) { in.DepletionMM = new(math.NaN()) }, irrigate.UnknownSoil, 0},
		"soil unknown while it waters": {func(in *irrigate.Input) { in.DepletionMM, in.Irrigating = nil, true }, irrigate.UnknownSoil, 0},
		"frost unknown":                {func(in *irrigate.Input) { in.Interlocks.Frost = irrigate.NotKnown }, irrigate.UnknownWeather, 50},
		"wind unknown":                 {func(in *irrigate.Input) { in.Interlocks.Wind = irrigate.NotKnown }, irrigate.UnknownWeather, 50},
		"rain unknown":                 {func(in *irrigate.Input) { in.Interlocks.Rain = irrigate.NotKnown }, irrigate.UnknownWeather, 50},
		"frost":                        {func(in *irrigate.Input) { in.Interlocks.Frost = irrigate.Holds }, irrigate.Frost, 50},
		"wind":                         {func(in *irrigate.Input) { in.Interlocks.Wind = irrigate.Holds }, irrigate.Wind, 50},
		"rain":                         {func(in *irrigate.Input) { in.Interlocks.Rain = irrigate.Holds }, irrigate.Rain, 50},
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
		"often enough":                 {func(in *irrigate.Input) { in.Rule.StartsPerDay, in.Spent.Starts = 4, 4 }, irrigate.Starts, 50},
		"once more":                    {func(in *irrigate.Input) { in.Rule.StartsPerDay, in.Spent.Starts = 4, 3 }, irrigate.Water, 50},
		"the day's water spent":        {func(in *irrigate.Input) { in.Rule.DayMM, in.Spent.DayL = 60, 120_000 }, irrigate.Budget, 50},
		"the season's water spent":     {func(in *irrigate.Input) { in.Rule.SeasonMM, in.Spent.SeasonL = 400, 799_000 }, irrigate.Budget, 50},
		"water for a while":            {func(in *irrigate.Input) { in.Rule.SeasonMM, in.Spent.SeasonL = 400, 790_000 }, irrigate.Water, 50},
		"no valve that may":            {func(in *irrigate.Input) { in.Valves[0].MaxDurationS = 0 }, irrigate.NoLease, 50},
		"no valve that may, by flow":   {func(in *irrigate.Input) { in.Valves[0] = irrigate.Valve{FlowLPM: 50, Metered: true} }, irrigate.NoLease, 50},
		"no valve":                     {func(in *irrigate.Input) { in.Valves = nil }, irrigate.NoLease, 50},
	} {
		in := thirsty()
		c.change(&in)
		plan, got := irrigate.Need(in)
		if got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
		if want := c.netMM; (want > 0 || got == irrigate.NoNeed) && (math.Abs(plan.NetMM-want) > 1e-9 || math.Abs(plan.GrossMM-want/0.75) > 1e-9) {
			t.Errorf("%s: net %g mm, gross %g, want net %g", name, plan.NetMM, plan.GrossMM, want)
		}
		if opens := len(plan.Leases) > 0; opens != (got == irrigate.Water) {
			t.Errorf("%s: %s with %+v", name, got, plan.Leases)
		}
	}
}

// A lease is as much as the depth needs, and as long as that takes and a quarter longer.
func TestLeases(t *testing.T) {
	const need = 50 / 0.75 * 2000
	valves := func(v ...irrigate.Valve) func(*irrigate.Input) { return func(in *irrigate.Input) { in.Valves = v } }
	for name, c := range map[string]struct {
		change func(*irrigate.Input)
		want   []irrigate.Lease
	}{
		"ten minutes, to begin with":  {func(*irrigate.Input) {}, []irrigate.Lease{{10_000, 600}}},
		"time by the flow":            {valves(irrigate.Valve{Metered: true, FlowLPM: 2000, MaxDurationS: 7200}), []irrigate.Lease{{need, 5000}}},
		"longer than it may":          {valves(irrigate.Valve{Metered: true, FlowLPM: 1200, MaxDurationS: 7200}), []irrigate.Lease{{need, 7200}}},
		"volume by the flow":          {valves(irrigate.Valve{Metered: true, FlowLPM: 100, MaxDurationS: 7200}), []irrigate.Lease{{12000, 7200}}},
		"volume by the valve":         {valves(irrigate.Valve{Metered: true, FlowLPM: 100, MaxVolumeL: 6000, MaxDurationS: 7200}), []irrigate.Lease{{6000, 4500}}},
		"by time alone":               {valves(irrigate.Valve{FlowLPM: 2000, MaxDurationS: 7200}), []irrigate.Lease{{need, 4000}}},
		"less, and no flow is known":  {valves(irrigate.Valve{MaxVolumeL: 6000, MaxDurationS: 7200}), []irrigate.Lease{{6000, 360}}},
		"short, and no flow is known": {valves(irrigate.Valve{MaxDurationS: 60}), []irrigate.Lease{{1000, 60}}},
		"two share it": {
			valves(irrigate.Valve{Metered: true, FlowLPM: 2000, MaxDurationS: 7200}, irrigate.Valve{Metered: true, FlowLPM: 1000, MaxDurationS: 7200}),
			[]irrigate.Lease{{need / 2, 2500}, {need / 2, 5000}},
		},
		"what is left of the day": {
			func(in *irrigate.Input) {
				in.Rule.DayMM, in.Spent.DayL, in.Valves[0].FlowLPM, in.Valves[0].Metered = 10, 11_000, 100, true
			},
			[]irrigate.Lease{{9000, 6750}},
		},
	} {
		in := thirsty()
		c.change(&in)
		plan, decision := irrigate.Need(in)
		if decision != irrigate.Water || len(plan.Leases) != len(c.want) {
			t.Errorf("%s: %s, %+v", name, decision, plan)
			continue
		}
		for i, want := range c.want {
			if got := plan.Leases[i]; math.Abs(got.VolumeL-want.VolumeL) > 1e-6 || got.DurationS != want.DurationS {
				t.Errorf("%s: %+v, want %+v", name, got, want)
			}
		}
	}
}

// Openings that the valve cuts short follow one another until the need is met, and never pass the depletion.
func TestOpeningsMeetTheNeed(t *testing.T) {
	in := thirsty()
	in.Valves[0].MaxVolumeL, in.Valves[0].FlowLPM = 20000, 200
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
		in.DepletionMM = new(*in.DepletionMM - plan.Leases[0].VolumeL/2000*in.Rule.Efficiency)
	}
	if left := *in.DepletionMM - in.Rule.KeepRoomMM; openings != 6 || left < -1e-9 || left >= in.Rule.MinimumMM {
		t.Errorf("%d openings leave %g mm", openings, left)
	}
}

// Whatever is missing or wrong, nothing opens against an interlock that is not
// known to be free, and no opening passes a budget, a valve's limit or the need.
func TestNothingOpensThatMayNot(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		number := func(name string, most float64) float64 { return rapid.Float64Range(0, most).Draw(t, name) }
		lock := func(name string) irrigate.Interlock { return irrigate.Interlock(rapid.IntRange(0, 2).Draw(t, name)) }
		in := irrigate.Input{
			Rule: irrigate.Rule{
				TriggerOfRAW: number("trigger", 2), KeepRoomMM: number("room", 60), MinimumMM: number("minimum", 10), Efficiency: 0.3 + number("efficiency", 0.7),
				FromHour: rapid.IntRange(0, 23).Draw(t, "from"), ToHour: rapid.IntRange(0, 23).Draw(t, "to"), StopDays: rapid.IntRange(0, 20).Draw(t, "stop"),
				StartsPerDay: rapid.IntRange(0, 4).Draw(t, "most starts"), DayMM: number("day", 40), SeasonMM: number("season", 400),
			},
			RAWMM: number("raw", 80), TAWMM: 80 + number("taw", 80), Irrigating: rapid.Bool().Draw(t, "irrigating"), DaysLeft: rapid.IntRange(-5, 60).Draw(t, "left"), AreaM2: number("area", 5000),
			Spent:     irrigate.Spent{DayL: number("spent", 200_000), SeasonL: number("spent before", 2_000_000), Starts: rapid.IntRange(0, 5).Draw(t, "starts")},
			LocalHour: rapid.IntRange(0, 23).Draw(t, "hour"), Interlocks: irrigate.Interlocks{Frost: lock("frost"), Wind: lock("wind"), Rain: lock("rain")},
		}
		if rapid.IntRange(0, 5).Draw(t, "soil") > 0 {
			in.DepletionMM = new(number("depletion", 150))
		}
		for range rapid.IntRange(0, 3).Draw(t, "valves") {
			in.Valves = append(in.Valves, irrigate.Valve{FlowLPM: float64(rapid.IntRange(0, 3).Draw(t, "known")) * number("flow", 200), Metered: rapid.Bool().Draw(t, "metered"), MaxVolumeL: number("volume", 40_000), MaxDurationS: rapid.IntRange(0, 7200).Draw(t, "longest")})
		}
		plan, decision := irrigate.Need(in)
		if decision != irrigate.Water {
			if plan.Leases != nil {
				t.Fatalf("%s, and %+v", decision, plan)
			}
			return
		}
		free := irrigate.Interlocks{Frost: irrigate.Clear, Wind: irrigate.Clear, Rain: irrigate.Clear}
		sum := 0.0
		for i, l := range plan.Leases {
			v := in.Valves[i]
			sum += l.VolumeL
			if l.DurationS > v.MaxDurationS || v.MaxVolumeL > 0 && l.VolumeL > v.MaxVolumeL {
				t.Fatalf("%+v of %+v", l, v)
			}
			if v.FlowLPM == 0 && (l.DurationS > irrigate.TrialS || float64(l.DurationS-1)*irrigate.UnknownLPM/60 > l.VolumeL) {
				t.Fatalf("%+v, and nobody knows the flow", l)
			}
			if v.FlowLPM > 0 && l.DurationS < v.MaxDurationS && float64(l.DurationS)*v.FlowLPM/60 > irrigate.Margin*l.VolumeL+v.FlowLPM/60 {
				t.Fatalf("%+v is longer than it needs at %g L/min", l, v.FlowLPM)
			}
		}
		over := func(mostMM, spentL float64) bool { return mostMM > 0 && sum+spentL > mostMM*in.AreaM2+1e-6 }
		switch r := in.Rule; {
		case in.DepletionMM == nil, in.Interlocks != free, in.DaysLeft <= r.StopDays:
			t.Fatalf("it opens: %+v", in)
		case over(r.DayMM, in.Spent.DayL), over(r.SeasonMM, in.Spent.SeasonL), r.StartsPerDay > 0 && in.Spent.Starts >= r.StartsPerDay:
			t.Fatalf("it passes its budget: %+v, %+v", in, plan)
		case sum > *in.DepletionMM/r.Efficiency*in.AreaM2+1e-6:
			t.Fatalf("%g L for %g mm on %g m2", sum, *in.DepletionMM, in.AreaM2)
		}
	})
}
