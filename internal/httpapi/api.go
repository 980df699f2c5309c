// Package httpapi serves /api/v1, /healthz, /readyz and /metrics. It holds no
// logic: it reads requests, asks the parts of the program through small
// interfaces and writes answers; errors are RFC 9457 problems.
package httpapi

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"ganlin/devices"
)

// Options are what the API is made of. A nil Stepper means that time is the wall clock's.
type Options struct {
	// Require lets through to next whom a scope allows.
	Require func(scope string, next http.Handler) http.Handler

	Health      Health
	Stepper     Stepper
	Registrar   Registrar
	Accounts    Accounts
	DeadLetters DeadLetters
	Metrics     http.Handler
	Live        http.Handler // server-sent events of what the pages show now
	Log         *slog.Logger
}

// Health says how the program is.
type Health interface {
	Status(ctx context.Context) (Status, error)
}

// A Status is where event time stands, what was counted, and how each part is.
type Status struct {
	Tick       time.Time         `json:"tick,omitzero"`
	Watermark  time.Time         `json:"watermark,omitzero"`
	Accounting Accounting        `json:"accounting"`
	Parts      map[string]string `json:"parts"` // "ok", or a sentence that says what is wrong
}

// OK is the state of a part that does its work.
const OK = "ok"

// Accounting is the conservation law: received = decoded + dead_lettered, and
// decoded = stored + duplicate + rejected + waiting, exact at every quiet moment.
type Accounting struct {
	Messages Messages `json:"messages"`
	Values   Values   `json:"values"`
	Notes    Notes    `json:"notes"`
}

// Messages are counted where they are read.
type Messages struct {
	Received     int64 `json:"received"`
	Decoded      int64 `json:"decoded"`
	DeadLettered int64 `json:"dead_lettered"`
}

// Values are counted where each is decided.
type Values struct {
	Decoded   int64 `json:"decoded"`
	Stored    int64 `json:"stored"`
	Duplicate int64 `json:"duplicate"`
	Rejected  int64 `json:"rejected"`
	Waiting   int64 `json:"waiting"`
}

// Notes are counted beside the law and are no terms of it.
type Notes struct {
	Unidentified int64  `json:"unidentified"`
	Late         int64  `json:"late"`
	LostRecords  uint64 `json:"lost_records"` // journal records that damage has taken
}

// Conserved reports whether both identities hold.
func (a Accounting) Conserved() bool {
	m, v := a.Messages, a.Values
	return m.Received == m.Decoded+m.DeadLettered && v.Decoded == v.Stored+v.Duplicate+v.Rejected+v.Waiting
}

// A Stepper moves the step clock: see the contract, "In step".
type Stepper interface {
	// Step returns when the messages named by last are in the journal and the
	// tick is. It returns ErrEarlier for a time before the last tick.
	Step(ctx context.Context, at time.Time, last map[devices.DeviceID]int64) (watermark time.Time, err error)
}

// New returns the handler of all routes of this package.
func New(o Options) http.Handler {
	mux := http.NewServeMux()
	a := api{o}
	for _, r := range []struct {
		pattern, scope string
		handler        http.HandlerFunc
	}{
		{"GET /healthz", "open", a.healthz},
		{"GET /readyz", "open", a.readyz},
		{"GET /metrics", "metrics:read", o.Metrics.ServeHTTP},
		{"GET /api/v1/status", "machine:read", a.status},
		{"POST /api/v1/step", "machine:act", a.step},
		{"GET /api/v1/accounts", "machine:read", a.listAccounts},
		{"POST /api/v1/accounts", "machine:act", a.addAccount},
		{"DELETE /api/v1/accounts/{id}", "machine:act", a.revokeAccount},
		{"POST /api/v1/accounts/{id}/tokens", "machine:act", a.addToken},
		{"DELETE /api/v1/accounts/{id}/tokens/{token}", "machine:act", a.revokeToken},
		{"GET /api/v1/devices", "machine:read", a.listDevices},
		{"POST /api/v1/devices", "machine:act", a.addDevice},
		{"POST /api/v1/devices/import", "machine:act", a.importDevices},
		{"DELETE /api/v1/devices/{id}", "machine:act", a.revokeDevice},
		{"GET /api/v1/deadletters", "machine:read", a.listDeadLetters},
		{"GET /api/v1/deadletters/{id}", "machine:read", a.showDeadLetter},
		{"GET /api/v1/live", "village:read", o.Live.ServeHTTP},
	} {
		mux.Handle(r.pattern, o.Require(r.scope, r.handler))
	}
	mux.HandleFunc("/api/v1/", func(w http.ResponseWriter, r *http.Request) {
		writeProblem(w, http.StatusNotFound, "no such resource", r.Method+" "+r.URL.Path+" is not part of the API")
	})
	return mux
}

type api struct{ Options }
