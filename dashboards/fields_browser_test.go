package dashboards_test

import (
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"ganlin/dashboards"
)

const drawn = "document.querySelector('#charts').dataset.ready === '1'"

func TestFieldPagesInABrowser(t *testing.T) {
	all := decided()
	all["cc01"] = clue()
	server := httptest.NewServer(pagesFor(t, fields{land: landOf(40), past: week(), decisions: all}, dashboards.Viewer{Account: "agro-1", Role: "agronomist", CSRF: "token", Stops: true}))
	t.Cleanup(server.Close)
	b := openBrowser(t)
	b.fields = server.URL
	t.Run("from the map to the reason", b.fromMapToReason)
	t.Run("the table is sorted and filtered", b.sortsAndFilters)
	t.Run("by the keyboard alone", b.byKeyboard)
	t.Run("everybody can use them", b.everybodyCanUseFields)
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, r := range b.requests {
		if !strings.HasPrefix(r, server.URL+"/") {
			t.Errorf("the pages ask %s", r)
		}
	}
	for _, said := range b.complain { // a page that is missing is asked for on purpose, and pixels are read
		if !strings.Contains(said, "404 (Not Found)") && !strings.Contains(said, "Canvas2D") {
			t.Errorf("the console shows %q", said)
		}
	}
}

// fromMapToReason goes from a mark of the map over a mark of the chart to the explanation.
func (b *browser) fromMapToReason(t *testing.T) {
	b.look(t, 1280, 900, "light")
	b.do(t, chromedp.Navigate(b.fields+"/village?lang=en"))
	b.is(t, "document.querySelectorAll('.map .mark').length === 40")
	b.do(t, chromedp.Click(chromedp.CSS(`.map a[href^="/plots/p-004?"]`)))
	b.is(t, drawn+" && location.pathname === '/plots/p-004'")
	b.mu.Lock()
	t.Logf("the village and a plot: %d requests, %.0f bytes with headers", len(b.requests), b.bytes)
	if b.bytes < 30_000 || b.bytes > 100_000 {
		t.Errorf("two pages with all that they need are %.0f bytes, want under 100,000", b.bytes)
	}
	b.mu.Unlock()
	if got := evaluate[int](t, b, "document.querySelectorAll('#charts canvas').length"); got != 3 {
		t.Errorf("%d charts are drawn", got)
	}
	if got := evaluate[string](t, b, "Array.from(document.querySelectorAll('.u-legend .u-label'), (e) => e.innerText).join()"); !strings.Contains(got, "20 cm,40 cm,60 cm,Field capacity,Wilting point") ||
		!strings.Contains(got, "Lacks,Easy to take up,Can hold") || !strings.Contains(got, "Rain,Wanted,Delivered") {
		t.Errorf("the curves are called %s", got)
	}
	// A gap is a gap: in the hours of silence no pixel of a curve is drawn.
	if got := evaluate[string](t, b, `(() => {
		const series = JSON.parse(document.getElementById('series').textContent);
		const u = document.querySelector('#chart-moisture canvas'), g = u.getContext('2d'), over = document.querySelector('#chart-moisture .u-over').getBoundingClientRect(), box = u.getBoundingClientRect();
		const x = (t) => (over.left - box.left + over.width * (t - series.from) / (series.to - series.from)) * devicePixelRatio;
		const gap = series.moisture[0].v.indexOf(null), at = series.moisture[0].t;
		const rows = Math.round(over.height * devicePixelRatio), seen = (t) => {
			const data = g.getImageData(Math.round(x(t)), Math.round((over.top - box.top) * devicePixelRatio), 1, rows).data;
			let n = 0;
			for (let i = 0; i < data.length; i += 4) if (data[i + 3] > 200 && data[i] < 120 && data[i + 2] > 90) n++; // the blue of the first depth
			return n;
		};
		return [seen(at[gap - 20]) > 0, seen((at[gap - 1] + at[gap + 1]) / 2) > 0].join();
	})()`); got != "true,false" {
		t.Errorf("a curve before and in the gap: %s", got)
	}
	marks := evaluate[int](t, b, "document.querySelectorAll('#chart-marks a').length")
	if marks < 4 || marks > 6 {
		t.Errorf("%d marks of 6 decisions", marks)
	}
	b.do(t, chromedp.Click(chromedp.CSS(`#chart-marks a[href^="/decisions/aa05"]`)))
	b.is(t, "location.pathname === '/decisions/aa05' && document.body.innerText.includes('What holds water back') && document.querySelector('.soil-picture') !== null")
	b.do(t, chromedp.Click(chromedp.CSS(`.title a`)))
	b.is(t, "location.pathname === '/plots/p-004'")
	b.do(t, chromedp.Click(chromedp.CSS(`nav.chips a[href*="range=season"]`)))
	b.is(t, drawn+" && location.search.includes('range=season')")
}

func (b *browser) sortsAndFilters(t *testing.T) {
	first := "document.querySelector('.fields tbody th a').innerText"
	b.do(t, chromedp.Navigate(b.fields+"/village?lang=zh"))
	b.do(t, chromedp.Click(chromedp.CSS(`.fields thead a[href*="sort=plot"]`)))
	b.is(t, first+" === '后坡一号' && document.querySelector('[aria-sort=ascending]').innerText.includes('田块')")
	b.do(t, chromedp.Click(chromedp.CSS(`.fields thead a[href*="sort=-plot"]`)))
	b.is(t, first+" === '皂角坪五号' && document.querySelector('[aria-sort=descending]') !== null")
	b.do(t, chromedp.Click(chromedp.CSS(`.grades a[href*="grade=severe"]`)))
	b.is(t, "document.querySelectorAll('.fields tbody tr').length === 4 && document.querySelectorAll('.map .faded').length === 36")
	b.do(t, chromedp.SetValue(chromedp.CSS(`.filter input[type=search]`), "p-01"), chromedp.Click(chromedp.CSS(`.filter button`)))
	b.is(t, "document.querySelectorAll('.fields tbody tr').length === 1 && location.search.includes('grade=severe')")
	b.do(t, chromedp.Click(chromedp.CSS(`p.chips a`)))
	b.is(t, "document.querySelectorAll('.fields tbody tr').length === 4")
}

// byKeyboard reaches a plot of the map, and opens it.
func (b *browser) byKeyboard(t *testing.T) {
	b.do(t, chromedp.Navigate(b.fields+"/village?lang=en"))
	b.is(t, "document.querySelector('.map .mark') !== null")
	for range 20 {
		b.do(t, chromedp.KeyEvent(kb.Tab))
		if evaluate[bool](t, b, "document.activeElement.matches('.map a')") {
			break
		}
	}
	want := evaluate[string](t, b, "document.activeElement.matches('.map a') ? document.activeElement.getAttribute('href').split('?')[0] : document.activeElement.outerHTML")
	if !strings.HasPrefix(want, "/plots/") {
		t.Fatalf("the keyboard is at %s", want)
	}
	if got := evaluate[string](t, b, "getComputedStyle(document.activeElement.querySelector('circle')).strokeWidth"); got != "4px" {
		t.Errorf("a plot in focus has a rim of %s", got)
	}
	b.do(t, chromedp.KeyEvent(kb.Enter))
	b.is(t, "location.pathname === '"+want+"'")
}

func (b *browser) everybodyCanUseFields(t *testing.T) {
	for i, path := range []string{"/village", "/village?grade=unknown&sort=probe", "/plots/p-002", "/plots/p-009", "/decisions/aa05", "/decisions/aa02", "/decisions/cc01", "/plots/none"} {
		join := map[bool]string{true: "&", false: "?"}[strings.Contains(path, "?")]
		for k, width := range []int64{390, 1280} {
			lang, scheme := []string{"zh", "en"}[(i+k)%2], []string{"light", "dark"}[(i/2+k)%2]
			b.look(t, width, 900, scheme)
			b.do(t, chromedp.Navigate(b.fields+path+join+"lang="+lang))
			b.is(t, "document.readyState === 'complete' && (!document.querySelector('#charts') || "+drawn+")")
			name := fmt.Sprintf("%s in %s, %s, %d px", path, lang, scheme, width)
			if over := evaluate[[]string](t, b, overflowing); len(over) > 0 {
				t.Errorf("%s: too wide: %q", name, over)
			}
			evaluate[bool](t, b, "document.querySelectorAll('details').forEach((e) => { e.open = true; }), true")
			b.audit(t, name)
			b.axe(t, name)
		}
	}
	// What is spoilt on purpose has to be found.
	b.do(t, chromedp.Navigate(b.fields+"/village?lang=en"))
	evaluate[bool](t, b, "document.querySelectorAll('.filter label').forEach((e) => e.replaceWith(...e.children)); document.querySelector('.map title').remove(); document.querySelector('.map .mark text').remove(); true")
	found := strings.Join(b.violations(t), "\n")
	for _, want := range []string{"label", "link-name"} {
		if !strings.Contains(found, want) {
			t.Errorf("of a page that is spoilt on purpose axe does not say %q but %q", want, found)
		}
	}
}

// overflowing lists what reaches beyond the window, but for what scrolls in a region of its own.
const overflowing = `Array.from(document.querySelectorAll('body *')).filter((e) => !e.closest('.scroll,.unseen,.signs,.skip') && e.getBoundingClientRect().right > innerWidth + 1)
	.slice(0, 5).map((e) => e.localName + '.' + e.getAttribute('class') + ' ' + Math.round(e.getBoundingClientRect().right)).concat(
	document.documentElement.scrollWidth > innerWidth ? ['the page is ' + document.documentElement.scrollWidth] : [])`
