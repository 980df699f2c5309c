package app

import (
	"net/http"
	"net/url"
	"strings"

	"ganlin/dashboards"
	"ganlin/internal/auth"
)

// maxSignIn bounds the form of signing in.
const maxSignIn = 8 << 10

// openSignIn puts signing in and out on the router.
func (p *program) openSignIn(pages *dashboards.Pages) {
	p.router.HandleFunc("GET /login", func(w http.ResponseWriter, r *http.Request) {
		pages.SignIn(w, r, http.StatusOK, signInView(r, r.URL.Query().Get("next")))
	})
	p.router.HandleFunc("POST /login", func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, maxSignIn)
		view := signInView(r, r.PostFormValue("next"))
		if !p.guard.SameSite(r) {
			view.Elsewhere = true
			pages.SignIn(w, r, http.StatusForbidden, view)
			return
		}
		a, ok := p.guard.SignIn(w, r, strings.TrimSpace(r.PostFormValue("token")), func(status int) {
			view.Wrong, view.Wait = status == http.StatusUnauthorized, status == http.StatusTooManyRequests
			pages.SignIn(w, r, status, view)
		})
		if ok {
			p.welcome(w, r, a, view.Next)
		}
	})
	p.router.HandleFunc("POST /logout", func(w http.ResponseWriter, r *http.Request) {
		p.guard.SignOut(w, r)
		http.Redirect(w, r, "/login", http.StatusSeeOther)
	})
	if p.o.village != nil {
		p.router.HandleFunc("GET /as/{account}", p.lookAs(pages))
	}
}

// welcome sends whoever has signed in to where they wanted to go, or to their own page.
func (p *program) welcome(w http.ResponseWriter, r *http.Request, a auth.Access, next string) {
	if next == "" {
		next = p.home(a)
	}
	http.Redirect(w, r, next, http.StatusSeeOther) //nolint:gosec // within has looked at it
}

// lookAs signs in to an account of the demo, on this machine. A link of
// another site's page is asked about first: it would sign in by itself.
func (p *program) lookAs(pages *dashboards.Pages) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, r *http.Request) {
		name := r.PathValue("account")
		token, ok := p.demoTokens[name]
		if !ok || !local(r) {
			pages.Nothing(w, r)
			return
		}
		if from := r.Header.Get("Sec-Fetch-Site"); from != "" && from != "same-origin" && from != "none" {
			pages.Stranger(w, r, name)
			return
		}
		if a, ok := p.guard.SignIn(w, r, token, func(int) { pages.Nothing(w, r) }); ok {
			p.welcome(w, r, a, within(r.URL.Query().Get("next")))
		}
	}
}

func signInView(r *http.Request, next string) dashboards.SignIn {
	v := dashboards.SignIn{Next: within(next)}
	if a, ok := auth.From(r.Context()); ok && a.Browser {
		v.Account, v.Program, v.CSRF = a.Account, a.Role == auth.Monitor, a.CSRF
	}
	return v
}

// within returns an address that lies on this site, or nothing: a link must not lead elsewhere once somebody has signed in.
func within(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "" || u.Host != "" || !strings.HasPrefix(address, "/") || strings.HasPrefix(address, "//") || strings.Contains(address, `\`) {
		return ""
	}
	return address
}
