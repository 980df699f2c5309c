package rules

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"ganlin/devices"
	"ganlin/rules/condition"
)

// An alert is one that is under way. Once it has fired it holds what its end
// has to name, as a new version may have taken away rule and subject by then.
type alert struct {
	condition.Alert
	Severity string           `json:"severity,omitempty"`
	Version  string           `json:"version,omitempty"` // of its rule
	Location devices.Location `json:"location,omitzero"`
}

// brokenRule is what the engine itself says of a rule that cannot be evaluated.
var brokenRule = condition.Rule{ID: "rule_broken", Severity: condition.Critical, Version: "1", Do: condition.RaiseAlert}

// judge evaluates a rule. One that fails decides nothing, and is an alert about the rule.
func (t *turn) judge(r *condition.Rule, where *about, env *condition.Env) (when, over condition.Result, ok bool) {
	t.site.evaluations++
	when, over, err := r.Eval(env)
	if err == nil {
		return when, over, true
	}
	key := brokenRule.ID + " " + r.ID
	a := t.site.state.Alerts[key]
	if a == nil {
		a = &alert{}
		t.site.state.Alerts[key] = a
	}
	t.transition(a, &brokenRule, t.here(r.ID), condition.True, condition.False, func(d *devices.Decision) {
		d.Texts["error"], d.Texts["about"] = err.Error(), where.subject
	})
	return when, over, false
}

// mended resolves what was said of rules that could be evaluated this time.
func (t *turn) mended() {
	for k := range t.site.c.Rules {
		key := brokenRule.ID + " " + t.site.c.Rules[k].ID
		if a := t.site.state.Alerts[key]; a != nil && a.LastTrue.Before(t.at) {
			t.transition(a, &brokenRule, t.here(t.site.c.Rules[k].ID), condition.False, condition.True, func(*devices.Decision) {})
			delete(t.site.state.Alerts, key)
		}
	}
}

// here is something of the whole site.
func (t *turn) here(subject string) *about {
	return &about{subject: subject, location: devices.Location{Site: t.site.c.Site.ID, Place: t.site.c.Site.Place}}
}

// alert lets an alert take its step.
func (t *turn) alert(r *condition.Rule, where *about, env *condition.Env) {
	when, over, ok := t.judge(r, where, env)
	if !ok {
		return
	}
	key := r.ID + " " + where.subject
	a := t.site.state.Alerts[key]
	if a == nil {
		if when != condition.True {
			return // nothing has begun
		}
		a = &alert{}
		t.site.state.Alerts[key] = a
	}
	t.transition(a, r, where, when, over, func(d *devices.Decision) {
		if where.soil != nil {
			where.soil.tell(d)
		}
		d.Unknown = append(d.Unknown, r.Tell(env, d.Numbers, d.Texts)...)
		if d.Outcome == string(condition.Resolved) && r.Passes(env) {
			d.Texts["reason"] = Passed
		}
	})
	if a.State == condition.Inactive {
		delete(t.site.state.Alerts, key)
	}
}

// told are the changes of an alert that are decisions, with what is stored of the state after them.
var told = map[condition.Change]int64{condition.Fired: 1, condition.Lost: 2, condition.Regained: 1, condition.Resolved: 0}

// transition steps an alert and takes down what came of it.
func (t *turn) transition(a *alert, r *condition.Rule, where *about, when, over condition.Result, tell func(*devices.Decision)) {
	moved, changed := a.Step(r, when, over, t.at, func() string {
		return idOf(t.site.c.Site.ID, where.subject, r.ID, "episode", "", t.at)
	})
	state, worth := told[moved.Change]
	if !changed || !worth {
		return
	}
	a.Severity, a.Version, a.Location = r.Severity, r.Version, where.location
	d := t.decision(devices.AlertDecision, r.ID, r.Version, where.subject, where.plot, string(moved.Change))
	d.Severity = r.Severity
	tell(&d)
	slices.Sort(d.Unknown)
	d.Unknown = slices.Compact(d.Unknown)
	d.Texts["alert"], d.Texts["raised_at"] = moved.ID, moved.FiredAt.UTC().Format(time.RFC3339)
	d.Points = []devices.Point{{
		Measurement: devices.AlertMeasurement, Location: where.location, Rule: r.ID, Severity: r.Severity, At: t.at,
		Integers: map[string]int64{"state": state}, Texts: map[string]string{"id": moved.ID},
	}}
	t.decide(d)
}

// orphaned resolves the alerts whose rule or subject a new version has taken away.
func (t *turn) orphaned() {
	var keys []string
	for key := range t.site.state.Alerts {
		if t.site.judged(key) == nil {
			keys = append(keys, key)
		}
	}
	t.end(keys)
}

// end resolves alerts that nothing will be said of any more.
func (t *turn) end(keys []string) {
	slices.Sort(keys)
	for _, key := range keys {
		a := t.site.state.Alerts[key]
		delete(t.site.state.Alerts, key)
		if a.ID == "" {
			continue // it never fired
		}
		rule, subject, _ := strings.Cut(key, " ")
		r := condition.Rule{ID: rule, Version: a.Version, Severity: a.Severity}
		where := about{subject: subject, plot: a.Location.Plot, location: a.Location}
		t.transition(a, &r, &where, condition.False, condition.True, func(d *devices.Decision) { d.Texts["reason"] = Removed })
	}
}

// Why an alert is over although what it was about may go on.
const (
	Removed = "removed" // its rule or its subject is in force no more
	Passed  = "passed"  // its rule applies no more, as after the harvest
)

// judged returns the rule by which an alert is judged; nil: there is no such
// rule, or nothing by that name that it is about.
func (s *Site) judged(key string) *condition.Rule {
	rule, subject, _ := strings.Cut(key, " ")
	if rule == brokenRule.ID {
		if s.rule(subject) == nil {
			return nil
		}
		return &brokenRule
	}
	r, there := s.rule(rule), false
	if r == nil || r.Do != condition.RaiseAlert {
		return nil
	}
	switch r.Subject {
	case condition.Plot:
		there = s.state.Plots[devices.PlotID(subject)] != nil
	case condition.Station:
		there = s.state.Stations[devices.StationID(subject)] != nil
	case condition.Valve:
		g := s.state.Valves[devices.DeviceID(subject)]
		there = g != nil && g.Left.IsZero()
	case condition.Device:
		there = s.state.Devices[devices.DeviceID(subject)] != nil
	}
	if !there {
		return nil
	}
	return r
}

// rule returns a rule by its id; nil: there is none.
func (s *Site) rule(id string) *condition.Rule {
	i := slices.IndexFunc(s.c.Rules, func(r condition.Rule) bool { return r.ID == id })
	if i < 0 {
		return nil
	}
	return &s.c.Rules[i]
}

// alerts returns the alerts that are under way.
func (s *Site) alerts() []AlertView {
	var all []AlertView
	for key, a := range s.state.Alerts {
		if r := s.judged(key); r != nil {
			_, subject, _ := strings.Cut(key, " ")
			all = append(all, AlertView{ID: a.ID, Rule: r.ID, Subject: subject, Severity: r.Severity, State: a.State, Since: a.Since})
		}
	}
	slices.SortFunc(all, func(a, b AlertView) int {
		return cmp.Or(strings.Compare(a.Rule, b.Rule), strings.Compare(a.Subject, b.Subject))
	})
	return all
}
