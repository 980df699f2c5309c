package rulefile

import (
	"regexp"
	"strconv"

	"ganlin/internal/position"
	"ganlin/rules/condition"
)

// A series is a fact over time: a value for each step, of which the last stays.
//
// It is written as one value that always holds, or as a list of them in which
// 0.4x12 is twelve steps of 0.4 and _ is unknown.
type series struct {
	fact condition.FactSpec
	runs []run
}

// A run is a value for some steps.
type run struct {
	value string // empty: unknown
	steps int
}

// unknownMark stands for a value that is unknown.
const unknownMark = "_"

var repeated = regexp.MustCompile(`^(.+)x([0-9]{1,4})$`)

// readSeries reads the series of a fact. What is wrong with it goes into the report.
func readSeries(n position.Node, s condition.Subject, fact condition.FactSpec) series {
	all := series{fact: fact}
	items := []position.Node{n}
	if !n.IsScalar() {
		items = n.List(fact.Name)
	}
	for _, item := range items {
		text, _ := item.Text(fact.Name)
		one := run{value: text, steps: 1}
		if m := repeated.FindStringSubmatch(text); m != nil {
			one.value = m[1]
			one.steps, _ = strconv.Atoi(m[2]) // four digits
		}
		if one.value == unknownMark {
			one.value = ""
		}
		if err := new(condition.Env).Set(s, fact, one.value); err != nil {
			item.Errorf("%v", err)
		}
		all.runs = append(all.runs, one)
	}
	if len(all.runs) == 0 {
		n.Errorf("%s has no value; unknown is %s", fact.Name, unknownMark)
	}
	return all
}

// at returns the value of a step.
func (s *series) at(step int) string {
	for _, r := range s.runs {
		if step < r.steps {
			return r.value
		}
		step -= r.steps
	}
	return s.runs[len(s.runs)-1].value
}
