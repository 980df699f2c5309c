package httpapi

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
)

// A ProblemError is an error as RFC 9457 writes it.
type ProblemError struct {
	Type   string       `json:"type"` // about:blank, or a name that stays the same
	Title  string       `json:"title"`
	Status int          `json:"status"`
	Detail string       `json:"detail,omitempty"`
	Errors []FieldError `json:"errors,omitempty"`
}

// A FieldError is one thing that is wrong with a request.
type FieldError struct {
	Pointer string `json:"pointer"` // #/field of the body, ?name of the query, or the name of a header
	Detail  string `json:"detail"`
}

// Error returns the problem as one sentence.
func (p ProblemError) Error() string {
	said := []string{p.Title}
	if p.Detail != "" {
		said = append(said, p.Detail)
	}
	for _, e := range p.Errors {
		said = append(said, e.Pointer+" "+e.Detail)
	}
	return strings.Join(said, ": ")
}

// Plain returns what an error says to whoever typed a command: without the
// names that only HTTP has for it.
func Plain(err error) string {
	p, known := problemOf(err)
	if !known || p.Detail == "" && len(p.Errors) == 0 {
		return err.Error()
	}
	var said []string
	if p.Detail != "" {
		said = append(said, p.Detail)
	}
	for _, e := range p.Errors {
		said = append(said, strings.TrimLeft(e.Pointer, "#/?")+" "+e.Detail)
	}
	return strings.Join(said, "; ")
}

// The types of problems that a program may want to tell from others of the same status.
const (
	blankType          = "about:blank"
	InvalidType        = "urn:ganlin:problem:invalid-request"
	KeyReusedType      = "urn:ganlin:problem:idempotency-key-reused"
	CursorType         = "urn:ganlin:problem:cursor"
	InternalType       = "urn:ganlin:problem:internal"
	internalDetail     = "the log of the program says more"
	contentTypeProblem = "application/problem+json"
)

// The errors that the parts behind the API return, and their status.
var (
	ErrBadRequest  = errors.New("bad request")
	ErrNotFound    = errors.New("not found")
	ErrConflict    = errors.New("conflict")
	ErrUnavailable = errors.New("unavailable")
)

// Invalid says of one place of a request what is wrong with it.
func Invalid(pointer, detail string) error {
	return ProblemError{
		Type: InvalidType, Title: "invalid request", Status: http.StatusBadRequest, Errors: []FieldError{{pointer, detail}},
	}
}

// problemOf finds the problem that an error is; false: nobody was meant to see it.
func problemOf(err error) (ProblemError, bool) {
	if p, ok := errors.AsType[ProblemError](err); ok {
		return p, true
	}
	for _, c := range []struct {
		err    error
		status int
	}{
		{ErrBadRequest, http.StatusBadRequest},
		{ErrNotFound, http.StatusNotFound},
		{ErrConflict, http.StatusConflict},
		{ErrUnavailable, http.StatusServiceUnavailable},
	} {
		if errors.Is(err, c.err) {
			return ProblemError{Status: c.status, Detail: strings.TrimPrefix(err.Error(), c.err.Error()+": ")}, true
		}
	}
	return ProblemError{Type: InternalType, Status: http.StatusInternalServerError, Detail: internalDetail}, false
}

// fail answers with the problem that an error is.
func (a *api) fail(w http.ResponseWriter, r *http.Request, err error) {
	p, known := problemOf(err)
	if !known && r.Context().Err() == nil {
		a.Log.Error("serving a request", "method", r.Method, "path", r.URL.Path, "error", err)
	}
	WriteProblem(w, p)
}

// WriteProblem answers with a problem. Type and title have defaults.
func WriteProblem(w http.ResponseWriter, p ProblemError) {
	if p.Type == "" {
		p.Type = blankType
	}
	if p.Title == "" {
		p.Title = strings.ToLower(http.StatusText(p.Status))
	}
	h := w.Header()
	h.Set("Content-Type", contentTypeProblem)
	h.Set("Cache-Control", "no-store")
	if (p.Status == http.StatusServiceUnavailable || p.Status == http.StatusTooManyRequests) && h.Get("Retry-After") == "" {
		h.Set("Retry-After", "5")
	}
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p)
}

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_ = json.NewEncoder(w).Encode(v)
}
