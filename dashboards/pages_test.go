package dashboards_test

import (
	"bytes"
	"compress/gzip"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ganlin/dashboards"
	"ganlin/devices"
)

var update = flag.Bool("update", false, "write the golden pages anew")

// ask sends a request to the pages of a village; header is a list of names and values.
func ask(t *testing.T, h http.Handler, target string, header ...string) *http.Response {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, target, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

func body(t *testing.T, r *http.Response) string {
	t.Helper()
	data, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// states are views small enough to be read as golden pages.
func states() map[string]dashboards.View {
	now := morning
	one := func(p dashboards.Plot) dashboards.View {
		v := calm(dashboards.View{Name: "三泉村"})
		v.Plots = []dashboards.Plot{p}
		return v
	}
	at := func(ago time.Duration) dashboards.Plot {
		return dashboards.Plot{ID: "p-001", Name: "后坡三号", FieldCapacity: 0.32, WiltingPoint: 0.15, Devices: []dashboards.Device{probe("s-001", now.Add(-ago), 0.231)}}
	}
	well := one(at(5 * time.Minute))
	well.Plots[0].Devices = append(well.Plots[0].Devices, valve("v-001", now.Add(-time.Minute), true))
	well.Stations = []dashboards.Station{{ID: "w-01", Devices: []dashboards.Device{weather("w-01", now.Add(-time.Minute))}}}
	well.Clock = dashboards.Clock{Stepped: true, Day: 37, Days: 120}

	building := one(dashboards.Plot{ID: "p-001", Devices: []dashboards.Device{{ID: "s-001"}}})
	building.Parts[2].Conditions = []dashboards.Condition{{Kind: dashboards.DatabaseBuilding, Step: 3, Steps: 4, Elapsed: 70 * time.Second}}
	building.DeadLetters = nil

	broken := one(at(5 * time.Minute))
	broken.Ledger.Values.Stored--
	broken.Ledger.Values.Waiting = 0
	lost := one(at(5 * time.Minute))
	lost.Plots[0].FieldCapacity, lost.Plots[0].WiltingPoint = 0, 0
	lost.Parts[1].Conditions = []dashboards.Condition{{Kind: dashboards.JournalLost, First: 5, Last: 6}}
	lost.Parts[2].Conditions = []dashboards.Condition{{Kind: dashboards.DatabaseBuilding, Elapsed: 70 * time.Second}}
	lost.Ledger.Values.Stored, lost.Ledger.Values.Lost = lost.Ledger.Values.Stored-8, 8
	dry := drySummer(now)
	dry.Plots, dry.Stations = []dashboards.Plot{dry.Plots[6], dry.Plots[11], dry.Plots[38], dry.Plots[2], dry.Plots[0]}, nil
	return map[string]dashboards.View{
		"dry":      dry,
		"well":     well,
		"empty":    {Parts: calm(dashboards.View{}).Parts, Ledger: dashboards.Ledger{Quiet: true}},
		"building": building,
		"trouble":  troubled(one(at(5 * time.Minute))),
		"silent":   one(at(53 * time.Hour)),
		"broken":   broken,
		"lost":     lost,
	}
}

var hashes = regexp.MustCompile(`(assets/\w+-)[0-9a-f]{12}|(data-v=")[0-9a-f]+`)

func TestGoldenPages(t *testing.T) {
	for name, view := range states() {
		for _, lang := range []string{"zh", "en"} {
			t.Run(name+"-"+lang, func(t *testing.T) {
				got := body(t, ask(t, serve(t, newVillage(view)), "/?lang="+lang))
				got = hashes.ReplaceAllString(got, "${1}${2}HASH")
				golden := filepath.Join("testdata", name+"-"+lang+".html")
				if *update {
					if err := os.WriteFile(golden, []byte(got), 0o600); err != nil {
						t.Fatal(err)
					}
				}
				want, err := os.ReadFile(golden)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); diff != "" {
					t.Errorf("(-golden +page; -update writes it anew):\n%s", diff)
				}
			})
		}
	}
}

// shows fails unless the page holds each text.
func shows(t *testing.T, page string, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if !strings.Contains(page, text) {
			t.Errorf("the page does not show %q", text)
		}
	}
}

func TestEveryStateIsSaidInWords(t *testing.T) {
	for name, texts := range map[string][]string{
		"dry": {
			"有 3 块地需要留意", "很旱", "作物已经缺水", "正在浇水，最迟 10:10 自动关", "已浇 5,234 升，共 12,000 升", "不知道：探头 2 天没有消息",
			"阀门是开是关不知道，按开着处理", "地很干", "涉及 柏树林一号、皂角坪三号", "可能减产 46%", "（34%～58%）", "把握：大", "2</g-t></b> <g-t>户待走访", "玉米", "需水最多的时候",
		},
		"well":     {"一切正常", "0.231", "m³/m³", "正在浇水", "31.3", "账平", "第 37 天，共 120 天", "mosquitto_pub"},
		"empty":    {"还没有登记田块"},
		"building": {"正在准备", "第 3 步，共 4 步，已用 1 分 10 秒", "还没有读数", "没有。收到的每条消息都读懂了"},
		"trouble":  {"磁盘已满", "第 5 到 6 号记录丢失", "自 2026年7月12日 06:55 起连不上", "有 1 个正在途中"},
		"silent":   {"有 1 块地需要留意", "失联", "2 天前", "2026年7月10日 04:00"},
		"broken":   {"系统需要处理", "账不平，差 1", "两条细线"},
		"lost":     {"系统需要处理", "第 5 到 6 号记录丢失", "首次准备 InfluxDB，已用 1 分 10 秒", "账平，丢失 8 个"},
	} {
		t.Run(name, func(t *testing.T) {
			shows(t, body(t, ask(t, serve(t, newVillage(states()[name])), "/")), texts...)
		})
	}
}

func TestTheLanguageFollowsTheBrowserUnlessAsked(t *testing.T) {
	pages := serve(t, newVillage(states()["well"]))
	for _, test := range []struct{ target, header, want string }{
		{"/", "", `<html lang="zh-CN">`},
		{"/", "en-GB,en;q=0.8", `<html lang="en">`},
		{"/", "fr", `<html lang="zh-CN">`},
		{"/?lang=en", "zh-CN", `<html lang="en">`},
		{"/?lang=zh", "en", `<html lang="zh-CN">`},
	} {
		r := ask(t, pages, test.target, "Accept-Language", test.header)
		shows(t, body(t, r), test.want)
		if got := r.Header.Get("Vary"); !strings.Contains(got, "Accept-Language") {
			t.Errorf("Vary: %q", got)
		}
	}
	// The way to the other language keeps what was searched for.
	shows(t, body(t, ask(t, pages, "/?q=p-001")), `href="/?lang=en&amp;q=p-001"`)
	shows(t, body(t, ask(t, pages, "/?lang=en&q=p-001")), `href="/?lang=zh-CN&amp;q=p-001"`, `<input type="hidden" name="lang" value="en">`)
}

func TestThePageTrustsNothing(t *testing.T) {
	const evil = `<script>alert(1)</script>"'&`
	v := states()["well"]
	v.Name, v.Command = evil, evil
	v.Plots[0].Name = evil
	v.Plots[0].Devices[0].Firmware = evil
	v.Parts[0].Conditions[0].Detail = evil
	v.DeadLetters = []dashboards.DeadLetters{{Reason: evil, Count: 1}}
	p := &v.Plots[0]
	p.Grade, p.WhyUnknown, p.Crop, p.Stage, p.Mode, p.Held = dashboards.GradeUnknown, []string{evil}, evil, evil, evil, evil
	p.Valves = []dashboards.Valve{{ID: evil, State: evil}}
	v.Alerts = []dashboards.Alert{{
		ID: evil, Rule: evil, Subject: evil, PlotName: evil, Severity: evil, State: evil, Since: morning, Numbers: map[string]float64{evil: 1},
	}, {Rule: "frost", Subject: string(p.Devices[0].ID), State: dashboards.AlertFiring}}
	v.Clues = []dashboards.Clue{{ID: evil, Level: evil, Plots: []string{evil}, Confidence: evil}}
	r := ask(t, serve(t, newVillage(v)), "/?q="+"%3Cscript%3E&lang=%22%3E%3Cscript%3E")
	if page := body(t, r); strings.Contains(page, "<script>") || strings.Count(page, "<script") != 1 {
		t.Errorf("text became markup:\n%s", page)
	}
	want := "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
	if got := r.Header.Get("Content-Security-Policy"); got != want {
		t.Errorf("policy %q", got)
	}
	for name, want := range map[string]string{"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cache-Control": "no-store"} {
		if got := r.Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

func unpack(t *testing.T, r *http.Response) (packed int, plain []byte) {
	t.Helper()
	if got := r.Header.Get("Content-Encoding"); got != "gzip" {
		t.Fatalf("content encoding %q", got)
	}
	data := body(t, r)
	z, err := gzip.NewReader(strings.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	if plain, err = io.ReadAll(z); err != nil {
		t.Fatal(err)
	}
	return len(data), plain
}

var ownFile = regexp.MustCompile(`/assets/[\w.-]+`)

// TestTheFirstLoadIsLight counts what a phone loads that has never been here.
func TestTheFirstLoadIsLight(t *testing.T) {
	pages := serve(t, newVillage(drySummer(morning)))
	total, page := unpack(t, ask(t, pages, "/", "Accept-Encoding", "gzip, deflate, br"))
	sizes := []string{fmt.Sprintf("page %d (plain %d)", total, len(page))}
	seen := map[string]bool{}
	for _, name := range ownFile.FindAllString(string(page), -1) {
		if seen[name] {
			continue
		}
		seen[name] = true
		r := ask(t, pages, name, "Accept-Encoding", "gzip")
		size, _ := unpack(t, r)
		total += size
		sizes = append(sizes, fmt.Sprintf("%s %d", name, size))
	}
	t.Logf("%d bytes in %d files: %s", total, len(seen)+1, strings.Join(sizes, ", "))
	if total > 30_000 || len(seen) != 3 {
		t.Errorf("%d bytes in %d files, want at most 30,000 in 4", total, len(seen)+1)
	}
}

func TestAssetsAreKeptForEver(t *testing.T) {
	pages := serve(t, newVillage(dashboards.View{}))
	types := map[string]string{".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
	for _, name := range ownFile.FindAllString(body(t, ask(t, pages, "/")), -1) {
		plain := ask(t, pages, name)
		if got := plain.Header.Get("Cache-Control"); got != "public, max-age=31536000, immutable" {
			t.Errorf("%s: Cache-Control %q", name, got)
		}
		if got := plain.Header.Get("Content-Type"); got != types[filepath.Ext(name)] {
			t.Errorf("%s: Content-Type %q", name, got)
		}
		if _, packed := unpack(t, ask(t, pages, name, "Accept-Encoding", "gzip")); !bytes.Equal(packed, []byte(body(t, plain))) {
			t.Errorf("%s: packed and plain differ", name)
		}
		again := ask(t, pages, name, "If-None-Match", plain.Header.Get("ETag"))
		if again.StatusCode != http.StatusNotModified || body(t, again) != "" {
			t.Errorf("%s: a second load answers %d", name, again.StatusCode)
		}
		if r := ask(t, pages, name, "Accept-Encoding", "gzip;q=0"); r.Header.Get("Content-Encoding") != "" {
			t.Errorf("%s is packed for a client that refuses it", name)
		}
	}
	for _, name := range []string{"/assets/page.css", "/assets/", "/assets/../pages/page.html", "/index.html"} {
		if r := ask(t, pages, name); r.StatusCode == http.StatusOK {
			t.Errorf("%s answers %d", name, r.StatusCode)
		}
	}
}

// many is a village of n plots with a probe each.
func many(n int) dashboards.View {
	v := calm(dashboards.View{})
	for i := range n {
		v.Plots = append(v.Plots, dashboards.Plot{
			ID: devices.PlotID(fmt.Sprintf("p-%05d", i)), Devices: []dashboards.Device{probe(fmt.Sprintf("s-%05d", i), morning, 0.231)},
		})
	}
	return v
}

func TestThousandsOfDevicesAreShownAPageAtATime(t *testing.T) {
	pages := serve(t, newVillage(many(3000)))
	cards := func(target string) int {
		page := body(t, ask(t, pages, target))
		if len(page) > 200_000 {
			t.Errorf("%s: the page has %d bytes", target, len(page))
		}
		return strings.Count(page, `<li id="p_`)
	}
	for target, want := range map[string]int{
		"/": 48, "/?page=2": 48, "/?page=63": 24, "/?page=9999": 24, "/?page=-1": 48, "/?page=x": 48,
		"/?q=p-0012": 10, "/?q=S-01234": 1, "/?q=nobody": 0, "/?q=" + strings.Repeat("p", 5000): 0,
	} {
		if got := cards(target); got != want {
			t.Errorf("%.40s shows %d cards, want %d", target, got, want)
		}
	}
	shows(t, body(t, ask(t, pages, "/?page=2&lang=en")), "3,000 in all", "Page 2 of 63", `href="/?lang=en" rel="prev"`, `href="/?lang=en&amp;page=3" rel="next"`)
	shows(t, body(t, ask(t, pages, "/?q=nobody")), "没有和“nobody”相符的", `href="/"`)
}

func TestWhatNeedsAttentionComesFirst(t *testing.T) {
	page := body(t, ask(t, serve(t, newVillage(fortyPlots(morning))), "/"))
	var got []string
	for _, m := range regexp.MustCompile(`<li id="p_(p-\d+)"`).FindAllStringSubmatch(page, -1) {
		got = append(got, m[1])
	}
	want := []string{"p-012", "p-018", "p-007", "p-023", "p-031", "p-029", "p-015", "p-035", "p-027", "p-001", "p-002"}
	if len(got) != 40 {
		t.Fatalf("%d plots are shown", len(got))
	}
	if diff := cmp.Diff(want, got[:len(want)]); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
}

func TestADryFieldIsToldFromAWetOne(t *testing.T) {
	const taw, raw = 100.0, 55.0
	for name, test := range map[string]struct {
		plot dashboards.Plot
		want []string
	}{
		"enough": {
			dashboards.Plot{Grade: dashboards.GradeNone, DepletionMM: new(20.0), RAWMM: new(raw), TAWMM: new(taw), DaysToStress: new(7.9)},
			[]string{`class="fill" width="80"`, `d="M45 0v8"`, "80</g-t>%", "大约 7 天后开始缺水", "不旱", "一切正常"},
		},
		"less than a day": {
			dashboards.Plot{Grade: dashboards.GradeLight, DepletionMM: new(54.0), RAWMM: new(raw), TAWMM: new(taw), DaysToStress: new(0.2)},
			[]string{"一天内开始缺水", "有点旱", "一切正常"},
		},
		"days that nobody knows": {
			dashboards.Plot{Grade: dashboards.GradeNone, DepletionMM: new(0.0), RAWMM: new(raw), TAWMM: new(taw)},
			[]string{"作物现在不缺水", `class="fill" width="100"`},
		},
		"many days": {
			dashboards.Plot{Grade: dashboards.GradeNone, DepletionMM: new(0.0), RAWMM: new(raw), TAWMM: new(taw), DaysToStress: new(33.0)},
			[]string{"十天内不缺水"},
		},
		"a person has to water it": {
			dashboards.Plot{Grade: dashboards.GradeNone, DepletionMM: new(52.0), RAWMM: new(raw), TAWMM: new(taw), DaysToStress: new(0.4), Advice: dashboards.AdviseWater},
			[]string{"该浇水了", "有 1 块地需要留意"},
		},
		"its valve waits for the evening while the crop lacks water": {
			dashboards.Plot{Grade: dashboards.GradeLight, DepletionMM: new(60.0), RAWMM: new(raw), TAWMM: new(taw), Advice: dashboards.AdviseItself},
			[]string{"该浇水了", "作物已经缺水", "有 1 块地需要留意"},
		},
		"it is being watered": {
			dashboards.Plot{Grade: dashboards.GradeLight, DepletionMM: new(60.0), RAWMM: new(raw), TAWMM: new(taw), Advice: dashboards.AdviseWatering, Valves: []dashboards.Valve{{ID: "v-1", State: dashboards.ValveOpen}}},
			[]string{"作物已经缺水", "正在浇水", "一切正常"},
		},
		"harvested": {
			dashboards.Plot{Grade: dashboards.GradeNone, DepletionMM: new(60.0), RAWMM: new(raw), TAWMM: new(taw), DaysToStress: new(0.0), Stage: "harvested"},
			[]string{"40</g-t>%", "一切正常"},
		},
		"nearly ripe": {
			dashboards.Plot{Grade: dashboards.GradeNone, DepletionMM: new(60.0), RAWMM: new(raw), TAWMM: new(taw), Stage: "late", Advice: dashboards.AdviseNothing},
			[]string{"作物已经缺水", "一切正常"},
		},
		"stress": {
			dashboards.Plot{Grade: dashboards.GradeSevere, DepletionMM: new(120.0), RAWMM: new(raw), TAWMM: new(taw), DaysToStress: new(0.0)},
			[]string{`class="fill" width="0"`, "作物已经缺水", "很旱", "有 1 块地需要留意"},
		},
		"unknown, with numbers of yesterday": {
			dashboards.Plot{Grade: dashboards.GradeUnknown, DepletionMM: new(20.0), RAWMM: new(raw), TAWMM: new(taw), WhyUnknown: []string{"soil_moisture", "relative_humidity"}},
			[]string{`class="hatch"`, "不知道：没有可信的土壤水分；没有相对湿度", "旱情不知道", "有 1 块地需要留意"},
		},
		"unknown for no reason given": {dashboards.Plot{Grade: dashboards.GradeUnknown}, []string{"不知道：资料不够"}},
		"held": {
			dashboards.Plot{Grade: dashboards.GradeModerate, DepletionMM: new(60.0), RAWMM: new(raw), TAWMM: new(taw), RSMPct: new(48.3), Held: "window"},
			[]string{"先不浇：还没到可以浇水的时候", "48.3%", "比较旱"},
		},
		"a valve of which nothing is known": {
			dashboards.Plot{Valves: []dashboards.Valve{{ID: "v-1"}}}, []string{"阀门是开是关不知道，按开着处理", "请看阀门"},
		},
		"a valve that closes tomorrow": {
			dashboards.Plot{Valves: []dashboards.Valve{{ID: "v-1", State: dashboards.ValveOpen, Until: morning.Add(20 * time.Hour), DeliveredL: new(0.0)}}},
			[]string{"最迟 7月13日 05:00 自动关", "已浇 0 升", "正在浇水"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			test.plot.ID, test.plot.Devices = "p-1", []dashboards.Device{probe("s-1", morning.Add(-5*time.Minute), 0.231)}
			page := body(t, ask(t, serve(t, newVillage(dashboards.View{Plots: []dashboards.Plot{test.plot}})), "/?lang=zh"))
			shows(t, page, test.want...)
			if unknown := test.plot.Grade == dashboards.GradeUnknown; unknown && strings.Contains(page, "</g-t>%") {
				t.Error("a share of water is shown that nobody knows")
			}
			if test.plot.Stage == "harvested" && strings.Contains(page, "作物已经缺水") {
				t.Error("a crop that is not there lacks water")
			}
		})
	}
}

func TestTheWorstAlertIsTheFirst(t *testing.T) {
	page := body(t, ask(t, serve(t, newVillage(drySummer(morning))), "/?lang=en"))
	var got []string
	for _, m := range regexp.MustCompile(`data-k="([^"]+)"`).FindAllStringSubmatch(page, -1) {
		got = append(got, m[1])
	}
	want := []string{
		"drought_severe critical firing", "valve_unconfirmed critical firing", "soil_unknown warning unknown", "heat warning pending", "water_need info firing",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
	if red, yellow := strings.Index(page, "On 柏树林一号"), strings.Index(page, "On 后坡四号"); red < 0 || red > yellow {
		t.Error("the gravest clue is not the first")
	}
	shows(t, page, `href="/?lang=en&amp;q=p-031"`, "1 more", "7 places")
	plots := regexp.MustCompile(`<li id="p_(p-\d+)"`).FindAllStringSubmatch(page, 7)
	if got := plots[0][1] + plots[1][1] + plots[2][1]; got != "p-039p-031p-007" {
		t.Errorf("plots begin with %s", got)
	}
}

func TestAnAlertOfNoPlotIsNotPassedOver(t *testing.T) {
	v := states()["well"]
	for _, test := range []struct {
		severity string
		state    dashboards.AlertState
		want     string
	}{
		{"warning", dashboards.AlertFiring, "1 thing needs seeing to"},
		{"critical", dashboards.AlertUnknown, "1 thing needs seeing to"},
		{"info", dashboards.AlertFiring, "All is well"},
		{"critical", dashboards.AlertPending, "All is well"},
	} {
		v.Alerts = []dashboards.Alert{{Rule: "a_rule_of_next_year", Subject: "x", Severity: test.severity, State: test.state}}
		shows(t, body(t, ask(t, serve(t, newVillage(v)), "/?lang=en")), test.want, "a_rule_of_next_year")
	}
}

func TestAThousandAlertsAreBounded(t *testing.T) {
	v := many(1000)
	for _, p := range v.Plots {
		v.Alerts = append(v.Alerts, dashboards.Alert{ID: "a-" + string(p.ID), Rule: "drought", Subject: string(p.ID), Severity: "warning", State: dashboards.AlertFiring, Since: morning})
		v.Clues = append(v.Clues, dashboards.Clue{ID: "c-" + string(p.ID), Level: "blue", Plots: []string{"1", "2", "3", "4", "5", "6", "7"}})
	}
	page := body(t, ask(t, serve(t, newVillage(v)), "/?lang=en"))
	shows(t, page, "1,000 places", "994 more", "960 more", "and others, 7 plots in all")
	if len(page) > 200_000 {
		t.Errorf("the page has %d bytes", len(page))
	}
}

func TestWhoNeedsALook(t *testing.T) {
	const hour = time.Hour
	for name, test := range map[string]struct {
		device dashboards.Device
		look   bool
	}{
		"a probe that sleeps between its readings": {dashboards.Device{At: morning.Add(-hour / 2), Online: dashboards.IsOffline}, false},
		"a late probe":                       {dashboards.Device{At: morning.Add(-2 * hour)}, false},
		"a silent probe":                     {dashboards.Device{At: morning.Add(-4 * hour)}, true},
		"a probe that reports once a day":    {dashboards.Device{At: morning.Add(-4 * hour), Every: 24 * hour}, false},
		"a connected valve with old values":  {dashboards.Device{At: morning.Add(-40 * hour), Valve: true, Online: dashboards.IsOnline}, false},
		"a valve of which nobody knows more": {dashboards.Device{At: morning.Add(-40 * hour), Valve: true}, true},
		"a valve that is not connected":      {dashboards.Device{At: morning, Valve: true, Online: dashboards.IsOffline}, true},
		"a probe that never reported":        {dashboards.Device{}, true},
	} {
		t.Run(name, func(t *testing.T) {
			test.device.ID = "d-1"
			v := dashboards.View{Plots: []dashboards.Plot{
				{ID: "p-1", Devices: []dashboards.Device{test.device}}, {ID: "p-2", Devices: []dashboards.Device{{ID: "d-2", At: morning}}},
			}}
			want := map[bool]string{false: "All is well", true: "1 plot needs a look"}[test.look]
			shows(t, body(t, ask(t, serve(t, newVillage(v)), "/?lang=en")), want)
		})
	}
}

func TestNumbersAreWrittenForPeople(t *testing.T) {
	v := dashboards.View{Plots: []dashboards.Plot{{ID: "p-1", Devices: []dashboards.Device{{ID: "s-1", At: morning, Values: []dashboards.Value{
		value("soil_moisture@20", 0.23149, morning), value("soil_moisture@100", -0.0123, morning), value("soil_temperature@20", -0.04, morning),
		value("volume_total", 1234567.8, morning), value("illuminance", 54321, morning), value("wind_direction", 359.6, morning),
		value("valve_open#2", 1, morning), value("soil_conductivity@20#3", 0.5, morning),
	}}}}}}
	page := regexp.MustCompile(`<[^>]+>`).ReplaceAllString(body(t, ask(t, serve(t, newVillage(v)), "/?lang=en")), "")
	shows(t, page, "20 cm0.231 m³/m³", "100 cm−0.012 m³/m³", "Soil temperature 20 cm0.0 °C", "Volume, total1,234,568 L",
		"Illuminance54,321 lx", "Wind direction360 °", "Valve ch. 2open", "Soil conductivity 20 cm · ch. 30.50 dS/m")
	if strings.Index(page, "20 cm0.231") > strings.Index(page, "100 cm") {
		t.Error("100 cm comes before 20 cm")
	}
}

func TestProbesOfOnePlotAreToldApart(t *testing.T) {
	v := dashboards.View{Plots: []dashboards.Plot{{ID: "p-1", Devices: []dashboards.Device{
		probe("s-1", morning, 0.231), probe("s-2", morning, 0.187), valve("v-1", morning, false),
	}}}}
	page := regexp.MustCompile(`<[^>]+>`).ReplaceAllString(body(t, ask(t, serve(t, newVillage(v)), "/?lang=en")), "")
	shows(t, page, "20 cm s-10.232 m³/m³", "20 cm s-20.188 m³/m³", "Valveclosed")
}

func TestOptionsAreRequired(t *testing.T) {
	log := slog.New(slog.DiscardHandler)
	for _, o := range []dashboards.Options{
		{Log: log, Now: time.Now}, {Source: newVillage(dashboards.View{}), Now: time.Now}, {Source: newVillage(dashboards.View{}), Log: log},
	} {
		if _, err := dashboards.New(o); err == nil {
			t.Errorf("New(%+v) gave no error", o)
		}
	}
}

// BenchmarkPage renders the first page of 10,000 plots, which happens at most
// four times a second for each language and search.
func BenchmarkPage(b *testing.B) {
	pages := serve(b, newVillage(many(10_000)))
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		r := httptest.NewRequestWithContext(b.Context(), http.MethodGet, fmt.Sprintf("/?q=p-%d", i%2), nil)
		pages.ServeHTTP(httptest.NewRecorder(), r)
		time.Sleep(0)
	}
}
