package rulefile

import (
	"strconv"
	"strings"
	"time"

	"ganlin/internal/position"
	"ganlin/rules/condition"
)

// Try runs the tests in the files, passing over those of rules, against the
// rules of a set, and with builtin those of the rules that Ganlin comes with and
// that are in the set. It returns how many tests ran, and where one failed or
// cannot be run: what was expected stands there.
func Try(set *Set, files []string, builtin bool) (ran int, problems []position.Problem) {
	t := trials{set: set}
	if builtin {
		for name, text := range builtins(true) {
			t.file(name, text, true)
		}
	}
	for _, name := range files {
		if !strings.HasSuffix(name, testSuffix) {
			continue
		}
		if text, ok := position.ReadFile(&t.report, name); ok {
			t.file(name, text, false)
		}
	}
	return t.ran, t.report.Problems()
}

type trials struct {
	report position.Report
	set    *Set
	ran    int
}

// file runs the tests of one file. What another rule has taken the place of is not tested as built in.
func (t *trials) file(name string, text []byte, builtin bool) {
	f, ok := open(&t.report, name, text)
	if !ok {
		return
	}
	if top, ok := f.root.Mapping("a test file", "tests"); ok {
		for _, n := range top.Get("tests").List("tests") {
			before := len(t.report.Problems())
			one := t.read(n)
			if replaced := builtin && one.rule != nil && !one.rule.Builtin; len(t.report.Problems()) == before && !replaced {
				t.ran++
				one.run()
			}
		}
	}
}

// A trial is one test: series of facts, one value a step, and what the alert has to be at times.
type trial struct {
	rule   *condition.Rule
	every  time.Duration
	facts  []series
	expect []expectation
	fired  position.Node // absent: as often as it likes
}

// An expectation is the state of the alert at a time.
type expectation struct {
	at    time.Duration
	state condition.State
	node  position.Node
}

// longestTrial bounds how many steps a test may have: a year of hours.
const longestTrial = 8784

// read reads a test. What is wrong with it goes into the report.
func (t *trials) read(n position.Node) trial {
	m, ok := n.Mapping("a test", "name", "rule", "every", "facts", "expect", "fired")
	if !ok {
		return trial{}
	}
	if missing := m.Missing("name", "rule", "expect"); len(missing) > 0 {
		n.Errorf("the test has no %s", strings.Join(missing, ", no "))
		return trial{}
	}
	id, _ := m.Get("rule").Text("rule")
	one := trial{rule: t.set.Rule(id), every: time.Hour, fired: m.Get("fired")}
	if one.rule == nil {
		m.Get("rule").Errorf("there is no rule %q", id)
		return one
	}
	if every := m.Get("every"); !every.Absent() {
		if one.every = duration(every, "every"); one.every == 0 {
			every.Errorf("every must be above 0")
			return one
		}
	}
	one.readFacts(m.Get("facts"))
	for _, e := range m.Get("expect").List("expect") {
		one.readExpectation(e)
	}
	return one
}

func (t *trial) readFacts(n position.Node) {
	specs := condition.Facts(t.rule.Subject)
	names := make([]string, len(specs))
	for i, s := range specs {
		names[i] = s.Name
	}
	given, _ := n.Mapping("facts", names...)
	for _, spec := range specs {
		if values := given.Get(spec.Name); !values.Absent() {
			t.facts = append(t.facts, readSeries(values, t.rule.Subject, spec))
		}
	}
}

func (t *trial) readExpectation(n position.Node) {
	m, ok := n.Mapping("an expectation", "at", "state")
	if !ok {
		return
	}
	if missing := m.Missing("at", "state"); len(missing) > 0 {
		n.Errorf("the expectation has no %s", strings.Join(missing, ", no "))
		return
	}
	const inactive = "inactive"
	x := expectation{at: duration(m.Get("at"), "at"), node: n}
	x.state = oneOf(m.Get("state"), "state", "", inactive, condition.Pending, condition.Firing, condition.UnknownData)
	if x.state == inactive {
		x.state = condition.Inactive
	}
	switch {
	case x.at%t.every != 0 || x.at/t.every > longestTrial:
		n.Errorf("at must be a multiple of every, %s, and at most %d times it", t.every, longestTrial)
	case len(t.expect) > 0 && x.at <= t.expect[len(t.expect)-1].at:
		n.Errorf("expectations stand in the order of time")
	}
	t.expect = append(t.expect, x)
}

// run takes the alert through the facts and compares.
func (t *trial) run() {
	var env condition.Env
	var alert condition.Alert
	fired := 0
	for step, next := 0, 0; next < len(t.expect); step++ {
		after := time.Duration(step) * t.every
		for _, s := range t.facts {
			_ = env.Set(t.rule.Subject, s.fact, s.at(step)) // read once already
		}
		when, over, err := t.rule.Eval(&env)
		if err != nil {
			t.expect[next].node.Errorf("after %s the rule %s cannot be evaluated: %v", after, t.rule.ID, err)
			return
		}
		alert.Step(t.rule, when, over, time.UnixMilli(0).Add(after), func() string {
			fired++
			return strconv.Itoa(fired)
		})
		if x := t.expect[next]; x.at == after {
			if x.state != alert.State {
				x.node.Errorf("after %s rule %s is %s, not %s", after, t.rule.ID, word(alert.State), word(x.state))
			}
			next++
		}
	}
	if want, ok := t.fired.Int("fired"); ok && want != fired {
		t.fired.Errorf("rule %s fired %d times, not %d", t.rule.ID, fired, want)
	}
}

func word(s condition.State) string {
	if s == condition.Inactive {
		return "inactive"
	}
	return string(s)
}
