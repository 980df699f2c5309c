package app

import (
	"fmt"
	"net/http"
	"strings"

	"ganlin/internal/auth"
)

// A router is the way to every route of the program. Each stands behind the
// guard with its scope; without one it lets nobody through, and the program does not start.
type router struct {
	mux    *http.ServeMux
	guard  *auth.Guard
	openTo func(*http.Request, auth.Scope) bool
	pages  map[string]bool // by pattern
	bare   []string        // what has no scope
}

func newRouter(guard *auth.Guard, openTo func(*http.Request, auth.Scope) bool) *router {
	return &router{mux: http.NewServeMux(), guard: guard, openTo: openTo, pages: map[string]bool{}}
}

// require lets through to next whom the scope allows. The API puts it before every operation.
func (r *router) require(scope string, next http.Handler) http.Handler {
	s := auth.Scope(scope)
	if !s.Known() {
		r.bare = append(r.bare, fmt.Sprintf("the scope %q of the API", scope))
	}
	guarded, open := r.guard.Require(s, next), r.guard.Require(auth.Open, next)
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if r.openTo(req, s) {
			open.ServeHTTP(w, req)
			return
		}
		guarded.ServeHTTP(w, req)
	})
}

// HandleFunc serves a page behind the scope that the table of pages has for it.
func (r *router) HandleFunc(pattern string, h func(http.ResponseWriter, *http.Request)) {
	scope, ok := pageScopes()[pattern]
	if !ok {
		r.bare = append(r.bare, "the page "+pattern)
		return
	}
	r.pages[pattern] = true
	r.mux.Handle(pattern, r.require(string(scope), http.HandlerFunc(h)))
}

func (r *router) has(pattern string) bool { return r.pages[pattern] }

// complete reports what has no scope.
func (r *router) complete() error {
	if len(r.bare) > 0 {
		return fmt.Errorf("nobody is told who may use %s: a page's scope stands in pageScopes, an operation's beside it, and all scopes in internal/auth", strings.Join(r.bare, ", "))
	}
	return nil
}

// pageScopes says who may open which page.
func pageScopes() map[string]auth.Scope {
	return map[string]auth.Scope{
		"GET /{$}":            auth.WholeRead,
		"GET /live":           auth.WholeRead,
		"GET /assets/{name}":  auth.Open,
		"GET /login":          auth.Open,
		"POST /login":         auth.Open,
		"POST /logout":        auth.Open, // also when the session is over already
		"GET /as/{account}":   auth.Open, // of the demo, on this machine
		"GET /my":             auth.OwnRead,
		"POST /my":            auth.WaterAct,
		"GET /village":        auth.VillageRead,
		"GET /plots/{id}":     auth.VillageRead,
		"POST /plots/{id}":    auth.ClearAct,
		"GET /decisions/{id}": auth.LandRead,
		"GET /clues":          auth.CluesRead,
		"GET /clues/{id}":     auth.CluesRead,
		"POST /clues/{id}":    auth.CluesAct,
		"GET /operations":     auth.MachineRead,

		"GET /operations/deadletters":      auth.MachineRead,
		"GET /operations/deadletters/{id}": auth.MachineRead,
		"GET /operations/runbooks":         auth.MachineRead,
		"POST /operations/stop":            auth.StopAct,
		"POST /operations/resume":          auth.ResumeAct,
	}
}
