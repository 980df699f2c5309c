package condition_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ganlin/devices"
	"ganlin/rules/condition"
	"ganlin/rules/valve"
	"ganlin/rules/water"
)

func rule(t *testing.T, applies, when, over string) condition.Rule {
	t.Helper()
	r := condition.Rule{
		ID: "r", Subject: condition.Plot, For: time.Hour, Severity: condition.Info, Do: condition.RaiseAlert, Message: "r",
		Params: map[string]float64{"limit": 2},
	}
	for to, source := range map[**condition.Condition]string{&r.Applies: applies, &r.When: when, &r.Clear: over} {
		if source != "" {
			*to = compile(t, source, condition.Plot, r.Params)
		}
	}
	return r
}

func TestRuleEval(t *testing.T) {
	const no, yes, unknown, failed = condition.False, condition.True, condition.Unknown, condition.Failed
	env := condition.Env{Plot: condition.PlotFacts{Grade: condition.Known(1.5), EToMM: condition.Known(0.0)}}
	for _, c := range []struct {
		applies, when, over string
		want                [2]condition.Result
		says                string
	}{
		{"", "grade > 1", "", [2]condition.Result{yes, no}, ""},
		{"", "grade > 2", "", [2]condition.Result{no, yes}, ""},
		{"", "ks < 1", "", [2]condition.Result{unknown, unknown}, ""},
		{"", "grade >= 2", "grade < 1", [2]condition.Result{no, no}, ""},
		{"", "grade >= 2", "ks == 1", [2]condition.Result{no, unknown}, ""},
		{"false", "grade > 1", "false", [2]condition.Result{no, yes}, ""},
		{"true", "grade > 1", "false", [2]condition.Result{yes, no}, ""},
		{"ks < 1", "grade > 1", "", [2]condition.Result{unknown, unknown}, ""},
		{"1 / eto_mm > 1", "true", "", [2]condition.Result{failed, failed}, "applies: character 3: division by 0"},
		{"", "1 / eto_mm > 1", "", [2]condition.Result{failed, failed}, "when: character 3: division by 0"},
		{"", "true", "1 / eto_mm > 1", [2]condition.Result{yes, failed}, "clear: character 3: division by 0"},
	} {
		r := rule(t, c.applies, c.when, c.over)
		when, over, err := r.Eval(&env)
		says := ""
		if err != nil {
			says = err.Error()
		}
		if (c.want != [2]condition.Result{when, over}) || says != c.says {
			t.Errorf("%q, %q, %q: %s, %s, %q, want %s, %q", c.applies, c.when, c.over, when, over, says, c.want, c.says)
		}
	}
	r := rule(t, "known(ks)", "ks < 1 and grade > 1", "eto_mm > 3 and ks == 1")
	numbers := map[string]float64{}
	if diff := cmp.Diff([]string{"ks"}, r.Tell(&env, numbers, nil)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string]float64{"grade": 1.5, "eto_mm": 0}, numbers); diff != "" {
		t.Error(diff)
	}
}

func TestVersion(t *testing.T) {
	version := func(r condition.Rule) string {
		r.Seal()
		if len(r.Version) != 12 {
			t.Errorf("version %q", r.Version)
		}
		return r.Version
	}
	want := version(rule(t, "", "grade>params.limit", "grade < 1"))
	same := rule(t, "", "grade\n  >   params.limit", "(grade < 1)")
	same.Builtin = true
	if version(same) != want {
		t.Error("the layout changes the version")
	}
	for name, change := range map[string]func(*condition.Rule){
		"id":       func(r *condition.Rule) { r.ID = "s" },
		"when":     func(r *condition.Rule) { r.When = compile(t, "grade >= params.limit", condition.Plot, r.Params) },
		"clear":    func(r *condition.Rule) { r.Clear = nil },
		"applies":  func(r *condition.Rule) { r.Applies = r.Clear },
		"for":      func(r *condition.Rule) { r.For++ },
		"severity": func(r *condition.Rule) { r.Severity = condition.Critical },
		"do":       func(r *condition.Rule) { r.Do = condition.Irrigate },
		"params":   func(r *condition.Rule) { r.Params = map[string]float64{"limit": 3} },
		"message":  func(r *condition.Rule) { r.Message = "s" },
	} {
		r := rule(t, "", "grade>params.limit", "grade < 1")
		change(&r)
		if version(r) == want {
			t.Errorf("another %s has the same version", name)
		}
	}
}

func TestParamSpecs(t *testing.T) {
	for _, p := range condition.IrrigateParams() {
		if p.Doc == "" || p.Unit == "" || p.Check(p.Min) != nil || p.Check(p.Max) != nil || p.Check(p.Min-1) == nil || p.Check(p.Max+1) == nil {
			t.Errorf("%+v", p)
		}
		if got := p.Check(p.Min+0.5) == nil; got == p.Whole {
			t.Errorf("%s takes a half: %v", p.Name, got)
		}
	}
}

// TestFacts: every fact is documented, and what its text can hold is what the
// packages that it comes from say.
func TestFacts(t *testing.T) {
	values := map[string][]string{}
	for _, s := range condition.Subjects() {
		for _, f := range condition.Facts(s) {
			if f.Name != strings.ToLower(f.Name) || f.Doc == "" || (f.Unit != "") != (f.Type == condition.Number) {
				t.Errorf("%+v", f)
			}
			var env condition.Env
			good := map[condition.Type]string{condition.Number: "1.5", condition.Bool: "true", condition.Text: "x"}[f.Type]
			if len(f.Values) > 0 {
				values[f.Name], good = f.Values, f.Values[0]
			}
			known := compile(t, "known("+f.Name+")", s, nil)
			for i, text := range []string{"", good, ""} {
				if err := env.Set(s, f, text); err != nil {
					t.Error(err)
				}
				if got, _ := known.Eval(&env); (got == condition.True) != (i == 1) {
					t.Errorf("with %q known(%s) is %s", text, f.Name, got)
				}
			}
			if err := env.Set(s, f, "middle"); err == nil && (f.Type != condition.Text || len(f.Values) > 0) {
				t.Errorf("%s takes a text that it never holds", f.Name)
			}
		}
	}
	stages := []string{
		water.BeforePlanting, water.Initial, water.Development, water.MidSeason, water.LateSeason, water.Rest, water.Harvested,
	}
	var states []string
	for _, s := range []valve.State{valve.Closed, valve.Requested, valve.Accepted, valve.Open, valve.Closing, valve.Unknown} {
		states = append(states, string(s))
	}
	modes := []string{string(devices.Advise), string(devices.Auto), string(devices.Off)}
	want := map[string][]string{"stage": stages, "state": states, "mode": modes, "role": {"soil", "weather", "valve"}}
	for _, all := range []map[string][]string{want, values} {
		for _, list := range all {
			slices.Sort(list)
		}
	}
	if diff := cmp.Diff(want, values); diff != "" {
		t.Error(diff)
	}
	if condition.Facts("moon") != nil {
		t.Error("there are facts about the moon")
	}
}
