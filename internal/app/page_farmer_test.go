package app

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"ganlin/devices"
	"ganlin/internal/httpapi"
	"ganlin/internal/records"
	"ganlin/rules"
)

// flashed is what an answer leaves for the page that it leads to.
func flashed(res *http.Response) string {
	for _, c := range res.Cookies() {
		if c.Name == "ganlin_said" {
			return c.Value
		}
	}
	return ""
}

// A phone is signed in as a farmer of a yard.
type phone struct {
	*yard
	as func(*http.Request)
}

// page loads the farmer's page.
func (p phone) page(change ...func(*http.Request)) string {
	p.t.Helper()
	return text(p.t, p.ask("GET", "/my?lang=en", append(change, p.as, html)...))
}

// form returns what a form of the page would send: that which asks for act of a valve.
func (p phone) form(act string, valve devices.DeviceID) url.Values {
	p.t.Helper()
	for _, one := range regexp.MustCompile(`(?s)<form method="post" action="/my\?lang=en".*?</form>`).FindAllString(p.page(), -1) {
		if !strings.Contains(one, `name="act" value="`+act+`"`) || !strings.Contains(one, `value="`+string(valve)+`"`) {
			continue
		}
		v := url.Values{"act": {act}}
		for _, m := range regexp.MustCompile(`name="(csrf|id|valve)" value="([^"]+)"`).FindAllStringSubmatch(one, -1) {
			v.Set(m[1], m[2])
		}
		if act == "open" {
			v.Set("minutes", "30")
		}
		return v
	}
	p.t.Fatalf("no form of the page asks for %s %s: %s", act, valve, p.page())
	return nil
}

// send posts a form, and returns what the page will say of it.
func (p phone) send(v url.Values, change ...func(*http.Request)) string {
	p.t.Helper()
	res := p.ask("POST", "/my?lang=en", append(change, p.as, html, filled(v))...)
	if res.StatusCode != http.StatusSeeOther || res.Header.Get("Location") != "/my?lang=en" {
		p.t.Errorf("%v leads to %d %s", v, res.StatusCode, res.Header.Get("Location"))
	}
	return flashed(res)
}

func (p phone) says(want ...string) {
	p.t.Helper()
	waitFor(p.t, 20*time.Second, strings.Join(want, ", "), func() (bool, string) {
		page := p.page()
		for _, w := range want {
			if !strings.Contains(page, w) {
				return false, page
			}
		}
		return true, page
	})
}

func with(v url.Values, name, value string) url.Values {
	c := url.Values{}
	for k := range v {
		c.Set(k, v.Get(k))
	}
	c.Set(name, value)
	return c
}

// TestFarmersForms presses the buttons of a farmer's page over a bad network: what
// is sent again is done once and answered as before, a page says once how it went,
// and whoever is not signed in any more reads that nothing was sent.
func TestFarmersForms(t *testing.T) {
	t.Parallel()
	y := newYard(t, t.TempDir(), 2, nil)
	y.settled()
	_, session := y.signIn(y.add(t, httpapi.NewAccount{ID: "f-1", Role: "farmer", Household: "h-1", Language: "zh"}))
	p := phone{yard: y, as: func(r *http.Request) { r.AddCookie(session) }}
	valve := y.valves[0]
	commands := func() (opens, closes int) {
		all, err := y.records.Decisions(t.Context(), records.DecisionFilter{Kind: devices.CommandDecision})
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range all {
			switch {
			case d.Rule != rules.PersonRule:
			case d.Outcome == "open":
				opens++
			case d.Outcome == "close":
				closes++
			}
		}
		return opens, closes
	}

	open := p.form("open", "v-1")
	var sent sync.WaitGroup
	for range 5 {
		sent.Go(func() {
			if got := p.send(open); got != "opened" {
				t.Errorf("one of many answers %q", got)
			}
		})
	}
	sent.Wait()
	p.says("The valve is open")
	if got := p.send(open); got != "opened" || len(valve.Openings()) != 1 {
		t.Errorf("sent again it answers %q, %d openings", got, len(valve.Openings()))
	}
	if got := p.send(with(open, "minutes", "60")); got != "stale" {
		t.Errorf("another act under the same id: %q", got)
	}
	if got := p.send(with(open, "id", "another-form")); got != "not_closed" {
		t.Errorf("the control, another form, answers %q", got)
	}

	shut := p.form("close", "v-1")
	for range 2 {
		if got := p.send(shut); got != "closed" {
			t.Errorf("a close answers %q", got)
		}
	}
	p.says("The valve is shut")
	if got := p.send(shut); got != "closed" {
		t.Errorf("a close of before answers %q", got)
	}
	y.tick(lateness + time.Minute)
	if opens, closes := commands(); opens != 1 || closes != 1 {
		t.Errorf("%d openings and %d closes were asked for", opens, closes)
	}
	if got := p.send(p.form("open", "v-1")); got != "opened" {
		t.Errorf("it opens again: %q", got)
	}
	p.says("The valve is open")
	if got := p.send(shut); got != "closed" { // nothing holds a close back
		t.Errorf("the close of before, now that water runs, answers %q", got)
	}
	p.says("The valve is shut")
	for act, want := range map[string]string{"close": "close_refused", "open": "refused"} {
		if got := p.send(url.Values{"csrf": shut["csrf"], "id": {"foreign-" + act}, "act": {act}, "valve": {"v-2"}, "minutes": {"5"}}); got != want {
			t.Errorf("%s of another's valve answers %q", act, got)
		}
	}

	// What is said is said once, and not by an address.
	res := y.ask("GET", "/my?lang=en", p.as, html, func(r *http.Request) { r.AddCookie(&http.Cookie{Name: "ganlin_said", Value: "all_closed"}) })
	if page := text(t, res); !strings.Contains(page, "All your valves were told to close") || len(res.Cookies()) != 1 || res.Cookies()[0].MaxAge >= 0 {
		t.Errorf("the answer is not said, or stays: %v", res.Cookies())
	}
	if page := text(t, y.ask("GET", "/my?lang=en&said=all_closed", p.as, html)); strings.Contains(page, "told to close") {
		t.Error("an address makes the page say what is not so")
	}

	for name, c := range map[string]struct {
		target string
		who    func(*http.Request)
		csrf   string
		status int
		want   []string
	}{
		"signed out":             {"/my?lang=zh", html, shut.Get("csrf"), http.StatusUnauthorized, []string{"登录已经过期", "再按一次", `href="/login?lang=zh-CN&amp;next=%2Fmy"`}},
		"of an earlier sign-in":  {"/my?lang=en", p.as, "stale", http.StatusForbidden, []string{"It was not sent", "press again", `href="/my?lang=en"`}},
		"in the account's words": {"/my", p.as, "stale", http.StatusForbidden, []string{"没有发出去", "再按一次"}},
	} {
		res := y.ask("POST", c.target, c.who, html, filled(with(shut, "csrf", c.csrf)))
		page := text(t, res)
		if res.StatusCode != c.status {
			t.Errorf("%s: %d", name, res.StatusCode)
		}
		for _, w := range c.want {
			if !strings.Contains(page, w) {
				t.Errorf("%s: %q is not said in %s", name, w, page)
			}
		}
	}

	// Without the records store a valve closes, none opens, and nobody reads that there is no news.
	p.says("No new messages")
	open, shut = p.form("open", "v-1"), with(shut, "id", "without-store")
	if err := y.records.Close(); err != nil {
		t.Fatal(err)
	}
	if page := p.page(); !strings.Contains(page, "Messages cannot be read now") || strings.Contains(page, "No new messages") {
		t.Errorf("without the records store the page says %s", page)
	}
	if got := p.send(open); got != "trouble" {
		t.Errorf("an opening that cannot be kept answers %q", got)
	}
	if got := p.send(shut); got != "closed" {
		t.Errorf("a close without the records store answers %q", got)
	}
}

// TestFarmersAnswers answers messages where they stand. What is another's is not there.
func TestFarmersAnswers(t *testing.T) {
	t.Parallel()
	s := openStill(t, t.TempDir(), nil)
	at := time.Now().UTC()
	if err := s.records.CommitEffects(t.Context(), records.Effects{Progress: records.Progress{Reader: readerRules}, Alerts: []records.AlertRow{
		{ID: "a-1", Rule: "drought", Severity: "warning", Subject: "p-001", Plot: "p-001", Site: "sanquan", State: "firing", RaisedAt: at},
		{ID: "a-2", Rule: "drought", Severity: "warning", Subject: "p-002", Plot: "p-002", Site: "sanquan", State: "firing", RaisedAt: at},
		{ID: "a-3", Rule: "probe_silent", Severity: "warning", Subject: "s-001", Plot: "p-001", Site: "sanquan", State: "firing", RaisedAt: at},
		{ID: "a-4", Rule: "frost", Severity: "warning", Subject: "p-001", Plot: "p-001", Site: "sanquan", State: "resolved", RaisedAt: at.Add(-time.Hour), ResolvedAt: at},
	}}); err != nil {
		t.Fatal(err)
	}
	_, session := s.signIn(s.add(t, httpapi.NewAccount{ID: "f", Role: "farmer", Household: "h-001"}))
	as := func(r *http.Request) { r.AddCookie(session) }
	page := func() string { return text(t, s.ask("GET", "/my?lang=en", as, html)) }
	buttons := func(alert string) (codes []string) {
		form := regexp.MustCompile(`(?s)name="alert" value="` + alert + `">.*?</form>`).FindString(page())
		for _, m := range regexp.MustCompile(`name="answer" value="(\w+)"`).FindAllStringSubmatch(form, -1) {
			codes = append(codes, m[1])
		}
		return codes
	}
	csrf := regexp.MustCompile(`name="csrf" value="([^"]+)"`).FindStringSubmatch(page())[1]
	for i, c := range []struct{ alert, answer, want, left string }{
		{"a-1", "will_water", "answered", "[watered false_alarm]"},
		{"a-1", "watered", "answered", "[]"},
		{"a-3", "seen", "answered", "[repaired false_alarm]"},
		{"a-3", "repaired", "answered", "[]"},
		{"a-2", "watered", "gone", "[]"},
		{"a-9", "watered", "gone", "[]"},
		{"a-1", "perhaps", "gone", "[]"},
	} {
		form := url.Values{"csrf": {csrf}, "id": {fmt.Sprint("answer-", i)}, "act": {"answer"}, "alert": {c.alert}, "answer": {c.answer}}
		for range 2 { // pressed twice
			if got := flashed(s.ask("POST", "/my?lang=en", as, html, filled(form))); got != c.want {
				t.Errorf("%s to %s answers %q", c.answer, c.alert, got)
			}
		}
		if got := fmt.Sprint(buttons(c.alert)); got != c.left {
			t.Errorf("after %s to %s the buttons are %s", c.answer, c.alert, got)
		}
	}
	said, err := s.records.AlertActs(t.Context(), []string{"a-1", "a-2", "a-3"})
	if err != nil || len(said["a-1"]) != 2 || len(said["a-2"]) != 0 || len(said["a-3"]) != 2 || said["a-3"][0].Act != "acknowledged" || said["a-1"][1].Account != "f" {
		t.Errorf("%v: %+v is kept", err, said)
	}
	if got := page(); !strings.Contains(got, "Answered: I watered") || !strings.Contains(got, "Answered: Mended") || strings.Contains(got, `value="a-4"`) {
		t.Errorf("the page says %s", got)
	}
}

// TestPlotsForms has an agronomist open and close a valve on its plot's page, and call
// all of them to a stop. Those whose plot it is not find nothing there.
func TestPlotsForms(t *testing.T) {
	t.Parallel()
	y := newYard(t, t.TempDir(), 2, nil)
	y.settled()
	in := func(a httpapi.NewAccount) func(*http.Request) {
		_, session := y.signIn(y.add(t, a))
		return func(r *http.Request) { r.AddCookie(session) }
	}
	agronomist := in(httpapi.NewAccount{ID: "a-1", Role: "agronomist", Sites: []devices.SiteID{"sanquan"}})
	stranger := in(httpapi.NewAccount{ID: "a-2", Role: "agronomist", Places: []devices.PlaceCode{"510000"}})
	page := func(path string, who func(*http.Request)) string {
		return text(t, y.ask("GET", path+"?lang=en", who, html))
	}
	csrf := func(path string, who func(*http.Request)) string {
		return regexp.MustCompile(`name="csrf" value="([^"]+)"`).FindStringSubmatch(page(path, who))[1]
	}
	send := func(path, act, id string, who func(*http.Request)) (to, said string) {
		form := url.Values{"csrf": {csrf("/village", who)}, "id": {id}, "act": {act}, "valve": {"v-1"}, "minutes": {"30"}}
		res := y.ask("POST", path+"?lang=en", who, html, filled(form))
		return res.Header.Get("Location"), flashed(res)
	}
	says := func(want string) {
		t.Helper()
		waitFor(t, 20*time.Second, want, func() (bool, string) { got := page("/plots/p-1", agronomist); return strings.Contains(got, want), got })
	}
	for range 2 { // pressed twice
		if to, said := send("/plots/p-1", "open", "opens-it-once", agronomist); to != "/plots/p-1?lang=en" || said != "water.opened" {
			t.Errorf("opening leads to %s, %q", to, said)
		}
	}
	says("Watering <code>v-1</code>")
	if n := len(y.valves[0].Openings()); n != 1 {
		t.Errorf("%d openings", n)
	}
	if got := text(t, y.ask("GET", "/plots/p-1?lang=en", agronomist, html, func(r *http.Request) { r.AddCookie(&http.Cookie{Name: "ganlin_said", Value: "water.opened"}) })); !strings.Contains(got, "The valve was told to open.") {
		t.Errorf("the page does not say how it went: %s", got)
	}
	if _, said := send("/plots/p-1", "close", "not-mine-to-close", stranger); said != "water.close_refused" {
		t.Errorf("a stranger's close answers %q", said)
	}
	if _, said := send("/plots/p-2", "close", "not-of-this-plot", agronomist); said != "water.close_refused" {
		t.Errorf("a close on another plot's page answers %q", said)
	}
	if _, said := send("/plots/p-1", "close", "closes-it-once", agronomist); said != "water.closed" {
		t.Errorf("a close answers %q", said)
	}
	says("Valve closed <code>v-1</code>")

	if !strings.Contains(page("/village", agronomist), `action="/operations/stop`) {
		t.Error("the page of all plots has no stop")
	}
	if to, said := send("/operations/stop", "", "", agronomist); to != "/village?lang=en" || said != "told" || !y.program.valves.Stopped() {
		t.Errorf("the stop leads to %s, %q", to, said)
	}
	if got := page("/village", agronomist); !strings.Contains(got, "Emergency stop in force") {
		t.Errorf("nobody reads of the stop: %s", got)
	}
	if _, said := send("/plots/p-1", "open", "opens-in-a-stop", agronomist); said != "water.stopped" {
		t.Errorf("an opening while all are stopped answers %q", said)
	}
}
