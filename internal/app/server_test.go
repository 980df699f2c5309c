package app

import (
	"crypto/tls"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"ganlin/internal/lobby"
	"ganlin/internal/registry"
)

func TestEveryAnswerIsCareful(t *testing.T) {
	s := openStill(t, t.TempDir(), nil)
	proxied := openStill(t, t.TempDir(), func(o *programOptions) { o.config.HTTP.BehindProxy = true })
	encrypted := func(r *http.Request) { r.TLS = &tls.ConnectionState{} }
	named := func(r *http.Request) { r.Host = "ganlin.example:8443" }
	for _, path := range []string{"/", "/login", "/nowhere", "/assets/none", "/healthz", "/metrics", "/api/v1/openapi.json", "/api/v1/plots", "/api/v1/nowhere", "/api/v2/"} {
		for name, c := range map[string]struct {
			res  *http.Response
			hsts bool
		}{
			"plain": {s.ask("GET", path, named), false}, "on this machine": {s.ask("GET", path, encrypted), false},
			"TLS": {s.ask("GET", path, encrypted, named), true}, "behind a proxy": {proxied.ask("GET", path, named), true},
		} {
			if got := c.res.Header.Get("X-Content-Type-Options"); got != "nosniff" {
				t.Errorf("%s, %s: X-Content-Type-Options is %q", path, name, got)
			}
			if got := c.res.Header.Get("Strict-Transport-Security"); (got != "") != c.hsts {
				t.Errorf("%s, %s: Strict-Transport-Security is %q", path, name, got)
			}
		}
	}
}

// A mistyped address of a page is answered by a page, one of the API by a problem.
func TestMistypedAddresses(t *testing.T) {
	s := openStill(t, t.TempDir(), nil)
	for _, c := range []struct{ method, path, language, says string }{
		{"GET", "/nowhere", "zh-CN", "没有这一页"},
		{"GET", "/plot/p-001", "en", "There is no such page"},
		{"POST", "/village", "zh-CN", "没有这一页"},
		{"GET", "/as/operator", "en", "There is no such page"},
	} {
		res := s.ask(c.method, c.path, html, header("Accept-Language", c.language))
		if page := text(t, res); res.StatusCode != http.StatusNotFound || res.Header.Get("Content-Language") != c.language || !strings.Contains(page, c.says) {
			t.Errorf("%s %s answers %d, in %s:\n%s", c.method, c.path, res.StatusCode, res.Header.Get("Content-Language"), page)
		}
	}
	for request, want := range map[string]int{
		"GET /api/v1/nowhere": 404, "GET /api/v2/plots": 404, "GET /api/": 404, "POST /healthz": 405, "DELETE /metrics": 405,
	} {
		method, path, _ := strings.Cut(request, " ")
		res := s.ask(method, path, html)
		if res.StatusCode != want || res.Header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s answers %d, %s", request, res.StatusCode, res.Header.Get("Content-Type"))
		}
	}
}

// Without the records a decision's page says so; the village, which needs none, is the control.
func TestThePageOfADecisionWithoutRecords(t *testing.T) {
	s := openStill(t, t.TempDir(), nil)
	if err := s.records.Close(); err != nil {
		t.Fatal(err)
	}
	res := s.ask("GET", "/decisions/d-000001?lang=zh", html, bearer(s.token))
	if page := text(t, res); res.StatusCode != http.StatusServiceUnavailable || !strings.Contains(page, "现在读不出来") || !strings.Contains(page, `href="/decisions/d-000001?lang=zh"`) {
		t.Errorf("it answers %d:\n%s", res.StatusCode, page)
	}
	if res := s.ask("GET", "/village", html, bearer(s.token)); res.StatusCode != http.StatusOK {
		t.Errorf("the village answers %d", res.StatusCode)
	}
}

// A link of another site's page signs nobody in: it is asked about first.
func TestAnotherSiteSignsNobodyIn(t *testing.T) {
	reg, problems := registry.Load(nil, registry.Options{Imported: []*registry.File{registry.Read("village.yaml", []byte(twoHouseholds))}})
	if reg == nil {
		t.Fatal(problems)
	}
	s := openStill(t, t.TempDir(), func(o *programOptions) { o.files, o.village = nil, reg })
	for from, signedIn := range map[string]bool{"": true, "none": true, "same-origin": true, "same-site": false, "cross-site": false} {
		res := s.ask("GET", "/as/operator?next=/village&lang=en", header("Sec-Fetch-Site", from))
		page := text(t, res)
		if (len(res.Cookies()) > 0) != signedIn || !signedIn && (res.StatusCode != http.StatusOK || !strings.Contains(page, `href="/as/operator?lang=en&amp;next=%2Fvillage"`)) {
			t.Errorf("from %q it answers %d with %v:\n%s", from, res.StatusCode, res.Cookies(), page)
		}
	}
}

// Connections are bounded, but not those of this machine, unless all of them come from a proxy on it.
func TestBoundsOfConnections(t *testing.T) {
	for proxied, want := range map[bool]bool{false: true, true: false} {
		s := openStill(t, t.TempDir(), func(o *programOptions) { o.config.HTTP.BehindProxy = proxied })
		if _, ok := s.listens.(*lobby.Lobby); !ok {
			t.Errorf("the program listens by a %T", s.listens)
		}
		o := s.bounds()
		here, elsewhere := o.Free(netip.MustParseAddr("127.0.0.1")) && o.Free(netip.MustParseAddr("::1")), o.Free(netip.MustParseAddr("192.0.2.1"))
		if here != want || elsewhere || (o.Each == o.Most) != proxied || o.Each < 1 || o.Each > o.Most {
			t.Errorf("behind a proxy %t: this machine is free %t, others %t; %d of %d each", proxied, here, elsewhere, o.Each, o.Most)
		}
	}
}
