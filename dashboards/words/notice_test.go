package words_test

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"ganlin/dashboards/words"
)

func TestNotice(t *testing.T) {
	c, err := words.New()
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 7, 1, 10, 0, 0, 0, time.FixedZone("", 8*3600))
	advised := func(place, kind string, from time.Time) words.NoticeLine {
		return words.NoticeLine{Place: place, Watering: "ahead", Advice: &words.NoticeAdvice{
			Kind: kind, From: from, Until: from, MM: 18.2, Duration: 3*time.Hour + 8*time.Minute, Reason: "wind",
		}}
	}
	line := func(rule, place string) words.NoticeLine { return words.NoticeLine{Rule: rule, Place: place} }
	tonight := advised("后坡三号", "waters_itself", now.Add(11*time.Hour))
	over := words.NoticeLine{Rule: "probe_silent", Place: "大湾五号", Over: true, Began: now.Add(-26 * time.Hour), Ended: now}
	byHand := words.NoticeLine{Place: "后坡三号", Watering: "asked", Advice: &words.NoticeAdvice{Kind: "water", From: now, MM: 17.8, CubicM: 38.4}}
	unknown := tonight
	unknown.Advice = &words.NoticeAdvice{Kind: "waters_itself", From: now.Add(11 * time.Hour), MM: 18}
	for name, k := range map[string]struct {
		lines               []words.NoticeLine
		title, text, inside string // inside the English text
	}{
		"tonight":                   {[]words.NoticeLine{tonight}, "今晚浇水：后坡三号 18 毫米，约 3 小时 10 分", "今晚浇水：后坡三号 18 毫米，约 3 小时 10 分。阀门会在 21:00 自动打开。", "Water tonight: 后坡三号, 18 mm, about 3 h 10 min. The valve opens by itself at 21:00."},
		"for how long nobody knows": {[]words.NoticeLine{unknown}, "今晚浇水：后坡三号 18 毫米", "今晚浇水：后坡三号 18 毫米。阀门会在 21:00 自动打开。", "18 mm. The valve"},
		"by hand, tomorrow":         {[]words.NoticeLine{advised("后坡三号", "water", now.Add(20*time.Hour))}, "明早请浇水：后坡三号 18 毫米，约 3 小时 10 分", "明早请浇水：后坡三号 18 毫米，约 3 小时 10 分。06:00 以后浇最省水。", "Please water tomorrow morning"},
		"by hand, now":              {[]words.NoticeLine{byHand}, "现在请浇水：后坡三号 18 毫米，约 38 方水", "现在请浇水：后坡三号 18 毫米，约 38 方水。早晚凉快时浇最省水。", "Please water now: 后坡三号, 18 mm, about 38 m³."},
		"it has rained":             {[]words.NoticeLine{{Place: "后坡三号", Watering: "asked", Over: true, How: "rained"}, {Place: "大湾五号", Watering: "asked", Over: true, How: "rained"}}, "不用浇了：后坡三号、大湾五号", "不用浇了：后坡三号、大湾五号，下过雨了。", "it has rained"},
		"kept shut":                 {[]words.NoticeLine{{Place: "后坡三号", Watering: "kept", How: "stopped"}}, "阀门没开：后坡三号", "后坡三号 缺水一天多了，阀门没有自动打开：所有阀门都被叫停了。要是着急，请打开页面或去地里看一看。", "its valve has not opened by itself"},
		"shut no more":              {[]words.NoticeLine{{Place: "后坡三号", Watering: "kept", Over: true, How: "opened"}}, "又浇上了：后坡三号", "又浇上了：后坡三号，阀门自动打开了。", "Being watered again"},
		"now":                       {[]words.NoticeLine{advised("后坡三号", "watering", now.Add(time.Hour))}, "正在浇水：后坡三号", "正在浇水：后坡三号，最晚 11:00 自动关。", "Watering now"},
		"held":                      {[]words.NoticeLine{advised("后坡三号", "held", now)}, "先不浇水：后坡三号", "先不浇水：后坡三号 缺水，但是风太大。", "No watering yet"},
		"an alert and its watering": {[]words.NoticeLine{{Rule: "drought", Place: "后坡三号", Advice: tonight.Advice}, tonight}, "今晚浇水：后坡三号 18 毫米，约 3 小时 10 分", "今晚浇水：后坡三号 18 毫米，约 3 小时 10 分。阀门会在 21:00 自动打开。", "tonight"},
		"plots with one trouble":    {[]words.NoticeLine{line("probe_silent", "后坡三号"), line("probe_silent", "大湾五号")}, "后坡三号、大湾五号：探头没有消息", "请去看探头的电池和天线。（后坡三号、大湾五号：探头没有消息）", "后坡三号, 大湾五号"},
		"two troubles":              {[]words.NoticeLine{line("valve_leak", "后坡三号"), over}, "后坡三号：阀门关着还在流水，还有 1 件事", "请去现场关掉总阀，查水管。（后坡三号：阀门关着还在流水）\n没事了：大湾五号，探头没有消息（6月30日 08:00 到 7月1日 10:00）。", "All right again"},
		"water is of no more use":   {[]words.NoticeLine{{Rule: "drought", Place: "后坡三号", Advice: &words.NoticeAdvice{Kind: "no_need", Reason: "season_over"}}}, "不用浇水：后坡三号", "不用浇水：后坡三号 干了，不过这季作物不用再浇了。", "but the crop needs no more water this season"},
		"too near the harvest":      {[]words.NoticeLine{{Rule: "drought", Place: "大湾五号", Over: true, How: "passed", Began: now.Add(-26 * time.Hour), Ended: now}}, "不用再管了：大湾五号", "不用再管了：大湾五号，地干了（6月30日 08:00 到 7月1日 10:00）。", "No matter any more: 大湾五号"},
		"a rule of somebody's own":  {[]words.NoticeLine{line("my_rule", "后坡三号")}, "后坡三号：有事要看", "请打开页面看一看。（后坡三号：有事要看）", "needs a look"},
		"watered":                   {[]words.NoticeLine{{Place: "后坡三号", Watering: "begun", Over: true, How: "done"}, {Place: "大湾五号", Watering: "begun", Over: true, How: "done"}}, "浇好了：后坡三号、大湾五号", "浇好了：后坡三号、大湾五号，阀门已关。", "Watered"},
		"stopped":                   {[]words.NoticeLine{{Place: "后坡三号", Watering: "begun", Over: true, How: "wind"}}, "浇水停了：后坡三号", "浇水停了：后坡三号，因为风太大。", "Watering stopped"},
		"a test":                    {nil, "甘霖测试消息", "收到这条消息，说明以后的提醒能送到您这里。不用做什么。", "nothing to do"},
	} {
		zh, en := c.Notice(words.Chinese, k.lines, now, ""), c.Notice(words.English, k.lines, now, "")
		if zh.Title != k.title || zh.Text != k.text {
			t.Errorf("%s:\n%s\n%s\nwant\n%s\n%s", name, zh.Title, zh.Text, k.title, k.text)
		}
		if !strings.Contains(en.Text, k.inside) || en.Title == "" {
			t.Errorf("%s: %q, %q", name, en.Title, en.Text)
		}
		if n := utf8.RuneCountInString(zh.Short); n > 70 || n == 0 { // one text message in Chinese
			t.Errorf("%s: %d characters: %s", name, n, zh.Short)
		}
		for _, n := range []words.Notice{zh, en} {
			for _, text := range []string{n.Title, n.Text, n.Short} {
				if strings.Contains(text, "预警") || strings.Contains(strings.ToLower(text), "warning") || strings.Contains(text, "notice.") {
					t.Errorf("%s: %s", name, text)
				}
			}
		}
	}
	var many []words.NoticeLine
	for _, place := range []string{"一", "二", "三", "四", "五", "六", "七", "八", "九"} {
		many = append(many, advised(place, "waters_itself", now.Add(8*time.Hour)))
	}
	n := c.Notice(words.Chinese, many, now, "https://g/my")
	if got := strings.Split(n.Text, "\n"); len(got) != 8 || got[6] != "还有 3 件事。" || got[7] != "看详情、开关阀门：https://g/my" || !strings.HasSuffix(n.Short, "还有 8 件事。") {
		t.Errorf("%q, %q", got, n.Short)
	}
}
