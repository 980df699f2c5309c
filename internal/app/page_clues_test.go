package app

import (
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/google/go-cmp/cmp"

	"ganlin/dashboards"
	"ganlin/devices"
	"ganlin/internal/httpapi"
	"ganlin/internal/records"
	"ganlin/internal/signals"
)

var hiddenField = regexp.MustCompile(`<input type="hidden" name="(\w+)" value="([^"]*)">`)

// nextStep is what the first form of a clue's page would send; nil: there is none.
func nextStep(page string) url.Values {
	_, form, ok := strings.Cut(page, `<form class="step"`)
	if !ok {
		return nil
	}
	form, _, _ = strings.Cut(form, "</form>")
	v := url.Values{}
	for _, m := range hiddenField.FindAllStringSubmatch(form, -1) {
		v.Set(m[1], m[2])
	}
	return v
}

// TestCluePages acts on clues through the forms of the pages, as a browser without scripts does.
func TestCluePages(t *testing.T) {
	s, token := grid(t)
	day := clueDay.AddDate(0, 0, 1) // on which the red clue was raised
	var balances []devices.Decision
	for i := range 40 { // dry on the last 12 days, and nothing is known of two before them
		d := devices.Decision{
			ID: fmt.Sprint("balance-", i), At: day.AddDate(0, 0, -i), Site: "sanquan", Subject: "p-001", Plot: "p-001", Rule: "fao56_balance",
			Kind: devices.BalanceDecision, Outcome: "closed", Numbers: map[string]float64{"ks": 1, "grade": 0},
		}
		switch {
		case i < 12:
			d.Numbers = map[string]float64{"ks": 0.6, "grade": 3}
		case i < 14:
			d.Outcome, d.Numbers = "unknown", nil
		}
		balances = append(balances, d)
	}
	if err := s.records.CommitEffects(t.Context(), records.Effects{Progress: records.Progress{Reader: readerRules}, Decisions: balances}); err != nil {
		t.Fatal(err)
	}
	as := func(token string) func(*http.Request) {
		_, c := s.signIn(token)
		return func(r *http.Request) { r.AddCookie(c) }
	}
	worker, second := as(token), as(s.add(t, httpapi.NewAccount{ID: "g2", Role: "grid_worker", Places: []devices.PlaceCode{here}, Language: "en"}))
	far, agronomist := as(s.add(t, httpapi.NewAccount{ID: "far", Role: "grid_worker", Places: []devices.PlaceCode{there}})), as(s.add(t, httpapi.NewAccount{ID: "a", Role: "agronomist", Places: []devices.PlaceCode{here}}))
	open := func(path string, who func(*http.Request)) (string, int) {
		res := s.ask("GET", path, html, who)
		return text(t, res), res.StatusCode
	}

	list, _ := open("/clues?lang=zh", worker)
	if got := regexp.MustCompile(`data-clue="([^"]+)"`).FindAllStringSubmatch(list, -1); len(got) != 3 || got[0][1] != "c-red" || got[1][1] != "c-grey" || got[2][1] != "c-low" {
		t.Errorf("the list shows %v", got)
	}
	page, _ := open("/clues/c-red?lang=zh", worker)
	for _, want := range []string{
		"派人去看 h-002 这户", "三泉村", "农户 h-002 的地可能减产 70%（35～105%），提出一条线索（红）", "玉米，3.2 亩", "可能减产 70%", "知道的有 28 天，其中 12 天缺水", "旱情：当时重旱，现在不知道",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	for path, who := range map[string]func(*http.Request){"/clues/c-red": far, "/clues/c-far": worker, "/clues/c-none": worker} { // foreign and missing ones look the same
		if page, status := open(path, who); status != http.StatusNotFound || !strings.Contains(page, "没有这一页") || strings.Contains(page, "h-00") {
			t.Errorf("%s: %d", path, status)
		}
	}
	if list, _ := open("/clues", far); strings.Contains(list, "c-red") || !strings.Contains(list, "c-far") {
		t.Error("the list of another place is not of that place")
	}
	for name, who := range map[string]func(*http.Request){"agronomist": agronomist, "operator": as(s.token)} {
		page, status := open("/clues/c-red", who)
		if status != http.StatusOK || nextStep(page) != nil || !strings.Contains(page, "h-002") {
			t.Errorf("%s: %d, with a form: %v", name, status, nextStep(page) != nil)
		}
	}

	send := func(clue string, v url.Values, who func(*http.Request)) *http.Response {
		return s.ask("POST", "/clues/"+clue+"?lang=zh", filled(v), who)
	}
	first := nextStep(page)
	first.Set("note", "井\r\n干了  ")
	wrong := url.Values{}
	for name := range first {
		wrong.Set(name, first.Get(name))
	}
	wrong.Set("csrf", "guessed")
	if res := send("c-red", wrong, worker); res.StatusCode != http.StatusForbidden {
		t.Errorf("a wrong token: %d", res.StatusCode)
	}
	for range 2 { // pressed twice
		if res := send("c-red", first, worker); res.StatusCode != http.StatusSeeOther || res.Header.Get("Location") != "/clues/c-red?lang=zh" || flashed(res) != "dispatch" {
			t.Errorf("a form leads to %d %s", res.StatusCode, res.Header.Get("Location"))
		}
	}
	// Somebody else saw what was before. What they wrote is shown again, beside what is now.
	other, _ := open("/clues/c-low", second)
	stale := nextStep(other)
	stale.Set("note", "I go")
	res := send("c-red", stale, second)
	if page := text(t, res); res.StatusCode != http.StatusConflict || !strings.Contains(page, ">I go</textarea>") || !strings.Contains(page, "没有记上：别人先办了一步") || nextStep(page).Get("choice") != "visit" {
		t.Errorf("somebody else was first: %d", res.StatusCode)
	}
	step := func(who func(*http.Request), change func(url.Values)) (int, string) {
		page, _ := open("/clues/c-red", who)
		v := nextStep(page)
		change(v)
		res := send("c-red", v, who)
		return res.StatusCode, text(t, res)
	}
	for _, c := range []struct {
		field, value string
		status       int
		said         string
	}{
		{"note", strings.Repeat("井", dashboards.MaxNote+1), http.StatusBadRequest, "备注太长"},
		{"choice", "forgive", http.StatusBadRequest, "请选一个原因"},
		{"id", "short", http.StatusBadRequest, "这一页旧了"},
		{"version", "", http.StatusBadRequest, "这一页旧了"},
		{"choice", "verify.no_water", http.StatusConflict, "别人先办了"}, // not yet
	} {
		if status, page := step(worker, func(v url.Values) { v.Set(c.field, c.value) }); status != c.status || !strings.Contains(page, "没有记上："+c.said) {
			t.Errorf("%s %.20s: %d", c.field, c.value, status)
		}
	}
	if status, _ := step(second, func(v url.Values) { v.Set("note", strings.Repeat("井", dashboards.MaxNote)) }); status != http.StatusSeeOther {
		t.Errorf("the longest note: %d", status)
	}
	for _, choice := range []string{"verify", "verify.crops_fine", "verify.no_water"} { // the last one is right
		want := map[bool]int{true: http.StatusSeeOther, false: http.StatusBadRequest}[choice == "verify.no_water"]
		if status, _ := step(worker, func(v url.Values) { v.Set("choice", choice) }); status != want {
			t.Errorf("%s: %d, want %d", choice, status, want)
		}
	}
	if res := send("c-red", first, far); res.StatusCode != http.StatusForbidden && res.StatusCode != http.StatusNotFound {
		t.Errorf("the worker of another place acts: %d", res.StatusCode)
	}

	var said []string
	for _, a := range s.actsOn(t, "c-red") {
		note := []rune(a.Note)
		said = append(said, strings.Join([]string{a.Stage, a.Account, a.Reason, string(note[:min(len(note), 4)])}, "|"))
		if a.At.IsZero() || time.Since(a.At) > time.Hour {
			t.Errorf("%s was done at %s", a.Stage, a.At)
		}
	}
	if diff := cmp.Diff([]string{"dispatched|g||井\n干了", "visited|g2||井井井井", "verified|g|no_water|"}, said); diff != "" {
		t.Errorf("the records hold (-want +got):\n%s", diff)
	}
	told := call[httpapi.SignalPage](t, s, s.token, "GET", "/api/v1/risk/signals", 200, nil)
	told = call[httpapi.SignalPage](t, s, s.token, "GET", "/api/v1/risk/signals?after="+told.Signals[5].Sequence, 200, nil)
	if len(told.Signals) != 1 || told.Signals[0].Type != signals.TypePrefix+"verified" {
		t.Errorf("what was verified is told as %+v", told)
	}
	page, _ = open("/clues/c-red", second)
	if !strings.Contains(page, "it needs help") || !strings.Contains(page, "There is no water for them") || nextStep(page) != nil {
		t.Error("the page does not tell what was found")
	}
	if list, _ := open("/clues?state=closed", second); !strings.Contains(list, "c-red") || !strings.Contains(list, "c-over") {
		t.Error("what is done with is not listed")
	}
	if strings.Contains(s.log.tail(), "干了") {
		t.Error("a note is in the log")
	}
}

// TestCluePageInABrowser lets the script of the page talk to the API that it is for.
func TestCluePageInABrowser(t *testing.T) {
	s, token := grid(t)
	s.serve(t)
	tab := browser(t)
	is := func(expression string) {
		t.Helper()
		waitFor(t, 20*time.Second, expression, func() (bool, string) {
			yes, err := chromedp.Run(tab, chromedp.Evaluate[bool](expression))
			text, _ := chromedp.Run(tab, chromedp.Evaluate[string]("document.body.innerText"))
			return err == nil && yes, text
		})
	}
	do := func(steps ...chromedp.Action[chromedp.Void]) {
		t.Helper()
		if err := chromedp.Do(tab, steps...); err != nil {
			t.Fatal(err)
		}
	}
	do(chromedp.Navigate(s.readiness().HTTP + "/login?lang=en&next=/clues/c-low%3Flang=en#" + token))
	is("document.querySelector('h1')?.innerText === 'Send somebody to household h-001'")
	do(chromedp.SendKeys(chromedp.CSS("textarea"), "on foot"), chromedp.Click(chromedp.CSS("form.step:not([hidden]) .go")))
	is("document.querySelector('h1').innerText === 'Visit household h-001' && document.querySelector('.deeds').innerText.includes('on foot') && Object.keys(localStorage).length === 0")
	if _, err := s.records.ActOnClue(t.Context(), records.ClueAct{ID: "of-another", Clue: "c-low", Act: "visited", Account: "g2", At: clueDay}, 1, func(records.ClueRow) bool { return true }, func(records.ClueRow) error { return nil }); err != nil {
		t.Fatal(err)
	}
	do(chromedp.SendKeys(chromedp.CSS("form.step:not([hidden]) textarea"), "I was there"), chromedp.Click(chromedp.CSS("form.step:not([hidden]) .go")))
	is("document.querySelector('#drafts').innerText.startsWith('Not noted: somebody else was first') && document.querySelector('#kept pre').innerText === 'I was there'")
	do(chromedp.Click(chromedp.CSS("form.step:not([hidden]) [value='dismiss.crops_fine']")), chromedp.Click(chromedp.CSS("form.step:not([hidden]) .go")))
	is("document.querySelector('h1').innerText.includes('needs no help')")
	if acts := s.actsOn(t, "c-low"); len(acts) != 3 || acts[0].Note != "on foot" || acts[2].Reason != "crops_fine" || acts[2].Account != "g" {
		t.Errorf("the records hold %+v", acts)
	}
}

// actOnPages signs a grid worker in, and brings the first clue that is listed to
// a finding through the forms of its page. It returns the ids of what was done.
func (e *estate) actOnPages(token string) (acted []string) {
	e.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		e.t.Fatal(err)
	}
	client := &http.Client{Jar: jar}
	post := func(path string, v url.Values) string {
		e.t.Helper()
		res, err := client.PostForm(e.ready.HTTP+path, v)
		if err != nil {
			e.t.Fatal(err)
		}
		defer func() { _ = res.Body.Close() }()
		body, err := io.ReadAll(res.Body)
		if err != nil || res.StatusCode != http.StatusOK {
			e.t.Fatalf("%s: %d, %v: %s", path, res.StatusCode, err, body)
		}
		return string(body)
	}
	list := post("/login", url.Values{"token": {token}})
	clue := regexp.MustCompile(`data-clue="([^"]+)"`).FindStringSubmatch(list)
	if clue == nil {
		return nil
	}
	res, err := client.Get(e.ready.HTTP + "/clues/" + clue[1])
	if err != nil {
		e.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		e.t.Fatal(err)
	}
	page := string(body)
	if !strings.Contains(page, "缺水") || !strings.Contains(page, "旱情：当时") || !strings.Contains(page, "可能减产") {
		e.t.Errorf("a season's clue is shown without its evidence: %s", page)
	}
	for v := nextStep(page); v != nil; v = nextStep(page) {
		if v.Get("choice") == "" {
			v.Set("choice", "verify.crops_damaged")
		}
		v.Set("note", canary)
		page = post("/clues/"+clue[1], v)
		acted = append(acted, v.Get("id"))
	}
	if !strings.Contains(page, "核实过：要帮扶") || strings.Count(page, canary) != len(acted) {
		e.t.Errorf("after %d acts the page says %s", len(acted), page)
	}
	return acted
}
