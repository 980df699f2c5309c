package dashboards_test

import (
	"fmt"
	"os"
	"testing"

	"github.com/chromedp/chromedp"
)

func TestTmpShots(t *testing.T) {
	b := openBrowser(t)
	server, _ := start(t, newVillage(drySummer(morning)))
	for _, c := range []struct {
		lang, scheme string
		w, h         int64
		open         bool
	}{{"zh", "light", 320, 2600, false}, {"zh", "light", 390, 2600, true}, {"en", "light", 320, 1500, false}, {"zh", "light", 1280, 1700, false}, {"en", "dark", 1280, 1700, false}} {
		b.look(t, c.w, c.h, c.scheme)
		b.do(t, chromedp.Navigate(server.URL+"/?lang="+c.lang))
		b.is(t, live)
		if c.open {
			evaluate[bool](t, b, "document.querySelectorAll('details').forEach((e,i) => { if (i<4||i==5||i==7) e.open = true; }), true")
		}
		for _, id := range []string{"p_p-012", "p_p-004", "s_w-01"} {
			if c.w != 390 && c.lang == "zh" {
				continue
			}
			b.look(t, c.w, 900, c.scheme)
			evaluate[bool](t, b, "document.getElementById('"+id+"').querySelectorAll('details').forEach((e) => { e.open = true; }), document.getElementById('"+id+"').scrollIntoView(), true")
			p, err := chromedp.Run(b.tab, chromedp.CaptureScreenshot())
			if err != nil {
				t.Fatal(err)
			}
			_ = os.WriteFile(fmt.Sprintf("/tmp/ganlin/shots/%s-%s-%s-%d.png", id, c.lang, c.scheme, c.w), p, 0o600)
		}
		evaluate[bool](t, b, "window.scrollTo(0,0), true")
		b.look(t, c.w, c.h, c.scheme)
		p, err := chromedp.Run(b.tab, chromedp.CaptureScreenshot())
		if err != nil {
			t.Fatal(err)
		}
		_ = os.WriteFile(fmt.Sprintf("/tmp/ganlin/shots/summer-%s-%s-%d.png", c.lang, c.scheme, c.w), p, 0o600)
	}
}
