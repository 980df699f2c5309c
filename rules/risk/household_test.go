package risk_test

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"ganlin/devices"
	"ganlin/rules/risk"
)

var start = time.Date(2026, 6, 30, 16, 0, 0, 0, time.UTC)

func day(n int) time.Time { return start.AddDate(0, 0, n) }

// plot is one with a loss and a range of 0.05 to both sides.
func plot(id devices.PlotID, areaMu, loss float64) risk.PlotLoss {
	low, mid, high := max(0, loss-0.05), loss, min(1, loss+0.05)
	return risk.PlotLoss{Plot: id, AreaMu: areaMu, Crop: "maize_grain", Ky: 1.25, LossLow: &low, LossMid: &mid, LossHigh: &high, Stage: "mid", Probed: true}
}

func unknown(id devices.PlotID, areaMu float64) risk.PlotLoss {
	return risk.PlotLoss{Plot: id, AreaMu: areaMu, Crop: "maize_grain", Ky: 1.25}
}

const silent = -1 // a day on which nobody knows

func plots(loss float64) []risk.PlotLoss {
	if loss == silent {
		return []risk.PlotLoss{unknown("p-1", 2)}
	}
	return []risk.PlotLoss{plot("p-1", 2, loss)}
}

// days repeats a loss.
func days(n int, loss float64) []float64 { return slices.Repeat([]float64{loss}, n) }

func TestHousehold(t *testing.T) {
	type event struct {
		Day        int
		Transition risk.Transition
		Level      risk.Level
	}
	for name, c := range map[string]struct {
		losses []float64
		want   []event
		level  risk.Level
	}{
		"a good year":                     {days(60, 0.05), nil, "none"},
		"five days raise it":              {days(5, 0.15), []event{{4, "raised", "blue"}}, "blue"},
		"four do not":                     {slices.Concat(days(4, 0.3), days(1, 0.1), days(4, 0.3)), nil, "none"},
		"raised as all five days bear":    {[]float64{0.2, 0.3, 0.5, 0.5, 0.5}, []event{{4, "raised", "blue"}}, "blue"},
		"then updated after three":        {[]float64{0.2, 0.3, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5}, []event{{4, "raised", "blue"}, {7, "updated", "orange"}}, "orange"},
		"a peak of two days updates not":  {slices.Concat(days(5, 0.2), days(2, 0.7), days(9, 0.2)), []event{{4, "raised", "blue"}}, "blue"},
		"a level is left well below it":   {slices.Concat(days(5, 0.42), days(9, 0.3), days(3, 0.27)), []event{{4, "raised", "orange"}, {16, "updated", "yellow"}}, "yellow"},
		"down to what all days bear":      {slices.Concat(days(5, 0.8), []float64{0.3, 0.2, 0.2}), []event{{4, "raised", "red"}, {7, "updated", "yellow"}}, "yellow"},
		"around a threshold nothing flap": {slices.Concat(days(5, 0.26), []float64{0.24, 0.26, 0.24, 0.24, 0.24, 0.26, 0.2, 0.2, 0.2, 0.2}), []event{{4, "raised", "yellow"}}, "yellow"},
		"it stays though rain came":       {slices.Concat(days(5, 0.2), days(30, 0.11)), []event{{4, "raised", "blue"}}, "blue"},
		"five good days withdraw it":      {slices.Concat(days(5, 0.2), days(4, 0.1), days(1, 0.11), days(5, 0.1)), []event{{4, "raised", "blue"}, {14, "withdrawn", "none"}}, "none"},
		"withdrawn from red at once":      {slices.Concat(days(5, 0.8), days(5, 0)), []event{{4, "raised", "red"}, {9, "withdrawn", "none"}}, "none"},
		"two episodes":                    {slices.Concat(days(5, 0.2), days(5, 0), days(5, 0.2)), []event{{4, "raised", "blue"}, {9, "withdrawn", "none"}, {14, "raised", "blue"}}, "blue"},

		"silence raises nothing":              {days(30, silent), nil, "unknown"},
		"a silent day is not counted":         {slices.Concat(days(3, 0.2), days(2, silent), days(2, 0.2)), []event{{6, "raised", "blue"}}, "blue"},
		"a long silence starts anew":          {slices.Concat(days(4, 0.2), days(5, silent), days(1, 0.2)), nil, "none"},
		"silence is unknown, not fine":        {slices.Concat(days(9, 0.01), days(1, silent)), nil, "unknown"},
		"silence withdraws nothing":           {slices.Concat(days(5, 0.7), days(30, silent)), []event{{4, "raised", "red"}, {7, "updated", "unknown"}}, "unknown"},
		"two silent days leave the level":     {slices.Concat(days(5, 0.7), days(2, silent)), []event{{4, "raised", "red"}}, "red"},
		"a clue comes back from silence":      {slices.Concat(days(5, 0.7), days(9, silent), days(3, 0.3)), []event{{4, "raised", "red"}, {7, "updated", "unknown"}, {16, "updated", "yellow"}}, "yellow"},
		"and is withdrawn when known to be":   {slices.Concat(days(5, 0.7), days(9, silent), days(5, 0.01)), []event{{4, "raised", "red"}, {7, "updated", "unknown"}, {18, "withdrawn", "none"}}, "none"},
		"back from silence at the lowest one": {slices.Concat(days(5, 0.7), days(9, silent), days(3, 0.12)), []event{{4, "raised", "red"}, {7, "updated", "unknown"}, {16, "updated", "blue"}}, "blue"},
	} {
		t.Run(name, func(t *testing.T) {
			h := risk.Household{ID: "h-1"}
			var got []event
			var last risk.Clue
			for n, loss := range c.losses {
				clue, transition := h.Day(day(n), plots(loss), risk.DefaultLevels())
				if transition != risk.Unchanged {
					got = append(got, event{n, transition, clue.Level})
				}
				last = clue
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("events (-want +got):\n%s", diff)
			}
			if last.Level != c.level {
				t.Errorf("the level is %s, want %s", last.Level, c.level)
			}
		})
	}
}

func TestClue(t *testing.T) {
	irrigated := plot("p-3", 1, 0.1)
	irrigated.Irrigated = true
	all := []risk.PlotLoss{irrigated, plot("p-1", 3, 0.4), unknown("p-2", 1)}
	h := risk.Household{ID: "h-7"}
	var clue risk.Clue
	for n := range 5 {
		clue, _ = h.Day(day(n), all, risk.DefaultLevels())
	}
	want := risk.Clue{
		Household: "h-7", Episode: 1, Open: true, Since: day(4), Level: risk.Yellow, Cause: risk.Drought,
		Loss: clue.Loss, Confidence: risk.Medium, Plots: []risk.PlotLoss{all[1], all[2], all[0]}, Unknown: []devices.PlotID{"p-2"},
	}
	if diff := cmp.Diff(want, clue); diff != "" {
		t.Errorf("the clue (-want +got):\n%s", diff)
	}
	if all[0].Plot != "p-3" {
		t.Error("the caller's plots were sorted")
	}
	if got := clue.Loss; !near(got.Low, (3*0.35+0.05)/5) || !near(*got.Mid, (3*0.4+0.1)/4) || !near(got.High, (3*0.45+0.15+1)/5) {
		t.Errorf("the range is %g, %g, %g", got.Low, *got.Mid, got.High)
	}

	again, transition := h.Day(day(4), plots(0), risk.DefaultLevels())
	if transition != risk.Unchanged || again.Level != risk.Yellow || h.Clear.Days != 0 {
		t.Errorf("a day counts twice: %s, %s", transition, again.Level)
	}
	none := risk.Household{ID: "h-8"}
	if clue, transition := none.Day(day(0), nil, risk.DefaultLevels()); clue.Level != risk.Unknown || transition != risk.Unchanged || clue.Loss.Mid != nil || clue.Loss.High != 1 {
		t.Errorf("without plots: %+v", clue)
	}
	if clue, _ := none.Day(day(1), []risk.PlotLoss{plot("p-1", 0, 0.9)}, risk.DefaultLevels()); clue.Level != risk.Unknown {
		t.Errorf("a plot without an area has level %s", clue.Level)
	}
}

func TestConfidence(t *testing.T) {
	guessed := func(p risk.PlotLoss) risk.PlotLoss { p.Probed = false; return p }
	wide := plot("p-1", 1, 0.3)
	wide.LossHigh = new(0.75)
	wider := plot("p-1", 1, 0.3)
	wider.LossHigh = new(0.45)
	for name, c := range map[string]struct {
		plots []risk.PlotLoss
		want  risk.Confidence
	}{
		"all probed":                {[]risk.PlotLoss{plot("p-1", 1, 0.3), plot("p-2", 1, 0.3)}, risk.High},
		"two thirds probed":         {[]risk.PlotLoss{plot("p-1", 2, 0.3), guessed(plot("p-2", 1, 0.3))}, risk.High},
		"half probed":               {[]risk.PlotLoss{plot("p-1", 1, 0.3), guessed(plot("p-2", 1, 0.3))}, risk.Medium},
		"none probed":               {[]risk.PlotLoss{guessed(plot("p-1", 1, 0.3))}, risk.Low},
		"a range of 0.2":            {[]risk.PlotLoss{wider}, risk.Medium},
		"a range of 0.5":            {[]risk.PlotLoss{wide}, risk.Low},
		"a small plot is unknown":   {[]risk.PlotLoss{plot("p-1", 9, 0.3), unknown("p-2", 1)}, risk.Medium},
		"half of it is unknown":     {[]risk.PlotLoss{plot("p-1", 1, 0.3), unknown("p-2", 1)}, risk.Low},
		"nothing is known":          {[]risk.PlotLoss{unknown("p-1", 1)}, risk.Low},
		"a plot without a low loss": {[]risk.PlotLoss{{Plot: "p-1", AreaMu: 1, LossMid: new(0.5), LossHigh: new(0.6), Probed: true}}, risk.Low},
	} {
		h := risk.Household{}
		if clue, _ := h.Day(day(0), c.plots, risk.DefaultLevels()); clue.Confidence != c.want {
			t.Errorf("%s: confidence is %s, want %s", name, clue.Confidence, c.want)
		}
	}
}

// Whatever the season: one raise an episode; each change is borne out by the
// days before it; silence alone changes no colour; a snapshot changes nothing.
func TestHouseholdProperties(t *testing.T) {
	table := risk.DefaultLevels()
	rapid.Check(t, func(t *rapid.T) {
		losses := rapid.SliceOfN(rapid.SampledFrom([]float64{silent, 0, 0.1, 0.12, 0.16, 0.26, 0.3, 0.45, 0.7}), 1, 30).Draw(t, "losses")
		repeat := rapid.SliceOfN(rapid.IntRange(1, 8), len(losses), len(losses)).Draw(t, "days")
		var season []float64
		for i, loss := range losses {
			season = append(season, days(repeat[i], loss)...)
		}
		one, other := risk.Household{ID: "h-1"}, risk.Household{ID: "h-1"}
		open, episodes, changed := false, 0, -100
		var known []float64 // so far
		for n, loss := range season {
			if loss != silent {
				known = append(known, loss)
			}
			clue, transition := one.Day(day(n), plots(loss), table)
			same, sameTransition := other.Day(day(n), plots(loss), table)
			if diff := cmp.Diff(clue, same); diff != "" || transition != sameTransition {
				t.Fatalf("day %d: a snapshot changes %s to %s:\n%s", n, transition, sameTransition, diff)
			}
			other = again(t, other)

			all := func(days int, ok func(float64) bool) bool {
				return len(known) >= days && !slices.ContainsFunc(known[len(known)-days:], func(l float64) bool { return !ok(l) })
			}
			switch transition {
			case risk.Raised:
				if open || !all(table.HoldDays, func(l float64) bool { return l >= table.Blue }) {
					t.Fatalf("day %d: raised, open %v, after %v", n, open, known)
				}
				open, episodes = true, episodes+1
			case risk.Withdrawn:
				if !open || !all(table.WithdrawDays, func(l float64) bool { return l < table.Release*table.Blue }) {
					t.Fatalf("day %d: withdrawn, open %v, after %v", n, open, known)
				}
				open = false
			case risk.Updated:
				if !open || n-changed < table.LevelDays {
					t.Fatalf("day %d: updated, open %v, %d days after the last change", n, open, n-changed)
				}
				if (clue.Level == risk.Unknown) != (loss == silent) {
					t.Fatalf("day %d: updated to %s at %g", n, clue.Level, loss)
				}
			}
			if transition != risk.Unchanged {
				changed = n
			}
			if clue.Open != open || clue.Episode != episodes {
				t.Fatalf("day %d: %+v, open %v, %d episodes", n, clue, open, episodes)
			}
			if loss == silent && clue.Level == risk.None {
				t.Fatalf("day %d: silent, and fine", n)
			}
		}
	})
}

func TestOrderOfPlotsDoesNotCount(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var all []risk.PlotLoss
		for i := range rapid.IntRange(1, 5).Draw(t, "plots") {
			p := plot(devices.PlotID(rune('a'+i)), rapid.Float64Range(0.1, 9).Draw(t, "area"), rapid.Float64Range(0, 1).Draw(t, "loss"))
			all = append(all, p)
		}
		shuffled := rapid.Permutation(all).Draw(t, "order")
		var one, other risk.Household
		a, _ := one.Day(day(0), all, risk.DefaultLevels())
		b, _ := other.Day(day(0), shuffled, risk.DefaultLevels())
		if diff := cmp.Diff(a, b); diff != "" {
			t.Fatal(diff)
		}
	})
}

// again returns the machine as JSON reads it back.
func again(t *rapid.T, h risk.Household) risk.Household {
	data, err := json.Marshal(h)
	if err != nil {
		t.Fatal(err)
	}
	var back risk.Household
	if err := json.Unmarshal(data, &back); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(h, back); diff != "" {
		t.Fatalf("JSON loses (-had +has):\n%s", diff)
	}
	return back
}

func BenchmarkHousehold(b *testing.B) {
	b.ReportAllocs()
	h := risk.Household{ID: "h-1"}
	all := []risk.PlotLoss{plot("p-1", 3, 0.4), plot("p-2", 1, 0.1), unknown("p-3", 1)}
	table := risk.DefaultLevels()
	at := start
	for b.Loop() {
		at = at.Add(24 * time.Hour)
		h.Day(at, all, table)
	}
}
