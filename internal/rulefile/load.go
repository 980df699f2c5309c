package rulefile

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"ganlin/internal/position"
	"ganlin/rules/condition"
)

//go:embed builtin/*.yaml
var builtinFiles embed.FS

// testSuffix tells the tests of a rule file from rules: both lie in one folder.
const testSuffix = "_test.yaml"

// A Set is all rules that are in force together.
type Set struct {
	Rules []condition.Rule // by id
	Hash  string           // SHA-256 of what they decide by, whatever their order and layout
}

// A loader gathers the rules of all files.
type loader struct {
	report position.Report
	rules  map[string]condition.Rule
	at     map[string]position.Position
}

// Load makes one set of the rules in the files, passing over those of tests, and
// with builtin of those that Ganlin comes with. A file's rule takes the place of
// a built-in one of the same id. It returns all problems, sorted; with an error
// among them there is no set.
func Load(files []string, builtin bool) (*Set, []position.Problem) {
	l := loader{rules: map[string]condition.Rule{}, at: map[string]position.Position{}}
	if builtin {
		for name, text := range builtins(false) {
			l.file(name, text, true)
		}
	}
	for _, name := range files {
		if strings.HasSuffix(name, testSuffix) {
			continue
		}
		if text, ok := position.ReadFile(&l.report, name); ok {
			l.file(name, text, false)
		}
	}
	return l.set()
}

// set is what was gathered, or nothing when there are errors.
func (l *loader) set() (*Set, []position.Problem) {
	problems := l.report.Problems()
	if position.HasErrors(problems) {
		return nil, problems
	}
	set := &Set{}
	h := sha256.New()
	for _, id := range slices.Sorted(maps.Keys(l.rules)) {
		r := l.rules[id]
		set.Rules = append(set.Rules, r)
		h.Write(append(r.Canonical(), '\n'))
	}
	set.Hash = hex.EncodeToString(h.Sum(nil))
	return set, problems
}

// Rule returns the rule of an id, or nil.
func (s *Set) Rule(id string) *condition.Rule {
	i, found := slices.BinarySearchFunc(s.Rules, id, func(r condition.Rule, id string) int { return strings.Compare(r.ID, id) })
	if !found {
		return nil
	}
	return &s.Rules[i]
}

// builtins returns the files that Ganlin comes with by name: rules, or tests of them.
func builtins(tests bool) map[string][]byte {
	const folder = "builtin"
	found := map[string][]byte{}
	entries, err := builtinFiles.ReadDir(folder)
	if err != nil {
		panic(fmt.Sprintf("the built-in rules are not in the program: %v", err))
	}
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), testSuffix) != tests {
			continue
		}
		name := path.Join(folder, e.Name())
		if found[name], err = builtinFiles.ReadFile(name); err != nil {
			panic(fmt.Sprintf("the built-in rules are not in the program: %v", err))
		}
	}
	return found
}

// file takes over the rules of a file.
func (l *loader) file(name string, text []byte, builtin bool) {
	f, ok := open(&l.report, name, text)
	if !ok {
		return
	}
	top, ok := f.root.Mapping("a rule file", "rules")
	if !ok {
		return
	}
	for _, n := range top.Get("rules").List("rules") {
		r, at, ok := f.rule(n)
		if !ok {
			continue
		}
		r.Builtin = builtin
		before, twice := l.rules[r.ID]
		switch {
		case twice && !before.Builtin:
			l.report.Errorf(at, "rule %s is there twice: also at %s; keep one", r.ID, l.at[r.ID])
			continue
		case twice && (before.Subject != r.Subject || before.Do != r.Do):
			l.report.Errorf(at, "rule %s takes the place of a built-in one, which is about a %s and does %s; keep that, or choose another id",
				r.ID, before.Subject, before.Do)
			continue
		}
		r.Seal()
		l.rules[r.ID], l.at[r.ID] = r, at
	}
}
