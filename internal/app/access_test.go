package app

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"ganlin/devices"
	"ganlin/internal/auth"
	"ganlin/internal/config"
	"ganlin/internal/httpapi"
	"ganlin/internal/registry"
)

const twoHouseholds = `places: [{code: "500119101001", name: 三泉村}]
sites: [{id: sanquan, place: "500119101001"}]
stations: [{id: w-01, latitude: 29.16, longitude: 107.10, elevation_m: 640}]
plots:
  - {id: p-001, place: "500119101001", station: w-01, household: h-001, area_mu: 3.2, crop: maize_grain, planted: 2026-04-02, soil: silt_loam}
  - {id: p-002, place: "500119101001", station: w-01, household: h-002, area_mu: 3.2, crop: maize_grain, planted: 2026-04-02, soil: silt_loam}
`

// A still program is open on a folder and answers requests; nothing else of it runs.
type still struct {
	*program
	log *logged
}

func openStill(tb testing.TB, folder string, change func(*programOptions)) still {
	tb.Helper()
	cfg := config.Default()
	cfg.Data, cfg.HTTP.Listen = folder, "127.0.0.1:0"
	cfg.Influx = &config.Influx{URL: "http://127.0.0.1:9", Org: "ganlin", Bucket: "ganlin"}
	log := &logged{}
	o := programOptions{config: &cfg, log: slog.New(slog.NewTextHandler(log, nil)), files: []*registry.File{registry.Read("registry.yaml", []byte(twoHouseholds))}}
	if change != nil {
		change(&o)
	}
	p, err := openProgram(tb.Context(), o)
	if err != nil {
		tb.Fatal(err)
	}
	s := still{p, log}
	tb.Cleanup(s.shut)
	return s
}

// serve answers at the program's address too, and lets the command line find it.
func (s still) serve(t *testing.T) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.serveHTTP(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	if err := writeReadiness(s.folder.file(runFile), s.readiness()); err != nil {
		t.Fatal(err)
	}
}

func (s still) shut() {
	if s.folder != nil {
		s.close(context.Background())
		s.folder = nil
	}
}

// ask sends a request as from this machine.
func (s still) ask(method, target string, change ...func(*http.Request)) *http.Response {
	r := httptest.NewRequest(method, target, nil)
	r.RemoteAddr, r.Host = "127.0.0.1:50000", "127.0.0.1:8080"
	for _, c := range change {
		c(r)
	}
	w := httptest.NewRecorder()
	s.http.Handler.ServeHTTP(w, r)
	return w.Result()
}

func header(name, value string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set(name, value) }
}

func bearer(token string) func(*http.Request) { return header("Authorization", "Bearer "+token) }
func html(r *http.Request)                    { r.Header.Set("Accept", "text/html") }

// signIn posts the form of signing in and returns the answer with its cookie.
func (s still) signIn(token string, change ...func(*http.Request)) (*http.Response, *http.Cookie) {
	res := s.ask("POST", "/login", append(change, filled(url.Values{"token": {token}}))...)
	if c := res.Cookies(); len(c) == 1 && c[0].MaxAge > 0 {
		return res, c[0]
	}
	return res, nil
}

func filled(values url.Values) func(*http.Request) {
	return func(r *http.Request) {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Body = io.NopCloser(strings.NewReader(values.Encode()))
	}
}

func (s still) add(tb testing.TB, n httpapi.NewAccount) string {
	tb.Helper()
	made, err := s.accounts().Add(tb.Context(), n)
	if err != nil {
		tb.Fatal(err)
	}
	return made.Token
}

// routes returns every route of the program with its scope: pages as they are registered, operations as the API's document has them.
func (s still) routes(t *testing.T) map[string]auth.Scope {
	t.Helper()
	all := map[string]auth.Scope{"GET /healthz": auth.Open, "GET /readyz": auth.Open, "GET /metrics": auth.MetricsRead}
	for pattern := range s.router.pages {
		all[pattern] = pageScopes()[pattern]
	}
	text, err := httpapi.Document()
	if err != nil {
		t.Fatal(err)
	}
	var document struct {
		Paths map[string]map[string]struct {
			Scope auth.Scope `json:"x-ganlin-scope"`
		}
	}
	if err := json.Unmarshal(text, &document); err != nil {
		t.Fatal(err)
	}
	for path, operations := range document.Paths {
		for method, o := range operations {
			all[strings.ToUpper(method)+" "+path] = o.Scope
		}
	}
	return all
}

// TestEveryRouteHasAScope asks every address of the program as every kind of account, and as nobody from elsewhere.
func TestEveryRouteHasAScope(t *testing.T) {
	s := openStill(t, t.TempDir(), nil)
	tokens := map[auth.Role]string{
		auth.Operator:   s.token,
		auth.Agronomist: s.add(t, httpapi.NewAccount{ID: "a", Role: "agronomist", Sites: []devices.SiteID{"sanquan"}}),
		auth.Farmer:     s.add(t, httpapi.NewAccount{ID: "f", Role: "farmer", Household: "h-001"}),
		auth.GridWorker: s.add(t, httpapi.NewAccount{ID: "g", Role: "grid_worker", Places: []devices.PlaceCode{"500119"}}),
		auth.Monitor:    s.add(t, httpapi.NewAccount{ID: "m", Role: "monitor"}),
	}
	routes := s.routes(t)
	if len(routes) < 20 {
		t.Fatalf("only %d routes were found", len(routes))
	}
	variable := regexp.MustCompile(`\{[^}]*\}`)
	for pattern, scope := range routes {
		if !scope.Known() {
			t.Errorf("%s has no scope", pattern)
		}
		if pattern == "POST /login" { // it is open, and answers 401 of its own
			continue
		}
		method, path, _ := strings.Cut(pattern, " ")
		path = variable.ReplaceAllString(strings.ReplaceAll(path, "{$}", ""), "x")
		ask := func(change ...func(*http.Request)) int {
			return s.ask(method, path, append(change, header("X-Forwarded-For", "192.0.2.1"), func(r *http.Request) {
				ctx, cancel := context.WithCancel(r.Context())
				cancel() // a stream ends at once
				*r = *r.WithContext(ctx)
			})...).StatusCode
		}
		if got := ask(); (got == http.StatusUnauthorized) != (scope != auth.Open) {
			t.Errorf("%s for nobody: %d", pattern, got)
		}
		for role, token := range tokens {
			if got := ask(bearer(token)); got == http.StatusUnauthorized || (got == http.StatusForbidden) == scope.Allows(role) {
				t.Errorf("%s for %s: %d", pattern, role, got)
			}
		}
	}
}

// TestARouteWithoutAScopeKeepsTheProgramFromStarting is the control of the test above.
func TestARouteWithoutAScopeKeepsTheProgramFromStarting(t *testing.T) {
	s := openStill(t, t.TempDir(), nil)
	open := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("it was served") })
	s.router.HandleFunc("GET /new", open)
	s.router.mux.Handle("GET /api/v1/new", s.router.require("", open))
	if err := s.router.complete(); err == nil || !strings.Contains(err.Error(), "GET /new") || !strings.Contains(err.Error(), `scope ""`) {
		t.Errorf("%v", err)
	}
	for _, path := range []string{"/new", "/api/v1/new"} {
		if res := s.ask("GET", path, bearer(s.token)); res.StatusCode != http.StatusNotFound && res.StatusCode != http.StatusForbidden {
			t.Errorf("%s: %d", path, res.StatusCode)
		}
	}
}

// TestTheDemoIsOpenOnThisMachineAlone asks the demo's pages with names and addresses that are not of this machine.
func TestTheDemoIsOpenOnThisMachineAlone(t *testing.T) {
	reg, problems := registry.Load(nil, registry.Options{Imported: []*registry.File{registry.Read("village.yaml", []byte(twoHouseholds))}})
	if reg == nil {
		t.Fatal(problems)
	}
	folder := t.TempDir()
	demo := func(o *programOptions) { o.files, o.village = nil, reg }
	s := openStill(t, folder, demo)
	host := func(name string) func(*http.Request) { return func(r *http.Request) { r.Host = name } }
	from := func(address string) func(*http.Request) { return func(r *http.Request) { r.RemoteAddr = address } }
	nothing := func(*http.Request) {}
	for name, x := range map[string]struct {
		how   func(*http.Request)
		local bool
	}{
		"this machine": {nothing, true}, "localhost": {host("localhost:8080"), true}, "ipv6": {host("[::1]:8080"), true}, "no port": {host("127.0.0.1"), true},
		"ipv6 client": {from("[::1]:1234"), true}, "mapped": {from("[::ffff:127.0.0.1]:1"), true},
		"rebound": {host("evil.example:8080"), false}, "looks like": {host("127.0.0.1.evil.example"), false}, "no host": {host(""), false}, "localhost too": {host("localhost.evil.example"), false},
		"another machine": {from("192.0.2.1:1"), false}, "proxied": {header("X-Forwarded-For", "192.0.2.1"), false}, "forwarded": {header("Forwarded", "for=192.0.2.1"), false},
	} {
		as := s.ask("GET", "/as/farmer-h-001", x.how)
		signedIn := as.StatusCode == http.StatusSeeOther && len(as.Cookies()) == 1
		page, metrics := s.ask("GET", "/", x.how).StatusCode, s.ask("GET", "/metrics", x.how).StatusCode
		want := http.StatusUnauthorized
		if x.local {
			want = http.StatusOK
		}
		if page != want || metrics != want || signedIn != x.local || !x.local && as.StatusCode != http.StatusNotFound {
			t.Errorf("%s: page %d, metrics %d, signing in %d", name, page, metrics, as.StatusCode)
		}
	}
	if res := s.ask("GET", "/as/farmer-h-009"); res.StatusCode != http.StatusNotFound {
		t.Errorf("a foreign account: %d", res.StatusCode)
	}
	if page := text(t, s.ask("GET", "/")); strings.Count(page, `href="/as/`) != 4 || !strings.Contains(page, `href="/as/farmer-h-001"`) {
		t.Error("the first page does not offer the eyes of four kinds of people")
	}
	as := s.ask("GET", "/as/operator?next=/%3Fq=1")
	if as.Header.Get("Location") != "/?q=1" {
		t.Errorf("next leads to %s", as.Header.Get("Location"))
	}
	before := s.demoTokens
	s.shut()
	s = openStill(t, folder, demo)
	if !slices.Equal(keysOf(before), keysOf(s.demoTokens)) || before["grid"] != s.demoTokens["grid"] || len(before) != 6 {
		t.Errorf("a restart changes the demo's accounts: %v", keysOf(s.demoTokens))
	}
	if res := s.ask("GET", "/login?lang=en", func(r *http.Request) { r.AddCookie(as.Cookies()[0]) }); !strings.Contains(text(t, res), "Signed in as") {
		t.Error("a restart ends a session of the demo")
	}

	served := openStill(t, t.TempDir(), nil) // the control: what is not the demo
	if page, as := served.ask("GET", "/").StatusCode, served.ask("GET", "/as/operator").StatusCode; page != http.StatusUnauthorized || as != http.StatusNotFound {
		t.Errorf("serve: page %d, /as/operator %d", page, as)
	}
	proxied := openStill(t, t.TempDir(), func(o *programOptions) { o.config.HTTP.BehindProxy = true })
	if got := proxied.ask("GET", "/metrics").StatusCode; got != http.StatusUnauthorized {
		t.Errorf("metrics behind a proxy: %d", got)
	}
}

func keysOf(m map[string]string) (keys []string) {
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

func TestTheDemoListensOnThisMachineAlone(t *testing.T) {
	var out, errOut bytes.Buffer
	if code := run(t.Context(), []string{"demo", "--data", t.TempDir(), "--http", "0.0.0.0:0"}, &out, &errOut, hooks{}); code != exitUsage || !strings.Contains(errOut.String(), "can be reached from elsewhere") {
		t.Errorf("%d %s", code, &errOut)
	}
}
