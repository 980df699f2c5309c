package condition_test

import (
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ganlin/rules/condition"
)

func compile(tb testing.TB, source string, s condition.Subject, params map[string]float64) *condition.Condition {
	tb.Helper()
	c, err := condition.Compile(source, s, params)
	if err != nil {
		tb.Fatalf("%s: %v", source, err)
	}
	return c
}

func TestEval(t *testing.T) {
	dry := condition.Env{Plot: condition.PlotFacts{
		Grade: condition.Known(3.0), Ks: condition.Known(0.5), EToMM: condition.Known(0.0), ETcMM: condition.Known(4.0),
		TMin24hC: condition.Known(-2.5), Stage: condition.Known("mid"), Crop: condition.Known("maize_grain"),
		HasValve: condition.Known(true), Irrigating: condition.Known(false),
		WindMS: condition.Known(math.NaN()), Rain24hMM: condition.Known(math.Inf(1)),
	}}
	params := map[string]float64{"limit": 0.7, "grade": 3}
	for source, want := range map[string]condition.Result{
		"true":                                      condition.True,
		"grade >= 2":                                condition.True,
		"grade > 3":                                 condition.False,
		"grade == 3":                                condition.True,
		"3 == grade":                                condition.True,
		"2 < grade and grade < 4":                   condition.True,
		"2 < grade < 4":                             condition.True,
		"5 > grade > 3":                             condition.False,
		"grade in [1, 3]":                           condition.True,
		"grade in [1, 2.5]":                         condition.False,
		"grade not in [1, 2]":                       condition.True,
		"grade in [1.0, 3.0]":                       condition.True,
		"ks < params.limit":                         condition.True,
		`params["grade"] == grade`:                  condition.True,
		"ks * 2 + 1 == 2":                           condition.True,
		"-t_min_24h_c > 2":                          condition.True,
		"grade / 2 == 1.5":                          condition.True,
		"1 / 2 == 0.5":                              condition.True,
		"eto_mm / etc_mm == 0":                      condition.True,
		`stage == "mid"`:                            condition.True,
		`stage in ["late", "initial"]`:              condition.False,
		`stage != "late" && not irrigating`:         condition.True,
		`crop == "maize_grain" or grade < 1`:        condition.True,
		"has_valve and !irrigating":                 condition.True,
		"has_valve == irrigating":                   condition.False,
		"9223372036854775807 + 1 > 0":               condition.True, // no whole number that turns over
		"grade > 2 // a comment":                    condition.True,
		"depletion_mm > 10":                         condition.Unknown,
		"grade >= 2 or depletion_mm > 10":           condition.Unknown, // strict, whatever the other side is
		"wind_ms > 5":                               condition.Unknown, // no number
		"rain_24h_mm > 5":                           condition.Unknown, // endless
		"known(grade) and not known(depletion_mm)":  condition.True,
		"known(wind_ms)":                            condition.False,
		"known(depletion_mm) and depletion_mm > 10": condition.Unknown,
		"etc_mm / eto_mm > 1":                       condition.Failed,
		"1 / 0 > 1":                                 condition.Failed,
		"false and etc_mm / eto_mm > 1":             condition.False,
	} {
		c := compile(t, source, condition.Plot, params)
		got, err := c.Eval(&dry)
		if got != want || (err != nil) != (want == condition.Failed) {
			t.Errorf("%s is %s, %v, want %s", source, got, err, want)
		}
	}
	c := compile(t, "grade > 1 and\n etc_mm / eto_mm > 1", condition.Plot, nil)
	_, err := c.Eval(&dry)
	if e, ok := errors.AsType[*condition.Error](err); !ok || e.Message != "division by 0" || e.Offset != 22 {
		t.Errorf("a division by 0 is told as %+v", err)
	}
	if got, err := compile(t, "grade > 1", condition.Plot, nil).Eval(&dry); got != condition.True || err != nil {
		t.Errorf("after a failure the next condition is %s, %v", got, err)
	}
}

func TestEverySubject(t *testing.T) {
	env := condition.Env{
		Valve:   condition.ValveFacts{State: condition.Known("unknown"), LeakL: condition.Known(50.0)},
		Station: condition.StationFacts{WeatherAgeH: condition.Known(9.0)},
		Device:  condition.DeviceFacts{SilentH: condition.Known(7.0), Model: condition.Known("ganlin-soil-3")},
		Plot:    condition.PlotFacts{WeatherAgeH: condition.Known(1.0)},
	}
	for source, s := range map[string]condition.Subject{
		`state == "unknown" and leak_l > 20`:          condition.Valve,
		"weather_age_h > 3":                           condition.Station,
		`silent_h > 6 and model == "ganlin-soil-3"`:   condition.Device,
		"weather_age_h < 3 and not known(rain_7d_mm)": condition.Plot,
	} {
		if got, err := compile(t, source, s, nil).Eval(&env); got != condition.True {
			t.Errorf("%s about a %s is %s, %v", source, s, got, err)
		}
	}
}

func TestErrors(t *testing.T) {
	long := strings.Repeat("grade>1 or ", 60) + "true"
	for _, c := range []struct {
		source string
		offset int
		says   string
	}{
		{"", 0, "unexpected token EOF"},
		{"grade >=", 7, "unexpected token EOF"},
		{"grade", 0, "expected bool, but got float64"},
		{"grad > 1", 0, "there is no fact grad"},
		{"ks < 1 and 上 > 1 and grad > 1", 11, "there is no fact 上"},
		{"known(grad)", 6, "there is no fact grad"},
		{"ks < params.limt", 12, "there is no parameter limt"},
		{"params > 1", 0, "there is no fact params"},
		{"params.limit.x > 1", 13, "only params has members"},
		{"$env.grade > 1", 5, "only params has members"},
		{"$env == nil", 0, "there is no fact $env"},
		{"grade == nil", 9, "nil is not part of it"},
		{`grade > "x"`, 6, "mismatched types float64 and string"},
		{`stage == "middle"`, 9, "there is no stage middle"},
		{`"middle" != stage`, 0, "there is no stage middle"},
		{`stage in ["mid", "end"]`, 17, "there is no stage end"},
		{`stage in [1, 2]`, 6, "cannot use string as type float64 in array"},
		{"grade ?? 1 == 2", 11, "cannot be mixed"},
		{"let x = 1; x > 0", 4, "let x = 1; x > 0 is not part of it"},
		{"grade > 1; true", 6, "is not part of it"},
		{"true ? true : false", 18, "is not part of it"},
		{"grade in 1..9", 10, "a condition has no operator .."},
		{"grade ** 2 > 1", 6, "a condition has no operator **"},
		{"5 % 2 == 1", 2, "a condition has no operator %"},
		{`crop matches "("`, 5, "a condition has no operator matches"},
		{"len(stage) > 1", 0, "is not part of it"},
		{"filter([1], true)[0] == 1", 17, "only params has members"},
		{"all([1, 2], # > 0)", 0, "is not part of it"},
		{"now() > now()", 0, "is not part of it"},
		{"divide(1, 2) > 1", 0, "the only function is known(fact)"},
		{"known(grade, ks)", 0, "the only function is known(fact)"},
		{"known(grade + 1)", 0, "the only function is known(fact)"},
		{"grade.known()", 6, "the only function is known(fact)"},
		{"[grade] == [1]", 0, "is not part of it"},
		{"{a: 1} == {a: 1}", 0, "is not part of it"},
		{"1e999 > grade", 6, "value out of range"},
		{long, 143, "the condition is too long"},
		{strings.Repeat("(", 2000), 0, "the condition has 2000 bytes; at most 1000 are allowed"},
		{"grade > 1 \xff", 0, "not UTF-8"},
	} {
		_, err := condition.Compile(c.source, condition.Plot, map[string]float64{"limit": 1})
		e, ok := errors.AsType[*condition.Error](err)
		if !ok || !strings.Contains(e.Message, c.says) || strings.Contains(e.Message, "\n") {
			t.Errorf("%.60q gives %v, want %s", c.source, err, c.says)
		} else if e.Offset != c.offset {
			t.Errorf("%.60q is wrong at %d, want %d: %v", c.source, e.Offset, c.offset, err)
		}
	}
	if _, err := condition.Compile("true", "moon", nil); err == nil {
		t.Error("a rule is about the moon")
	}
	_, err := condition.Compile("rain_24 > 1", condition.Plot, nil)
	if e, ok := errors.AsType[*condition.Error](err); !ok || e.Name != "rain_24" || len(e.Known) != len(condition.Facts(condition.Plot)) {
		t.Errorf("a fact that is not there gives %+v", err)
	}
}

func TestWhatARuleTells(t *testing.T) {
	c := compile(t, `grade>=2 and   stage == "mid" and not irrigating and depletion_mm > params.b and known(ks)`, condition.Plot, map[string]float64{"b": 1})
	env := condition.Env{Plot: condition.PlotFacts{Grade: condition.Known(2.0), Stage: condition.Known("mid"), Irrigating: condition.Known(false)}}
	numbers, texts := map[string]float64{}, map[string]string{}
	unknown := (&condition.Rule{Subject: condition.Plot, When: c}).Tell(&env, numbers, texts)
	want := []any{map[string]float64{"grade": 2}, map[string]string{"stage": "mid", "irrigating": "false"}, []string{"depletion_mm"}}
	if diff := cmp.Diff(want, []any{numbers, texts, unknown}); diff != "" {
		t.Error(diff)
	}
	if want := `grade >= 2 and stage == "mid" and not irrigating and depletion_mm > params.b and known(ks)`; c.String() != want {
		t.Errorf("its one way of writing is %s", c)
	}
}

// FuzzCompile: whatever people write, it is refused with a place inside of it,
// or it can be evaluated in any state of knowledge and means the same when it
// is written in its one way.
func FuzzCompile(f *testing.F) {
	for _, s := range []string{
		"grade >= 2 and ks < params.limit", `stage in ["mid", "late"] or not has_valve`, "etc_mm / eto_mm > 1", "1 < grade < 4",
		"known(ks) and -t_min_24h_c > 0", "((((true))))", "grade | 1", "#", "\"\\u4e0a\" == crop", "grade\n>\n1 // c", "!-grade == 1", "1..1e9 == nil",
	} {
		f.Add(s)
	}
	params := map[string]float64{"limit": 0.5}
	known := &condition.Env{Plot: condition.PlotFacts{
		Grade: condition.Known(2.0), Ks: condition.Known(0.2), EToMM: condition.Known(0.0), ETcMM: condition.Known(-1.0), TMin24hC: condition.Known(3.0),
		Stage: condition.Known("mid"), Crop: condition.Known(""), HasValve: condition.Known(true),
	}}
	f.Fuzz(func(t *testing.T, source string) {
		c, err := condition.Compile(source, condition.Plot, params)
		if err != nil {
			e, ok := errors.AsType[*condition.Error](err)
			if !ok || e.Offset < 0 || e.Offset > len(source) || len(e.Message) > 2000 {
				t.Fatalf("%q gives %v", source, err)
			}
			return
		}
		again, err := condition.Compile(c.String(), condition.Plot, params)
		if err != nil {
			t.Fatalf("%q is not %q: %v", source, c, err)
		}
		for _, env := range []*condition.Env{known, {}} {
			one, errOne := c.Eval(env)
			two, errTwo := again.Eval(env)
			if one != two || (errOne != nil) != (one == condition.Failed) || (errTwo != nil) != (two == condition.Failed) {
				t.Fatalf("%q is %s, %v, and written as %q it is %s, %v", source, one, errOne, c, two, errTwo)
			}
		}
	})
}

func BenchmarkEval(b *testing.B) {
	env := &condition.Env{Plot: condition.PlotFacts{
		Grade: condition.Known(3.0), StressShare: condition.Known(1.2), CropDay: condition.Known(40.0), SeasonDays: condition.Known(150.0),
		HasValve: condition.Known(true), Mode: condition.Known("auto"),
	}}
	params := map[string]float64{"trigger": 1}
	for name, source := range map[string]string{
		"one":     "grade >= 2",
		"two":     "grade >= 2 and stress_share >= params.trigger",
		"text":    `has_valve and mode != "off"`,
		"five":    `has_valve and mode != "off" and crop_day >= 1 and crop_day <= season_days and stress_share >= params.trigger`,
		"unknown": "depletion_mm > 20",
	} {
		b.Run(name, func(b *testing.B) {
			c := compile(b, source, condition.Plot, params)
			b.ReportAllocs()
			for b.Loop() {
				if r, err := c.Eval(env); err != nil || r == condition.False {
					b.Fatal(r, err)
				}
			}
		})
	}
}
