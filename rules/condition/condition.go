package condition

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/parser"
	"github.com/expr-lang/expr/vm"
)

// A Result is what a condition says of a subject at one time.
type Result uint8

// The results. A condition that names a fact which is unknown is Unknown, even
// where the rest of it would decide: a rule that lacks what it asks for does not guess.
const (
	Unknown Result = iota
	False
	True
	Failed // it could not be evaluated: an error tells why
)

// String returns the result as a word.
func (r Result) String() string {
	switch r {
	case Unknown:
		return "unknown"
	case False:
		return "false"
	case True:
		return "true"
	case Failed:
		return "failed"
	}
	return "Result(" + strconv.Itoa(int(r)) + ")"
}

// maxLength is how many bytes a condition may have.
const maxLength = 1000

// An Error says where in a condition something is wrong.
type Error struct {
	Offset  int // in characters from its beginning
	Message string
	Name    string   // that there is not; empty: the trouble is another
	Known   []string // names that there are instead
}

// Error returns the message with its place.
func (e *Error) Error() string { return fmt.Sprintf("character %d: %s", e.Offset+1, e.Message) }

// A Condition is a compiled expression over the facts of a subject. It never
// changes and may be used from any goroutine.
type Condition struct {
	subject Subject
	source  string
	refers  []FactSpec // without which it is Unknown, by name
	program *vm.Program
}

// String returns the condition in one way of writing, whatever its spaces and line breaks were.
func (c *Condition) String() string { return c.source }

// Compile reads a condition about a subject: an expression of the language
// expr that is true or false, over its facts and the parameters of its rule. The
// error is an *Error.
func Compile(source string, s Subject, params map[string]float64) (*Condition, error) {
	of := structOf(s)
	switch {
	case of == nil:
		return nil, &Error{Message: fmt.Sprintf("there is nothing like a %s that a rule can be about", shorten(string(s)))}
	case len(source) > maxLength:
		return nil, &Error{Message: fmt.Sprintf("the condition has %d bytes; at most %d are allowed", len(source), maxLength)}
	case !utf8.ValidString(source):
		return nil, &Error{Message: "the condition is not UTF-8"}
	}
	t := tree{facts: map[string]FactSpec{}, params: params, refers: map[string]bool{}}
	for _, f := range Facts(s) {
		t.facts[f.Name] = f
	}
	parsed, err := parser.Parse(source)
	if err != nil {
		return nil, located(err)
	}
	if t.walk(parsed.Node); t.err != nil {
		return nil, t.err
	}
	c := &Condition{subject: s, source: parsed.Node.String()}
	for _, name := range slices.Sorted(maps.Keys(t.refers)) {
		c.refers = append(c.refers, t.facts[name])
	}
	c.program, err = expr.Compile(source,
		expr.Env(of), expr.AsBool(), expr.WarnOnAny(), expr.DisableAllBuiltins(),
		expr.Patch(lowering{t.facts, params}),
		expr.Function(divideName, divide, new(func(a, b float64) float64)),
	)
	if err != nil {
		return nil, located(err)
	}
	return c, nil
}

// divideName is what a division becomes; a condition cannot name it.
const divideName = "divide"

var errDivision = errors.New("division by 0")

// divide refuses what has no answer, where a machine number would be infinite
// or no number and compare false in silence.
func divide(args ...any) (any, error) {
	a, b := args[0].(float64), args[1].(float64)
	if b == 0 {
		return nil, errDivision
	}
	return a / b, nil
}

// located takes over an error of the library.
func located(err error) *Error {
	if at, ok := errors.AsType[*file.Error](err); ok {
		return &Error{Offset: at.From, Message: at.Message}
	}
	return &Error{Message: err.Error()}
}

// Env is what is known of the world when conditions are evaluated: the facts
// of the subject at hand. It is filled anew for each and not for concurrent use.
type Env struct {
	Plot    PlotFacts
	Valve   ValveFacts
	Station StationFacts
	Device  DeviceFacts

	machine vm.VM // kept for its stack
}

// of returns a pointer to the facts of a subject.
func (e *Env) of(s Subject) any {
	switch s {
	case Plot:
		return &e.Plot
	case Valve:
		return &e.Valve
	case Station:
		return &e.Station
	default:
		return &e.Device
	}
}

// Eval says whether the condition holds. The error, an *Error, is that of Failed.
func (c *Condition) Eval(env *Env) (Result, error) {
	facts := env.of(c.subject)
	values := reflect.ValueOf(facts).Elem()
	for i := range c.refers {
		if !isKnown(values.Field(c.refers[i].field)) {
			return Unknown, nil
		}
	}
	answer, err := env.machine.Run(c.program, facts)
	switch {
	case err != nil:
		return Failed, located(err)
	case answer == true:
		return True, nil
	}
	return False, nil
}

// isKnown takes a Fact of any type.
func isKnown(fact reflect.Value) bool { return fact.Field(1).Bool() }

// tell enters the facts that the condition refers to into numbers and texts,
// by name, and returns the names of those that are unknown.
func (c *Condition) tell(env *Env, numbers map[string]float64, texts map[string]string) (unknown []string) {
	values := reflect.ValueOf(env.of(c.subject)).Elem()
	for i := range c.refers {
		f := &c.refers[i]
		v := values.Field(f.field)
		switch {
		case !isKnown(v):
			unknown = append(unknown, f.Name)
		case f.Type == Number:
			numbers[f.Name] = v.Field(0).Float()
		case f.Type == Text:
			texts[f.Name] = v.Field(0).String()
		default:
			texts[f.Name] = strconv.FormatBool(v.Field(0).Bool())
		}
	}
	return unknown
}
