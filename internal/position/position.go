// Package position says where in a file that a person wrote something is
// wrong. Every reader of such files reports through it, so that all their
// problems look alike and come out together, and not only the first.
package position

import (
	"cmp"
	"fmt"
	"slices"
)

// A Position is a place in a file.
type Position struct {
	File   string `json:"file"`
	Line   int    `json:"line,omitempty"`   // from 1; 0: it stands in no file
	Column int    `json:"column,omitempty"` // from 1, in characters
}

// String returns file:line:column.
func (p Position) String() string {
	if p.Line == 0 {
		return p.File
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
}

// A Severity says whether what was read can be used.
type Severity string

// The severities.
const (
	Error   Severity = "error"   // it cannot
	Warning Severity = "warning" // it can, though it is hardly what was meant
)

// A Problem is one thing that is wrong: where, what, and how to mend it.
type Problem struct {
	Position
	Severity Severity `json:"severity"`
	Message  string   `json:"message"`
}

// String returns the problem as one line, as compilers do.
func (p Problem) String() string {
	return fmt.Sprintf("%s: %s: %s", p.Position, p.Severity, p.Message)
}

// HasErrors reports whether one of the problems is an error.
func HasErrors(problems []Problem) bool {
	return slices.ContainsFunc(problems, func(p Problem) bool { return p.Severity == Error })
}

// A Report collects the problems of one or more files. Its zero value is
// empty and ready. Not for concurrent use.
type Report struct {
	problems []Problem
}

// Errorf notes an error.
func (r *Report) Errorf(at Position, format string, args ...any) {
	r.problems = append(r.problems, Problem{at, Error, fmt.Sprintf(format, args...)})
}

// Warnf notes a warning.
func (r *Report) Warnf(at Position, format string, args ...any) {
	r.problems = append(r.problems, Problem{at, Warning, fmt.Sprintf(format, args...)})
}

// Add notes problems that another report collected.
func (r *Report) Add(problems ...Problem) { r.problems = append(r.problems, problems...) }

// Problems returns all of them once, sorted by file, line and column.
func (r *Report) Problems() []Problem {
	sorted := slices.Clone(r.problems)
	slices.SortFunc(sorted, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column), cmp.Compare(a.Message, b.Message))
	})
	return slices.Compact(sorted)
}
