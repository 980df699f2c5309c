package httpapi

import (
	"maps"
	"net/http"
	"slices"
	"strings"
)

// healthz answers as long as the program runs at all.
func (a api) healthz(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = w.Write([]byte("ok\n"))
}

// readyz is 200 when all parts are ok, else 503 naming those that are not.
// Acknowledging does not depend on it: a database that is away is not ready,
// and readings are taken all the same.
func (a api) readyz(w http.ResponseWriter, r *http.Request) {
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
		writeProblem(w, http.StatusServiceUnavailable, "not ready", strings.Join(wrong, "; "))
		return
	}
	writeJSON(w, map[string]bool{"ready": true})
}

func (a api) status(w http.ResponseWriter, r *http.Request) {
	s, err := a.Health.Status(r.Context())
	if err != nil {
		a.fail(w, r, err)
		return
	}
	writeJSON(w, s)
}
