package dashboards_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"ganlin/dashboards"
)

// A desk is a grid worker's browser before an office.
type desk struct {
	*browser
	*office
	url    string
	forget atomic.Bool // the script is one that makes a new id each time it sends
	shut   atomic.Bool // nobody gets in
}

func TestCluePagesInABrowser(t *testing.T) {
	d := &desk{browser: openBrowser(t), office: newOffice()}
	pages := d.serve(t)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case d.shut.Load():
			panic(http.ErrAbortHandler)
		case d.forget.Load() && r.Method == http.MethodGet:
			d.spoil(w, r, pages)
		default:
			pages.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(server.Close)
	d.url = server.URL
	t.Run("from the list to a finding", d.toAFinding)
	t.Run("everybody can use them", d.everybodyCanUseClues)
	t.Run("what is typed is kept", d.keepsWhatIsTyped)
	t.Run("without a network", d.withoutNetwork)
	t.Run("by itself when the network is back", d.sendsByItself)
	t.Run("an answer is lost", d.anAnswerIsLost)
	t.Run("a script that forgets its ids is seen", d.forgetsIDs)
	t.Run("somebody else was first", d.somebodyWasFirst)
	t.Run("changed before it was sent", d.changedBeforeSent)
	t.Run("the sign-in is over", d.signInIsOver)
	t.Run("signing out", d.signingOut)
	d.browser.mu.Lock()
	defer d.browser.mu.Unlock()
	for _, said := range d.complain { // answers are refused and lost on purpose
		if !strings.Contains(said, "Failed to load resource") {
			t.Errorf("the console shows %q", said)
		}
	}
}

// fresh begins anew: nothing has arrived, and the phone holds nothing.
func (d *desk) fresh(t *testing.T) {
	t.Helper()
	d.office.mu.Lock()
	d.errands, d.arrived, d.kept, d.lost, d.refuse = errands(), nil, map[string]arrival{}, 0, 0
	d.office.mu.Unlock()
	d.look(t, 390, 800, "light")
	d.do(t, chromedp.Navigate(d.url+"/login"))
	evaluate[bool](t, d.browser, "localStorage.clear(), true")
}

// spoil serves a page with a script that makes a new id each time it sends.
func (d *desk) spoil(w http.ResponseWriter, r *http.Request, pages http.Handler) {
	good := httptest.NewRecorder()
	r.URL.Path = strings.Replace(r.URL.Path, "/assets/forgetful-", "/assets/clues-", 1)
	r.Header.Del("Accept-Encoding")
	pages.ServeHTTP(good, r)
	w.Header().Set("Content-Type", good.Header().Get("Content-Type"))
	w.WriteHeader(good.Code)
	script := regexp.MustCompile(`/assets/clues-([0-9a-f]+\.js)`).ReplaceAllString(good.Body.String(), "/assets/forgetful-$1")
	_, _ = io.WriteString(w, strings.Replace(script, "id: draft.id, version", "id: newID(), version", 1))
}

func (d *desk) open(t *testing.T, path string) {
	t.Helper()
	d.do(t, chromedp.Navigate(d.url+"/clues"+path))
	d.is(t, "document.readyState === 'complete'")
}

// write puts words into the note of the form that is shown, as typing does.
func (d *desk) write(t *testing.T, note string) {
	t.Helper()
	d.do(t, chromedp.SendKeys(chromedp.CSS("form.step:not([hidden]):not(.queued) textarea"), note))
}

// press hands the form that is shown in.
func (d *desk) press(t *testing.T) {
	t.Helper()
	d.do(t, chromedp.Click(chromedp.CSS("form.step:not([hidden]):not(.queued) .go")))
}

func (d *desk) offline(t *testing.T, off bool) {
	t.Helper()
	rule := network.EmulateNetworkConditionsByRuleParams{MatchedNetworkConditions: []*network.Conditions{}}
	if off {
		rule.MatchedNetworkConditions = []*network.Conditions{{Offline: true, DownloadThroughput: -1, UploadThroughput: -1}}
	}
	if _, err := chromedp.Call(d.tab, network.EmulateNetworkConditionsByRule, rule); err != nil {
		t.Fatal(err)
	}
	state := network.OverrideNetworkStateParams{Offline: off, DownloadThroughput: -1, UploadThroughput: -1}
	if _, err := chromedp.Call(d.tab, network.OverrideNetworkState, state); err != nil {
		t.Fatal(err)
	}
}

// came lists what arrived, each act once however often it came, and how many ids it came under.
func (d *desk) came() (acts []string, times int) {
	d.office.mu.Lock()
	defer d.office.mu.Unlock()
	seen := map[string]bool{}
	for _, a := range d.arrived {
		if !seen[a.ID] {
			acts = append(acts, strings.TrimRight(strings.Join([]string{a.Clue, a.Act, a.Reason, a.Note}, "|"), "|"))
		}
		seen[a.ID] = true
	}
	return acts, len(d.arrived)
}

func (d *desk) has(t *testing.T, want ...string) {
	t.Helper()
	if got, times := d.came(); fmt.Sprint(got) != fmt.Sprint(want) || len(d.keptIDs()) != len(want) {
		t.Errorf("%q arrived, in %d sendings, want %q; %d are kept", got, times, want, len(d.keptIDs()))
	}
}

func (d *desk) keptIDs() map[string]arrival {
	d.office.mu.Lock()
	defer d.office.mu.Unlock()
	return d.kept
}

const (
	nothingKept = "Object.keys(localStorage).length === 0"
	shownState  = "document.querySelector('form.step:not([hidden]) .state').innerText"
)

func (d *desk) toAFinding(t *testing.T) {
	d.fresh(t)
	d.browser.mu.Lock()
	d.bytes, d.requests = 0, nil
	d.browser.mu.Unlock()
	d.open(t, "?lang=zh")
	d.do(t, chromedp.Click(chromedp.CSS(".errand h2 a")))
	d.is(t, "document.querySelector('h1').innerText === '派人去看 h-002 这户'")
	d.browser.mu.Lock()
	t.Logf("the list and a clue: %d requests, %.0f bytes with headers", len(d.requests), d.bytes)
	if d.bytes < 5000 || d.bytes > 100_000 {
		t.Errorf("the list and a clue take %.0f bytes, want under 100,000", d.bytes)
	}
	for _, r := range d.requests {
		if !strings.HasPrefix(r, d.url+"/") {
			t.Errorf("the pages ask %s", r)
		}
	}
	d.browser.mu.Unlock()
	d.press(t)
	d.is(t, "document.querySelector('h1').innerText === '上门去看 h-002 这户' && document.querySelector('#drafts').innerText.includes('已经发出')")
	d.write(t, "井干了")
	d.press(t)
	d.is(t, "document.querySelector('h1').innerText === '写下 h-002 这户的结论'")
	d.press(t) // nothing is chosen: the browser asks for it
	d.do(t, chromedp.Click(chromedp.CSS("form.step:not([hidden]) input[value='verify.no_water']")))
	d.press(t)
	d.is(t, "document.querySelector('h1').innerText === 'h-002 这户核实过：要帮扶' && document.querySelectorAll('.deeds li').length === 3 && !document.querySelector('form.step')")
	d.has(t, "red|dispatch", "red|visit||井干了", "red|verify|no_water")
	d.is(t, nothingKept)
}

func (d *desk) everybodyCanUseClues(t *testing.T) {
	d.fresh(t)
	for i, path := range []string{"", "?state=closed", "/some", "/unknown", "/bare"} {
		join := map[bool]string{true: "&", false: "?"}[strings.Contains(path, "?")]
		for k, width := range []int64{320, 1280} {
			lang, scheme := []string{"zh", "en"}[(i+k)%2], []string{"light", "dark"}[(i/2+k)%2]
			d.look(t, width, 800, scheme)
			d.open(t, path+join+"lang="+lang)
			name := fmt.Sprintf("%s in %s, %s, %d px", path, lang, scheme, width)
			if over := evaluate[[]string](t, d.browser, overflowing); len(over) > 0 {
				t.Errorf("%s: too wide: %q", name, over)
			}
			if small := evaluate[string](t, d.browser, `[...document.querySelectorAll('.errands button, .step label, .chips a')].filter((e) => e.offsetHeight && !e.matches('.note') && e.offsetHeight < 48).map((e) => e.innerText).join()`); small != "" {
				t.Errorf("%s: too small to tap: %s", name, small)
			}
			d.audit(t, name)
			d.axe(t, name)
		}
	}
}

func (d *desk) keepsWhatIsTyped(t *testing.T) {
	d.fresh(t)
	const typed = "document.querySelector('form.step textarea').value === '井干了，玉米卷叶' && document.querySelector('form.step [value=\"dismiss.not_farmed\"]').checked"
	d.open(t, "/some?lang=zh")
	d.write(t, "井干了，玉米卷叶")
	d.do(t, chromedp.Click(chromedp.CSS("form.step [value='dismiss.not_farmed']")))
	d.is(t, shownState+" === '写的自动存在这部手机里。'")
	if got := evaluate[string](t, d.browser, "Object.values(localStorage).map((v) => Object.entries(JSON.parse(v)).map((e) => e[0] === 'id' ? 'id' : e.join(' ')).join()).join()"); got != "id,choice dismiss.not_farmed,note 井干了，玉米卷叶,queued false" {
		t.Errorf("the phone holds %q", got)
	}
	d.open(t, "/some?lang=zh") // closed and opened again
	d.is(t, typed)
	d.open(t, "?lang=zh")
	d.is(t, "document.querySelector('.errand[data-clue=some] .mine').innerText === '写的自动存在这部手机里。' && document.querySelectorAll('.mine:not([hidden])').length === 1")
	as := func(account string) {
		d.office.mu.Lock()
		d.viewer.Account = account
		d.office.mu.Unlock()
		d.open(t, "/some?lang=zh")
	}
	as("gri") // somebody else, on the same phone
	d.is(t, "document.querySelector('form.step textarea').value === '' && !document.querySelector('form.step :checked') && document.querySelector('form.step .state').hidden")
	as("grid")
	d.is(t, typed)
	d.has(t)
}

func (d *desk) withoutNetwork(t *testing.T) {
	d.fresh(t)
	d.open(t, "/red?lang=zh")
	d.offline(t, true)
	d.write(t, "小王去")
	d.press(t)
	d.is(t, shownState+".startsWith('存在这部手机里，还没有发出')")
	d.write(t, "井干了") // what follows is written down on the spot, too
	d.press(t)
	d.is(t, "document.querySelectorAll('form.step.queued').length === 2 && !document.querySelectorAll('form.step')[2].hidden")
	d.audit(t, "kept on the phone")
	d.axe(t, "kept on the phone")
	d.shut.Store(true) // also for the page that is left now
	d.do(t, chromedp.Navigate("about:blank"))
	d.offline(t, false)
	d.shut.Store(false)
	d.has(t)
	d.open(t, "?lang=zh")
	d.is(t, nothingKept+" && document.querySelector('.errand[data-clue=red] h2').innerText === '写下 h-002 这户的结论'")
	d.has(t, "red|dispatch||小王去", "red|visit||井干了")
	if _, times := d.came(); times != 2 {
		t.Errorf("it was sent %d times", times)
	}
}

func (d *desk) sendsByItself(t *testing.T) {
	d.fresh(t)
	d.open(t, "/red?lang=zh")
	d.offline(t, true)
	d.press(t)
	d.is(t, shownState+".startsWith('存在这部手机里，还没有发出')")
	d.offline(t, false)
	d.is(t, nothingKept+" && document.querySelector('h1').innerText === '上门去看 h-002 这户'")
	d.has(t, "red|dispatch")
}

// loseAnswer hands in what will arrive and be done, and whose answer is lost.
func (d *desk) loseAnswer(t *testing.T) {
	t.Helper()
	d.office.mu.Lock()
	d.lost = 1
	d.office.mu.Unlock()
	d.press(t)
}

func (d *desk) anAnswerIsLost(t *testing.T) {
	d.fresh(t)
	d.open(t, "/red?lang=zh")
	d.write(t, "小王去")
	d.loseAnswer(t)
	d.is(t, nothingKept+" && document.querySelector('h1').innerText === '上门去看 h-002 这户'")
	d.has(t, "red|dispatch||小王去")
	if _, times := d.came(); times != 2 {
		t.Errorf("it was sent %d times, and one answer was lost", times)
	}
}

// forgetsIDs is the control of what is sent again: it has to be seen when the id is not kept.
func (d *desk) forgetsIDs(t *testing.T) {
	d.fresh(t)
	d.forget.Store(true)
	defer d.forget.Store(false)
	d.open(t, "/red?lang=zh")
	d.loseAnswer(t)
	d.is(t, "document.querySelector('#drafts').innerText.includes('别人先办了一步')")
	if acts, times := d.came(); len(acts) != 2 || times != 2 {
		t.Errorf("a script that forgets its ids sent %q in %d sendings", acts, times)
	}
}

func (d *desk) somebodyWasFirst(t *testing.T) {
	d.fresh(t)
	d.open(t, "/red?lang=zh")
	d.write(t, "小王去")
	d.office.mu.Lock()
	d.take(arrival{Clue: "red", Act: "dispatch", CSRF: "c", ID: "of-another", Note: "小李去"})
	d.office.mu.Unlock()
	d.press(t)
	d.is(t, "document.querySelector('#drafts').innerText.includes('别人先办了一步') && document.querySelector('h1').innerText === '上门去看 h-002 这户'")
	d.is(t, "document.querySelector('.deeds').innerText.includes('小李去') && document.querySelector('#kept pre').innerText === '小王去' && !document.querySelector('#kept').hidden")
	d.axe(t, "somebody else was first")
	d.do(t, chromedp.Click(chromedp.CSS("#kept [value=use]")))
	d.is(t, "document.querySelector('#kept').hidden && document.querySelector('form.step textarea').value === '小王去'")
	d.press(t)
	d.is(t, nothingKept+" && document.querySelector('h1').innerText === '写下 h-002 这户的结论'")
	if got := d.keptIDs(); len(got) != 2 {
		t.Errorf("%d acts are kept: %v", len(got), got)
	}
}

func (d *desk) changedBeforeSent(t *testing.T) {
	d.fresh(t)
	d.open(t, "/some?lang=zh")
	d.offline(t, true)
	d.do(t, chromedp.Click(chromedp.CSS("form.step [value='dismiss.not_farmed']")))
	d.press(t)
	d.is(t, shownState+".startsWith('存在这部手机里') && document.querySelector('form.step textarea').disabled")
	d.do(t, chromedp.Click(chromedp.CSS("form.step .edit")), chromedp.Click(chromedp.CSS("form.step [value='verify.no_water']")))
	d.offline(t, false)
	d.is(t, shownState+" === '写的自动存在这部手机里。'")
	d.has(t)
	d.press(t)
	d.is(t, nothingKept+" && document.querySelector('h1').innerText === 'h-010 这户核实过：要帮扶'")
	d.has(t, "some|verify|no_water")
}

func (d *desk) signInIsOver(t *testing.T) {
	d.fresh(t)
	refuse := func(status int) {
		d.office.mu.Lock()
		d.refuse, d.arrived = status, nil
		d.office.mu.Unlock()
	}
	for _, status := range []int{http.StatusUnauthorized, http.StatusForbidden} {
		refuse(status)
		d.open(t, "/red?lang=zh")
		if status == http.StatusUnauthorized {
			d.write(t, "小王去")
			d.press(t)
		}
		d.is(t, "document.querySelector('.state a')?.getAttribute('href') === '/login?next=%2Fclues%2Fred%3Flang%3Dzh' && document.querySelector('form.step textarea').value === '小王去'")
	}
	refuse(0)
	d.office.mu.Lock()
	d.viewer.CSRF = "of another session" // signed in again: the old token is worth nothing, and none is kept
	d.office.mu.Unlock()
	d.open(t, "/red?lang=zh")
	d.is(t, nothingKept+" && document.querySelector('h1').innerText === '上门去看 h-002 这户'")
	d.has(t, "red|dispatch||小王去")
	d.office.mu.Lock()
	d.viewer.CSRF = "c" // and a page that is older than its sign-in changes nothing
	d.office.mu.Unlock()
	d.press(t)
	d.is(t, "document.querySelector('.state a') !== null")
	if got := d.keptIDs(); len(got) != 1 {
		t.Errorf("with a wrong token %d acts are kept", len(got))
	}
}

func (d *desk) signingOut(t *testing.T) {
	d.fresh(t)
	d.open(t, "/red?lang=zh")
	evaluate[bool](t, d.browser, "localStorage.setItem('ganlin.clues/grid-2/red/0', '{\"id\":\"another1\",\"choice\":\"dispatch\",\"note\":\"x\",\"queued\":true}'), true")
	d.write(t, "小王去")
	d.open(t, "/none?lang=zh") // also from a page that is not there
	d.do(t, chromedp.Click(chromedp.CSS(".out button")))
	d.is(t, "document.querySelector('.leaving')?.innerText.includes('退出就删掉了')")
	d.offline(t, true)
	d.do(t, chromedp.Click(chromedp.CSS(".out button")))
	d.is(t, "document.querySelector('.leaving').innerText.includes('没有网') && Object.keys(localStorage).length === 2")
	d.offline(t, false)
	d.do(t, chromedp.Click(chromedp.CSS(".out button")))
	d.is(t, "location.pathname === '/login' && Object.keys(localStorage).join() === 'ganlin.clues/grid-2/red/0'")
	d.has(t)
}

var _ dashboards.Errands = (*office)(nil)
