package dashboards_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"ganlin/dashboards"
)

const chromium = "/usr/bin/chromium"

// A browser is one tab of a Chromium of its own, and what it noticed.
type browser struct {
	tab    context.Context //nolint:containedctx // chromedp keeps the tab in it
	fields string          // where the agronomist's pages are served

	mu       sync.Mutex
	requests []string
	complain []string
	bytes    float64
}

func openBrowser(t *testing.T) *browser {
	t.Helper()
	if _, err := os.Stat(chromium); err != nil {
		t.Fatalf("no Chromium: %v; install it, on Debian: apt-get install chromium", err)
	}
	ctx, stop := chromedp.NewExecAllocator(t.Context(), append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(chromium), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.UserDataDir(t.TempDir()), chromedp.NoFirstRun,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true),
	)...)
	t.Cleanup(stop)
	ctx, cancel := chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	b := &browser{tab: ctx}
	err := chromedp.Listen(ctx, func(event any) {
		b.mu.Lock()
		defer b.mu.Unlock()
		switch e := event.(type) {
		case *network.EventRequestWillBeSent:
			b.requests = append(b.requests, e.Request.URL)
		case *network.EventLoadingFinished:
			b.bytes += e.EncodedDataLength
		case *log.EventEntryAdded:
			b.complain = append(b.complain, fmt.Sprint(e.Entry.Level, " ", e.Entry.Text))
		case *runtime.EventExceptionThrown:
			b.complain = append(b.complain, e.ExceptionDetails.Text)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel = context.WithTimeout(ctx, 3*time.Minute)
	t.Cleanup(cancel)
	b.tab = ctx
	return b
}

// do runs steps in the tab.
func (b *browser) do(t *testing.T, steps ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	if err := chromedp.Do(b.tab, steps...); err != nil {
		t.Fatal(err)
	}
}

// is waits until a JavaScript expression is true, at most 20 s and across navigations.
func (b *browser) is(t *testing.T, expression string) {
	t.Helper()
	for began := time.Now(); time.Since(began) < 20*time.Second; time.Sleep(20 * time.Millisecond) {
		if yes, err := chromedp.Run(b.tab, chromedp.Evaluate[bool](expression)); err == nil && yes {
			return
		}
	}
	t.Fatalf("%s never came; the page says %q", expression, evaluate[string](t, b, "document.body.innerText.slice(0, 300)"))
}

func evaluate[T any](t *testing.T, b *browser, expression string) T {
	t.Helper()
	got, err := chromedp.Run(b.tab, chromedp.Evaluate[T](expression))
	if err != nil {
		t.Fatalf("%s: %v", expression, err)
	}
	return got
}

func (b *browser) look(t *testing.T, width, height int64, scheme string) {
	t.Helper()
	b.do(t, chromedp.EmulateViewport(width, height))
	_, err := chromedp.Call(b.tab, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
	})
	if err != nil {
		t.Fatal(err)
	}
}

const (
	live = "document.querySelector('#link').className === 'live'"
	cut  = "document.querySelector('#link').className === 'lost' && !document.querySelector('#cut').hidden"
)

// start serves the pages of a village on a port of its own. While the gate is shut nobody gets in.
func start(t *testing.T, v *village) (server *httptest.Server, shut *atomic.Bool) {
	t.Helper()
	pages := serve(t, v)
	shut = &atomic.Bool{}
	server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if shut.Load() {
			panic(http.ErrAbortHandler)
		}
		pages.ServeHTTP(w, r)
	}))
	t.Cleanup(func() {
		shut.Store(true)
		server.CloseClientConnections() // Close alone would wait for live pages
		server.Close()
	})
	return server, shut
}

func TestInABrowser(t *testing.T) {
	b := openBrowser(t)
	t.Run("opens", b.opens)
	t.Run("updates", b.updates)
	t.Run("follows the water", b.followsTheWater)
	t.Run("says when it is cut", b.saysWhenCut)
	t.Run("reloads for another program", b.reloads)
	t.Run("everybody can use it", b.everybodyCanUseIt)
	t.Run("runs no foreign script", b.runsNoForeignScript)
	t.Run("shows the state without a script", b.withoutScript)
}

func (b *browser) opens(t *testing.T) {
	server, _ := start(t, newVillage(fortyPlots(morning)))
	b.do(t, chromedp.Navigate(server.URL))
	b.is(t, live)
	if got := evaluate[string](t, b, "document.documentElement.lang + ' ' + document.querySelector('h1').innerText"); got != "en 8 plots need a look" {
		t.Errorf("a browser in English shows %q", got)
	}
	b.do(t, chromedp.Click(chromedp.CSS(".tools a")))
	b.is(t, live+" && document.documentElement.lang === 'zh-CN'")
	if got := evaluate[string](t, b, "document.querySelector('h1').innerText"); got != "有 8 块地需要留意" {
		t.Errorf("after changing the language it shows %q", got)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, r := range b.requests {
		if !strings.HasPrefix(r, server.URL+"/") {
			t.Errorf("the page asks %s", r)
		}
	}
	if len(b.complain) > 0 {
		t.Errorf("the console shows %q", b.complain)
	}
	t.Logf("two pages: %d requests, %.0f bytes with headers", len(b.requests), b.bytes)
	if len(b.requests) < 6 || b.bytes < 1000 || b.bytes > 100_000 {
		t.Errorf("%d requests and %.0f bytes for two pages, want under 100,000", len(b.requests), b.bytes)
	}
}

func (b *browser) updates(t *testing.T) {
	view := states()["well"]
	v := newVillage(view)
	server, _ := start(t, v)
	b.do(t, chromedp.Navigate(server.URL+"/?lang=zh"))
	b.is(t, live)
	evaluate[bool](t, b, "window.same = true; document.querySelector('#p_p-001 details').open = true")
	evaluate[bool](t, b, "document.querySelector('#p_p-001 summary').focus(), true")

	view = states()["well"]
	view.Plots[0].Devices[0] = probe("s-001", morning.Add(-5*time.Minute), 0.187)
	v.set(view, morning)
	b.is(t, "document.querySelector('#p_p-001 b').innerText === '0.188' && document.querySelector('#p_p-001 .fill').getAttribute('width') === '19'")

	view = states()["well"]
	view.Plots[0].Devices[0].At = morning.Add(-53 * time.Hour) // its card changes its shape
	view.Plots = append(view.Plots, dashboards.Plot{ID: "p-000", Dry: true})
	view.Ledger.Messages.Received++
	v.set(view, morning)
	b.is(t, "Array.from(document.querySelectorAll('#plots > li'), (e) => e.id).join() === 'p_p-001,p_p-000'")
	b.is(t, "document.querySelector('#ledger g-c').className === 'bad' && document.querySelector('#ledger g-c').innerText.trim() === '账不平，差 1'")
	b.is(t, "document.querySelector('#p_p-001 .badges').innerText.includes('失联')")
	if !evaluate[bool](t, b, "document.querySelector('#p_p-001 details').open && document.activeElement.closest('li').id === 'p_p-001'") {
		t.Error("what was open closed, or the focus was lost")
	}

	view.Plots, view.Stations = view.Plots[1:], nil
	v.set(view, morning)
	b.is(t, "document.querySelectorAll('#plots > li').length === 1 && document.querySelector('.maybe').hidden")
	view.Stations = states()["well"].Stations
	v.set(view, morning)
	b.is(t, "document.querySelectorAll('#stations > li').length === 1 && !document.querySelector('.maybe').hidden")
	if !evaluate[bool](t, b, "window.same === true") {
		t.Error("the page was loaded again")
	}
}

func (b *browser) followsTheWater(t *testing.T) {
	view := drySummer(morning)
	v := newVillage(view)
	server, _ := start(t, v)
	b.do(t, chromedp.Navigate(server.URL+"/?lang=zh"))
	b.is(t, live)
	evaluate[bool](t, b, `window.same = true; document.querySelectorAll('#alerts details')[1].open = true;
		document.querySelector('#p_p-007 details').open = true; document.querySelectorAll('#alerts summary')[1].focus(); true`)

	view = drySummer(morning)
	plot := &view.Plots[6]
	plot.DepletionMM, plot.Valves[0].DeliveredL = new(77.3), new(9876.0)
	view.Alerts = view.Alerts[1:] // a group has another number
	view.Clues = view.Clues[1:]
	v.set(view, morning)
	b.is(t, "document.querySelector('#p_p-007 .tank .fill').getAttribute('width') === '30' && document.querySelector('#p_p-007 .tank b').innerText === '30%'")
	b.is(t, "document.querySelector('#p_p-007 .faucets').innerText.includes('已浇 9,876 升')")
	b.is(t, "document.querySelectorAll('#clues .level').length === 1")

	view.Alerts = slices.DeleteFunc(drySummer(morning).Alerts, func(a dashboards.Alert) bool { return a.Rule == "drought_severe" }) // the first one is gone
	view.Plots[6].Grade, view.Plots[6].WhyUnknown = dashboards.GradeUnknown, []string{"station_silent"}
	v.set(view, morning)
	b.is(t, "document.querySelector('#p_p-007 .hatch') && document.querySelector('#p_p-007 .tank').innerText.includes('不知道：气象站没有消息')")

	b.is(t, "document.querySelectorAll('#alerts > ul > li').length === 4")
	if got := evaluate[string](t, b, `Array.from(document.querySelectorAll('#alerts [open]'), (e) => e.dataset.k).join() + ', ' +
		document.activeElement.closest('details').dataset.k`); got != "valve_unconfirmed critical firing, valve_unconfirmed critical firing" {
		t.Errorf("open and in focus: %s", got)
	}

	view.Alerts, view.Clues = nil, nil
	v.set(view, morning)
	b.is(t, "document.querySelector('#alerts').hidden && document.querySelector('#clues').hidden")
	if !evaluate[bool](t, b, "window.same === true && document.querySelector('#p_p-007 details').open") {
		t.Error("the page was loaded again, or what was open closed")
	}
}

func (b *browser) saysWhenCut(t *testing.T) {
	v := newVillage(states()["well"])
	server, shut := start(t, v)
	b.do(t, chromedp.Navigate(server.URL+"/?lang=zh"))
	b.is(t, live)
	shut.Store(true)
	server.CloseClientConnections()
	b.is(t, cut)
	if got := evaluate[string](t, b, "document.querySelector('#cut').innerText"); !strings.Contains(got, "连接断了") {
		t.Errorf("the page says %q", got)
	}
	b.audit(t, "cut")

	view := states()["well"]
	view.Plots[0].Devices[0] = probe("s-001", morning.Add(-5*time.Minute), 0.187)
	v.set(view, morning)
	shut.Store(false)
	b.is(t, live+" && document.querySelector('#cut').hidden && document.querySelector('#p_p-001 b').innerText === '0.188'")
}

func (b *browser) reloads(t *testing.T) {
	server, shut := start(t, newVillage(states()["well"]))
	b.do(t, chromedp.Navigate(server.URL))
	b.is(t, live)
	evaluate[bool](t, b, "window.same = true; document.body.dataset.v = '0ld'; true")
	shut.Store(true)
	server.CloseClientConnections()
	b.is(t, cut)
	evaluate[bool](t, b, "document.dispatchEvent(new Event('visibilitychange'))") // connects anew, as on coming back to the tab
	shut.Store(false)
	b.is(t, live+" && !window.same")
}

func (b *browser) everybodyCanUseIt(t *testing.T) {
	for title, view := range map[string]dashboards.View{
		"village": fortyPlots(morning), "summer": drySummer(morning), "trouble": states()["trouble"], "empty": states()["empty"], "building": states()["building"],
	} {
		server, _ := start(t, newVillage(view))
		for _, lang := range []string{"zh", "en"} {
			b.do(t, chromedp.Navigate(server.URL+"/?lang="+lang))
			b.is(t, live)
			evaluate[bool](t, b, "document.querySelectorAll('details').forEach((e) => { e.open = true; }), true")
			for scheme, width := range map[string]int64{"light": 320, "dark": 1280} {
				if lang == "en" {
					width = 1600 - width
				}
				b.look(t, width, 800, scheme)
				name := fmt.Sprintf("%s in %s, %s, %d px", title, lang, scheme, width)
				b.audit(t, name)
				if title == "trouble" { // everything that the page can show
					b.axe(t, name)
				}
			}
		}
	}
	b.look(t, 1280, 900, "light")

	// The audit has to find what is spoilt on purpose.
	evaluate[bool](t, b, `document.querySelector('h1').style.color = '#205560'; document.querySelector('label').remove();
		document.querySelector('main').style.width = '3000px'; true`)
	found := strings.Join(b.spoilt(t), "\n")
	for _, want := range []string{"contrast 1.", "px wide", "has no label"} {
		if !strings.Contains(found, want) {
			t.Errorf("of a page that is spoilt on purpose the audit does not say %q but %q", want, found)
		}
	}
}

// audit checks contrast, landmarks, labels, sizes and width of what is shown.
func (b *browser) audit(t *testing.T, name string) {
	t.Helper()
	for _, wrong := range b.spoilt(t) {
		t.Errorf("%s: %s", name, wrong)
	}
}

func (b *browser) spoilt(t *testing.T) []string {
	t.Helper()
	script, err := os.ReadFile("testdata/audit.js")
	if err != nil {
		t.Fatal(err)
	}
	return evaluate[[]string](t, b, string(script))
}

func (b *browser) runsNoForeignScript(t *testing.T) {
	server, _ := start(t, newVillage(states()["well"]))
	b.do(t, chromedp.Navigate(server.URL))
	b.is(t, live)
	evaluate[bool](t, b, `window.refused = 0; document.addEventListener('securitypolicyviolation', () => refused++);
		document.body.insertAdjacentHTML('beforeend', '<p style="color:red" onclick="window.ran = 1" id="x">x</p><img src="http://192.0.2.1/x.png">');
		const s = document.createElement('script'); s.textContent = 'window.ran = 1'; document.body.append(s);
		document.getElementById('x').click(); true`)
	b.is(t, "refused >= 3")
	if evaluate[bool](t, b, "window.ran === 1 || getComputedStyle(document.getElementById('x')).color === 'rgb(255, 0, 0)'") {
		t.Error("an inline script or style had its way")
	}
}

func (b *browser) withoutScript(t *testing.T) {
	disable := func(off bool) {
		if _, err := chromedp.Call(b.tab, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: off}); err != nil {
			t.Fatal(err)
		}
	}
	server, _ := start(t, newVillage(states()["well"]))
	disable(true)
	defer disable(false)
	b.do(t, chromedp.Navigate(server.URL+"/?lang=zh"))
	got := evaluate[string](t, b, "document.body.innerText")
	for _, want := range []string{"一切正常", "0.232", "12,345", "每分钟自动刷新"} {
		if !strings.Contains(got, want) {
			t.Errorf("without a script the page does not show %q", want)
		}
	}
	if !evaluate[bool](t, b, "document.querySelector('#link').hidden && document.querySelector('meta[http-equiv=refresh]').content === '60'") {
		t.Error("without a script the page says that it is live, or does not refresh")
	}
}

// TestPictures writes pictures of the page into the folder that GANLIN_PICTURES names, for people to look at.
func TestPictures(t *testing.T) {
	folder := os.Getenv("GANLIN_PICTURES")
	if folder == "" {
		t.Skip("GANLIN_PICTURES names no folder")
	}
	b := openBrowser(t)
	all := states()
	all["village"], all["village-trouble"], all["summer"] = fortyPlots(morning), troubled(fortyPlots(morning)), drySummer(morning)
	for name, view := range all {
		server, _ := start(t, newVillage(view))
		for _, lang := range []string{"zh", "en"} {
			for _, scheme := range []string{"light", "dark"} {
				for screen, size := range map[string][2]int64{"phone": {360, 800}, "desktop": {1280, 900}} {
					b.look(t, size[0], size[1], scheme)
					b.do(t, chromedp.Navigate(server.URL+"/?lang="+lang))
					b.is(t, live)
					picture, err := chromedp.Run(b.tab, chromedp.CaptureScreenshot())
					if err == nil {
						err = os.WriteFile(filepath.Join(folder, strings.Join([]string{name, lang, scheme, screen}, "-")+".png"), picture, 0o600)
					}
					if err != nil {
						t.Fatal(err)
					}
				}
			}
		}
	}
}
