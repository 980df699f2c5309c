package condition

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"time"
)

// An Action is what a rule does.
type Action string

// The actions.
const (
	RaiseAlert Action = "alert"    // tell people
	Irrigate   Action = "irrigate" // water the plot, as far as its mode allows
)

// The severities of an alert.
const (
	Info     = "info"     // good to know
	Warning  = "warning"  // somebody should look
	Critical = "critical" // somebody must look now
)

// A Rule says when something is so and what is done about it.
type Rule struct {
	ID       string
	Subject  Subject
	Applies  *Condition    // to which subjects; nil: all
	When     *Condition    // it begins
	For      time.Duration // how long When has to hold before the alert fires
	Clear    *Condition    // it is over; nil: when When is false
	Severity string
	Do       Action
	Params   map[string]float64 // the unit is in the name
	Message  string             // a key of the message catalogue
	Version  string             // the first 12 hexadecimal digits of the SHA-256 of Canonical
	Builtin  bool
}

// Canonical returns all that the rule decides by as one line of JSON. Rules
// that only look different have the same one.
func (r *Rule) Canonical() []byte {
	text := func(c *Condition) string {
		if c == nil {
			return ""
		}
		return c.String()
	}
	line, err := json.Marshal(struct {
		ID       string             `json:"id"`
		About    Subject            `json:"about"`
		Applies  string             `json:"applies,omitempty"`
		When     string             `json:"when"`
		For      string             `json:"for"`
		Clear    string             `json:"clear,omitempty"`
		Severity string             `json:"severity"`
		Do       Action             `json:"do"`
		Params   map[string]float64 `json:"params,omitempty"`
		Message  string             `json:"message"`
	}{r.ID, r.Subject, text(r.Applies), text(r.When), r.For.String(), text(r.Clear), r.Severity, r.Do, r.Params, r.Message})
	if err != nil {
		panic(fmt.Sprintf("rule %s has a parameter that is not finite: %v", r.ID, err)) // the file reader refuses it
	}
	return line
}

// Seal sets the version. It is called once, when the rule is complete.
func (r *Rule) Seal() {
	sum := sha256.Sum256(r.Canonical())
	r.Version = hex.EncodeToString(sum[:])[:12]
}

// Passes reports whether the rule does not apply to its subject.
func (r *Rule) Passes(env *Env) bool {
	if r.Applies == nil {
		return false
	}
	applies, _ := r.Applies.Eval(env)
	return applies == False
}

// Covers reports whether the rule applies to its subject for certain.
func (r *Rule) Covers(env *Env) bool {
	if r.Applies == nil {
		return true
	}
	applies, _ := r.Applies.Eval(env)
	return applies == True
}

// Eval says whether the rule's subject is in the state that it is about, and
// whether it is out of it. To whom the rule does not apply is out of it. The
// error is that of Failed, and begins with the key of the condition.
func (r *Rule) Eval(env *Env) (when, over Result, err error) {
	if r.Applies != nil {
		applies, err := r.Applies.Eval(env)
		switch applies {
		case True:
		case False:
			return False, True, nil
		default:
			return applies, applies, named("applies", err)
		}
	}
	if when, err = r.When.Eval(env); when == Failed {
		return when, when, named("when", err)
	}
	if r.Clear == nil {
		return when, negated(when), nil
	}
	over, err = r.Clear.Eval(env)
	return when, over, named("clear", err)
}

func named(key string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", key, err)
}

func negated(r Result) Result {
	switch r {
	case True:
		return False
	case False:
		return True
	}
	return r
}

// Tell enters the facts that the rule's conditions refer to into numbers and
// texts, by name, and returns the names of those that are unknown, sorted.
func (r *Rule) Tell(env *Env, numbers map[string]float64, texts map[string]string) (unknown []string) {
	for _, c := range []*Condition{r.Applies, r.When, r.Clear} {
		if c != nil {
			unknown = append(unknown, c.tell(env, numbers, texts)...)
		}
	}
	slices.Sort(unknown)
	return slices.Compact(unknown)
}

// A ParamSpec documents a parameter of a rule that waters.
type ParamSpec struct {
	Name     string
	Unit     string
	Min, Max float64
	Whole    bool // no fractions
	Doc      string
}

// IrrigateParams returns the parameters of a rule that waters. One that a file
// leaves out is that of the built-in rule.
func IrrigateParams() []ParamSpec {
	return []ParamSpec{
		{"trigger_of_raw", "1", 0.01, 2, false, "water when depletion passes this share of the readily available water"},
		{"keep_room_mm", "mm", 0, 200, false, "depletion that is left for rain"},
		{"keep_room_of_raw", "1", 0, 1, false, "the same as a share of the readily available water; the larger of the two counts"},
		{"min_net_mm", "mm", 0, 100, false, "net depth below which an opening is not worth its while"},
		{"efficiency_pct", "%", 1, 100, false, "of the water from the valve, what the root zone gets"},
		{"from_hour", "h", 0, 23, true, "local hour from which a valve may open"},
		{"until_hour", "h", 0, 23, true, "local hour from which it may not; the same as from_hour: it always may"},
		{"stop_days", "d", 0, 365, true, "last days of the season without watering"},
		{"wind_max_ms", "m/s", 0, 60, false, "no opening in more wind, and one that is under way is ended"},
		{"frost_c", "Cel", -60, 60, false, "likewise in colder air"},
		{"rain_max_mm", "mm", 0, 300, false, "likewise after more rain in 24 hours"},
		{"starts_per_day", "1", 0, 100, true, "openings of a plot from one midnight to the next; 0: no limit"},
		{"rest_min", "min", 0, 1440, true, "time between two openings of a valve"},
		{"day_max_mm", "mm", 0, 1000, false, "what the valves of a plot may bring from one midnight to the next, by their meters; 0: no limit"},
		{"season_max_mm", "mm", 0, 10000, false, "likewise from planting to harvest, of a perennial in a year"},
	}
}

// Check reports what is wrong with a value.
func (p *ParamSpec) Check(v float64) error {
	switch {
	case !(v >= p.Min && v <= p.Max):
		return fmt.Errorf("%s %v is not %v to %v", p.Name, v, p.Min, p.Max)
	case p.Whole && v != math.Trunc(v):
		return fmt.Errorf("%s %v is not a whole number", p.Name, v)
	}
	return nil
}
