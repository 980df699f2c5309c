package rulefile

import (
	"errors"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"ganlin/internal/position"
	"ganlin/rules/condition"
)

// A file is one that is being read.
type file struct {
	report *position.Report
	name   string
	text   []byte // without a byte order mark
	root   position.Node
}

func open(r *position.Report, name string, text []byte) (file, bool) {
	text, ok := position.CheckText(r, name, text)
	if !ok {
		return file{}, false
	}
	root, ok := position.ReadYAML(r, name, text)
	return file{r, name, text, root}, ok
}

var (
	idForm      = regexp.MustCompile(`^[a-z][a-z0-9_]{0,39}$`)
	messageForm = regexp.MustCompile(`^[a-z][a-z0-9_.]{0,79}$`)
	paramNamed  = regexp.MustCompile(`\bparams\s*\.\s*([A-Za-z0-9_]+)`)
)

// longestFor bounds how long something has to hold: a season.
const longestFor = 8784 * time.Hour

// rule reads one rule and where its id stands.
func (f *file) rule(n position.Node) (condition.Rule, position.Position, bool) {
	m, ok := n.Mapping("a rule", "id", "about", "applies", "when", "for", "clear", "severity", "do", "params", "message")
	if !ok {
		return condition.Rule{}, n.At(), false
	}
	if missing := m.Missing("id", "about", "when", "severity"); len(missing) > 0 {
		f.report.Errorf(n.At(), "the rule has no %s", strings.Join(missing, ", no "))
		return condition.Rule{}, n.At(), false
	}
	var r condition.Rule
	before := len(f.report.Problems())
	r.ID = matching(m.Get("id"), "id", idForm, "small letters, digits and _, such as soil_unknown")
	r.Subject = oneOf(m.Get("about"), "about", "", condition.Subjects()...)
	r.Severity = oneOf(m.Get("severity"), "severity", "", condition.Info, condition.Warning, condition.Critical)
	r.Do = oneOf(m.Get("do"), "do", condition.RaiseAlert, condition.RaiseAlert, condition.Irrigate)
	r.For = duration(m.Get("for"), "for")
	r.Message = matching(m.Get("message"), "message", messageForm, "a key of the message catalogue: small letters, digits, _ and .")
	if r.Message == "" {
		r.Message = r.ID
	}
	if r.Do == condition.Irrigate {
		f.waters(m, &r)
	}
	r.Params = f.params(m, r.Do)
	if r.Subject != "" {
		r.Applies = f.condition(m.Get("applies"), "applies", &r)
		r.When = f.condition(m.Get("when"), "when", &r)
		r.Clear = f.condition(m.Get("clear"), "clear", &r)
	}
	return r, m.Get("id").At(), len(f.report.Problems()) == before
}

// waters checks what a rule that waters may have.
func (f *file) waters(m position.Mapping, r *condition.Rule) {
	if r.Subject != "" && r.Subject != condition.Plot {
		m.Get("about").Errorf("a rule that waters is about a plot, not a %s", r.Subject)
	}
	for _, key := range []string{"for", "clear"} {
		if n := m.Get(key); !n.Absent() {
			n.Errorf("a rule that waters has no %s: it waters at once, until the soil has what it can use", key)
		}
	}
}

// params reads the numbers that a rule's conditions name, and those of its action.
func (f *file) params(m position.Mapping, do condition.Action) map[string]float64 {
	n := m.Get("params")
	params := map[string]float64{}
	if do == condition.Irrigate {
		maps.Copy(params, usual())
	}
	if n.Absent() {
		return params
	}
	var names []string
	for _, key := range []string{"applies", "when", "clear"} {
		if c := m.Get(key); c.IsScalar() {
			text, _ := c.Text(key)
			for _, found := range paramNamed.FindAllStringSubmatch(text, -1) {
				names = append(names, found[1])
			}
		}
	}
	specs := map[string]condition.ParamSpec{}
	if do == condition.Irrigate {
		for _, s := range condition.IrrigateParams() {
			specs[s.Name] = s
			names = append(names, s.Name)
		}
	}
	slices.Sort(names)
	names = slices.Compact(names)
	if len(names) == 0 {
		n.Errorf("the rule's conditions name no parameter; leave params out, or use them as in params.limit")
		return nil
	}
	given, ok := n.Mapping("params", names...)
	if !ok {
		return nil
	}
	for _, name := range names {
		value := given.Get(name)
		v, ok := value.Float(name)
		if !ok {
			continue
		}
		if spec, ok := specs[name]; ok {
			if err := spec.Check(v); err != nil {
				value.Errorf("%v", err)
			}
		}
		params[name] = v
	}
	return params
}

// condition compiles an expression; nil if it is absent or wrong.
func (f *file) condition(n position.Node, key string, r *condition.Rule) *condition.Condition {
	text, ok := n.Text(key)
	if !ok {
		return nil
	}
	c, err := condition.Compile(text, r.Subject, r.Params)
	if e, ok := errors.AsType[*condition.Error](err); ok {
		hint := position.DidYouMean(e.Name, e.Known)
		const few = 8
		if hint == "" && 0 < len(e.Known) && len(e.Known) <= few {
			hint = "; there is " + strings.Join(e.Known, ", ")
		}
		f.report.Errorf(f.inside(n.At(), text, e.Offset), "%s: %s%s", key, e.Message, hint)
	}
	return c
}

// matching reads a text of a form.
func matching(n position.Node, what string, form *regexp.Regexp, words string) string {
	text, ok := n.Text(what)
	if ok && !form.MatchString(text) {
		n.Errorf("%s must be %s", what, words)
	}
	return text
}

// oneOf reads one of a few words. It returns an empty one when it is wrong.
func oneOf[T ~string](n position.Node, what string, absent T, known ...T) T {
	text, ok := n.Text(what)
	if !ok {
		return absent
	}
	if slices.Contains(known, T(text)) {
		return T(text)
	}
	names := make([]string, len(known))
	for i, k := range known {
		names[i] = string(k)
	}
	n.Errorf("%s must be one of %s%s", what, strings.Join(names, ", "), position.DidYouMean(text, names))
	return ""
}

// duration reads a time span; 0 when it is absent or wrong.
func duration(n position.Node, what string) time.Duration {
	text, ok := n.Text(what)
	if !ok {
		return 0
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 || d > longestFor {
		n.Errorf("%s must be a time span such as 90m or 24h, at most %d h", what, int(longestFor.Hours()))
		return 0
	}
	return d
}
