package condition

import "time"

// A State is where an alert stands. The zero value is inactive.
type State string

// The states.
const (
	Inactive    State = ""
	Pending     State = "pending" // it is so, but not yet for long enough
	Firing      State = "firing"
	UnknownData State = "unknown" // it fired, and what would tell whether it still does is missing
)

// An Alert is a rule and a subject over time. From the moment it fires until it
// is resolved it is one episode with one id, whatever is unknown meanwhile. Its
// zero value is inactive; it survives encoding/json exactly.
type Alert struct {
	State    State     `json:"state,omitempty"`
	Since    time.Time `json:"since,omitzero"` // the beginning of the state
	ID       string    `json:"id,omitempty"`   // of the episode; empty before it fires
	FiredAt  time.Time `json:"fired_at,omitzero"`
	LastTrue time.Time `json:"last_true,omitzero"` // the last step at which the rule's when held
}

// A Change is what happened to an alert.
type Change string

// The changes. Of each episode exactly one is Fired and at most one is Resolved.
const (
	Began    Change = "pending"
	Dropped  Change = "dropped" // before it fired: it was not so for long enough, or is not known any more
	Fired    Change = "firing"
	Lost     Change = "unknown"  // the episode goes on, its data are missing
	Regained Change = "regained" // they are there again, and it still is so
	Resolved Change = "resolved"
)

// A Transition is one change of an alert.
type Transition struct {
	Change  Change
	At      time.Time
	ID      string    // of the episode; empty before it fires
	FiredAt time.Time // likewise
}

// Step takes an alert on to a time, which is not before that of the step before,
// by what Rule.Eval said of it. It returns the change, if there is one. id names
// the episode and is asked only when it fires.
func (a *Alert) Step(r *Rule, when, over Result, at time.Time, id func() string) (Transition, bool) {
	at = at.UTC()
	if when == True {
		a.LastTrue = at
	}
	switch a.State {
	case Inactive, Pending:
		return a.rise(r, when, at, id)
	}
	switch {
	case when == True, when == False && over == False:
		if a.State == UnknownData {
			return a.enter(Firing, Regained, at), true
		}
	case when == False && over == True:
		t := a.enter(Inactive, Resolved, at)
		*a = Alert{}
		return t, true
	case a.State == Firing:
		return a.enter(UnknownData, Lost, at), true
	}
	return Transition{}, false
}

// rise takes on an alert that has not fired.
func (a *Alert) rise(r *Rule, when Result, at time.Time, id func() string) (Transition, bool) {
	pending := a.State == Pending
	switch {
	case when != True && pending:
		*a = Alert{}
		return Transition{Change: Dropped, At: at}, true
	case when != True:
		return Transition{}, false
	case !pending && r.For > 0:
		return a.enter(Pending, Began, at), true
	case pending && at.Sub(a.Since) < r.For:
		return Transition{}, false
	}
	a.ID, a.FiredAt = id(), at
	return a.enter(Firing, Fired, at), true
}

func (a *Alert) enter(s State, c Change, at time.Time) Transition {
	a.State, a.Since = s, at
	return Transition{Change: c, At: at, ID: a.ID, FiredAt: a.FiredAt}
}
