package app

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"ganlin/devices"
	"ganlin/internal/auth"
	"ganlin/internal/httpapi"
)

// TestSigningIn follows a browser from the login link to signing out, over a restart.
func TestSigningIn(t *testing.T) {
	folder := t.TempDir()
	s := openStill(t, folder, nil)
	agro := s.add(t, httpapi.NewAccount{ID: "a", Role: "agronomist", Sites: []devices.SiteID{"sanquan"}})
	farmer := s.add(t, httpapi.NewAccount{ID: "f", Role: "farmer", Household: "h-001"})
	monitor := s.add(t, httpapi.NewAccount{ID: "m", Role: "monitor"})

	to := func(res *http.Response) string { return fmt.Sprint(res.StatusCode, " ", res.Header.Get("Location")) }
	if got := to(s.ask("GET", "/?q=1", html)); got != "303 /login" {
		t.Errorf("the first page for nobody: %s", got)
	}
	if got := to(s.ask("GET", "/plots/p-001?x=1", html)); s.router.has("GET /plots/{id}") && got != "303 /login?next=%2Fplots%2Fp-001%3Fx%3D1" {
		t.Errorf("a page for nobody: %s", got)
	}
	for _, token := range []string{"", "gl_wrong", " " + strings.ToUpper(agro)} {
		res, c := s.signIn(token, html)
		if text := text(t, res); res.StatusCode != http.StatusUnauthorized || c != nil || !strings.Contains(text, "登录码打不开") && !strings.Contains(text, "does not open") {
			t.Errorf("%q: %d %v", token, res.StatusCode, c)
		}
	}
	if res, c := s.signIn(agro, header("Sec-Fetch-Site", "cross-site")); res.StatusCode != http.StatusForbidden || c != nil {
		t.Errorf("signed in by another site: %d", res.StatusCode)
	}
	home := s.home(auth.Access{Role: auth.Agronomist, Sites: []devices.SiteID{"sanquan"}})
	for next, want := range map[string]string{
		"/plots/p-001?x=1": "/plots/p-001?x=1", "": home,
		"//evil.example": home, "https://evil.example": home, `/\evil.example`: home, "x": home,
	} {
		if got := to(s.ask("POST", "/login", filled(url.Values{"token": {agro}, "next": {next}}))); got != "303 "+want {
			t.Errorf("next %q leads to %s, want %s", next, got, want)
		}
	}
	_, c := s.signIn("  "+agro+"\n", html)
	_, cf := s.signIn(farmer, html)
	res, cm := s.signIn(monitor, html)
	if c == nil || cf == nil || cm == nil || to(res) != "303 /login" {
		t.Fatalf("%v %v %v %s", c, cf, cm, to(res))
	}
	with := func(c *http.Cookie) func(*http.Request) { return func(r *http.Request) { r.AddCookie(c) } }
	if res := s.ask("GET", "/", html, with(c)); res.StatusCode != http.StatusOK {
		t.Errorf("the village for its agronomist: %d", res.StatusCode)
	}
	if got := to(s.ask("GET", "/", html, with(cf))); got != "303 "+s.home(auth.Access{Role: auth.Farmer}) {
		t.Errorf("the village for a farmer: %s", got)
	}
	elsewhere := bearer(s.add(t, httpapi.NewAccount{ID: "b", Role: "agronomist", Places: []devices.PlaceCode{"500120"}}))
	if got := s.ask("GET", "/live", elsewhere).StatusCode; got != http.StatusForbidden {
		t.Errorf("every site for the agronomist of another: %d", got)
	}
	if got := text(t, s.ask("GET", "/login?lang=en", html, with(cm))); !strings.Contains(got, "for a program") {
		t.Errorf("a program's account is not told so:\n%s", got)
	}

	s.shut()
	s = openStill(t, folder, nil)
	for _, kept := range []*http.Cookie{c, cf, cm} {
		if res := s.ask("GET", "/login?lang=en", html, with(kept)); !strings.Contains(text(t, res), "Signed in as") {
			t.Error("a restart ends a session")
		}
	}
	if res := s.ask("GET", "/api/v1/status", bearer(s.token)); res.StatusCode != http.StatusOK {
		t.Errorf("the operator's token after a restart: %d", res.StatusCode)
	}
	if err := s.accounts().Revoke(t.Context(), "f"); err != nil {
		t.Fatal(err)
	}
	page := s.ask("GET", "/login", html, with(c))
	csrf := regexp.MustCompile(`name="csrf" value="([^"]+)"`).FindStringSubmatch(text(t, page))
	if csrf == nil {
		t.Fatal("the page of signing out has no token for its form")
	}
	if res := s.ask("POST", "/logout", with(c)); res.StatusCode != http.StatusForbidden {
		t.Errorf("signed out by another site: %d", res.StatusCode)
	}
	if got := to(s.ask("POST", "/logout", with(c), filled(url.Values{"csrf": {csrf[1]}}))); got != "303 /login" {
		t.Errorf("signing out: %s", got)
	}
	s.shut()
	s = openStill(t, folder, nil)
	for name, over := range map[string]*http.Cookie{"signed out": c, "revoked": cf} {
		if got := to(s.ask("GET", "/", html, with(over))); got != "303 /login" {
			t.Errorf("%s: %s", name, got)
		}
	}
	s.shut()
	holdsNo(t, folder, s.log, agro, farmer, monitor, c.Value, cf.Value, cm.Value, csrf[1])
}

func text(t *testing.T, res *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// holdsNo checks that secrets lie neither in a folder nor in a log.
func holdsNo(t *testing.T, folder string, log *logged, secrets ...string) {
	t.Helper()
	files := 0
	look := func(name string, content []byte) {
		for _, secret := range secrets {
			if bytes.Contains(content, []byte(secret)) {
				t.Errorf("%s holds a secret", name)
			}
		}
	}
	err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		files++
		b, err := os.ReadFile(path)
		look(path, b)
		return err
	})
	if err != nil || files < 3 {
		t.Errorf("%d files, %v", files, err)
	}
	look("the log", []byte(log.tail()))
}

// TestALoginLinkInABrowser opens a login link on a small phone: its token leaves the address before anything else is asked.
func TestALoginLinkInABrowser(t *testing.T) {
	s := openStill(t, t.TempDir(), nil)
	s.serve(t)
	token := s.add(t, httpapi.NewAccount{ID: "m", Role: "monitor"})
	tab := browser(t)
	look := func(expression string) string {
		t.Helper()
		got, err := chromedp.Run(tab, chromedp.Evaluate[string](expression))
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	if err := chromedp.Do(tab, chromedp.EmulateViewport(320, 640), chromedp.Navigate(s.url()+"/login?lang=zh#"+token), chromedp.WaitVisible(chromedp.CSS("form[action='/logout']"))); err != nil {
		t.Fatal(err)
	}
	if got := look("location.href + ' ' + document.referrer + ' ' + document.body.innerText"); !strings.Contains(got, "给程序用的") && !strings.Contains(got, "for a program") || strings.Contains(got, token) {
		t.Errorf("after the link the browser shows %s", got)
	}
	if got := look("String(document.documentElement.scrollWidth)"); got != "320" {
		t.Errorf("the page is %s wide on a phone of 320", got)
	}
	if got := look("document.cookie"); got != "" {
		t.Errorf("scripts see the cookie %q", got)
	}
	if err := chromedp.Do(tab, chromedp.Click(chromedp.CSS("form[action='/logout'] button")), chromedp.WaitVisible(chromedp.CSS("body:not(:has(form[action='/logout'])) #token"))); err != nil {
		t.Fatal(err)
	}
}
