package dashboards_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"ganlin/dashboards"
)

func plotPage(t *testing.T, f fields, target string) string {
	t.Helper()
	return body(t, ask(t, pagesOf(t, f), target))
}

type curve struct {
	T []int64
	V []*float64
}

type drawing struct {
	From, To                 int64
	Moisture, Balance, Water []curve
	Marks                    []struct {
		T          int64
		Link, Text string
	}
}

func drawingOf(t *testing.T, page string) (d drawing) {
	t.Helper()
	_, rest, ok := strings.Cut(page, `<script type="application/json" id="series">`)
	text, _, _ := strings.Cut(rest, "</script>")
	if err := json.Unmarshal([]byte(text), &d); err != nil || !ok {
		t.Fatalf("%v in %.200s", err, text)
	}
	return d
}

func TestPlotPage(t *testing.T) {
	f := fields{land: landOf(40), past: week()}
	for lang, want := range map[string][]string{
		"zh": {"石板丘一号", "中旱", "该浇 38 毫米，先等等：风太大", "根区缺水", "s-004 从 2026年7月8日", "没有读数（", "算不出水量平衡", "每天的数字", "7 天", "全季"},
		"en": {"石板丘一号", "dry", "Needs 38 mm, on hold", "What the root zone lacks", "s-004: no readings from 8 July 2026", "the water balance of 1 day could not be worked out", "Numbers by day", "Season"},
	} {
		shows(t, plotPage(t, f, "/plots/p-004?lang="+lang), want...)
	}
	page := plotPage(t, f, "/plots/p-004?lang=en")
	d := drawingOf(t, page)
	if len(d.Moisture) != 3 || len(d.Balance) != 3 || len(d.Water) != 3 || len(d.Marks) != 9 {
		t.Fatalf("%d, %d and %d curves, %d marks", len(d.Moisture), len(d.Balance), len(d.Water), len(d.Marks))
	}
	for _, m := range d.Marks {
		if !strings.HasPrefix(m.Link, "/decisions/aa0") || !strings.Contains(page, `href="`+m.Link) {
			t.Errorf("a mark leads to %s", m.Link)
		}
	}
	// The water of the second day: 17,000 L on 2.4 mu. That of the fifth has no meter.
	day, silent := d.Water[1], d.Water[2]
	if got := *day.V[1]; got != 10.62 || silent.V[4] != nil || *silent.V[1] != 10.59 {
		t.Errorf("wanted %g mm, delivered %v and %v", got, *silent.V[1], silent.V[4])
	}
	if n := strings.Count(page, `<tr><th scope="row">`); n != 7 {
		t.Errorf("the table has %d days", n)
	}
}

// A gap is drawn as a gap: between its ends stands a value that is none.
func TestGapsAreNotJoined(t *testing.T) {
	d := drawingOf(t, plotPage(t, fields{land: landOf(40), past: week()}, "/plots/p-004"))
	for name, curves := range map[string][]curve{"moisture": d.Moisture, "balance": d.Balance} {
		for _, c := range curves {
			nothing := 0
			for i, v := range c.V {
				if v == nil {
					nothing++
				}
				if i > 0 && v != nil && c.V[i-1] != nil && c.T[i]-c.T[i-1] > int64((36*time.Hour).Seconds()) {
					t.Errorf("%s: %d and %d are joined", name, c.T[i-1], c.T[i])
				}
				if i > 0 && name == "moisture" && v != nil && c.V[i-1] != nil && c.T[i]-c.T[i-1] > 3*3600 {
					t.Errorf("%s: %d and %d are joined", name, c.T[i-1], c.T[i])
				}
			}
			if nothing != 1 {
				t.Errorf("%s: %d gaps", name, nothing)
			}
		}
	}
}

func TestPlotPageKnowsLittle(t *testing.T) {
	land := landOf(40)
	silent := week()
	for i := range silent.Moisture {
		m := &silent.Moisture[i]
		m.At, m.Water = m.At[:100], m.Water[:100]
	}
	down := dashboards.Past{NoSeries: errors.New("connection refused"), Decisions: week().Decisions}
	for name, c := range map[string]struct {
		past   dashboards.Past
		plot   string
		charts bool
		want   []string
	}{
		"silent":        {silent, "p-004", true, []string{"s-004: no readings since", "days by now"}},
		"database down": {down, "p-004", false, []string{"The database does not answer now", "No reading is lost", "/decisions/aa06"}},
		"all down":      {dashboards.Past{NoSeries: errors.New("x"), NoDecisions: errors.New("y")}, "p-004", false, []string{"The database does not answer now", "The records of decisions cannot be read now"}},
		"nothing":       {dashboards.Past{}, "p-009", false, []string{"nothing was measured", "Nothing was decided", "Go and see"}},
		"no probe":      {dashboards.Past{Days: week().Days}, "p-013", true, []string{"This plot has no probe"}},
	} {
		page := plotPage(t, fields{land: land, past: c.past}, "/plots/"+c.plot+"?lang=en")
		shows(t, page, c.want...)
		if strings.Contains(page, `id="charts"`) != c.charts {
			t.Errorf("%s: charts are there: %v", name, !c.charts)
		}
	}
}

// A foreign plot and one that does not exist are the same nothing.
func TestNothingToSee(t *testing.T) {
	h := pagesOf(t, fields{land: landOf(3)})
	for _, path := range []string{"/plots/p-999", "/plots/../etc", "/decisions/none", "/plots/%00"} {
		r := ask(t, h, path+"?lang=en")
		if page := body(t, r); r.StatusCode != http.StatusNotFound && r.StatusCode != http.StatusTemporaryRedirect && r.StatusCode != http.StatusMovedPermanently {
			t.Errorf("%s: %d %s", path, r.StatusCode, page)
		}
	}
	shows(t, body(t, ask(t, h, "/plots/p-999?lang=zh")), "没有这一页", "回到我的页面")
	for _, path := range []string{"/plots/p-999?range=30d", "/decisions/%2Fevil.example"} { // the way to the other language stays here
		if page := body(t, ask(t, h, path)); !strings.Contains(page, `href="`+strings.NewReplacer("?range=30d", "?lang=en&amp;range=30d", "evil.example", "evil.example?lang=en").Replace(path)+`"`) {
			t.Errorf("%s in the other language:\n%s", path, page)
		}
	}
}

// Each role is led from there to a page of its own; one that has none, to where it is told so.
func TestNothingToSeeForEachRole(t *testing.T) {
	for role, link := range map[string]string{"": "/village", "farmer": "/my", "grid_worker": "/clues", "agronomist": "/village", "operator": "/operations", "monitor": "/login"} {
		h := pagesFor(t, fields{land: landOf(3)}, dashboards.Viewer{Account: "x", Role: role})
		r := ask(t, h, "/plots/p-999?lang=en")
		if page := body(t, r); r.StatusCode != http.StatusNotFound || !strings.Contains(page, `<p><a href="`+link+`?lang=en">`) {
			t.Errorf("%q is answered %d:\n%s", role, r.StatusCode, page)
		}
	}
}

// What cannot be read or made is said so in words, and the next try is one tap away.
func TestPagesThatFail(t *testing.T) {
	failing := pagesOf(t, fields{land: landOf(3), fails: errors.New("disk full")})
	for _, path := range []string{"/plots/p-001", "/decisions/d-1"} {
		for lang, said := range map[string][]string{"zh": {"现在读不出来", "再试一次"}, "en": {"This cannot be read now", "Try again"}} {
			r := ask(t, failing, path+"?lang="+lang)
			if r.StatusCode != http.StatusServiceUnavailable || r.Header.Get("Retry-After") == "" || r.Header.Get("Content-Language") == "" {
				t.Errorf("%s answers %d %v", path, r.StatusCode, r.Header)
			}
			shows(t, body(t, r), append(said, `href="`+path+"?lang="+lang+`"`)...)
		}
	}
}

func TestDecisionPages(t *testing.T) {
	all := decided()
	all["cc01"] = clue()
	h := pagesOf(t, fields{land: landOf(5), decisions: all})
	for id, want := range map[string]map[string][]string{
		"aa01": {"zh": {"浇水的判断", "石板丘一号", "没有什么拦着", "缺 61.3 毫米", "晚到", "2026年7月11日 20:00:00"}, "en": {"Decision to water", "Nothing did: frost", "lacks 61.3 mm", "0.214 m³/m³", "late", "11 July 2026, 20:00:00"}},
		"aa02": {"zh": {"一次浇水", "17,000 升", "16,950 升"}, "en": {"A watering", "17,000 L", "16,950 L"}},
		"aa05": {"zh": {"风太大"}, "en": {"What holds water back"}},
		"aa06": {"zh": {"提醒"}, "en": {"Alert", "drought_severe"}},
		"aa07": {"zh": {"阀门自己的动静", "不知道是谁开的"}, "en": {"What a valve did by itself", "nobody knows why"}},
		"aa08": {"zh": {"a-1 叫阀门 v-004 打开"}, "en": {"a-1 told valve v-004 to open"}},
		"aa09": {"zh": {"有人操作", "a-1 叫停了全部阀门"}, "en": {"What a person did", "a-1 stopped all valves"}},
		"cc01": {"zh": {"线索", "预计减产 22% 到 44%"}, "en": {"Clue", "Likely loss of 22% to 44% of the yield"}},
	} {
		for lang, texts := range want {
			r := ask(t, h, "/decisions/"+id+"?lang="+lang)
			shows(t, body(t, r), texts...)
			if r.StatusCode != http.StatusOK {
				t.Errorf("%s: %d", id, r.StatusCode)
			}
		}
	}
}

// TestAValveToLookAt offers to say that a valve is shut, where somebody has to
// look at it and to those who may say so; and answers how that went.
func TestAValveToLookAt(t *testing.T) {
	agronomist := dashboards.Viewer{Account: "agro-1", Role: "agronomist", CSRF: "token"}
	for name, c := range map[string]struct {
		who    dashboards.Viewer
		change func(*dashboards.Valve)
		says   string
		form   bool
	}{
		"locked":       {agronomist, func(v *dashboards.Valve) { v.Locked = true }, "Locked: have a look on the spot", true},
		"leaking":      {agronomist, func(v *dashboards.Valve) { v.Leaking = true }, "Closed, and water runs", true},
		"unresponsive": {agronomist, func(v *dashboards.Valve) { v.Silent = true }, "It did not respond several times", true},
		"well":         {agronomist, func(*dashboards.Valve) {}, "Valve closed", false},
		"nobody":       {dashboards.Viewer{}, func(v *dashboards.Valve) { v.Locked = true }, "Locked: have a look on the spot", false},
	} {
		f := fields{land: landOf(5)}
		for _, one := range f.land.Fields {
			if one.ID == "p-002" {
				one.Taps[0].State = dashboards.ValveClosed
				c.change(&one.Taps[0])
			}
		}
		page := body(t, ask(t, pagesFor(t, f, c.who), "/plots/p-002?lang=en"))
		if acts := strings.Contains(page, `<button name="act" value="open">`); acts != (name == "well" || name == "unresponsive") { // who may open it, when it may be opened
			t.Errorf("%s: it can be opened: %v", name, acts)
		}
		if form := strings.Contains(page, `<form method="post" action="/plots/p-002?lang=en">`) && strings.Contains(page, "Record: it is shut"); form != c.form || !strings.Contains(page, c.says) {
			t.Errorf("%s: the form is there: %v, %q is said: %v", name, form, c.says, strings.Contains(page, c.says))
		}
	}
	h := pagesFor(t, fields{land: landOf(5)}, agronomist)
	for said, want := range map[string]string{"done": "Recorded", "nothing": "There is nothing to clear", "trouble": "It was not recorded", "open": "", "<b>": ""} {
		page := body(t, ask(t, h, "/plots/p-002?lang=en", "Cookie", "ganlin_said="+said))
		if answered := strings.Contains(page, `class="say `); answered != (want != "") || !strings.Contains(page, want) {
			t.Errorf("%s is answered: %v", said, answered)
		}
	}
}
