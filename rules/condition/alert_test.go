package condition_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"ganlin/rules/condition"
)

var noon = time.Date(2026, 7, 1, 4, 0, 0, 0, time.UTC)

// A step is what a rule says at one hour.
type step struct{ when, over condition.Result }

// play takes an alert through steps an hour apart. Before each it is written
// down and read again, as after a restart.
func play(t rapid.TB, r *condition.Rule, steps []step) (changes []condition.Transition, alert condition.Alert) {
	t.Helper()
	named := 0
	for i, s := range steps {
		text, err := json.Marshal(alert)
		if err != nil {
			t.Fatal(err)
		}
		var restored condition.Alert
		if err := json.Unmarshal(text, &restored); err != nil || restored != alert {
			t.Fatalf("%+v is not exact as %s: %+v, %v", alert, text, restored, err)
		}
		alert = restored
		c, changed := alert.Step(r, s.when, s.over, noon.Add(time.Duration(i)*time.Hour), func() string {
			named++
			return fmt.Sprint("episode ", named)
		})
		if changed {
			changes = append(changes, c)
		}
	}
	return changes, alert
}

func TestAlert(t *testing.T) {
	const no, yes, unknown, failed = condition.False, condition.True, condition.Unknown, condition.Failed
	out, between := step{no, yes}, step{no, no}
	in, lost, broken := step{yes, no}, step{unknown, unknown}, step{failed, failed}
	for _, c := range []struct {
		name  string
		holds time.Duration
		steps []step
		want  string
	}{
		{"long enough", 2 * time.Hour, []step{out, in, in, in, in, between, in, out, out}, "1 pending, 3 firing, 7 resolved"},
		{"at once", 0, []step{in, in, out, in}, "0 firing, 2 resolved, 3 firing"},
		{"not long enough", 2 * time.Hour, []step{in, in, out, in, in, between}, "0 pending, 2 dropped, 3 pending, 5 dropped"},
		{"flapping below the clear threshold", 0, []step{in, between, in, between, in, between}, "0 firing"},
		{"flapping before it fires", 2 * time.Hour, []step{in, between, in, between}, "0 pending, 1 dropped, 2 pending, 3 dropped"},
		{"data go missing before it fires", time.Hour, []step{in, lost, in, in}, "0 pending, 1 dropped, 2 pending, 3 firing"},
		{"data go missing and it goes on", 0, []step{in, lost, lost, in, out}, "0 firing, 1 unknown, 3 regained, 4 resolved"},
		{"data return between the thresholds", 0, []step{in, lost, between, out}, "0 firing, 1 unknown, 2 regained, 3 resolved"},
		{"data return and it is over", 0, []step{in, lost, out, lost}, "0 firing, 1 unknown, 2 resolved"},
		{"whether it is over is not known", 0, []step{in, {no, unknown}, in}, "0 firing, 1 unknown, 2 regained"},
		{"it holds, and what would clear it is not known", 0, []step{in, {yes, unknown}, {yes, yes}}, "0 firing"},
		{"the rule breaks", 0, []step{broken, in, broken, out}, "1 firing, 2 unknown, 3 resolved"},
		{"nothing is ever known", 0, []step{lost, lost}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			changes, _ := play(t, &condition.Rule{For: c.holds}, c.steps)
			got := ""
			for i, one := range changes {
				if i > 0 {
					got += ", "
				}
				got += fmt.Sprintf("%d %s", int(one.At.Sub(noon).Hours()), one.Change)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAlertKnowsItsTimes(t *testing.T) {
	in, between, lost := step{condition.True, condition.False}, step{condition.False, condition.False}, step{condition.Unknown, condition.Unknown}
	changes, alert := play(t, &condition.Rule{For: time.Hour}, []step{in, in, in, between, lost})
	hour := func(n int) time.Time { return noon.Add(time.Duration(n) * time.Hour) }
	want := condition.Alert{State: condition.UnknownData, Since: hour(4), ID: "episode 1", FiredAt: hour(1), LastTrue: hour(2)}
	if diff := cmp.Diff(want, alert); diff != "" {
		t.Error(diff)
	}
	last := condition.Transition{Change: condition.Lost, At: hour(4), ID: "episode 1", FiredAt: hour(1)}
	if diff := cmp.Diff(last, changes[len(changes)-1]); diff != "" {
		t.Error(diff)
	}
}

// anySteps draws what a rule may say, with runs long enough to fire.
func anySteps() *rapid.Generator[[]step] {
	results := []condition.Result{condition.False, condition.True, condition.Unknown, condition.Failed}
	return rapid.Custom(func(t *rapid.T) []step {
		var all []step
		for range rapid.IntRange(1, 20).Draw(t, "runs") {
			s := step{rapid.SampledFrom(results).Draw(t, "when"), rapid.SampledFrom(results).Draw(t, "over")}
			all = append(all, slices.Repeat([]step{s}, rapid.IntRange(1, 4).Draw(t, "length"))...)
		}
		return all
	})
}

// TestEpisodes: each episode has an id of its own, fires exactly once, ends at
// most once and last, and what happens between is told in turns. A step without
// what the state waits for changes nothing.
func TestEpisodes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := &condition.Rule{For: time.Duration(rapid.IntRange(0, 3).Draw(t, "for")) * time.Hour}
		steps := anySteps().Draw(t, "steps")
		changes, alert := play(t, r, steps)
		follows := map[condition.Change][]condition.Change{
			"":                 {condition.Began, condition.Fired},
			condition.Began:    {condition.Dropped, condition.Fired},
			condition.Dropped:  {condition.Began, condition.Fired},
			condition.Fired:    {condition.Lost, condition.Resolved},
			condition.Lost:     {condition.Regained, condition.Resolved},
			condition.Regained: {condition.Lost, condition.Resolved},
			condition.Resolved: {condition.Began, condition.Fired},
		}
		before, open, episodes := condition.Change(""), "", 0
		for _, c := range changes {
			if !slices.Contains(follows[before], c.Change) {
				t.Fatalf("%s comes after %q", c.Change, before)
			}
			before = c.Change
			switch c.Change {
			case condition.Began, condition.Dropped:
				if c.ID != "" || !c.FiredAt.IsZero() {
					t.Fatalf("%+v has an id before it fires", c)
				}
				continue
			case condition.Fired:
				episodes++
				open = fmt.Sprint("episode ", episodes)
				held := steps[int(c.At.Sub(noon).Hours()-r.For.Hours()) : int(c.At.Sub(noon).Hours())+1]
				if slices.ContainsFunc(held, func(s step) bool { return s.when != condition.True }) || !c.FiredAt.Equal(c.At) {
					t.Fatalf("%+v fires although it was %v", c, held)
				}
			case condition.Resolved:
				if s := steps[int(c.At.Sub(noon).Hours())]; s != (step{condition.False, condition.True}) {
					t.Fatalf("%+v resolves at %v", c, s)
				}
			}
			if c.ID != open {
				t.Fatalf("%+v belongs to %s", c, open)
			}
		}
		if alert.ID != "" && (alert.ID != open || before == condition.Resolved) {
			t.Fatalf("%+v after %s of %s", alert, before, open)
		}
	})
}

// TestFlappingIsOneAlert: between the threshold and that of clearing a value may
// go up and down as it likes. The control has no threshold of clearing and
// raises one alert after the other.
func TestFlappingIsOneAlert(t *testing.T) {
	count := func(t rapid.TB, r *condition.Rule, grades []float64) (fired int) {
		var steps []step
		for _, g := range grades {
			var s step
			var err error
			if s.when, s.over, err = r.Eval(&condition.Env{Plot: condition.PlotFacts{Grade: condition.Known(g)}}); err != nil {
				t.Fatal(err)
			}
			steps = append(steps, s)
		}
		changes, _ := play(t, r, steps)
		for _, c := range changes {
			if c.Change == condition.Fired {
				fired++
			}
		}
		return fired
	}
	rule := condition.Rule{When: compile(t, "grade >= 2", condition.Plot, nil), Clear: compile(t, "grade < 1", condition.Plot, nil)}
	control := condition.Rule{When: rule.When}
	worst := 0
	rapid.Check(t, func(t *rapid.T) {
		grades := append([]float64{2}, rapid.SliceOfN(rapid.Float64Range(1, 4), 1, 50).Draw(t, "grades")...)
		if fired := count(t, &rule, grades); fired != 1 {
			t.Fatalf("%v is %d alerts", grades, fired)
		}
		worst = max(worst, count(t, &control, grades))
	})
	if worst < 3 {
		t.Errorf("without a threshold of clearing flapping raised %d alerts at most: the test shows nothing", worst)
	}
}
