package rulefile_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ganlin/internal/position"
	"ganlin/internal/rulefile"
	"ganlin/rules/condition"
)

// write puts files into a folder and returns their paths.
func write(tb testing.TB, texts ...string) []string {
	tb.Helper()
	folder := tb.TempDir()
	var names []string
	for i, text := range texts {
		names = append(names, filepath.Join(folder, string(rune('a'+i))+".yaml"))
		if err := os.WriteFile(names[i], []byte(text), 0o600); err != nil {
			tb.Fatal(err)
		}
	}
	return names
}

// lines returns problems as lines, without the folder of their files.
func lines(problems []position.Problem) []string {
	var all []string
	for _, p := range problems {
		all = append(all, strings.ReplaceAll(p.String(), filepath.Dir(p.File)+"/", ""))
	}
	return all
}

func load(tb testing.TB, builtin bool, texts ...string) *rulefile.Set {
	tb.Helper()
	set, problems := rulefile.Load(write(tb, texts...), builtin)
	if problems != nil || set == nil {
		tb.Fatal(lines(problems))
	}
	return set
}

const thirst = `
rules:
  - id: thirst
    about: plot
    applies: has_valve
    when: depletion_mm > params.limit_mm
    for: 36h
    clear: depletion_mm < 10
    severity: critical
    params: {limit_mm: 40}
    message: alert.thirst
`

func TestLoad(t *testing.T) {
	set := load(t, false, thirst)
	r := set.Rule("thirst")
	if r == nil || len(set.Rules) != 1 || set.Rule("other") != nil {
		t.Fatalf("%+v", set.Rules)
	}
	if r.Subject != condition.Plot || r.For != 36*time.Hour || r.Severity != condition.Critical || r.Do != condition.RaiseAlert || r.Builtin ||
		r.Message != "alert.thirst" || len(r.Version) != 12 || r.Params["limit_mm"] != 40 {
		t.Errorf("%+v", r)
	}
	for condition, want := range map[*condition.Condition]string{
		r.Applies: "has_valve", r.When: "depletion_mm > params.limit_mm", r.Clear: "depletion_mm < 10",
	} {
		if condition.String() != want {
			t.Errorf("%s, want %s", condition, want)
		}
	}
	if set, problems := rulefile.Load(nil, false); set == nil || len(set.Rules) != 0 || problems != nil {
		t.Errorf("no file gives %+v, %v", set, problems)
	}
	for _, text := range []string{"", "rules:\n", "rules: []\n", "\ufeff# nothing\n"} {
		if set := load(t, false, text); len(set.Rules) != 0 {
			t.Errorf("%q has rules", text)
		}
	}
}

func TestHash(t *testing.T) {
	const one, two = "  - {id: one, about: plot, when: grade > 2, severity: info}\n", "  - {id: two, about: plot, when: grade > 3, severity: info}\n"
	want := load(t, false, "rules:\n"+one+two)
	same := "# Rules.\nrules:\n- severity: 'info'\n  when: >-\n    grade\n       > 3\n  about: \"plot\"\n  do: alert\n  for: 0s\n  id: two\n"
	got := load(t, false, same, "rules:\n"+one)
	if got.Hash != want.Hash || len(got.Hash) != 64 {
		t.Errorf("layout and order change the hash: %s, %s", got.Hash, want.Hash)
	}
	if got.Rule("two").Version != want.Rule("two").Version {
		t.Error("the layout changes a version")
	}
	for _, other := range []string{one, one + strings.Replace(two, "3", "4", 1), one + two + strings.Replace(two, "two", "three", 1)} {
		if load(t, false, "rules:\n"+other).Hash == want.Hash {
			t.Errorf("other rules have the same hash: %s", other)
		}
	}
}

func TestOverride(t *testing.T) {
	set := load(t, true, "rules: [{id: heat, about: station, when: t_max_24h_c > 40, severity: warning}]")
	if r := set.Rule("heat"); r.Builtin || r.When.String() != "t_max_24h_c > 40" || r.Clear != nil || r.Severity != condition.Warning {
		t.Errorf("%+v", r)
	}
	stock := load(t, true)
	if !stock.Rule("heat").Builtin || len(stock.Rules) != len(set.Rules) || stock.Hash == set.Hash {
		t.Error("the built-in rule is not there any more")
	}
	_, problems := rulefile.Load(write(t, "rules:\n- {id: heat, about: plot, when: weather_age_h > 1, severity: info}\n"), true)
	want := []string{"a.yaml:2:8: error: rule heat takes the place of a built-in one, which is about a station and does alert; keep that, or choose another id"}
	if diff := cmp.Diff(want, lines(problems)); diff != "" {
		t.Error(diff)
	}
}

func TestProblems(t *testing.T) {
	const rule = "rules:\n- {id: r, about: plot, severity: info, "
	for _, c := range []struct {
		name string
		text string
		want []string
	}{
		{"broken YAML", "rules: [", []string{"1:5: error: the YAML cannot be read from here on: did not find expected node content"}},
		{"no mapping", "- a\n", []string{"1:1: error: a rule file must be a mapping of rules, not a list"}},
		{"another key", "rule: []\n", []string{`1:1: error: a rule file has no key "rule" (did you mean rules?); its keys are rules`}},
		{"no list", "rules: {a: b}\n", []string{"1:8: error: rules must be a list such as [a, b], not a mapping"}},
		{"no rule", "rules: [x]\n", []string{`1:9: error: a rule must be a mapping of id, about, applies, when, for, clear, severity, do, params, message, not "x"`}},
		{"an unknown key", rule + "when: true, cleer: true}\n", []string{
			`2:52: error: a rule has no key "cleer" (did you mean clear?); its keys are id, about, applies, when, for, clear, severity, do, params, message`,
		}},
		{"what is missing", "rules:\n- {id: r, severity: }\n", []string{"2:3: error: the rule has no about, no when, no severity"}},
		{"wrong words", "rules:\n- {id: R-1, about: plots, severity: high, do: water, when: 'true', for: 2 days, message: Dürre}\n", []string{
			"2:8: error: id must be small letters, digits and _, such as soil_unknown",
			"2:20: error: about must be one of plot, valve, station, device (did you mean plot?)",
			"2:37: error: severity must be one of info, warning, critical",
			"2:47: error: do must be one of alert, irrigate",
			"2:73: error: for must be a time span such as 90m or 24h, at most 8784 h",
			"2:90: error: message must be a key of the message catalogue: small letters, digits, _ and .",
		}},
		{"two times the same id", rule + "when: 'true'}\n- {id: r, about: plot, severity: info, when: 'false'}\n", []string{
			"3:8: error: rule r is there twice: also at a.yaml:2:8; keep one",
		}},
		{"an unknown fact", rule + "when: 'ks < 1 and raim_24h_mm > 2'}\n", []string{
			"2:58: error: when: there is no fact raim_24h_mm (did you mean rain_24h_mm?)",
		}},
		{"a fact of another subject", rule + "when: silent_h > 2}\n", []string{"2:46: error: when: there is no fact silent_h"}},
		{"a text that is never held", rule + "when: mode == 'car'}\n", []string{
			"2:54: error: when: there is no mode car; there is advise, auto, off",
		}},
		{"a type", rule + "when: ks, clear: 'mode > 2'}\n", []string{
			"2:46: error: when: expected bool, but got float64",
			"2:63: error: clear: invalid operation: > (mismatched types string and float64)",
		}},
		{"a condition that ends", rule + "when: ks <}\n", []string{"2:49: error: when: unexpected token EOF"}},
		{"parameters", rule + "when: 'ks < params.limit', params: {limt: 1}}\n", []string{
			"2:59: error: when: there is no parameter limit",
			`2:76: error: params has no key "limt" (did you mean limit?); its keys are limit`,
		}},
		{"parameters for nothing", rule + "when: 'true', params: {limit: 1}}\n", []string{
			"2:62: error: the rule's conditions name no parameter; leave params out, or use them as in params.limit",
		}},
		{"how it waters", rule + "do: irrigate, when: stress_share >= params.trigger_of_raw, for: 1h, clear: ks > 1, params: {trigger_of_raw: 3, from_hour: 18.5, frost_c: cold}}\n", []string{
			"2:104: error: a rule that waters has no for: it waters at once, until the soil has what it can use",
			"2:115: error: a rule that waters has no clear: it waters at once, until the soil has what it can use",
			"2:148: error: trigger_of_raw 3 is not 0.01 to 2",
			"2:162: error: from_hour 18.5 is not a whole number",
			`2:177: error: frost_c must be a number such as 3.2, not "cold"`,
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			set, problems := rulefile.Load(write(t, c.text), false)
			var want []string
			for _, w := range c.want {
				want = append(want, "a.yaml:"+w)
			}
			if diff := cmp.Diff(want, lines(problems)); diff != "" || set != nil {
				t.Errorf("%s\n%v", diff, set)
			}
		})
	}
	if _, problems := rulefile.Load([]string{"there/is/none.yaml"}, true); !slices.Equal(lines(problems), []string{"none.yaml:1:1: error: reading the file: no such file or directory"}) {
		t.Error(problems)
	}
}

// TestInside: YAML writes a text in many ways, and each time the place in the
// condition is the place in the file.
func TestInside(t *testing.T) {
	for name, c := range map[string]struct{ text, at string }{
		"plain":               {"    when: ks < 1 and wrong > 2\n", "6:22"},
		"plain over lines":    {"    when: ks < 1\n      and\n      wrong > 2\n", "8:7"},
		"single quotes":       {"    when: 'crop == ''a'' or wrong > 2'\n", "6:29"},
		"double quotes":       {"    when: \"crop == \\\"a\\\" or wrong > 2\"\n", "6:29"},
		"literal":             {"    when: |\n      ks < 1 and\n        wrong > 2\n", "8:9"},
		"literal with header": {"    when: |2-\n      ks < 1 and wrong > 2\n", "7:18"},
		"folded":              {"    when: >-\n      ks < 1\n\n      and wrong > 2\n", "9:11"},
		"after other letters": {"    when: crop == \"旱\" or wrong > 2\n", "6:26"},
		"a key of a mapping":  {"    ? when\n    : ks < 1 and wrong > 2\n", "7:18"},
		"an escape":           {"    when: \"crop == '\\u65f1' or wrong > 2\"\n", "6:11"},
	} {
		_, problems := rulefile.Load(write(t, "rules:\n\n  - id: r\n    about: plot\n    severity: info\n"+c.text), false)
		want := []string{"a.yaml:" + c.at + ": error: when: there is no fact wrong"}
		if diff := cmp.Diff(want, lines(problems)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// FuzzLoad: whatever a file holds, it is a set or it has errors, all at places
// inside of it; and a set is the same when it is read again.
func FuzzLoad(f *testing.F) {
	f.Add([]byte(thirst))
	for _, folder := range []string{"builtin/*.yaml"} {
		names, err := filepath.Glob(folder)
		if err != nil || len(names) == 0 {
			f.Fatal(names, err)
		}
		for _, name := range names {
			text, err := os.ReadFile(name)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(text)
		}
	}
	f.Add([]byte("rules:\n- {id: r, about: plot, severity: info, when: >\n"))
	f.Add([]byte("rules:\n- {id: r, about: plot, severity: info, when: !!str \"\\u0078 > 1\"}\n"))
	stock, _ := rulefile.Load(nil, true)
	f.Fuzz(func(t *testing.T, text []byte) {
		names := write(t, string(text))
		set, problems := rulefile.Load(names, true)
		if (set == nil) != position.HasErrors(problems) {
			t.Fatalf("%v with %v", set, problems)
		}
		_, trials := rulefile.Try(stock, names, false)
		for _, p := range append(problems, trials...) {
			if p.File != names[0] || p.Line < 1 || p.Column < 1 || p.Line > strings.Count(string(text), "\n")+2 {
				t.Fatalf("there is no place %s", p)
			}
		}
		if set == nil {
			return
		}
		if again, _ := rulefile.Load(names, true); again == nil || again.Hash != set.Hash {
			t.Fatal("it is another when it is read again")
		}
	})
}
