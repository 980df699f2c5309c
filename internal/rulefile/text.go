package rulefile

import (
	"bytes"
	"strings"

	"ganlin/internal/position"
	"ganlin/rules/condition"
)

// Text returns the set as one rule file: JSON is YAML. Read makes the same set of it.
func (s *Set) Text() string {
	var b strings.Builder
	b.WriteString("rules:\n")
	for i := range s.Rules {
		b.WriteString("- ")
		b.Write(bytes.Replace(s.Rules[i].Canonical(), []byte(`"for":"0s",`), nil, 1)) // as it was left out
		b.WriteByte('\n')
	}
	return b.String()
}

// Read makes a set of one rule file's text, without the built-in rules.
func Read(name, text string) (*Set, []position.Problem) {
	l := loader{rules: map[string]condition.Rule{}, at: map[string]position.Position{}}
	l.file(name, []byte(text), false)
	return l.set()
}
