package dashboards_test

import (
	"context"
	"fmt"
	"html"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"ganlin/dashboards"
	"ganlin/devices"
)

// evening is a Tuesday in summer, 19:30 in the village.
var evening = time.Date(2026, 7, 14, 11, 30, 0, 0, time.UTC)

var chongqing = time.FixedZone("CST", 8*3600)

// A farm is what the farmer's page shows, and takes down what its forms send.
type farm struct {
	mu   sync.Mutex
	home dashboards.Home
	sent []url.Values

	lost, refused int // answers to forms: so many get lost, then so many are a refusal
}

func (f *farm) Home(context.Context) dashboards.Home {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.home
}

// acts takes a form as the program does, and lets the valve follow.
func (f *farm) acts(pages *dashboards.Pages) func(w http.ResponseWriter, r *http.Request) {
	return func(w http.ResponseWriter, r *http.Request) {
		f.mu.Lock()
		defer f.mu.Unlock()
		_ = r.ParseForm()
		f.sent = append(f.sent, r.PostForm)
		switch {
		case f.lost > 0:
			f.lost--
			panic(http.ErrAbortHandler)
		case f.refused > 0:
			f.refused--
			pages.Unsent(w, r, http.StatusForbidden, dashboards.HomeAddress)
			return
		}
		f.obey(w, r)
	}
}

// obey lets the valve do at once what a form asks for. f.mu is held.
func (f *farm) obey(w http.ResponseWriter, r *http.Request) {
	tap := &f.home.Plots[0].Taps[0]
	said := "opened"
	tap.State, tap.Until = dashboards.ValveOpen, evening.Add(190*time.Minute)
	if r.PostFormValue("act") != dashboards.ActOpen {
		said = "closed"
		tap.State = dashboards.ValveClosed
	}
	dashboards.Flash(w, r, "/my", said)
	http.Redirect(w, r, r.URL.RequestURI(), http.StatusSeeOther)
}

func homePlot(id devices.PlotID, name string, advice dashboards.Advice) dashboards.HomePlot {
	p := dashboards.HomePlot{Field: dashboards.Field{
		Plot:        devices.Plot{ID: id, Name: name, Crop: "maize_grain"},
		DepletionMM: new(60.0), RAWMM: 50, TAWMM: 100, RainWeekMM: new(12.4), WateredWeekMM: new(18.0), Advice: advice,
	}}
	p.Taps = []dashboards.HomeTap{{Valve: dashboards.Valve{ID: devices.DeviceID("v-" + id), State: dashboards.ValveClosed}, Longest: 2 * time.Hour, Reachable: dashboards.IsOnline}}
	return p
}

func homeOf(plots ...dashboards.HomePlot) *farm {
	return &farm{home: dashboards.Home{At: evening.Add(-10 * time.Minute), Zone: chongqing, CSRF: "c", Account: "farmer-1", Plots: plots}}
}

func (f *farm) serve(t *testing.T) http.Handler {
	t.Helper()
	pages, err := dashboards.New(dashboards.Options{
		Source: newVillage(dashboards.View{}), Homes: f, Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return evening },
		Viewer: func(context.Context) dashboards.Viewer {
			return dashboards.Viewer{Account: "farmer-1", Role: "farmer", CSRF: "c"}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	pages.Register(mux)
	mux.HandleFunc("POST /my", f.acts(pages))
	mux.HandleFunc("GET /login", func(w http.ResponseWriter, r *http.Request) {
		view := map[string]dashboards.SignIn{"": {Next: "/my"}, "wrong": {Wrong: true}, "in": {Account: "farmer-1", CSRF: "c"}}[r.URL.Query().Get("as")]
		pages.SignIn(w, r, http.StatusOK, view)
	})
	return mux
}

// homes are the states of the page, with sentences that it must say.
func homes() map[string]struct {
	farm   *farm
	zh, en []string
} {
	type want = struct {
		farm   *farm
		zh, en []string
	}
	water := homePlot("p-1", "后坡三号", dashboards.Advice{Code: dashboards.AdviseWater, MM: 18.2, Cubic: 38.4, Lasts: 188 * time.Minute, From: evening})
	later := homePlot("p-1", "后坡三号", dashboards.Advice{Code: dashboards.AdviseItself, MM: 18.2, Lasts: 188 * time.Minute, From: evening.Add(90 * time.Minute)})
	none := homePlot("p-1", "", dashboards.Advice{Code: dashboards.AdviseNothing, Until: evening.Add(66 * time.Hour)})
	open := homePlot("p-1", "后坡三号", dashboards.Advice{Code: dashboards.AdviseWatering, Until: evening.Add(40 * time.Minute)})
	open.Taps[0].State, open.Taps[0].Until = dashboards.ValveOpen, evening.Add(40*time.Minute)
	closing, shut, opened := open, open, later
	closing.Taps, shut.Taps, opened.Taps = slices.Clone(open.Taps), slices.Clone(open.Taps), slices.Clone(open.Taps)
	closing.Taps[0].State, shut.Taps[0].State = dashboards.ValveClosing, dashboards.ValveClosed
	unknown := homePlot("p-1", "后坡三号", dashboards.Advice{Code: dashboards.AdviseLook})
	unknown.DepletionMM, unknown.RainWeekMM, unknown.WhyUnknown = nil, nil, []string{"soil_moisture"}
	unknown.Taps[0].State = ""
	held := homePlot("p-1", "后坡三号", dashboards.Advice{Code: dashboards.AdviseHeld, Why: "wind"})
	held.Taps[0].Reachable = dashboards.IsOffline
	locked := homePlot("p-1", "后坡三号", dashboards.Advice{Code: dashboards.AdviseNothing, Why: "season_over"})
	locked.Taps[0].Locked = true
	stopped := homeOf(water)
	stopped.home.Stopped = true
	empty := homeOf()
	waiting := homeOf(homePlot("p-1", "后坡三号", dashboards.Advice{}))
	waiting.home.At = time.Time{}
	waiting.home.Plots[0].DepletionMM, waiting.home.Plots[0].Taps = nil, nil
	second, third := homePlot("p-2", "后坡三号", none.Advice), homePlot("p-3", "大湾五号", none.Advice) // which all say the same
	news := homeOf(none)
	news.home.News = []dashboards.News{
		{ID: "a", Rule: "valve_leak", Plot: "后坡三号", Since: evening.Add(-2 * time.Hour)},
		{ID: "c", Rule: "drought", Plot: "后坡三号", Since: evening.Add(-3 * time.Hour), Advice: dashboards.AdviseWater, Answer: "will_water", Answered: evening.Add(-time.Hour)},
		{ID: "b", Rule: "drought", Plot: "后坡三号", Since: evening.Add(-50 * time.Hour), Over: evening.Add(-26 * time.Hour)},
	}
	ripe, lost := homeOf(locked), homeOf(none)
	ripe.home.News, lost.home.NewsLost = []dashboards.News{{ID: "a", Rule: "drought_severe", Plot: "后坡三号", Advice: dashboards.AdviseNothing, Since: evening}}, true
	return map[string]want{
		"water":   {homeOf(water), []string{"现在该浇水：18 毫米，约 3 小时 10 分", "大约用 38 方水。", "土里的水还有 40%", "下雨 12 毫米", "浇水 18 毫米", "2 小时", "开阀门"}, []string{"Water now: 18 mm, about 3 h 10 min", "about 38 m³"}},
		"later":   {homeOf(later), []string{"今晚 21:00 自动浇水：18 毫米，约 3 小时 10 分", "阀门会自己打开"}, []string{"Waters itself tonight at 21:00: 18 mm, about 3 h 10 min"}},
		"none":    {homeOf(none), []string{"星期五以前不用浇", "要是不下雨的话。", "p-1"}, []string{"No need until Friday"}},
		"open":    {homeOf(open), []string{"正在浇水，最多还有 40 分钟", "阀门开着，20:10 自己关", "马上关", "我家的阀门全部关上"}, []string{"Watering now, at most 40 min more", "Close now"}},
		"opened":  {homeOf(opened), []string{"正在浇水，最多还有 40 分钟", "马上关"}, []string{"Watering now, at most 40 min more"}},
		"closing": {homeOf(closing), []string{"正在关水", "已经叫阀门关了", "它还没说关好", "马上关"}, []string{"Being shut", "has not said yet that it is shut"}},
		"shut":    {homeOf(shut), []string{"水已经关了", "阀门关着"}, []string{"The water is shut off", "The valve is shut"}},
		"unknown": {homeOf(unknown), []string{"不知道干不干", "请到地里看看", "不知道阀门是开是关，请去看看", "马上关"}, []string{"Nobody knows how dry it is", "Please look"}},
		"held":    {homeOf(held), []string{"该浇了，先不浇：风太大", "阀门联系不上，请去看看"}, []string{"Dry, but not watered yet:", "The valve cannot be reached"}},
		"locked":  {homeOf(locked), []string{"这季不用再浇了", "阀门没有听话，要先有人去看过才能再开。"}, []string{"No more water needed this season"}},
		"stopped": {stopped, []string{"全村的阀门都被叫停了", "全村停水，现在打不开。"}, []string{"All valves of the village were told to stop."}},
		"empty":   {empty, []string{"这里还没有你家的地"}, []string{"No land of yours is here yet"}},
		"waiting": {waiting, []string{"还在等第一批消息", "还没有消息"}, []string{"Still waiting for the first news"}},
		"three":   {homeOf(none, second, third), []string{"后坡三号", "大湾五号", "p-1"}, []string{"No need until Friday"}},
		"ripe":    {ripe, []string{"这季不用再浇了", "后坡三号：地很干了"}, []string{"The land is very dry"}},
		"lost":    {lost, []string{"现在读不出消息"}, []string{"Messages cannot be read now"}},
		"news":    {news, []string{"后坡三号：阀门漏水", "先关总阀", "知道了", "修好了", "不是这样", "已答：我会浇（18:30）", "浇过了", "后坡三号：过去了（地干了）"}, []string{"后坡三号: The valve leaks", "over (The land is dry)"}},
	}
}

// text is what a person reads of a page.
func text(page string) string {
	page = regexp.MustCompile(`(?s)<(?:script|style|svg class="signs).*?</(?:script|style|svg)>`).ReplaceAllString(page, "")
	return html.UnescapeString(regexp.MustCompile(`<[^>]*>`).ReplaceAllString(page, " "))
}

// jargon are words that no farmer has to know.
var jargon = regexp.MustCompile(`(?i)\bRAW\b|\bTAW\b|\bRSM\b|depletion|\blease\b|root zone|evapo|irrigation|threshold|offline|online|API|\bID\b|telemetry|亏缺|根区|蒸散|租约|相对湿度|阈值|墒情|离线|在线|预警|萎蔫|田间持水`)

func TestFarmersPageSaysIt(t *testing.T) {
	for name, want := range homes() {
		pages := want.farm.serve(t)
		for lang, sentences := range map[string][]string{"zh": want.zh, "en": want.en} {
			w := httptest.NewRecorder()
			pages.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), "GET", "/my?lang="+lang, nil))
			read := text(w.Body.String())
			if w.Code != http.StatusOK {
				t.Errorf("%s, %s: %d", name, lang, w.Code)
			}
			for _, s := range sentences {
				if !strings.Contains(read, s) {
					t.Errorf("%s, %s: %q is not said in %q", name, lang, s, strings.Join(strings.Fields(read), " "))
				}
			}
			if never := map[string]string{"ripe": "能浇就|Water it", "lost": "没有新消息|No new"}[name]; never != "" && regexp.MustCompile(never).MatchString(read) {
				t.Errorf("%s, %s: what is not so is said in %q", name, lang, read)
			}
			if bad := jargon.FindString(read); bad != "" {
				t.Errorf("%s, %s: says %q", name, lang, bad)
			}
		}
	}
	if jargon.FindString("the depletion of the root zone") == "" {
		t.Error("jargon is not recognised")
	}
}

func TestFarmersPageInABrowser(t *testing.T) {
	b := openBrowser(t)
	f := homes()["water"].farm
	server := httptest.NewServer(f.serve(t))
	t.Cleanup(server.Close)
	b.look(t, 320, 700, "light")
	b.do(t, chromedp.Navigate(server.URL+"/my?lang=zh"))
	b.is(t, "document.querySelector('.plot h2').innerText.startsWith('现在该浇水')")
	b.mu.Lock()
	if b.bytes > 100_000 {
		t.Errorf("the first load takes %.0f bytes", b.bytes)
	}
	t.Logf("first load: %d requests, %.0f bytes", len(b.requests), b.bytes)
	b.mu.Unlock()
	for _, width := range []int64{320, 1280} {
		for name, home := range homes() {
			f.mu.Lock()
			f.home = home.farm.home
			f.mu.Unlock()
			for _, lang := range []string{"zh", "en"} {
				b.look(t, width, 800, "light")
				b.do(t, chromedp.Navigate(server.URL+"/my?lang="+lang))
				b.is(t, "document.readyState === 'complete'")
				if wide := evaluate[bool](t, b, "document.documentElement.scrollWidth > innerWidth"); wide {
					t.Errorf("%s, %s: wider than %d", name, lang, width)
				}
				small := evaluate[string](t, b, `[...document.querySelectorAll('.home button, .home summary, .home label')].filter((e) => e.offsetHeight && e.offsetHeight < 48).map((e) => e.innerText).join()`)
				if small != "" {
					t.Errorf("%s, %s, %d: too small to tap: %s", name, lang, width, small)
				}
				cutOff := evaluate[string](t, b, `[...document.querySelectorAll('.home *')].filter((e) => e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).overflowX !== 'visible').map((e) => e.className).join()`)
				if cutOff != "" {
					t.Errorf("%s, %s, %d: cut off: %s", name, lang, width, cutOff)
				}
				scheme := map[bool]string{true: "light", false: "dark"}[(lang == "zh") == (width == 320)]
				if width == 320 || name == "open" || name == "three" {
					b.look(t, width, 800, scheme)
					b.axe(t, fmt.Sprint(name, ", ", lang, ", ", scheme, ", ", width))
				}
			}
		}
	}

	// Start, and stop with one tap.
	f.mu.Lock()
	f.home = homes()["water"].farm.home
	f.mu.Unlock()
	b.look(t, 390, 800, "light")
	b.do(t, chromedp.Navigate(server.URL+"/my?lang=zh"), chromedp.Click(chromedp.CSS(".start summary")), chromedp.Click(chromedp.CSS(".go")))
	b.is(t, "document.querySelector('.say').innerText.includes('已经叫阀门打开') && document.querySelector('.tap .stop') !== null")
	b.do(t, chromedp.Click(chromedp.CSS(".tap .stop")))
	b.is(t, "document.querySelector('.say').innerText.includes('已经叫阀门关上') && document.querySelector('.tap .stop') === null")
	f.mu.Lock()
	if got := fmt.Sprint(f.sent); len(f.sent) != 2 || f.sent[0].Get("minutes") != "120" || f.sent[0].Get("valve") != "v-p-1" || f.sent[0].Get("csrf") != "c" || f.sent[1].Get("act") != "close" || f.sent[0].Get("id") == f.sent[1].Get("id") {
		t.Errorf("the forms sent %s", got)
	}
	if len(b.complain) > 0 {
		t.Errorf("the console shows %q", b.complain)
	}
	f.sent, f.lost = nil, 1
	f.mu.Unlock()

	// An answer is lost: the same form is sent again. What it led to is said once.
	b.do(t, chromedp.Click(chromedp.CSS(".start summary")), chromedp.Click(chromedp.CSS(".go")))
	b.is(t, "document.querySelector('.say').innerText.includes('已经叫阀门打开')")
	b.do(t, chromedp.Reload())
	b.is(t, "document.readyState === 'complete' && document.querySelector('.tap .stop') !== null && document.querySelector('#say').innerText === ''")
	f.mu.Lock()
	if len(f.sent) != 2 || f.sent[0].Encode() != f.sent[1].Encode() || f.sent[0].Get("id") == "" {
		t.Errorf("sent again: %v", f.sent)
	}
	f.mu.Unlock()

	// By the keyboard alone.
	to := func(selector string, key string) {
		t.Helper()
		for range 30 {
			if evaluate[bool](t, b, "document.activeElement.matches('"+selector+"')") {
				b.do(t, chromedp.KeyEvent(key))
				return
			}
			b.do(t, chromedp.KeyEvent(kb.Tab))
		}
		t.Fatalf("the keyboard does not come to %s", selector)
	}
	to(".tap .stop", kb.Enter)
	b.is(t, "document.querySelector('#say').innerText.includes('已经叫阀门关上') && document.activeElement.id === 'say'")
	b.do(t, chromedp.Reload())
	b.is(t, "document.readyState === 'complete' && document.querySelector('.start') !== null")
	to(".start summary", kb.Enter)
	to(".start input[value=\"120\"]", kb.ArrowDown)
	to(".start .go", kb.Enter)
	b.is(t, "document.querySelector('#say').innerText.includes('已经叫阀门打开')")
	f.mu.Lock()
	if last := f.sent[len(f.sent)-1]; last.Get("minutes") != "30" {
		t.Errorf("the keyboard chose %v", last)
	}
	f.refused = 2
	f.mu.Unlock()

	// A form that is refused leads to a page that says so, and back.
	b.do(t, chromedp.Click(chromedp.CSS(".tap .stop")))
	b.is(t, "document.querySelector('h1').innerText.includes('没有发出去') && document.body.innerText.includes('再按一次')")
	b.axe(t, "the page of a form that was not sent")
	b.do(t, chromedp.Click(chromedp.CSS(".nothing a")))
	b.is(t, "location.pathname === '/my' && document.querySelector('.tap .stop') !== null")

	for i, as := range []string{"", "wrong", "in"} {
		lang, scheme := []string{"zh", "en"}[i%2], []string{"dark", "light"}[i/2]
		b.look(t, 320, 800, scheme)
		b.do(t, chromedp.Navigate(server.URL+"/login?lang="+lang+"&as="+as))
		b.is(t, "document.readyState === 'complete'")
		b.axe(t, "signing in "+as+", "+lang+", "+scheme)
	}
}
