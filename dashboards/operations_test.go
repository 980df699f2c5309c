package dashboards_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"ganlin/dashboards"
	"ganlin/devices"
)

// plants are the states of the page, with sentences that it must say.
func plants() map[string]struct {
	plant  *plant
	zh, en []string
} {
	type want = struct {
		plant  *plant
		zh, en []string
	}
	trouble := running()
	trouble.change(func(m *dashboards.Machine) {
		m.Parts[1].Conditions = []dashboards.Condition{{Kind: dashboards.JournalDiskFull, Detail: "the disk has 5 bytes free"}, {Kind: dashboards.JournalLost, First: 5, Last: 9}}
		m.Parts[2].Conditions = []dashboards.Condition{{Kind: dashboards.DatabaseRefusing, Detail: "401 unauthorized"}}
		m.Parts[0].Conditions = append(m.Parts[0].Conditions, dashboards.Condition{Kind: dashboards.BrokerUnreachable, Detail: "tcp://mosquitto:1883", Since: morning})
		m.Letters.Dropped = 1240
		m.Journal.Lost, m.Journal.Free, m.Ledger.Values.Stored, m.Ledger.Messages.Received = 8, 1_200_000_000, 208_497, 17_613
		m.ClockOff, m.Database.Waiting, m.Readers[0].Records = true, 30_000, 6_000
		m.Rules.Delay, m.Rules.Broken, m.Valves.NotShut, m.Valves.States[3].Count = 45*time.Minute, 1, 1, 2
		m.Letters.Hour, m.Webhooks.Failing = 11, 1
		m.Devices = slices.Clone(m.Devices)
		for i := range 12 {
			m.Devices[i].Online, m.Devices[i].At = dashboards.IsOffline, morning.Add(-time.Duration(i+1)*5*time.Hour)
		}
		m.Devices[3].At = time.Time{}
	})
	still := running()
	still.machine.Rules.TickAge = 25 * time.Minute
	away := running()
	away.machine.Parts[2].Conditions = []dashboards.Condition{{Kind: dashboards.DatabaseUnreachable, Since: morning.Add(-time.Hour), Detail: "connection refused"}}
	building := running()
	building.machine.Parts[2].Conditions = []dashboards.Condition{{Kind: dashboards.DatabaseBuilding, Elapsed: 70 * time.Second}}
	building.machine.Database = dashboards.DatabaseFigures{Waiting: 12}
	records := running()
	records.change(func(m *dashboards.Machine) {
		m.Parts[3].Conditions = []dashboards.Condition{{Kind: dashboards.RecordsFailing, Detail: "database disk image is malformed"}}
		m.Letters, m.Notices, m.Webhooks, m.Journal.Bytes, m.Journal.Free = dashboards.LetterFigures{}, nil, dashboards.WebhookFigures{}, -1, -1
	})
	records.broken = errors.New("database disk image is malformed")
	stopped := running()
	stopped.change(func(m *dashboards.Machine) {
		for i, state := range []dashboards.StopState{dashboards.StopAsked, dashboards.StopRefused, dashboards.StopOpened, dashboards.StopClosing} {
			tap := dashboards.StopTap{Valve: dashboards.Valve{ID: devices.DeviceID(fmt.Sprintf("v-01%d", i))}, Plot: "大湾五号", Stop: state}
			m.Valves.Taps = append(m.Valves.Taps, tap)
		}
		kept := slices.Clone(m.Valves.Taps[3:])
		halt(m, true)
		m.Valves.Taps = append(m.Valves.Taps[:3], kept...)
	})
	empty := &plant{machine: dashboards.Machine{
		Parts: running().machine.Parts, Ledger: dashboards.Ledger{Quiet: true}, Journal: dashboards.JournalFigures{Bytes: 0, Max: 10_000_000_000, Free: 77_600_000_000},
		Letters: dashboards.LetterFigures{Known: true}, Notices: []dashboards.ChannelFigures{}, Webhooks: dashboards.WebhookFigures{Known: true},
	}}
	moving := running()
	moving.change(func(m *dashboards.Machine) { m.Ledger.Quiet, m.Ledger.Values.Stored = false, 208_490 })
	return map[string]want{
		"well": {
			running(),
			[]string{"一切正常", "账平", "17,612", "208,813", "超出物理范围 30", "挡在门外：密码不对 4", "落后 3 条记录、2 秒", "15.3 MB，上限 10.0 GB", "一般 1.7 毫秒，一百次里有一次超过 112 毫秒", "c1649dc16179", "比现在晚 10 分 0 秒", "短信 待发 0，失败 1", "都没有要看的", "全部 3 个阀门", "3 天", "不是有效的 JSON 9", "主题不对", "900-0", "日志位置"},
			[]string{"All is well", "Balances", "Outside physical bounds 30", "Refused: wrong password 4", "3 records and 2 s behind", "15.3 MB of 10.0 GB", "usually 1.7 ms, one in a hundred above 112 ms", "None of the 40 registered devices needs a look", "Stop all water"},
		},
		"trouble": {
			trouble,
			[]string{"11 件事要人处理", "现在不确认任何新消息", "the disk has 5 bytes free", "GanlinNothingAcknowledged", "日志丢了 5 条记录", "丢失的记录 8", "1,240 条旧死信或其内容没有留下", "账不平，差 3", "消息的账不平，差 1", "数据库拒绝写入", "401 unauthorized", "tcp://mosquitto:1883", "2 个阀门不知道是开是关", "1 个阀门叫关不关", "规则落后 45 分 0 秒", "1 条规则算不出来", "时钟不对", "磁盘只剩 1.2 GB", "30,000 个数在等数据库", "入库落后 6,000 条记录", "40 台设备里有 12 台断线", "一小时里有 11 条消息读不懂", "1 个回调地址不收信号", "40 台里有 12 台要看看", "从来没有"},
			[]string{"11 things need a person", "No message is acknowledged now", "Does not balance, off by 3", "The rules are 45 min 0 s behind", "12 of 40 devices need a look", "1,240 old dead letters or their contents were not kept"},
		},
		"still":    {still, []string{"规则已经停了 25 分 0 秒", "GanlinRulesStandStill"}, []string{"1 thing needs a person", "stood still for 25 min 0 s"}},
		"away":     {away, []string{"1 件事请留意", "数据库连不上", "connection refused", "自 2026年7月12日 08:00 起连不上"}, []string{"1 thing to keep an eye on", "The database is out of reach"}},
		"building": {building, []string{"正在准备", "首次准备 InfluxDB", "启动以来还没有", "还没有"}, []string{"Getting ready", "Preparing InfluxDB", "none since the start"}},
		"records":  {records, []string{"记录库写不进去", "database disk image is malformed", "死信暂时看不到", "全部停水", "不知道"}, []string{"The records store cannot be written", "Stop all water", "not known"}},
		"stopped":  {stopped, []string{"5 个阀门还没有确认关上", "紧急停水中", "由 operator-1 叫停", "联系不上，请去现场关 1", "已关 2", "正在叫它关 1", "答应了，正在关 1", "说关不上，请去现场关", "又被人手动打开", "解除停水", "v-003"}, []string{"Emergency stop in force", "by operator-1", "out of reach, close it by hand", "End the stop"}},
		"empty":    {empty, []string{"还没有登记任何设备", "没有什么可停的", "每条消息都读懂了", "没有设置任何渠道"}, []string{"No device is registered yet", "nothing to stop"}},
		"moving":   {moving, []string{"一切正常", "有 10 个正在途中"}, []string{"10 on their way"}},
	}
}

// seen is what a person reads, with single spaces.
func seen(page string) string { return strings.Join(strings.Fields(text(page)), " ") }

func TestOperatorsPageSaysIt(t *testing.T) {
	for name, want := range plants() {
		pages := want.plant.serve(t)
		for lang, sentences := range map[string][]string{"zh": want.zh, "en": want.en} {
			res := ask(t, pages, "/operations?lang="+lang)
			read := seen(body(t, res))
			if res.StatusCode != http.StatusOK {
				t.Errorf("%s, %s: %d", name, lang, res.StatusCode)
			}
			for _, s := range sentences {
				if !strings.Contains(read, s) {
					t.Errorf("%s, %s: %q is not said in %s", name, lang, s, read)
				}
			}
		}
		speaksOne(t, "operations, "+name, func(lang string) string {
			page := body(t, ask(t, pages, "/operations?lang="+lang))
			return strings.NewReplacer("后坡", "", "号", "", "大湾五", "", "三", "", "ganlin.yaml", "", "ganlin rules check", "", "ganlin losses acknowledge", "", "ganlin webhooks list", "", "NTP", "", "mosquitto", "", "unauthorized", "", "tick", "", "rules", "", "operator-1", "", "go1.26 linux/amd64", "", "invalid character", "", "after object key, at byte", "", "topic", "", "is not one of ours", "").Replace(page)
		})
	}
}

// TestWorstFirst: what needs a person now stands before what can wait.
func TestWorstFirst(t *testing.T) {
	page := body(t, ask(t, plants()["trouble"].plant.serve(t), "/operations?lang=en"))
	var tones []string
	for _, m := range regexp.MustCompile(`<li class="card (bad|warn)"`).FindAllStringSubmatch(page, -1) {
		tones = append(tones, m[1])
	}
	if len(tones) != 17 || !slices.IsSorted(tones) {
		t.Errorf("%d troubles: %v", len(tones), tones)
	}
}

// TestRunbooksOfTheOperatorsPage: each part that the page names is there, also in the file of alarms.
func TestRunbooksOfTheOperatorsPage(t *testing.T) {
	alarms, err := os.ReadFile("../deploy/prometheus/ganlin.rules.yml")
	if err != nil {
		t.Fatal(err)
	}
	pages := plants()["trouble"].plant.serve(t)
	books := body(t, ask(t, pages, "/operations/runbooks?lang=en"))
	named := map[string]bool{}
	for _, name := range []string{"trouble", "still", "records"} {
		page := body(t, ask(t, plants()[name].plant.serve(t), "/operations?lang=en"))
		for _, m := range regexp.MustCompile(`href="/operations/runbooks\?lang=en#(\w+)">Runbook <code>(\w+)</code>`).FindAllStringSubmatch(page, -1) {
			named[m[2]] = true
			if !strings.EqualFold(m[1], m[2]) || !strings.Contains(books, `id="`+m[1]+`"`) || !bytes.Contains(alarms, []byte("alert: "+m[2]+"\n")) {
				t.Errorf("the page leads to %s, which is not there", m[2])
			}
		}
	}
	if len(named) < 14 {
		t.Errorf("only %d runbooks are named", len(named))
	}
	for _, want := range []string{`<b>3</b> If the disk is read-only or broken`, `<code>journal.max_bytes</code>`, `<b>Send somebody, now.</b>`, `<a href="#ganlinjournaldamaged">GanlinJournalDamaged</a>`} {
		if !strings.Contains(books, want) {
			t.Errorf("the runbooks do not say %q", want)
		}
	}
	if rest := regexp.MustCompile("`|\\*\\*|\\]\\(").FindString(seen(books)); rest != "" {
		t.Errorf("the runbooks show %q", rest)
	}
}

func TestDevicesThatNeedALook(t *testing.T) {
	p := plants()["trouble"].plant
	p.change(func(m *dashboards.Machine) {
		for i := range 30 {
			m.Devices[i].At = morning.Add(-53 * time.Hour)
		}
	})
	pages := p.serve(t)
	rows := func(target string) (ids []string) {
		page := body(t, ask(t, pages, target))
		_, page, _ = strings.Cut(page, `id="devices"`)
		page, _, _ = strings.Cut(page, `id="letters"`)
		for _, m := range regexp.MustCompile(`<li data-k="([\w-]+)">`).FindAllStringSubmatch(page, -1) {
			ids = append(ids, m[1])
		}
		return ids
	}
	first, second := rows("/operations?lang=en"), rows("/operations?lang=en&page=2")
	if len(first) != 20 || len(second) != 10 || slices.Contains(first, second[0]) {
		t.Errorf("two pages hold %v and %v", first, second)
	}
	if got := rows("/operations?q=S-040"); !slices.Equal(got, []string{"s-040"}) {
		t.Errorf("a device that is well is found as %v", got)
	}
	if got := rows("/operations?q=" + url.QueryEscape("后坡7号")); !slices.Equal(got, []string{"s-007"}) {
		t.Errorf("by its plot a device is found as %v", got)
	}
	none := seen(body(t, ask(t, pages, "/operations?lang=en&q="+url.QueryEscape("<x>"))))
	if !strings.Contains(none, "0 devices found for “<x>”") {
		t.Errorf("a search for nothing shows %s", none)
	}
}

// TestLettersDoNothing shows what strangers sent: every character can be seen and none is obeyed.
func TestLettersDoNothing(t *testing.T) {
	p := running()
	pages := p.serve(t)
	for _, c := range []struct {
		target string
		says   []string
	}{
		{"/operations/deadletters/900-0?lang=en", []string{"<script>document.title='had'</script>⟨U+0000⟩⟨U+001B⟩[31m⟨U+000D⟩", "⟨U+202E⟩⟨U+2066⟩evil⟨U+FEFF⟩&amp;中文", "Wrong topic", "x/<b>⟨U+0007⟩⟨U+202E⟩", `topic "x/<b>⟨U+202E⟩" is not one of ours`}},
		{"/operations/deadletters/900-0?lang=en&as=hex", []string{"000000 3c 73 63 72 69 70 74 3e", "<script>document"}},
		{"/operations/deadletters/899-0?lang=en", []string{"一二三", "300,000 bytes", "the first 65,536 bytes", strings.Repeat("ab", 32), "Bytes 1 to 16,38", "Next"}},
		{"/operations/deadletters/899-0?lang=en&at=65535", []string{"to 65,536 of 65,536", "Previous"}},
		{"/operations/deadletters/899-0?lang=en&at=-5", []string{"Bytes 1 to"}},
		{"/operations/deadletters/898-0?lang=en", []string{"Bytes 1 to 4,096 of 65,536", "000000 ", "000ff0 "}},
		{"/operations/deadletters/898-0?lang=en&at=999999999", []string{"Bytes 61,441 to 65,536", "00fff0 "}},
		{"/operations/deadletters/897-0?lang=en", []string{"The message is empty", "0 bytes"}},
		{"/operations/deadletters/896-0?lang=zh", []string{"消息里读不懂的部分，20 字节", `"soil_moisture@20":9`}},
	} {
		res := ask(t, pages, c.target)
		page := body(t, res)
		for _, s := range c.says {
			if res.StatusCode != http.StatusOK || !strings.Contains(seen(page), s) {
				t.Errorf("%s: %d, %q is not said in %.600s", c.target, res.StatusCode, s, seen(page))
			}
		}
		if bad := strings.IndexFunc(page, func(r rune) bool { return r < ' ' && r != '\n' && r != '\t' || r == 0x202e || r == 0x2066 }); bad >= 0 || strings.Contains(page, "<script>document") {
			t.Errorf("%s: a character of the message got through", c.target)
		}
		if len(page) > 60_000 {
			t.Errorf("%s: %d bytes", c.target, len(page))
		}
	}
	whole := sha256.Sum256(p.letters[0].Payload)
	if page := body(t, ask(t, pages, "/operations/deadletters/900-0")); !strings.Contains(page, hex.EncodeToString(whole[:])) {
		t.Error("the SHA-256 of a whole message is not shown")
	}
	for target, status := range map[string]int{"/operations/deadletters/1-0": 404, "/operations/deadletters/%3Cscript%3E": 404} {
		if got := ask(t, pages, target).StatusCode; got != status {
			t.Errorf("%s answers %d", target, got)
		}
	}
}

func TestAllLettersInPages(t *testing.T) {
	p := running()
	p.letters = lettersOf(120)
	pages := p.serve(t)
	var ids []string
	next := "/operations/deadletters?lang=en"
	for range 4 {
		page := body(t, ask(t, pages, next))
		for _, m := range regexp.MustCompile(`<li data-k="([\w-]+)">`).FindAllStringSubmatch(page, -1) {
			ids = append(ids, m[1])
		}
		m := regexp.MustCompile(`<a href="([^"]+)" rel="next">`).FindStringSubmatch(page)
		if m == nil {
			break
		}
		next = strings.ReplaceAll(m[1], "&amp;", "&")
	}
	if len(ids) != 120 || len(slices.Compact(slices.Sorted(slices.Values(ids)))) != 120 {
		t.Errorf("the pages hold %d letters", len(ids))
	}
	p.letters, p.broken = nil, errors.New("no such table")
	res := ask(t, pages, "/operations/deadletters?lang=en")
	if page := seen(body(t, res)); res.StatusCode != http.StatusServiceUnavailable || !strings.Contains(page, "None is lost") || strings.Contains(page, "no such table") {
		t.Errorf("without the records store: %d %s", res.StatusCode, page)
	}
}
