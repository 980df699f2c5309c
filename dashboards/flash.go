package dashboards

import "net/http"

// A page says how a form of it went once, and only to whoever sent the form: what
// stood in the address would be said again by the history, and to anybody who follows a link.
const (
	flashCookie = "ganlin_said"
	flashLifeS  = 60
)

// Flash leaves for the page of an address how a form of it went, as a code of the catalogue.
func Flash(w http.ResponseWriter, r *http.Request, address, code string) {
	setFlash(w, r, address, code, flashLifeS)
}

// takeFlash returns what was left for the page, which is not said again; empty: nothing.
func takeFlash(w http.ResponseWriter, r *http.Request) string {
	cookie, err := r.Cookie(flashCookie)
	if err != nil || r.Method != http.MethodGet {
		return ""
	}
	setFlash(w, r, r.URL.Path, "", -1)
	return cookie.Value
}

func setFlash(w http.ResponseWriter, r *http.Request, address, code string, lifeS int) {
	http.SetCookie(w, &http.Cookie{ //nolint:gosec // it holds no secret, and is Secure wherever this program speaks TLS
		Name: flashCookie, Value: code, Path: address, MaxAge: lifeS, HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: r.TLS != nil,
	})
}
