package dashboards_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"ganlin/dashboards"
	"ganlin/devices"
)

// errands are clues in the states that the pages tell apart, each under its name.
func errands() []dashboards.Errand {
	unknown := errand("unknown", "h-005", "unknown", "open")
	unknown.LossLow, unknown.LossMid, unknown.LossHigh, unknown.Confidence = new(0.0), nil, new(1.0), "low"
	withdrawn := errand("withdrawn", "h-006", "none", "open")
	withdrawn.Withdrawn, withdrawn.Steps = evening.Add(-40*time.Hour), nil
	underWay := errand("under-way", "h-007", "none", "dispatched")
	underWay.Withdrawn = evening.Add(-40 * time.Hour)
	dismissed := errand("dismissed", "h-008", "red", "verified")
	dismissed.Stage = "dismissed"
	dismissed.Deeds[2].Stage, dismissed.Deeds[2].Reason = "dismissed", "wrong_data"
	bare := errand("bare", "h-009", "blue", "open")
	bare.LossLow, bare.LossMid, bare.LossHigh, bare.Plots, bare.Confidence, bare.Parcels, bare.Decided = nil, nil, nil, nil, "", nil, nil
	some := errand("some", "h-010", "yellow", "visited")
	some.Parcels[0].Known = 21
	some.NoNotes, some.Deeds[0].Unreadable = true, true
	return []dashboards.Errand{errand("red", "h-002", "red", "open"), errand("verified", "h-003", "orange", "verified"), unknown, withdrawn, underWay, dismissed, bare, some}
}

func TestCluePagesSayIt(t *testing.T) {
	pages := newOffice(errands()...).serve(t)
	const care, final = "不要写姓名、电话、证件号，也不要写病情。最多 2,000 字。", "记下以后谁也改不了"
	for path, want := range map[string]struct{ zh, en []string }{
		"": {[]string{
			"5 条线索要办", "2026年7月14日 16:30 的情况", "这只是线索，不是结论", "红 · 最急 三泉村 还没人去 派人去看 h-002 这户 可能减产 62% （35%～90%） 7月11日算的 涉及 后坡三号、水井坎二号 7月11日提出 把握：中",
			"轻重不明", "这不等于没事，请去看看", "已撤回 三泉村 派了人，等上门 上门去看 h-007 这户", "写下 h-010 这户的结论", "当时的依据没有留下",
		}, []string{"5 clues to see to", "Send somebody to household h-002", "A clue, not a verdict"}},
		"?state=closed": {[]string{"3 条线索办完了", "h-003 这户核实过：要帮扶", "h-006 这户不用去了", "估计的损失降下来了，系统 7月13日撤回了这条线索。", "h-008 这户核实过：不用帮扶"}, []string{"3 clues are done with"}},
		"/red": {[]string{
			"派了人吗？", "备注（可以不写）", care, final, "农户 h-002 的地可能减产 62%（35～90%），提出一条线索（红）", "把握中等", "后坡三号 玉米，3.2 亩 可能减产 71% 之前 30 天里有 18 天缺水 照现在的情况，可能减产 76% 旱情：当时重旱，现在特旱",
			"水井坎二号 土豆，1.2 亩 减产多少还不知道 之前缺了多少天水，不知道 旱情：当时不知道，现在不知道", "还没有人办过。",
		}, []string{"Was somebody sent?", "No names, telephone numbers, identity numbers or illnesses", "short of water on 18 days of the 30 before", "drought: very dry then, extremely dry now"}},
		"/some":      {[]string{"看到的怎么样？", "要帮扶 庄稼受了损 没有水可浇 别的原因", "不用帮扶 庄稼没事", "知道的有 21 天，其中 18 天缺水", "派了人 2026年7月12日 17:00 grid 这里写过备注，现在看不到。请告诉管系统的人。 上门看过", "现在存不了备注。请空着不写，并告诉管系统的人。", "上门看过 2026年7月13日 02:00 grid-2 井干了。", "谁也改不了"}, []string{"It needs help The crops are damaged", "Something was written here.", "Leave this empty"}},
		"/unknown":   {[]string{"轻重不明", "减产多少还不知道 （0%～100%）", "把握小"}, []string{"Urgency not known", "please look"}},
		"/withdrawn": {[]string{"已撤回", "h-006 这户不用去了"}, []string{"Nobody needs to go to household h-006"}},
		"/under-way": {[]string{"上门看过了吗？", "已经派了人的，看完照样记下结论。"}, []string{"Was the household visited?"}},
		"/dismissed": {[]string{"h-008 这户核实过：不用帮扶", "核实：不用帮扶 系统的数不对 2026年7月13日 03:00 grid 要水罐"}, []string{"it needs no help", "The system's numbers are wrong"}},
		"/bare":      {[]string{"减产多少查不到", "系统当时怎么说的，没有留下。", "是哪几块地，没有留下。"}, []string{"is not kept"}},
	} {
		for lang, sentences := range map[string][]string{"zh": want.zh, "en": want.en} {
			join := map[bool]string{true: "&", false: "?"}[strings.Contains(path, "?")]
			res := ask(t, pages, "/clues"+path+join+"lang="+lang)
			read := strings.Join(strings.Fields(text(body(t, res))), " ")
			if res.StatusCode != http.StatusOK {
				t.Errorf("%s, %s: %d", path, lang, res.StatusCode)
			}
			for _, s := range sentences {
				if !strings.Contains(read, s) {
					t.Errorf("%s, %s: %q is not said in %q", path, lang, s, read)
				}
			}
		}
	}
	speaksOne(t, "the clues", func(lang string) string {
		o := newOffice(errands()...)
		all := ""
		for i := range o.errands {
			e := &o.errands[i]
			e.Place, e.Plots = "", nil
			for k := range e.Parcels {
				e.Parcels[k].Name, e.Parcels[k].ID = "", devices.PlotID(fmt.Sprint(k))
			}
			for k := range e.Deeds {
				e.Deeds[k].Account, e.Deeds[k].Note = "", ""
			}
		}
		pages := o.serve(t)
		for _, e := range o.errands {
			all += body(t, ask(t, pages, "/clues/"+e.ID+"?lang="+lang))
		}
		return all + body(t, ask(t, pages, "/clues?lang="+lang))
	})
}

func TestCluePagesOfOthers(t *testing.T) {
	o := newOffice(errands()...)
	pages := o.serve(t)
	form := regexp.MustCompile(`<form class="step"|<textarea|clues-[0-9a-f]+\.js`)
	if page := body(t, ask(t, pages, "/clues/red")); len(form.FindAllString(page, -1)) != 7 { // three steps, of which two follow
		t.Errorf("a grid worker's page has %q", form.FindAllString(page, -1))
	}
	foreign, missing := ask(t, pages, "/clues/foreign"), ask(t, pages, "/clues/none")
	if a, b := body(t, foreign), body(t, missing); foreign.StatusCode != http.StatusNotFound || missing.StatusCode != http.StatusNotFound ||
		strings.ReplaceAll(a, "foreign", "none") != b || !strings.Contains(a, "没有这一页") {
		t.Errorf("a foreign clue %d, a missing one %d, and they look different", foreign.StatusCode, missing.StatusCode)
	}
	o.viewer = dashboards.Viewer{Account: "a", Role: "agronomist", CSRF: "c", ReadsClues: true}
	page := body(t, ask(t, pages, "/clues/red"))
	if got := form.FindString(page); got != "" {
		t.Errorf("an agronomist's page has %s", got)
	}
	shows(t, page, "派人去看 h-002 这户", "后坡三号", `<a href="/clues">线索</a>`)
	o.viewer.Language = "en"
	shows(t, body(t, ask(t, pages, "/clues")), "clues to see to") // as the account has it
	shows(t, body(t, ask(t, pages, "/clues?lang=zh")), "条线索要办")   // but an address may name another
	o.fails = errors.New("the disk is gone")
	for _, path := range []string{"/clues", "/clues/red"} {
		if res := ask(t, pages, path); res.StatusCode != http.StatusServiceUnavailable || strings.Contains(body(t, res), "disk") {
			t.Errorf("%s without records: %d", path, res.StatusCode)
		}
	}
}

// TestFirstPageLeadsToClues looks at the first page and its live updates as those who may open clues and as those who may not.
func TestFirstPageLeadsToClues(t *testing.T) {
	view := states()["dry"]
	for reads, links := range map[bool]int{true: len(view.Clues), false: 0} {
		v := newVillage(view)
		pages, err := dashboards.New(dashboards.Options{
			Source: v, Log: slog.New(slog.DiscardHandler), Now: v.Now, Viewer: func(context.Context) dashboards.Viewer { return dashboards.Viewer{ReadsClues: reads} },
		})
		if err != nil {
			t.Fatal(err)
		}
		mux := http.NewServeMux()
		pages.Register(mux)
		page := body(t, ask(t, mux, "/?lang=en"))
		if n := strings.Count(page, `<a href="/clues/`); n != links || len(view.Clues) == 0 {
			t.Errorf("%d links to %d clues, may read: %v", n, len(view.Clues), reads)
		}
		server := httptest.NewServer(mux)
		res, err := http.Get(server.URL + "/live?lang=en&have=" + have(page))
		if err != nil {
			t.Fatal(err)
		}
		told := bufio.NewScanner(res.Body)
		for told.Scan() && !strings.HasPrefix(told.Text(), "data: ") {
			continue
		}
		if line := told.Text(); line == "" || strings.HasPrefix(line, `data: {"h":`) { // no region has another shape
			t.Errorf("live is not what was shown: %s", line)
		}
		_ = res.Body.Close()
		server.CloseClientConnections()
		server.Close()
	}
}

func TestClueListInPages(t *testing.T) {
	none := body(t, ask(t, newOffice().serve(t), "/clues?lang=zh"))
	shows(t, none, "0 条线索要办", "现在没有要走访的", "每天夜里算一次")
	shows(t, body(t, ask(t, newOffice().serve(t), "/clues?state=closed&lang=zh")), "还没有办完的")
	var many []dashboards.Errand
	for i := range 45 {
		many = append(many, errand(fmt.Sprint("c-", i), fmt.Sprintf("h-%03d", i), "blue", "open"))
	}
	pages := newOffice(many...).serve(t)
	for page, want := range map[string]string{"1": "0-19", "2": "20-39", "3": "40-44", "9": "40-44", "-1": "0-19", "x": "0-19"} {
		all := regexp.MustCompile(`data-clue="c-(\d+)"`).FindAllStringSubmatch(body(t, ask(t, pages, "/clues?page="+page)), -1)
		if got := all[0][1] + "-" + all[len(all)-1][1]; got != want {
			t.Errorf("page %s shows %s, want %s", page, got, want)
		}
	}
	shows(t, body(t, ask(t, pages, "/clues?page=2&lang=zh")), `href="/clues?lang=zh-CN" rel="prev"`, `href="/clues?lang=zh-CN&amp;page=3" rel="next"`, "第 2 页")
}

// TestClueFormsWithoutScript sends what the forms hold, as a browser without scripts does.
func TestClueFormsWithoutScript(t *testing.T) {
	o := newOffice(errand("red", "h-002", "red", "open"))
	pages := o.serve(t)
	hidden := regexp.MustCompile(`<input type="hidden" name="(\w+)" value="([^"]*)">`)
	read := func(page string) url.Values {
		form, v := page[strings.Index(page, `<form class="step"`):], url.Values{}
		for _, m := range hidden.FindAllStringSubmatch(form[:strings.Index(form, "</form>")], -1) {
			v.Set(m[1], m[2])
		}
		return v
	}
	send := func(v url.Values) *httptest.ResponseRecorder {
		r := httptest.NewRequestWithContext(t.Context(), "POST", "/clues/red?lang=zh", strings.NewReader(v.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		w := httptest.NewRecorder()
		pages.ServeHTTP(w, r)
		return w
	}
	first := read(body(t, ask(t, pages, "/clues/red")))
	first.Set("note", "小王去")
	for range 2 { // pressed twice
		if w := send(first); w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/clues/red?lang=zh" || w.Result().Cookies()[0].Value != "dispatch" {
			t.Errorf("a form leads to %d %s", w.Code, w.Header().Get("Location"))
		}
	}
	if len(o.arrived) != 2 || len(o.kept) != 1 || o.errands[0].Version != 1 {
		t.Errorf("pressed twice, %d arrived and %d are kept", len(o.arrived), len(o.kept))
	}
	shows(t, body(t, ask(t, pages, "/clues/red?lang=zh", "Cookie", "ganlin_said=dispatch")), "记下了：派了人。", "小王去", `value="visit"`)
	for _, code := range []string{"first", "nonsense", "<b>"} { // nothing is said that no form leads to
		if page := body(t, ask(t, pages, "/clues/red?lang=zh", "Cookie", "ganlin_said="+code)); strings.Contains(page, `class="say`) {
			t.Errorf("%s is believed", code)
		}
	}
	// The control: the same under another id is another act, and is refused.
	again := read(body(t, ask(t, pages, "/clues/red")))
	again.Set("choice", "dispatch")
	again.Set("version", "0")
	again.Set("note", "小李去")
	w := send(again)
	if page := text(w.Body.String()); w.Code != http.StatusConflict || !strings.Contains(page, "没有记上：别人先办了一步") || !strings.Contains(w.Body.String(), ">小李去</textarea>") {
		t.Errorf("a second dispatch: %d, %q", w.Code, strings.Join(strings.Fields(page), " "))
	}
	if len(o.kept) != 1 || len(o.arrived) != 3 {
		t.Errorf("%d arrived, %d are kept", len(o.arrived), len(o.kept))
	}
	o.errands[0].Steps = nil // and where nothing more can be done, what was typed stands beside
	if page := send(again).Body.String(); !strings.Contains(page, ">小李去</pre>") || strings.Contains(page, "<textarea") {
		t.Error("what was typed is gone")
	}
}
