package auth

import (
	"context"
	"net/http"
	"time"
)

// The names of the cookie. Under TLS browsers take the second from this very
// host alone, so that no neighbour under the same domain can put one in its place.
const (
	cookieName       = "ganlin_session"
	secureCookieName = "__Host-" + cookieName
)

// SignIn makes a session for a token and gives its cookie to the browser. It
// answers the request itself when the token lets nobody in, and reports false.
// A session that the browser had already ends: its id is never taken over.
func (g *Guard) SignIn(w http.ResponseWriter, r *http.Request, token string, refused func(status int)) (Access, bool) {
	account, k, known := g.Book.token(SumOf(token))
	if !known {
		status := http.StatusUnauthorized
		if !g.failures.allow(g.client(r)) {
			status = http.StatusTooManyRequests
			w.Header().Set("Retry-After", retryAfter)
		}
		refused(status)
		return Access{}, false
	}
	g.drop(r)
	id, now := Secret{random()}, time.Now()
	s := Session{Sum: id.Sum(), Account: account.ID, Token: k.token, Created: now, Expires: now.Add(SessionLife)}
	if ended, full := g.Book.AddSession(s); full {
		g.dropped(r.Context(), ended)
	}
	g.keep(r.Context(), "keeping a session", func(ctx context.Context) error { return g.Sessions.SaveSession(ctx, s) })
	g.setCookie(w, r, id.Reveal(), int(400*24*time.Hour/time.Second)) // as long as browsers keep one: the server ends it earlier
	a := account.access()
	a.Browser, a.CSRF = true, csrf(id.Reveal())
	return a, true
}

// SignOut ends the browser's session.
func (g *Guard) SignOut(w http.ResponseWriter, r *http.Request) {
	g.drop(r)
	g.setCookie(w, r, "", -1)
}

// SameSite reports whether the request comes from a page of this site, or from no page at all.
func (g *Guard) SameSite(r *http.Request) bool { return g.crossOrigin.Check(r) == nil }

func (g *Guard) setCookie(w http.ResponseWriter, r *http.Request, value string, maxAgeS int) {
	http.SetCookie(w, &http.Cookie{ //nolint:gosec // it is Secure wherever there is TLS
		Name: g.cookieName(r), Value: value, Path: "/", MaxAge: maxAgeS,
		HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: g.secure(r),
	})
}

// secure reports whether the browser speaks TLS.
func (g *Guard) secure(r *http.Request) bool { return r.TLS != nil || g.BehindProxy }

func (g *Guard) cookieName(r *http.Request) string {
	if g.secure(r) {
		return secureCookieName
	}
	return cookieName
}

// drop ends the session that the browser presents, if it has one.
func (g *Guard) drop(r *http.Request) {
	if cookie, err := r.Cookie(g.cookieName(r)); err == nil {
		sum := SumOf(cookie.Value)
		g.Book.endSession(sum)
		g.dropped(r.Context(), sum)
	}
}

// patience bounds the wait for the records store. The wait does not end with the request: that ends with its session.
const patience = 2 * time.Second

func (g *Guard) dropped(ctx context.Context, sum Sum) {
	g.keep(ctx, "ending a session", func(ctx context.Context) error { return g.Sessions.DropSession(ctx, sum) })
}

// keep asks something of the records store. Memory has it already, and counts until a restart.
func (g *Guard) keep(ctx context.Context, what string, ask func(context.Context) error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	if err := ask(ctx); err != nil {
		g.Log.Warn("a restart will not know of a session", "doing", what, "error", err)
	}
}
