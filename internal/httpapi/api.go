// Package httpapi serves /api/v1, /healthz, /readyz and /metrics. What it
// serves is written in openapi.yaml: routes and types are generated from it,
// requests are held against it, and every operation says there who may use it.
// The package holds no logic: it asks the parts of the program through small
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
	// Require lets through to next whom a scope of the document allows.
	Require func(scope string, next http.Handler) http.Handler
	// Access tells who asks: whom Require has let through.
	Access func(context.Context) (Access, bool)

	Health      Health
	Stepper     Stepper
	Registrar   Registrar
	Accounts    Accounts
	DeadLetters DeadLetters
	Losses      Losses
	Notices     Notices
	Plots       Plots
	Valves      Valves
	Alerts      Alerts
	Decisions   Decisions
	History     Historian
	Answers     Answers
	Rules       func() RuleSet
	Clues       Clues
	Signals     Signals
	Webhooks    Webhooks
	Metrics     http.Handler
	Live        http.Handler     // server-sent events of what the page shows now
	Now         func() time.Time // event time: the step clock in step mode
	Log         *slog.Logger
}

// An Access is who asks and how far that account may look and act.
type Access struct {
	Account string
	Reach   Reach
}

// A Reach is what of the land somebody may see and act on. What it does not
// hold is answered like what does not exist.
type Reach interface {
	SeesPlot(devices.Plot) bool
	SeesSite(devices.Site) bool
	ActsOn(devices.Plot) bool
}

// nothing is the reach of whom nobody knows.
type nothing struct{}

func (nothing) SeesPlot(devices.Plot) bool { return false }
func (nothing) SeesSite(devices.Site) bool { return false }
func (nothing) ActsOn(devices.Plot) bool   { return false }

// reach is how far who asks may look.
func (a *api) reach(ctx context.Context) Reach {
	if access, ok := a.Access(ctx); ok && access.Reach != nil {
		return access.Reach
	}
	return nothing{}
}

// New returns the handler of all routes of this package. It fails when the
// document and what was generated from it do not agree, or an operation does
// not say who may use it.
func New(o Options) (http.Handler, error) {
	mux := http.NewServeMux()
	a := &api{Options: o, acts: Once{Answers: o.Answers, Log: o.Log}}
	mux.Handle("GET /healthz", o.Require("open", http.HandlerFunc(a.healthz)))
	mux.Handle("GET /readyz", o.Require("open", http.HandlerFunc(a.readyz)))
	mux.Handle("GET /metrics", o.Require("metrics:read", o.Metrics))
	if err := a.routes(mux); err != nil {
		return nil, err
	}
	return mux, nil
}

type api struct {
	Options
	document []byte
	acts     Once
}

var _ StrictServerInterface = (*api)(nil)
