package dashboards_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"ganlin/dashboards"
)

// An operator sits before a browser that shows the page of a plant. While shut, nothing gets through.
type operator struct {
	*browser
	plant *plant
	url   string
	shut  atomic.Bool
}

// TestOperatorsPageInABrowser uses the page as an operator does, on a phone and on a desk.
func TestOperatorsPageInABrowser(t *testing.T) {
	o := &operator{browser: openBrowser(t), plant: running()}
	pages := o.plant.serve(t)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if o.shut.Load() {
			panic(http.ErrAbortHandler)
		}
		pages.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	o.url = server.URL
	t.Run("stays fresh and disturbs nobody", o.staysFresh)
	t.Run("stops and goes on", o.stopsAndGoesOn)
	t.Run("stops without a script", o.stopsWithoutScript)
	t.Run("everybody can use it", o.everybodyCanUseIt)
}

func (o *operator) staysFresh(t *testing.T) {
	o.look(t, 390, 700, "light")
	o.do(t, chromedp.Navigate(o.url+"/operations?lang=zh"))
	o.is(t, "document.querySelector('h1').innerText.trim() === '一切正常' && document.querySelector('#fresh').innerText === '自动更新'")
	o.mu.Lock()
	t.Logf("first load: %d requests, %.0f bytes", len(o.requests), o.bytes)
	if o.bytes > 100_000 || o.bytes < 5000 {
		t.Errorf("the first load takes %.0f bytes", o.bytes)
	}
	o.mu.Unlock()
	// Somebody reads far below, is about to stop, and types into the search.
	evaluate[bool](t, o.browser, `window.same = true; document.querySelector('details[data-k=stop]').open = true;
		const q = document.querySelector('#q'); q.value = 's-0'; q.focus({preventScroll: true}); q.setSelectionRange(1, 2);
		document.querySelector('#letters').scrollIntoView(); window.y = document.querySelector('#letters').getBoundingClientRect().top; true`)
	o.plant.change(func(m *dashboards.Machine) {
		m.Ledger.Messages.Received, m.Ledger.Messages.Decoded = 17_700, 17_688
		m.Parts = slices.Clone(m.Parts)
		m.Parts[2] = dashboards.Part{Name: dashboards.Database, Conditions: []dashboards.Condition{{Kind: dashboards.DatabaseUnreachable, Detail: "refused"}}}
	})
	o.is(t, "document.querySelector('#ledger .total').innerText.includes('17,700') && document.querySelector('.alerts h3').innerText.includes('数据库连不上')")
	if got := evaluate[string](t, o.browser, `[window.same, document.querySelector('details[data-k=stop]').open, document.activeElement.id,
		document.activeElement.value, document.activeElement.selectionStart, Math.abs(document.querySelector('#letters').getBoundingClientRect().top - window.y) < 3].join()`); got != "true,true,q,s-0,1,true" {
		t.Errorf("after an update: %s", got)
	}
	o.plant.change(func(m *dashboards.Machine) { m.Parts = running().machine.Parts })
	o.is(t, "document.querySelector('.alerts') === null && document.querySelector('.answer').className === 'answer ok'")

	o.shut.Store(true)
	o.is(t, "!document.querySelector('#cut').hidden && document.querySelector('#fresh').className === 'lost' && document.querySelector('#cut').innerText.includes('连接断了')")
	o.shut.Store(false)
	evaluate[bool](t, o.browser, "dispatchEvent(new Event('online'))")
	o.is(t, "document.querySelector('#cut').hidden && document.querySelector('#fresh').className === ''")
}

// stopsAndGoesOn stops over a network that fails at first, and ends the stop.
func (o *operator) stopsAndGoesOn(t *testing.T) {
	o.do(t, chromedp.Navigate(o.url+"/operations?lang=zh"))
	o.is(t, "document.querySelector('#fresh').innerText === '自动更新'")
	if evaluate[bool](t, o.browser, "document.querySelector('.halt button').checkVisibility()") {
		t.Error("one tap alone stops everything")
	}
	o.do(t, chromedp.Click(chromedp.CSS(".halt summary.big")))
	o.shut.Store(true)
	o.do(t, chromedp.Click(chromedp.CSS(".halt button.close")))
	o.is(t, "document.querySelector('#said').innerText.includes('正在重试')")
	o.shut.Store(false)
	o.is(t, "document.querySelector('.halt.on') !== null && document.querySelector('#said').innerText.includes('下面是每个阀门的回答')")
	if got := evaluate[string](t, o.browser, "document.querySelector('.taps').innerText + document.querySelector('h1').innerText + location.search"); !strings.Contains(got, "联系不上，请去现场关 v-003") ||
		strings.Count(got, "已关") != 2 || !strings.Contains(got, "1 个阀门还没有确认关上") || strings.Contains(got, "said") {
		t.Errorf("after the stop the page shows %s", got)
	}
	o.do(t, chromedp.Click(chromedp.CSS("details[data-k=resume] summary")), chromedp.Click(chromedp.CSS(".halt button.go")))
	o.is(t, "document.querySelector('.halt.on') === null && document.querySelector('#said').innerText.includes('停水已解除')")
	o.plant.mu.Lock()
	defer o.plant.mu.Unlock()
	if len(o.plant.sent) != 2 || o.plant.sent[0].Get("csrf") != "c" || o.plant.sent[1].Get("csrf") != "c" || o.plant.sent[0].Get("lang") != "zh-CN" {
		t.Errorf("the forms sent %v", o.plant.sent)
	}
}

func (o *operator) stopsWithoutScript(t *testing.T) {
	disable := func(off bool) {
		if _, err := chromedp.Call(o.tab, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: off}); err != nil {
			t.Fatal(err)
		}
	}
	disable(true)
	defer disable(false)
	o.do(t, chromedp.Navigate(o.url+"/operations?lang=en"))
	if got := evaluate[string](t, o.browser, "document.querySelector('.asof a').href"); got != o.url+"/operations?lang=en" {
		t.Errorf("without a script the page is refreshed by %s", got)
	}
	o.do(t, chromedp.Click(chromedp.CSS(".halt summary.big")), chromedp.Click(chromedp.CSS(".halt button.close")))
	o.is(t, "document.querySelector('.halt.on') !== null && document.querySelector('#said').innerText.includes('Below is what each answered')")
	o.do(t, chromedp.Click(chromedp.CSS("details[data-k=resume] summary")), chromedp.Click(chromedp.CSS(".halt button.go")))
	o.is(t, "document.querySelector('.halt.on') === null && document.querySelector('#said').innerText.includes('The stop is over')")
	o.plant.mu.Lock()
	defer o.plant.mu.Unlock()
	if len(o.plant.sent) != 4 {
		t.Errorf("%d forms were sent", len(o.plant.sent))
	}
}

// everybodyCanUseIt looks at every state: phone and desk, both languages, light and dark, each at least once.
func (o *operator) everybodyCanUseIt(t *testing.T) {
	all := plants()
	type view struct{ state, path string }
	var views []view
	for _, state := range []string{"well", "trouble", "stopped", "building", "records", "empty"} {
		views = append(views, view{state, "/operations"})
	}
	for _, path := range []string{"/operations/deadletters", "/operations/deadletters/900-0", "/operations/deadletters/898-0", "/operations/runbooks", "/operations?q=s-00"} {
		views = append(views, view{"well", path})
	}
	for i, v := range views {
		o.plant.mu.Lock()
		o.plant.machine, o.plant.letters, o.plant.broken = all[v.state].plant.machine, all[v.state].plant.letters, all[v.state].plant.broken
		o.plant.mu.Unlock()
		join := map[bool]string{true: "&", false: "?"}[strings.Contains(v.path, "?")]
		for k, width := range []int64{320, 1280} {
			lang, scheme := []string{"zh", "en"}[(i+k)%2], []string{"light", "dark"}[(i/2+k)%2]
			o.look(t, width, 900, scheme)
			o.do(t, chromedp.Navigate(o.url+v.path+join+"lang="+lang))
			o.is(t, "document.readyState === 'complete'")
			name := fmt.Sprintf("%s %s in %s, %s, %d px", v.state, v.path, lang, scheme, width)
			if over := evaluate[[]string](t, o.browser, strings.Replace(overflowing, ".scroll,", ".scroll,.payload,", 1)); len(over) > 0 {
				t.Errorf("%s: too wide: %q", name, over)
			}
			evaluate[bool](t, o.browser, "document.querySelectorAll('details').forEach((e) => { e.open = true; }), true")
			o.audit(t, name)
			if k == i/4%2 {
				o.axe(t, name)
			}
		}
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, said := range o.complain {
		if !strings.Contains(said, "ERR_EMPTY_RESPONSE") && !strings.Contains(said, "ERR_CONNECTION") && !strings.Contains(said, "ERR_INTERNET") { // it was cut on purpose
			t.Errorf("the console shows %q", said)
		}
	}
}

// TestTenThousandDevicesMakeNoLargerPage: the list is paged.
func TestTenThousandDevicesMakeNoLargerPage(t *testing.T) {
	p := running()
	p.change(func(m *dashboards.Machine) {
		one := m.Devices[0]
		one.At = morning.Add(-53 * time.Hour)
		m.Devices = nil
		for range 10_000 {
			m.Devices = append(m.Devices, one)
		}
	})
	if n := len(body(t, ask(t, p.serve(t), "/operations"))); n > 60_000 {
		t.Errorf("the page has %d bytes", n)
	}
}
