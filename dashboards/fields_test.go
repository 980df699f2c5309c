package dashboards_test

import (
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ganlin/dashboards"
)

var rowLink = regexp.MustCompile(`<tr><th scope="row"><a href="/plots/([^"?]+)`)

// listed are the plots of the table in their order.
func listed(page string) (ids []string) {
	for _, m := range rowLink.FindAllStringSubmatch(page, -1) {
		ids = append(ids, m[1])
	}
	return ids
}

func fieldOf(land dashboards.Land, id string) *dashboards.Field {
	i := slices.IndexFunc(land.Fields, func(f *dashboards.Field) bool { return string(f.ID) == id })
	return land.Fields[i]
}

func TestVillageShowsEveryPlot(t *testing.T) {
	land := landOf(40)
	for lang, want := range map[string][]string{
		"zh": {"全村田块", "2026年7月12日 09:00 的情况", "后坡一号", "特旱", "从18:00起浇 41 毫米", "该浇 38 毫米，先等等：风太大", "去看看：不知道有多旱", "18:00 自动浇 22 毫米", "正在浇，最晚到 10:10", "没有探头", `class="scale"`},
		"en": {"All plots", "As of 12 July 2026, 09:00", "后坡一号", "extremely dry", "Water 41 mm from 18:00", "Needs 38 mm, on hold", "Go and see: nobody knows how dry it is", "Waters itself, 22 mm from 18:00", "no probe", `class="scale"`},
	} {
		r := ask(t, pagesOf(t, fields{land: land}), "/village?lang="+lang)
		page := body(t, r)
		shows(t, page, want...)
		if r.StatusCode != http.StatusOK || !strings.Contains(r.Header.Get("Content-Security-Policy"), "default-src 'none'") {
			t.Errorf("status %d, policy %q", r.StatusCode, r.Header.Get("Content-Security-Policy"))
		}
		if n := strings.Count(page, `class="mark"`); n != 40 {
			t.Errorf("%d plots are on the map", n)
		}
		if n := len(listed(page)); n != 40 {
			t.Errorf("%d plots are in the table", n)
		}
		if n := strings.Count(page, `class="tap-open"`); n != 3+1 { // and the legend
			t.Errorf("%d open valves are on the map", n)
		}
	}
}

func TestVillageIsSorted(t *testing.T) {
	land := landOf(40)
	h := pagesOf(t, fields{land: land})
	number := func(x *float64) (float64, bool) {
		if x == nil {
			return 0, false
		}
		return *x, true
	}
	rank := map[dashboards.Grade]float64{dashboards.GradeNone: 1, dashboards.GradeLight: 2, dashboards.GradeModerate: 3, dashboards.GradeSevere: 4, dashboards.GradeExtreme: 5}
	for key, of := range map[string]func(*dashboards.Field) (float64, bool){
		"grade":    func(f *dashboards.Field) (float64, bool) { r := rank[f.Grade]; return r, r > 0 },
		"moisture": func(f *dashboards.Field) (float64, bool) { return number(f.RSMPct) },
		"stress":   func(f *dashboards.Field) (float64, bool) { return number(f.DaysToStress) },
		"watered":  func(f *dashboards.Field) (float64, bool) { return number(f.WateredWeekMM) },
		"rain":     func(f *dashboards.Field) (float64, bool) { return number(f.RainWeekMM) },
		"probe": func(f *dashboards.Field) (float64, bool) {
			if f.ProbeAge == nil {
				return 0, false
			}
			return f.ProbeAge.Hours(), true
		},
		"plot": func(f *dashboards.Field) (float64, bool) {
			n, err := strconv.Atoi(string(f.ID[2:]))
			return float64(n), err == nil
		},
	} {
		for _, down := range []bool{false, true} {
			sign := map[bool]string{true: "-"}[down]
			page := body(t, ask(t, h, "/village?lang=en&sort="+sign+key))
			shows(t, page, `aria-sort="`+map[bool]string{false: "ascending", true: "descending"}[down]+`"`)
			ids := listed(page)
			last, unknown := 0.0, false
			for i, id := range ids {
				x, known := of(fieldOf(land, id))
				if known && unknown {
					t.Errorf("%s%s: %s is known and comes after what is not", sign, key, id)
				}
				if known && i > 0 && (down && x > last || !down && x < last) {
					t.Errorf("%s%s: %s has %g after %g", sign, key, id, x, last)
				}
				last, unknown = x, !known
			}
			if len(ids) != 40 {
				t.Errorf("%s%s: %d rows", sign, key, len(ids))
			}
		}
	}
	usual := listed(body(t, ask(t, h, "/village")))
	if fieldOf(land, usual[0]).Grade != dashboards.GradeExtreme {
		t.Errorf("the table begins with %s", usual[0])
	}
	if got := listed(body(t, ask(t, h, "/village?sort=-nonsense&page=-3&box=1,2&grade=red"))); !cmp.Equal(got, usual) {
		t.Error("a query that nobody knows changes the table")
	}
}

func TestVillageIsFiltered(t *testing.T) {
	land := landOf(40)
	h := pagesOf(t, fields{land: land})
	for query, want := range map[string]func(*dashboards.Field) bool{
		"grade=severe":                    func(f *dashboards.Field) bool { return f.Grade == dashboards.GradeSevere },
		"grade=unknown":                   func(f *dashboards.Field) bool { return f.Grade == dashboards.GradeUnknown },
		"valve=open":                      func(f *dashboards.Field) bool { return len(f.Taps) > 0 && f.Taps[0].State == dashboards.ValveOpen },
		"q=P-01":                          func(f *dashboards.Field) bool { return strings.HasPrefix(string(f.ID), "p-01") },
		"q=" + "后坡":                       func(f *dashboards.Field) bool { return strings.HasPrefix(f.Name, "后坡") },
		"box=29.159,107.09,29.1605,107.2": func(f *dashboards.Field) bool { return f.Latitude <= 29.1605 },
	} {
		page := body(t, ask(t, h, "/village?lang=en&"+query))
		var ids []string
		for _, f := range land.Fields {
			if want(f) {
				ids = append(ids, string(f.ID))
			}
		}
		got := listed(page)
		slices.Sort(got)
		if diff := cmp.Diff(ids, got); diff != "" || len(ids) == 0 {
			t.Errorf("%s (-want +got): %s", query, diff)
		}
		if faded := strings.Count(page, `class="mark faded"`); !strings.HasPrefix(query, "box") && faded != 40-len(ids) {
			t.Errorf("%s: %d plots are faded on the map, want %d", query, faded, 40-len(ids))
		}
	}
	page := body(t, ask(t, h, "/village?lang=en&q=nowhere"))
	shows(t, page, "No plot is like that", "Take away a condition", `href="/village?lang=en"`)
}

// What the page shows when it knows little.
func TestVillageKnowsLittle(t *testing.T) {
	none := landOf(0)
	early := landOf(3)
	early.At = time.Time{}
	for _, f := range early.Fields {
		*f = dashboards.Field{Plot: f.Plot}
	}
	loose, partly := landOf(12), landOf(12)
	for i, f := range loose.Fields {
		f.Latitude, f.Longitude = 0, 0
		if i < 5 {
			partly.Fields[i].Latitude, partly.Fields[i].Longitude = 0, 0
		}
	}
	point := landOf(1)
	for name, c := range map[string]struct {
		land  dashboards.Land
		marks int
		want  []string
	}{
		"no plots":       {none, 0, []string{"There are no plots here that you may see", "registry.yaml"}},
		"nothing judged": {early, 3, []string{"Nothing is judged yet", "not known"}},
		"no positions":   {loose, 12, []string{"These 12 plots have no position in the registry"}},
		"some positions": {partly, 12, []string{"The 5 plots below the line have no position"}},
		"a single plot":  {point, 1, []string{"1 plot"}},
	} {
		page := body(t, ask(t, pagesOf(t, fields{land: c.land}), "/village?lang=en"))
		shows(t, page, c.want...)
		if n := strings.Count(page, `class="mark"`); n != c.marks {
			t.Errorf("%s: %d marks", name, n)
		}
		if strings.Contains(page, "NaN") || strings.Contains(page, "Inf") {
			t.Errorf("%s: a number is none", name)
		}
	}
}

func TestSeveralVillages(t *testing.T) {
	land := landOf(30)
	land.Sites = append(land.Sites, dashboards.Village{ID: "longjing", Name: "龙井村", Zone: shanghai()})
	for _, f := range land.Fields[20:] {
		f.Site = "longjing"
	}
	h := pagesOf(t, fields{land: land})
	page := body(t, ask(t, h, "/village?lang=en"))
	shows(t, page, `href="/village?lang=en&amp;site=longjing"`, "20 plots", "10 plots")
	if strings.Contains(page, `class="map"`) || len(listed(page)) != 30 {
		t.Error("without a choice there is one map, or the table is not of all")
	}
	page = body(t, ask(t, h, "/village?lang=en&site=longjing"))
	if strings.Count(page, `class="mark"`) != 10 || len(listed(page)) != 10 {
		t.Error("a village shows plots of another")
	}
	if page = body(t, ask(t, h, "/village?lang=en&site=elsewhere")); len(listed(page)) != 30 {
		t.Error("a village that nobody knows hides plots")
	}
}

var squareLink = regexp.MustCompile(`<a href="([^"]+)" class="square"><title>(\d+) plots`)

// Ten thousand plots are drawn together, and each is found by going closer.
func TestVillageOfTenThousand(t *testing.T) {
	h := pagesOf(t, fields{land: landOf(10_000)})
	page := body(t, ask(t, h, "/village?lang=en"))
	together, single := 0, strings.Count(page, `class="mark"`)
	squares := squareLink.FindAllStringSubmatch(page, -1)
	for _, m := range squares {
		n, _ := strconv.Atoi(m[2])
		together += n
	}
	if together+single != 10_000 || len(squares) > 250 || len(page) > 200_000 || len(listed(page)) != 50 {
		t.Errorf("%d plots in %d squares and %d alone; %d rows, %d bytes", together, len(squares), single, len(listed(page)), len(page))
	}
	near := body(t, ask(t, h, strings.ReplaceAll(squares[len(squares)/2][1], "&amp;", "&")))
	want, _ := strconv.Atoi(squares[len(squares)/2][2])
	if n := strings.Count(near, `class="mark"`); n != want {
		t.Errorf("a square of %d plots opens onto %d", want, n)
	}
	shows(t, near, "Back to the whole map", "Part of the map")
	last := body(t, ask(t, h, "/village?lang=en&sort=plot&page=200"))
	if ids := listed(last); len(ids) != 50 || ids[49] != "p-9999" { // as text
		t.Errorf("the last page ends with %v", ids)
	}
}

func TestFieldPagesSpeakOneLanguage(t *testing.T) {
	land := landOf(40)
	land.Sites[0].ID, land.Sites[0].Name = "s-1", ""
	for _, f := range land.Fields {
		f.Site, f.Name = "s-1", ""
	}
	all := decided()
	all["cc01"] = clue()
	for id, d := range all {
		d.PlotName = ""
		all[id] = d
	}
	h := pagesOf(t, fields{land: land, past: week(), decisions: all})
	paths := []string{"/village", "/village?grade=extreme&q=p&valve=open", "/plots/p-004", "/plots/p-009?range=season", "/plots/none"}
	for id := range all {
		paths = append(paths, "/decisions/"+id)
	}
	for _, path := range paths {
		join := "?"
		if strings.Contains(path, "?") {
			join = "&"
		}
		speaksOne(t, path, func(lang string) string { return body(t, ask(t, h, path+join+"lang="+lang)) })
	}
}

// What others wrote is as they published it, and its licence is beside it.
func TestForeignAssetsAreUnchanged(t *testing.T) {
	for name, want := range map[string]string{
		"uPlot.iife.min.js": "19c8d4c6ad88929a79f4ae49d6f7161566dfd0ba3d15cc495e974f787eb78f1f",
		"uPlot.min.css":     "df630c6a8d6f8eeaff264b50f73ce5b114f646ffd9a0bb74f049b0a00135fa04",
		"uPlot.LICENSE.txt": "8f989229699b4fe2f1a0432d0e9edc338a8a911e250e2d1b01ecd770a5f5b1bd",
	} {
		data, err := os.ReadFile(filepath.Join("assets", name))
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprintf("%x", sha256.Sum256(data)); got != want {
			t.Errorf("%s is not that of uPlot 1.6.32: %s", name, got)
		}
	}
}

func BenchmarkVillageOfTenThousand(b *testing.B) {
	for _, n := range []int{40, 10_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			h := pagesOf(b, fields{land: landOf(n)})
			b.ReportAllocs()
			size := 0
			for b.Loop() {
				size = benchmarked(b, h, "/village?lang=zh")
			}
			b.ReportMetric(float64(size), "page-bytes")
		})
	}
}

// benchmarked answers one request and returns the size of the page.
func benchmarked(b *testing.B, h http.Handler, target string) int {
	b.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequestWithContext(b.Context(), http.MethodGet, target, nil))
	if w.Code != http.StatusOK {
		b.Fatal(w.Code)
	}
	return w.Body.Len()
}
