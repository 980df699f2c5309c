package auth

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"log/slog"
	"mime"
	"net/http"
	"strings"
	"time"
)

// Options are what a Guard needs.
type Options struct {
	Book     *Book
	Sessions SessionStore
	// BehindProxy says that a proxy ends TLS: cookies are Secure, and the
	// last address of X-Forwarded-For is the client's.
	BehindProxy bool
	// Whole reports whether an access reaches every site, which WholeRead asks for.
	Whole func(Access) bool
	// Page answers a page that is refused, to a person rather than a program:
	// 401 and 403. Nil: a problem does.
	Page func(w http.ResponseWriter, r *http.Request, status int)
	Log  *slog.Logger
}

// A SessionStore keeps sessions over a restart.
type SessionStore interface {
	SaveSession(ctx context.Context, s Session) error
	// ExtendSession says how long a session lasts now. One that has ended meanwhile stays ended.
	ExtendSession(ctx context.Context, sum Sum, expires time.Time) error
	DropSession(ctx context.Context, sum Sum) error
}

// A Guard stands before the routes.
type Guard struct {
	Options
	crossOrigin *http.CrossOriginProtection
	failures    failures
}

// NewGuard returns a Guard.
func NewGuard(o Options) *Guard {
	return &Guard{Options: o, crossOrigin: http.NewCrossOriginProtection()}
}

// Require lets through what the scope allows, with the Access in the context.
// The context ends when the token or session does: a stream ends with its account.
func (g *Guard) Require(scope Scope, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a, k, known := g.identify(r)
		switch {
		case !scope.Known():
			g.refuse(w, r, http.StatusForbidden, "this address has no scope, so nobody may use it")
			return
		case !known && scope == Open:
			next.ServeHTTP(w, r)
			return
		case !known:
			g.unknown(w, r)
			return
		case !scope.Allows(a.Role):
			g.refuse(w, r.WithContext(With(r.Context(), a)), http.StatusForbidden, "the role "+string(a.Role)+" has no scope "+string(scope))
			return
		case scope == WholeRead && !g.Whole(a):
			g.refuse(w, r.WithContext(With(r.Context(), a)), http.StatusForbidden, "this shows every site at once, and the account does not reach them all")
			return
		case a.Browser && !safe(r.Method):
			if why := g.forged(w, r, a); why != "" {
				g.refuse(w, r, http.StatusForbidden, why)
				return
			}
		}
		ctx, done := k.during(With(r.Context(), a))
		defer done()
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// identify finds out who asks. A token in the request counts before the browser's session.
func (g *Guard) identify(r *http.Request) (Access, *key, bool) {
	if token, ok := bearer(r); ok {
		account, k, known := g.Book.token(SumOf(token))
		return account.access(), k, known
	}
	cookie, err := r.Cookie(g.cookieName(r))
	if err != nil {
		return Access{}, nil, false
	}
	sum := SumOf(cookie.Value)
	account, k, save := g.Book.session(sum)
	if k == nil {
		return Access{}, nil, false
	}
	if save && safe(r.Method) { // an act, such as the emergency stop, waits for no disk
		g.keep(r.Context(), "keeping how long a session lasts", func(ctx context.Context) error {
			return g.Sessions.ExtendSession(ctx, sum, time.Now().Add(SessionLife))
		})
	}
	a := account.access()
	a.Browser, a.CSRF = true, csrf(cookie.Value)
	return a, k, true
}

// bearer returns the token of a request. The name of the scheme is in any case, as RFC 9110 has it.
func bearer(r *http.Request) (token string, ok bool) {
	scheme, token, ok := strings.Cut(r.Header.Get("Authorization"), " ")
	return token, ok && strings.EqualFold(scheme, "Bearer")
}

// csrf derives a session's token for forms from its id, so that nothing more has to be kept.
func csrf(id string) string {
	mac := hmac.New(sha256.New, []byte(id))
	mac.Write([]byte("ganlin csrf"))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// maxForm bounds a form whose token is looked for, and formKind is its Content-Type.
const (
	maxForm  = 64 << 10
	formKind = "application/x-www-form-urlencoded"
)

// forged says why a change that came with a cookie may not be what the person wanted; empty: it is.
func (g *Guard) forged(w http.ResponseWriter, r *http.Request, a Access) string {
	if err := g.crossOrigin.Check(r); err != nil {
		return "this change was sent from another site's page; send it from a page of this address"
	}
	sent := r.Header.Get("X-CSRF-Token")
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); sent == "" && kind == formKind {
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		sent = r.PostFormValue("csrf")
	}
	if subtle.ConstantTimeCompare([]byte(sent), []byte(a.CSRF)) != 1 {
		return "the page is older than this sign-in: load it again; a page sends its token as X-CSRF-Token or in the form field csrf, a program sends Authorization: Bearer"
	}
	return ""
}

// unknown answers a request that proves no account. Missing, wrong, expired and revoked look the same.
func (g *Guard) unknown(w http.ResponseWriter, r *http.Request) {
	if _, ok := bearer(r); ok && !g.failures.allow(g.client(r)) {
		atOnce(w, r)
		w.Header().Set("Retry-After", retryAfter)
		problem(w, http.StatusTooManyRequests, "too many wrong tokens came from this address; wait, and look for the right one")
		return
	}
	w.Header().Set("WWW-Authenticate", "Bearer")
	g.refuse(w, r, http.StatusUnauthorized,
		"sign in at /login, or send a token that is in force as Authorization: Bearer …; the operator's is in operator.token in the data folder and in the file of --ready")
}

// atOnce lets a refusal go out before the body has come. The connection can serve nothing more then.
func atOnce(w http.ResponseWriter, r *http.Request) {
	if r.ContentLength != 0 {
		w.Header().Set("Connection", "close")
	}
}

func (g *Guard) refuse(w http.ResponseWriter, r *http.Request, status int, detail string) {
	atOnce(w, r)
	if g.Page != nil && wantsPage(r) {
		g.Page(w, r, status)
		return
	}
	problem(w, status, detail)
}

// wantsPage reports whether a person's browser asks for a page, or sends a form of one, rather than a program or a script for data.
func wantsPage(r *http.Request) bool {
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return (safe(r.Method) || kind == formKind) && !strings.HasPrefix(r.URL.Path, "/api/") && strings.Contains(r.Header.Get("Accept"), "text/html")
}

func safe(method string) bool {
	return method == http.MethodGet || method == http.MethodHead || method == http.MethodOptions
}

// problem writes an error as RFC 9457 has it.
func problem(w http.ResponseWriter, status int, detail string) {
	h := w.Header()
	h.Set("Content-Type", "application/problem+json")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(struct {
		Type   string `json:"type"`
		Title  string `json:"title"`
		Status int    `json:"status"`
		Detail string `json:"detail"`
	}{"about:blank", strings.ToLower(http.StatusText(status)), status, detail})
}
