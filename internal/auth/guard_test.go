package auth_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"ganlin/internal/auth"
)

// A store keeps sessions in memory, or fails.
type store struct {
	mu    sync.Mutex
	kept  map[auth.Sum]auth.Session
	saves int
	fail  error
}

func (s *store) SaveSession(_ context.Context, e auth.Session) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.saves++
	if s.fail == nil {
		s.kept[e.Sum] = e
	}
	return s.fail
}

func (s *store) ExtendSession(_ context.Context, sum auth.Sum, expires time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.saves++
	if e, ok := s.kept[sum]; ok && s.fail == nil {
		e.Expires = expires
		s.kept[sum] = e
	}
	return s.fail
}

func (s *store) DropSession(ctx context.Context, sum auth.Sum) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	delete(s.kept, sum)
	return s.fail
}

// A house has an account of every role with a token, and one door for each scope.
type house struct {
	*auth.Guard
	book   *auth.Book
	store  *store
	tokens map[auth.Role]string
	log    *strings.Builder
}

func open(tb testing.TB, change func(*auth.Options)) *house {
	tb.Helper()
	h := &house{book: auth.NewBook(), store: &store{kept: map[auth.Sum]auth.Session{}}, tokens: map[auth.Role]string{}, log: &strings.Builder{}}
	for _, r := range auth.Roles() {
		h.book.AddAccount(auth.Account{ID: string(r), Role: r})
		h.tokens[r] = h.token(string(r), time.Now().Add(90*24*time.Hour))
	}
	o := auth.Options{Book: h.book, Whole: func(auth.Access) bool { return true }, Sessions: h.store, Log: slog.New(slog.NewTextHandler(h.log, nil))}
	if change != nil {
		change(&o)
	}
	h.Guard = auth.NewGuard(o)
	return h
}

func (h *house) token(account string, expires time.Time) string {
	secret := auth.NewSecret()
	h.book.AddToken(auth.Token{Sum: secret.Sum(), Account: account, Expires: expires})
	return secret.Reveal()
}

// ask sends a request through the scope's door and returns the answer; a 200 says who came in.
func (h *house) ask(scope auth.Scope, r *http.Request) *http.Response {
	w := httptest.NewRecorder()
	h.Require(scope, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a, ok := auth.From(r.Context())
		_, _ = fmt.Fprint(w, a.Account, ok, " ", r.PostFormValue("more"))
	})).ServeHTTP(w, r)
	return w.Result()
}

func request(method, target string, change ...func(*http.Request)) *http.Request {
	r := httptest.NewRequest(method, target, nil)
	for _, c := range change {
		c(r)
	}
	return r
}

func with(name, value string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set(name, value) }
}

func form(values url.Values) func(*http.Request) {
	return func(r *http.Request) {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		text := values.Encode()
		r.Body, r.ContentLength = io.NopCloser(strings.NewReader(text)), int64(len(text))
	}
}

func bearer(token string) func(*http.Request) { return with("Authorization", "Bearer "+token) }

// signIn signs a browser in and returns its cookie and its token for forms.
func (h *house) signIn(tb testing.TB, token string, change ...func(*http.Request)) (*http.Cookie, string) {
	tb.Helper()
	w := httptest.NewRecorder()
	a, ok := h.SignIn(w, request("POST", "/login", change...), token, func(status int) { tb.Errorf("refused with %d", status) })
	cookies := w.Result().Cookies()
	if !ok || len(cookies) != 1 {
		tb.Fatalf("signed in %t with %d cookies", ok, len(cookies))
	}
	return cookies[0], a.CSRF
}

func cookie(c *http.Cookie) func(*http.Request) { return func(r *http.Request) { r.AddCookie(c) } }

func body(res *http.Response) string {
	b, _ := io.ReadAll(res.Body)
	return string(b)
}

// may is who may do what, written down a second time.
var may = map[auth.Scope]string{
	"open": "operator agronomist farmer grid_worker monitor nobody",
	"self": "operator agronomist farmer grid_worker monitor",

	"machine:read": "operator", "machine:act": "operator", "metrics:read": "operator monitor",
	"whole:read": "operator agronomist", "village:read": "operator agronomist", "land:read": "operator agronomist farmer", "own:read": "farmer",
	"water:act": "operator agronomist farmer", "clear:act": "operator agronomist", "stop:act": "operator agronomist", "resume:act": "operator",
	"clues:read": "operator agronomist grid_worker", "clues:act": "grid_worker", "signals:read": "operator monitor", "signals:act": "operator monitor",
	"": "", "invented:read": "", "MACHINE:READ": "",
}

func TestEveryRoleAtEveryDoor(t *testing.T) {
	h := open(t, nil)
	page, err := os.ReadFile("../../docs/decisions/who-may-do-what.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, scope := range auth.Scopes() {
		if _, ok := may[scope]; !ok || scope != auth.Open && scope != auth.Self && !strings.Contains(string(page), "`"+string(scope)+"`") {
			t.Errorf("%s is not in this test's table, or not in that of the decision", scope)
		}
	}
	for scope, roles := range may {
		for _, role := range append(auth.Roles(), "nobody") {
			want := http.StatusForbidden
			ways := map[string]func(*http.Request){}
			if role == "nobody" {
				ways["none"] = func(*http.Request) {}
				if scope.Known() {
					want = http.StatusUnauthorized
				}
			} else {
				c, _ := h.signIn(t, h.tokens[role])
				ways["token"], ways["cookie"] = bearer(h.tokens[role]), cookie(c)
			}
			if strings.Contains(" "+roles+" ", " "+string(role)+" ") {
				want = http.StatusOK
			}
			for way, how := range ways {
				if res := h.ask(scope, request("GET", "/x", how)); res.StatusCode != want {
					t.Errorf("%s by %s at %q: %d, want %d", role, way, scope, res.StatusCode, want)
				}
			}
		}
	}
}

func TestTheWholeIsForWhoReachesIt(t *testing.T) {
	h := open(t, func(o *auth.Options) { o.Whole = func(a auth.Access) bool { return a.Role == auth.Operator } })
	for role, want := range map[auth.Role]int{auth.Operator: http.StatusOK, auth.Agronomist: http.StatusForbidden} {
		if res := h.ask(auth.WholeRead, request("GET", "/", bearer(h.tokens[role]))); res.StatusCode != want {
			t.Errorf("%s: %d, want %d", role, res.StatusCode, want)
		}
	}
	if res := h.ask(auth.VillageRead, request("GET", "/village", bearer(h.tokens[auth.Agronomist]))); res.StatusCode != http.StatusOK {
		t.Errorf("the control: %d", res.StatusCode)
	}
}

func TestWhatProvesNobodyLooksTheSame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		expired, revoked := h.token("farmer", time.Now().Add(time.Hour)), h.token("farmer", time.Now().Add(100*time.Hour))
		fresh := h.token("operator", time.Now().Add(100*time.Hour))
		h.book.RevokeToken(auth.SumOf(revoked))
		for _, token := range []string{expired, fresh} {
			if res := h.ask(auth.Self, request("GET", "/api/v1/x", bearer(token))); res.StatusCode != http.StatusOK {
				t.Fatalf("a token in force gets %d", res.StatusCode)
			}
		}
		time.Sleep(time.Hour)
		h.book.RevokeAccount("agronomist")
		var first string
		for name, how := range map[string]func(*http.Request){
			"missing": func(*http.Request) {}, "expired": bearer(expired), "no scheme": with("Authorization", fresh), "revoked": bearer(revoked), "foreign": bearer("gl_" + strings.Repeat("A", 43)),
			"of a revoked account": bearer(h.tokens[auth.Agronomist]), "empty": bearer(""), "no bearer": with("Authorization", "Basic "+fresh),
			"cookie": with("Cookie", "ganlin_session="+fresh), "a sum": bearer(auth.SumOf(fresh).String()),
		} {
			res := h.ask(auth.Self, request("GET", "/api/v1/x", how))
			text := fmt.Sprint(res.StatusCode, res.Header, body(res))
			if first == "" {
				first = text
			}
			if res.StatusCode != http.StatusUnauthorized || text != first || res.Header.Get("Content-Type") != "application/problem+json" {
				t.Errorf("%s: %s\nwant %s", name, text, first)
			}
			if strings.Contains(text, fresh) || strings.Contains(h.log.String(), "gl_") {
				t.Errorf("%s: a token is shown: %s %s", name, text, h.log)
			}
		}
	})
}

func TestAChangeByABrowser(t *testing.T) {
	h := open(t, nil)
	c, csrf := h.signIn(t, h.tokens[auth.Farmer])
	other, foreign := h.signIn(t, h.tokens[auth.Farmer])
	if csrf == foreign || csrf == "" || strings.Contains(c.Value, csrf) {
		t.Error("a form's token is not the session's own secret")
	}
	for name, x := range map[string]struct {
		ways []func(*http.Request)
		want int
	}{
		"header":          {[]func(*http.Request){cookie(c), with("X-CSRF-Token", csrf)}, 200},
		"form":            {[]func(*http.Request){cookie(c), form(url.Values{"csrf": {csrf}, "more": {"read"}})}, 200},
		"same site":       {[]func(*http.Request){cookie(c), with("X-CSRF-Token", csrf), with("Sec-Fetch-Site", "same-origin")}, 200},
		"missing":         {[]func(*http.Request){cookie(c)}, 403},
		"wrong":           {[]func(*http.Request){cookie(c), with("X-CSRF-Token", csrf+"x")}, 403},
		"wrong form":      {[]func(*http.Request){cookie(c), form(url.Values{"csrf": {"x"}})}, 403},
		"huge form":       {[]func(*http.Request){cookie(c), form(url.Values{"csrf": {strings.Repeat("x", 1<<20)}})}, 403},
		"another's":       {[]func(*http.Request){cookie(c), with("X-CSRF-Token", foreign)}, 403},
		"its own":         {[]func(*http.Request){cookie(other), with("X-CSRF-Token", foreign)}, 200},
		"cross-site":      {[]func(*http.Request){cookie(c), with("X-CSRF-Token", csrf), with("Sec-Fetch-Site", "cross-site")}, 403},
		"foreign origin":  {[]func(*http.Request){cookie(c), with("X-CSRF-Token", csrf), with("Origin", "https://evil.example")}, 403},
		"program":         {[]func(*http.Request){bearer(h.tokens[auth.Farmer])}, 200},
		"lower case":      {[]func(*http.Request){with("Authorization", "bearer "+h.tokens[auth.Farmer])}, 200},
		"wrong and token": {[]func(*http.Request){bearer("gl_x"), cookie(c), with("X-CSRF-Token", csrf)}, 401},
	} {
		for _, method := range []string{"POST", "PUT", "DELETE", "PATCH"} {
			if method != "POST" && strings.Contains(name, "form") {
				continue
			}
			res := h.ask(auth.WaterAct, request(method, "/api/v1/x", x.ways...))
			if text := body(res); res.StatusCode != x.want || name == "form" && text != "farmertrue read" {
				t.Errorf("%s %s: %d %s, want %d", name, method, res.StatusCode, text, x.want)
			}
		}
	}
	if res := h.ask(auth.LandRead, request("GET", "/x", cookie(c))); res.StatusCode != http.StatusOK {
		t.Errorf("looking needs a form's token: %d", res.StatusCode)
	}
}

func TestASessionIsNeverTakenOver(t *testing.T) {
	h := open(t, nil)
	chosen := &http.Cookie{Name: "ganlin_session", Value: "chosen-by-somebody-else"}
	c, _ := h.signIn(t, h.tokens[auth.Farmer], cookie(chosen))
	if c.Value == chosen.Value {
		t.Error("a session has the id that the browser came with")
	}
	if res := h.ask(auth.Self, request("GET", "/x", cookie(chosen))); res.StatusCode != http.StatusUnauthorized {
		t.Errorf("the id that the browser came with lets in: %d", res.StatusCode)
	}
	again, csrf := h.signIn(t, h.tokens[auth.Agronomist], cookie(c))
	if res := h.ask(auth.Self, request("GET", "/x", cookie(c))); res.StatusCode != http.StatusUnauthorized {
		t.Errorf("the session before lets in: %d", res.StatusCode)
	}
	if len(h.store.kept) != 1 {
		t.Errorf("%d sessions are kept", len(h.store.kept))
	}
	w := httptest.NewRecorder()
	h.Require(auth.Open, http.HandlerFunc(h.SignOut)).ServeHTTP(w, request("POST", "/logout", cookie(again), with("X-CSRF-Token", csrf)))
	if res := h.ask(auth.Self, request("GET", "/x", cookie(again))); res.StatusCode != http.StatusUnauthorized || len(h.store.kept) != 0 {
		t.Errorf("signed out, and still in: %d, %v", res.StatusCode, h.store.kept)
	}
	if left := w.Result().Cookies()[0]; left.MaxAge >= 0 || left.Value != "" {
		t.Errorf("the browser keeps %v", left)
	}
}

func TestTheCookie(t *testing.T) {
	plain := open(t, nil)
	proxied := open(t, func(o *auth.Options) { o.BehindProxy = true })
	for name, x := range map[string]struct {
		house  *house
		tls    bool
		secure bool
		called string
	}{
		"plain": {plain, false, false, "ganlin_session"}, "tls": {plain, true, true, "__Host-ganlin_session"}, "proxied": {proxied, false, true, "__Host-ganlin_session"},
	} {
		way := func(r *http.Request) {
			if x.tls {
				r.TLS = &tls.ConnectionState{}
			}
		}
		c, _ := x.house.signIn(t, x.house.tokens[auth.Farmer], way)
		if !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" || c.Secure != x.secure || c.Name != x.called || len(c.Value) != 43 {
			t.Errorf("%s: %+v", name, c)
		}
		if res := x.house.ask(auth.Self, request("GET", "/x", way, cookie(c))); res.StatusCode != http.StatusOK {
			t.Errorf("%s: the cookie does not let in: %d", name, res.StatusCode)
		}
		// What a neighbour under the same domain can set is not looked at where there is TLS.
		if res := x.house.ask(auth.Self, request("GET", "/x", way, cookie(&http.Cookie{Name: "ganlin_session", Value: c.Value}))); (res.StatusCode == http.StatusOK) == x.secure {
			t.Errorf("%s: a cookie without the prefix: %d", name, res.StatusCode)
		}
		for sum := range x.house.store.kept {
			if sum != auth.SumOf(c.Value) && name == "proxied" {
				t.Error("something else than the SHA-256 is kept")
			}
		}
	}
}

func TestASessionLastsWhileItIsUsed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		c, _ := h.signIn(t, h.tokens[auth.Farmer])
		alive := func() int { return h.ask(auth.Self, request("GET", "/x", cookie(c))).StatusCode }
		for range 3 {
			time.Sleep(29 * 24 * time.Hour)
			for range 10 {
				if got := alive(); got != http.StatusOK {
					t.Fatalf("used within 30 days: %d", got)
				}
			}
		}
		if h.store.saves != 4 {
			t.Errorf("the store was asked %d times, want 1 at signing in and 1 each day of use", h.store.saves)
		}
		if got := h.store.kept[auth.SumOf(c.Value)].Expires; time.Until(got) != auth.SessionLife {
			t.Errorf("kept until %v", got)
		}
		time.Sleep(3 * 24 * time.Hour) // the token's 90 days are over
		if got := alive(); got != http.StatusUnauthorized {
			t.Errorf("a session outlives its token: %d", got)
		}
		h.tokens[auth.Farmer] = h.token("farmer", time.Now().Add(900*24*time.Hour))
		c, _ = h.signIn(t, h.tokens[auth.Farmer])
		time.Sleep(auth.SessionLife)
		if got := alive(); got != http.StatusUnauthorized {
			t.Errorf("unused for 30 days: %d", got)
		}
	})
}

// TestABrokenStoreLocksNobodyOut stops the village while nothing can be kept.
func TestABrokenStoreLocksNobodyOut(t *testing.T) {
	h := open(t, nil)
	h.store.fail = errors.New("the disk is gone")
	c, csrf := h.signIn(t, h.tokens[auth.Agronomist])
	for name, ways := range map[string][]func(*http.Request){
		"cookie": {cookie(c), with("X-CSRF-Token", csrf)}, "token": {bearer(h.tokens[auth.Agronomist])},
	} {
		if res := h.ask(auth.StopAct, request("POST", "/api/v1/stop", ways...)); res.StatusCode != http.StatusOK {
			t.Errorf("%s: the stop answers %d", name, res.StatusCode)
		}
	}
	if !strings.Contains(h.log.String(), "the disk is gone") || strings.Contains(h.log.String(), c.Value) {
		t.Errorf("the log says %q", h.log)
	}
}

// TestRevokingEndsWhatIsOpen holds streams open and revokes what they came in by.
func TestRevokingEndsWhatIsOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		short := h.token("monitor", time.Now().Add(time.Hour))
		c, _ := h.signIn(t, h.tokens[auth.Farmer])
		other, _ := h.signIn(t, h.tokens[auth.GridWorker])
		ended := map[string]bool{}
		var mu sync.Mutex
		for name, how := range map[string]func(*http.Request){
			"token": bearer(h.tokens[auth.Farmer]), "session": cookie(c), "signed out": cookie(other), "expiring": bearer(short), "control": bearer(h.tokens[auth.Operator]),
		} {
			go h.Require(auth.Self, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				<-r.Context().Done()
				mu.Lock()
				defer mu.Unlock()
				ended[name] = true
			})).ServeHTTP(httptest.NewRecorder(), request("GET", "/stream", how).WithContext(t.Context()))
		}
		expect := func(want string) {
			t.Helper()
			synctest.Wait()
			mu.Lock()
			defer mu.Unlock()
			for _, name := range []string{"token", "session", "signed out", "expiring", "control"} {
				if ended[name] != strings.Contains(want, name) {
					t.Errorf("%s has ended: %t; want ended: %s", name, ended[name], want)
				}
			}
		}
		expect("")
		h.book.RevokeAccount("farmer")
		expect("token, session")
		h.SignOut(httptest.NewRecorder(), request("POST", "/logout", cookie(other)))
		expect("token, session, signed out")
		time.Sleep(time.Hour)
		expect("token, session, signed out, expiring")
		if res := h.ask(auth.Self, request("GET", "/x", cookie(c))); res.StatusCode != http.StatusUnauthorized {
			t.Errorf("a revoked account's session: %d", res.StatusCode)
		}
		h.book.RevokeAccount("operator")
	})
}

func TestSessionsOfAnAccountAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		var all []*http.Cookie
		for range 52 {
			time.Sleep(time.Minute)
			c, _ := h.signIn(t, h.tokens[auth.Farmer])
			all = append(all, c)
		}
		for i, c := range all {
			want := http.StatusOK
			if i < 2 {
				want = http.StatusUnauthorized
			}
			if res := h.ask(auth.Self, request("GET", "/x", cookie(c))); res.StatusCode != want {
				t.Errorf("session %d: %d, want %d", i, res.StatusCode, want)
			}
		}
		if len(h.store.kept) != 50 {
			t.Errorf("%d sessions are kept", len(h.store.kept))
		}
	})
}

func TestWrongTokensAreCountedByAddress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		from := func(address string) func(*http.Request) { return func(r *http.Request) { r.RemoteAddr = address } }
		signIn := func(address string) (status int) {
			if _, ok := h.SignIn(httptest.NewRecorder(), request("POST", "/login", from(address)), "gl_wrong", func(s int) { status = s }); ok {
				t.Fatal("a wrong token lets in")
			}
			return status
		}
		for i := range 20 {
			want := http.StatusUnauthorized
			if i >= 10 {
				want = http.StatusTooManyRequests
			}
			if got := signIn("192.0.2.1:1"); got != want {
				t.Errorf("attempt %d: %d, want %d", i+1, got, want)
			}
		}
		res := h.ask(auth.Self, request("GET", "/x", from("192.0.2.1:2"), bearer("gl_wrong")))
		if res.StatusCode != http.StatusTooManyRequests || res.Header.Get("Retry-After") != "6" {
			t.Errorf("a wrong token at the API: %d %v", res.StatusCode, res.Header)
		}
		if got := signIn("192.0.2.2:1"); got != http.StatusUnauthorized {
			t.Errorf("another address: %d", got)
		}
		if res := h.ask(auth.Self, request("GET", "/x", from("192.0.2.1:3"))); res.StatusCode != http.StatusUnauthorized {
			t.Errorf("without any token: %d", res.StatusCode)
		}
		h.signIn(t, h.tokens[auth.Farmer], from("192.0.2.1:4"))
		if res := h.ask(auth.StopAct, request("POST", "/x", from("192.0.2.1:5"), bearer(h.tokens[auth.Operator]))); res.StatusCode != http.StatusOK {
			t.Errorf("a right token beside a guesser: %d", res.StatusCode)
		}
		time.Sleep(6 * time.Second)
		for i, want := range []int{http.StatusUnauthorized, http.StatusTooManyRequests} {
			if got := signIn("192.0.2.1:6"); got != want {
				t.Errorf("6 s later, attempt %d: %d, want %d", i+1, got, want)
			}
		}
		for range 10 {
			signIn("[2001:db8::1]:1")
		}
		if got := signIn("[2001:db8::ffff]:1"); got != http.StatusTooManyRequests {
			t.Errorf("another address of the same customer: %d", got)
		}
	})
}

func TestTheClientBehindAProxy(t *testing.T) {
	for _, proxied := range []bool{false, true} {
		h := open(t, func(o *auth.Options) { o.BehindProxy = proxied })
		status := 0
		for i := range 11 { // a guesser who says that each attempt comes from somewhere else
			from := with("X-Forwarded-For", fmt.Sprintf("203.0.113.%d, 198.51.100.7", i))
			h.SignIn(httptest.NewRecorder(), request("POST", "/login", from), "gl_wrong", func(s int) { status = s })
		}
		if status != http.StatusTooManyRequests {
			t.Errorf("proxied %t: a made-up address counts: %d", proxied, status)
		}
		h.SignIn(httptest.NewRecorder(), request("POST", "/login", with("X-Forwarded-For", "198.51.100.8")), "gl_wrong", func(s int) { status = s })
		if want := map[bool]int{true: http.StatusUnauthorized, false: http.StatusTooManyRequests}[proxied]; status != want {
			t.Errorf("proxied %t: another client gets %d, want %d", proxied, status, want)
		}
	}
}

// TestARefusedPage sends people to a page and programs a problem.
func TestARefusedPage(t *testing.T) {
	h := open(t, func(o *auth.Options) {
		o.Page = func(w http.ResponseWriter, r *http.Request, status int) {
			a, ok := auth.From(r.Context())
			w.WriteHeader(http.StatusTeapot)
			_, _ = fmt.Fprint(w, status, a.Role, ok)
		}
	})
	html := with("Accept", "text/html,*/*")
	for name, x := range map[string]struct {
		r    *http.Request
		want string
	}{
		"nobody":  {request("GET", "/village", html), "418 401false"},
		"another": {request("GET", "/village", html, bearer(h.tokens[auth.Farmer])), "418 403farmertrue"},
		"stream":  {request("GET", "/live", with("Accept", "text/event-stream")), "401 {"},
		"api":     {request("GET", "/api/v1/plots", html), "401 {"},
		"change":  {request("POST", "/village", html), "401 {"},
	} {
		res := h.ask(auth.VillageRead, x.r)
		if got := fmt.Sprint(res.StatusCode, " ", body(res)); !strings.HasPrefix(got, x.want) {
			t.Errorf("%s: %s, want %s", name, got, x.want)
		}
	}
}
