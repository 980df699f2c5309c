// Package auth says who may do what. An account has a role and a reach: sites,
// places or a household. Tokens and sessions prove an account; both are kept as
// SHA-256 only and looked up in memory, so that a records store that fails
// locks nobody out of the emergency stop. The Guard stands before every route
// and lets through what the route's scope allows; what has no scope is refused.
package auth

import (
	"context"
	"slices"

	"ganlin/devices"
)

// A Role says what kind of work an account is for.
type Role string

// The roles.
const (
	Operator   Role = "operator"    // keeps the whole program running
	Agronomist Role = "agronomist"  // decides about the plots of its sites and places
	Farmer     Role = "farmer"      // sees and waters the plots of one household
	GridWorker Role = "grid_worker" // visits the households of its sites and places
	Monitor    Role = "monitor"     // a program: reads signals of its sites and places, and metrics
)

// Roles returns all roles.
func Roles() []Role { return []Role{Operator, Agronomist, Farmer, GridWorker, Monitor} }

// Access is who asks, and how far they may look. The zero value sees nothing.
type Access struct {
	Account   string // opaque
	Role      Role
	Sites     []devices.SiteID
	Places    []devices.PlaceCode // each covers the places within it
	Household devices.HouseholdID // of a farmer
	Receiver  string              // of a monitor: whose pseudonyms it reads
	Language  string              // zh or en; empty: as the browser asks
	CSRF      string              // what a form of this session sends back; empty for a program
	Browser   bool                // signed in by a session, not by a token in the request
}

// SeesPlace reports whether the place lies within the access's reach.
func (a Access) SeesPlace(code devices.PlaceCode) bool {
	return a.Role == Operator || a.wide() && slices.ContainsFunc(a.Places, func(p devices.PlaceCode) bool { return code.Within(p) })
}

// SeesSite reports whether the site, or the place that it lies in, is within reach.
func (a Access) SeesSite(s devices.Site) bool {
	return a.Role == Operator || a.wide() && slices.Contains(a.Sites, s.ID) || a.SeesPlace(s.Place)
}

// SeesPlot reports whether the plot is within reach: a farmer's own, others' by site or place.
// A monitor sees no plot: it reads signals.
func (a Access) SeesPlot(p devices.Plot) bool {
	switch a.Role {
	case Operator:
		return true
	case Farmer:
		return a.Household != "" && p.Household == a.Household
	case Agronomist, GridWorker:
		return a.SeesSite(devices.Site{ID: p.Site, Place: p.Place})
	case Monitor:
	}
	return false
}

// SeesHousehold reports whether the household, which lives at the site, is within reach.
// A monitor knows households by pseudonyms of its own; what it sees of a site's signals is for SeesSite to say.
func (a Access) SeesHousehold(h devices.HouseholdID, at devices.Site) bool {
	switch a.Role {
	case Operator, Agronomist, GridWorker:
		return a.SeesSite(at)
	case Farmer:
		return h != "" && h == a.Household
	case Monitor:
	}
	return false
}

// ActsOn reports whether the access may water the plot, or stop its water.
func (a Access) ActsOn(p devices.Plot) bool {
	return a.Role != GridWorker && a.SeesPlot(p)
}

// wide reports whether the role reaches as far as its sites and places.
func (a Access) wide() bool {
	return a.Role == Agronomist || a.Role == GridWorker || a.Role == Monitor
}

type accessKey struct{}

// With returns a context that carries the access. The Guard does this; a test may.
func With(ctx context.Context, a Access) context.Context {
	return context.WithValue(ctx, accessKey{}, a)
}

// From returns the access that the Guard found; false: nobody has signed in, on a route that is open.
func From(ctx context.Context) (Access, bool) {
	a, ok := ctx.Value(accessKey{}).(Access)
	return a, ok
}
