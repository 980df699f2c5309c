package rulefile_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ganlin/internal/rulefile"
	"ganlin/rules/condition"
)

func TestBuiltinRules(t *testing.T) {
	set := load(t, true)
	ran, problems := rulefile.Try(set, nil, true)
	for _, p := range problems {
		t.Error(p)
	}
	t.Logf("%d rules, %d tests", len(set.Rules), ran)
}

// TestBuiltinTestsNotice: the control of the tests. Whatever part of a built-in
// rule is taken away, one of its tests fails.
func TestBuiltinTestsNotice(t *testing.T) {
	never := func(s condition.Subject) *condition.Condition {
		c, err := condition.Compile("false", s, nil)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	for part, take := range map[string]func(*condition.Rule) bool{
		"when":    func(r *condition.Rule) bool { r.When = never(r.Subject); return true },
		"clear":   func(r *condition.Rule) bool { had := r.Clear != nil; r.Clear = nil; return had },
		"over":    func(r *condition.Rule) bool { r.Clear = never(r.Subject); return r.Do == condition.RaiseAlert },
		"for":     func(r *condition.Rule) bool { had := r.For > 0; r.For = 0; return had },
		"longer":  func(r *condition.Rule) bool { had := r.For > 0; r.For += r.For; return had },
		"applies": func(r *condition.Rule) bool { had := r.Applies != nil; r.Applies = nil; return had },
	} {
		stock := load(t, true)
		for i := range stock.Rules {
			set := load(t, true)
			r := &set.Rules[i]
			if !take(r) {
				continue
			}
			if _, problems := rulefile.Try(set, nil, true); len(problems) == 0 {
				t.Errorf("no test notices rule %s without its %s", r.ID, part)
			}
		}
	}
}

// writeTest writes a test file.
func writeTest(t *testing.T, text string) []string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "a_test.yaml")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return []string{name}
}

// TestWhatIsReplacedIsNotTested: a rule in place of a built-in one has tests of its own.
func TestWhatIsReplacedIsNotTested(t *testing.T) {
	ran, problems := rulefile.Try(load(t, true), nil, true)
	less, others := rulefile.Try(load(t, true, "rules: [{id: heat, about: station, when: t_max_24h_c > 45, severity: info}]"), nil, true)
	if len(problems)+len(others) > 0 || less >= ran {
		t.Errorf("%d tests, with another rule %d; %v %v", ran, less, problems, others)
	}
}

func TestTry(t *testing.T) {
	set := load(t, false, thirst, "rules: [{id: broken, about: plot, when: etc_mm / eto_mm > 1, severity: info}]")
	const test = "tests:\n- name: n\n  rule: thirst\n  facts: {has_valve: true, depletion_mm: [50x40, _, 20]}\n  expect:\n"
	for name, c := range map[string]struct {
		text string
		ran  int
		want []string
	}{
		"good": {test + "  - {at: 35h, state: pending}\n  - {at: 36h, state: firing}\n  - {at: 40h, state: unknown}\n  fired: 1\n", 1, nil},
		"another state": {test + "  - {at: 0h, state: inactive}\n  - {at: 36h, state: pending}\n  fired: 2\n", 1, []string{
			"a_test.yaml:6:5: error: after 0s rule thirst is pending, not inactive",
			"a_test.yaml:7:5: error: after 36h0m0s rule thirst is firing, not pending",
			"a_test.yaml:8:10: error: rule thirst fired 1 times, not 2",
		}},
		"what is wrong with it": {test + "  - {at: 90m, state: firing}\n- {rule: x}\n- {name: n, rule: x, expect: []}\n" +
			"- {name: n, rule: thirst, facts: {has_probes: true}, expect: []}\n- {name: n, rule: thirst, facts: {depletion_mm: wet}, expect: []}\n" +
			"- {name: n, rule: thirst, facts: {mode: [auto, automatic]}, expect: []}\n" +
			"- {name: n, rule: thirst, expect: [{at: 2h, state: firing}, {at: 1h, state: firing}]}\n" +
			"- {name: n, rule: thirst, expect: [{at: 2h, state: fire}]}\n- {name: n, rule: thirst, every: 0s, expect: []}\n- {name: n, rule: thirst, facts: {ks: []}, expect: []}\n", 0, []string{
			"a_test.yaml:6:5: error: at must be a multiple of every, 1h0m0s, and at most 8784 times it",
			"a_test.yaml:7:3: error: the test has no name, no expect",
			`a_test.yaml:8:19: error: there is no rule "x"`,
			`a_test.yaml:9:35: error: facts has no key "has_probes" (did you mean has_probe?); its keys are `,
			`a_test.yaml:10:49: error: depletion_mm must be a number, not "wet"`,
			`a_test.yaml:11:48: error: mode is one of advise, auto, off, not "automatic"`,
			"a_test.yaml:12:61: error: expectations stand in the order of time",
			"a_test.yaml:13:52: error: state must be one of inactive, pending, firing, unknown",
			"a_test.yaml:14:34: error: every must be above 0",
			"a_test.yaml:15:39: error: ks has no value; unknown is _",
		}},
		"a rule that breaks": {"tests:\n- {name: n, rule: broken, facts: {etc_mm: 1, eto_mm: [1, 0]}, expect: [{at: 3h, state: inactive}]}\n", 1, []string{
			"a_test.yaml:2:72: error: after 1h0m0s the rule broken cannot be evaluated: when: character 8: division by 0",
		}},
	} {
		ran, problems := rulefile.Try(set, writeTest(t, c.text), false)
		got := lines(problems)
		for i, line := range got {
			if before, _, ok := strings.Cut(line, "grade, rsm_pct"); ok {
				got[i] = before
			}
		}
		if diff := cmp.Diff(c.want, got); diff != "" || ran != c.ran {
			t.Errorf("%s: %d ran\n%s", name, ran, diff)
		}
	}
}
