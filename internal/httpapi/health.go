package httpapi

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// Health says how the program is.
type Health interface {
	Status(ctx context.Context) (Status, error)
}

// OK is the state of a part that does its work.
const OK = "ok"

// Conserved reports whether both identities hold. Values that damage to the
// journal has taken are named in the notes and part of the second.
func (a Accounting) Conserved() bool {
	m, v := a.Messages, a.Values
	return m.Received == m.Decoded+m.DeadLettered && v.Decoded == v.Stored+v.Duplicate+v.Rejected+v.Waiting+a.Notes.LostValues
}

// healthz answers as long as the program runs at all.
func (a *api) healthz(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = w.Write([]byte("ok\n"))
}

// readyz is 200 when all parts are ok, else 503 naming those that are not.
// Acknowledging does not depend on it: a database that is away is not ready,
// and readings are taken all the same.
func (a *api) readyz(w http.ResponseWriter, r *http.Request) {
	s, err := a.Health.Status(r.Context())
	if err != nil {
		a.fail(w, r, err)
		return
	}
	var wrong []string
	for _, part := range slices.Sorted(maps.Keys(s.Parts)) {
		if s.Parts[part] != OK {
			wrong = append(wrong, part+": "+s.Parts[part])
		}
	}
	if len(wrong) > 0 {
		WriteProblem(w, ProblemError{Title: "not ready", Status: http.StatusServiceUnavailable, Detail: strings.Join(wrong, "; ")})
		return
	}
	writeJSON(w, map[string]bool{"ready": true})
}

// GetStatus returns how the program is.
func (a *api) GetStatus(ctx context.Context, _ GetStatusRequestObject) (GetStatusResponseObject, error) {
	s, err := a.Health.Status(ctx)
	return GetStatus200JSONResponse(s), err
}

// ListRules returns the rules in force.
func (a *api) ListRules(context.Context, ListRulesRequestObject) (ListRulesResponseObject, error) {
	return ListRules200JSONResponse(a.Rules()), nil
}
