package app

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"ganlin/dashboards"
	"ganlin/dashboards/words"
	"ganlin/devices"
	"ganlin/internal/auth"
	"ganlin/internal/records"
)

// openAccess puts who may come in into memory, and the guard before the routes.
// The operator's token of the data folder is always in force, whatever the records store says.
func (p *program) openAccess(ctx context.Context) error {
	p.book = auth.NewBook()
	p.book.AddAccount(auth.Account{ID: auth.BuiltIn, Role: auth.Operator})
	p.book.AddToken(auth.Token{Sum: auth.SumOf(p.token), Account: auth.BuiltIn})
	accounts, err := p.records.Accounts(ctx)
	if err != nil {
		return err
	}
	for _, a := range accounts {
		p.book.AddAccount(accountOf(a))
	}
	tokens, err := p.records.Tokens(ctx)
	if err != nil {
		return err
	}
	for _, t := range tokens {
		sum, err := auth.ParseSum(t.SHA256)
		if err != nil {
			return err
		}
		p.book.AddToken(auth.Token{Sum: sum, Account: t.Account, Created: t.Created, Expires: t.Expires, Revoked: t.Revoked})
	}
	sessions, err := p.records.Sessions(ctx, time.Now())
	if err != nil {
		return err
	}
	for _, s := range sessions {
		sum, err := auth.ParseSum(s.SHA256)
		if err != nil {
			return err
		}
		token, err := auth.ParseSum(s.Token)
		if err != nil {
			return err
		}
		p.book.AddSession(auth.Session{Sum: sum, Account: s.Account, Token: token, Created: s.Created, Expires: s.Expires})
	}
	p.guard = auth.NewGuard(auth.Options{
		Book: p.book, Sessions: sessionKeeper{p.records}, BehindProxy: p.o.config.HTTP.BehindProxy, Whole: p.reachesAll, Page: p.refusePage, Log: p.log,
	})
	return nil
}

func accountOf(a records.Account) auth.Account {
	return auth.Account{
		ID: a.ID, Role: auth.Role(a.Role), Sites: a.Sites, Places: a.Places, Household: a.Household, Receiver: a.Receiver,
		Language: a.Language, Created: a.Created, Revoked: a.Revoked,
	}
}

// A sessionKeeper keeps the guard's sessions in the records store.
type sessionKeeper struct{ records *records.Store }

// SaveSession keeps a new session.
func (k sessionKeeper) SaveSession(ctx context.Context, s auth.Session) error {
	return k.records.SaveSession(ctx, records.Session{
		SHA256: s.Sum.String(), Account: s.Account, Token: s.Token.String(), Created: s.Created, Expires: s.Expires,
	})
}

// ExtendSession keeps how long a session lasts now.
func (k sessionKeeper) ExtendSession(ctx context.Context, sum auth.Sum, expires time.Time) error {
	return k.records.ExtendSession(ctx, sum.String(), expires)
}

// DropSession ends a session.
func (k sessionKeeper) DropSession(ctx context.Context, sum auth.Sum) error {
	return k.records.DropSession(ctx, sum.String())
}

// refusePage answers a person whose page is refused: first comes signing in, and
// nobody stands before a page that is not theirs. Whoever has sent a form is told
// that it was not taken.
func (p *program) refusePage(w http.ResponseWriter, r *http.Request, status int) {
	if r.Method == http.MethodPost {
		p.pages.Unsent(w, r, status, formAddress(r.URL.Path))
		return
	}
	to := "/login"
	if a, ok := auth.From(r.Context()); ok && status == http.StatusForbidden {
		to = p.home(a)
	} else if r.URL.Path != "/" {
		to += "?" + url.Values{"next": {r.URL.RequestURI()}}.Encode()
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
}

// home is the page that an account's role is for. /login tells an account of a program that it has none.
func (p *program) home(a auth.Access) string {
	home := map[auth.Role]string{
		auth.Operator: "/operations", auth.Agronomist: "/village", auth.Farmer: "/my", auth.GridWorker: "/clues",
	}[a.Role]
	switch {
	case p.router.has("GET " + home):
		return home
	case auth.WholeRead.Allows(a.Role) && p.reachesAll(a):
		return "/"
	}
	return "/login"
}

// reachesAll reports whether an account sees every site.
func (p *program) reachesAll(a auth.Access) bool {
	return !slices.ContainsFunc(p.registry.Load().Sites(), func(s devices.Site) bool { return !a.SeesSite(s) })
}

// openTo reports whether a request is let through without an account: the
// demo's village with the pages of its plots and decisions, and the metrics, on this machine.
func (p *program) openTo(r *http.Request, scope auth.Scope) bool {
	village := scope == auth.WholeRead || scope == auth.VillageRead || scope == auth.LandRead
	village = village && p.o.village != nil && !strings.HasPrefix(r.URL.Path, "/api/")
	return (village || scope == auth.MetricsRead) && !p.o.config.HTTP.BehindProxy && local(r)
}

// local reports whether a request was made on this machine, by a name that
// means this machine: a page from elsewhere whose name was pointed here
// afterwards, or what a proxy passes on, is not.
func local(r *http.Request) bool {
	if r.Header.Get("Forwarded")+r.Header.Get("X-Forwarded-For")+r.Header.Get("X-Forwarded-Host") != "" {
		return false
	}
	from, err := netip.ParseAddrPort(r.RemoteAddr)
	return err == nil && from.Addr().Unmap().IsLoopback() && namesThisMachine(r)
}

// namesThisMachine reports whether a request names its machine as every machine calls itself.
func namesThisMachine(r *http.Request) bool {
	host, _, err := net.SplitHostPort(r.Host)
	if err != nil {
		host = strings.Trim(r.Host, "[]") // without a port
	}
	return host == "localhost" || isLoopback(host)
}

func isLoopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}

// viewer is who looks at a page.
func (p *program) viewer(ctx context.Context) dashboards.Viewer {
	a, _ := auth.From(ctx)
	v := dashboards.Viewer{
		Account: a.Account, Role: string(a.Role), CSRF: a.CSRF, ReadsClues: auth.CluesRead.Allows(a.Role), ActsOnClues: auth.CluesAct.Allows(a.Role),
		Stops: auth.StopAct.Allows(a.Role), Stopped: p.valves.Stopped(),
	}
	if a.Language != "" {
		v.Language = words.Choose(a.Language, "")
	}
	return v
}
