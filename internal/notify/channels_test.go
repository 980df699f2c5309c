package notify_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	webhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"ganlin/internal/notify"
	"ganlin/internal/webhook"
)

// loopback lets webhooks go to this machine.
var loopback = webhook.Guard{Private: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, Setting: "notify.allow_private"}

// A call is a request as a receiver saw it.
type call struct {
	method, path string
	query        url.Values
	header       http.Header
	body         string
}

// receiver answers every request alike and returns its address and what it saw.
func receiver(t *testing.T, status int, header map[string]string, answer string) (address string, seen *[]call) {
	t.Helper()
	seen = &[]call{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		*seen = append(*seen, call{r.Method, r.URL.Path, r.URL.Query(), r.Header, string(body)})
		for key, value := range header {
			w.Header().Set(key, value)
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, answer)
	}))
	t.Cleanup(s.Close)
	return s.URL, seen
}

func message(to, secret string) notify.Message {
	return notify.Message{
		ID: "0123abc", At: time.Date(2026, 7, 1, 8, 0, 0, 0, time.UTC), To: notify.NewAddress(to, secret),
		Title: "后坡三号：阀门关着还在流水", Text: "请去现场关掉总阀，查水管。\n\"二\"", Short: "甘霖：a&b \"c\"", Link: "https://g.example.org/my",
		Facts: notify.Facts{Contact: "c-1", Household: "h-1", Language: "zh-CN", Lines: []notify.Line{{Episode: episode("a", at(1, 9, 0))}}},
	}
}

func fields(t *testing.T, body string) (v map[string]any) {
	t.Helper()
	if err := json.Unmarshal([]byte(body), &v); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	return v
}

func send(t *testing.T, c notify.Channel, m notify.Message) {
	t.Helper()
	if err := c.Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
}

// TestWebhook holds what is posted against the official library of Standard Webhooks.
func TestWebhook(t *testing.T) {
	shared, own := "whsec_"+base64.StdEncoding.EncodeToString([]byte(strings.Repeat("s", 32))), base64.StdEncoding.EncodeToString([]byte(strings.Repeat("o", 24)))
	c, err := notify.NewWebhook(notify.WebhookOptions{Secret: shared, Guard: loopback})
	if err != nil {
		t.Fatal(err)
	}
	base, seen := receiver(t, http.StatusNoContent, nil, "")
	send(t, c, message(base+"/hook?key=k", ""))
	send(t, c, message(base+"/hook?key=k", own))
	for i, secret := range []string{shared, own} {
		got := (*seen)[i]
		judge, err := webhooks.NewWebhook(secret)
		if err == nil {
			err = judge.Verify([]byte(got.body), got.header)
		}
		if err != nil || got.header.Get("webhook-id") != "0123abc" || got.query.Get("key") != "k" {
			t.Errorf("%v: %+v", err, got)
		}
	}
	data := fields(t, (*seen)[0].body)["data"].(map[string]any)
	if data["id"] != "0123abc" || data["household"] != "h-1" || data["title"] == "" || len(data["episodes"].([]any)) != 1 {
		t.Errorf("%v", data)
	}
	if _, err := notify.NewWebhook(notify.WebhookOptions{Secret: "whsec_short"}); err == nil {
		t.Error("a short secret is taken")
	}
}

func TestNtfy(t *testing.T) {
	base, seen := receiver(t, http.StatusOK, nil, `{"id":"x"}`)
	m := message("topic-1", "")
	m.Urgent = true
	send(t, notify.NewNtfy(notify.NtfyOptions{URL: base, Token: "tk_1"}), m)
	got := (*seen)[0]
	v := fields(t, got.body)
	if got.path != "/" || got.header.Get("Authorization") != "Bearer tk_1" || v["topic"] != "topic-1" || v["sequence_id"] != "0123abc" || v["priority"] != 5.0 || v["click"] != m.Link || v["title"] != m.Title {
		t.Errorf("%+v", got)
	}
}

// sign is what the makers of robots describe: base64 of HMAC-SHA256.
func sign(key, text string) string {
	h := hmac.New(sha256.New, []byte(key))
	_, _ = io.WriteString(h, text)
	return base64.StdEncoding.EncodeToString(h.Sum(nil))
}

func recent(t *testing.T, stamp string, unit time.Duration) {
	t.Helper()
	n, err := strconv.ParseInt(stamp, 10, 64)
	if age := time.Since(time.Unix(0, n*int64(unit))); err != nil || age < -time.Second || age > time.Minute {
		t.Errorf("timestamp %s is %s old", stamp, age)
	}
}

const key = "0123456789abcdef0123"

func TestRobots(t *testing.T) {
	t.Run("wecom", func(t *testing.T) {
		base, seen := receiver(t, http.StatusOK, nil, `{"errcode":0,"errmsg":"ok"}`)
		m := message("https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key="+key, "")
		m.Text = strings.Repeat("地", 1000)
		send(t, notify.NewWeCom(base), m)
		got := (*seen)[0]
		text := fields(t, got.body)["text"].(map[string]any)["content"].(string)
		if got.path != "/cgi-bin/webhook/send" || got.query.Get("key") != key || len(text) > 2048 || len(text) < 2040 || !strings.HasSuffix(text, "地…") || !strings.HasPrefix(text, m.Title) {
			t.Errorf("%d bytes, %+v", len(text), got)
		}
	})
	t.Run("dingtalk", func(t *testing.T) {
		base, seen := receiver(t, http.StatusOK, nil, `{"errcode":0,"errmsg":"ok"}`)
		send(t, notify.NewDingTalk(base), message(key, "SEC1"))
		got := (*seen)[0]
		stamp := got.query.Get("timestamp")
		if got.path != "/robot/send" || got.query.Get("access_token") != key || got.query.Get("sign") != sign("SEC1", stamp+"\nSEC1") || fields(t, got.body)["msgtype"] != "text" {
			t.Errorf("%+v", got)
		}
		recent(t, stamp, time.Millisecond)
	})
	t.Run("feishu", func(t *testing.T) {
		base, seen := receiver(t, http.StatusOK, nil, `{"code":0,"msg":"success","data":{}}`)
		send(t, notify.NewFeishu(base), message("https://open.feishu.cn/open-apis/bot/v2/hook/"+key, "SEC2"))
		got := (*seen)[0]
		v := fields(t, got.body)
		stamp, _ := v["timestamp"].(string)
		if got.path != "/open-apis/bot/v2/hook/"+key || v["sign"] != sign(stamp+"\nSEC2", "") || v["msg_type"] != "text" || v["content"].(map[string]any)["text"] == "" {
			t.Errorf("%+v", got)
		}
		recent(t, stamp, time.Second)
	})
}

func sms(base string, change func(*notify.SMSOptions)) notify.SMSOptions {
	o := notify.SMSOptions{
		URL: base + "/sms?id={{query .ID}}", Headers: []string{"content-type: application/json", "Authorization: Basic {{.Secret}}"}, Secret: "s3cret",
		Body:    `{"mobile":{{json .Phone}},"content":{{json .Text}}}`,
		Success: notify.SMSSuccess{Field: "result.code", Is: []string{"0"}, Again: []string{"15"}},
	}
	if change != nil {
		change(&o)
	}
	return o
}

func TestSMS(t *testing.T) {
	base, seen := receiver(t, http.StatusOK, nil, `{"result":[{"code":0}]}`)
	c, err := notify.NewSMS(sms(base, nil))
	if err != nil {
		t.Fatal(err)
	}
	send(t, c, message("+8613800138000", ""))
	got := (*seen)[0]
	v := fields(t, got.body)
	if got.query.Get("id") != "0123abc" || got.header.Get("Authorization") != "Basic s3cret" || v["mobile"] != "+8613800138000" || v["content"] != "甘霖：a&b \"c\" https://g.example.org/my" {
		t.Errorf("%+v", got)
	}
	form, err := notify.NewSMS(notify.SMSOptions{URL: base + "/?m={{query .Phone}}&c={{query .Text}}", Method: http.MethodGet})
	if err != nil {
		t.Fatal(err)
	}
	send(t, form, message("13800138000", ""))
	if got := (*seen)[1]; got.method != http.MethodGet || got.query.Get("m") != "13800138000" || !strings.HasPrefix(got.query.Get("c"), "甘霖：a&b \"c\"") {
		t.Errorf("%+v", got)
	}
}

func TestSMSThatCannotBe(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*notify.SMSOptions)
		want   string
	}{
		"template":       {func(o *notify.SMSOptions) { o.Body = "{{.Phone" }, "body: the template cannot be read"},
		"unknown value":  {func(o *notify.SMSOptions) { o.URL = "http://h/{{.Name}}" }, "url: the template names a value that is not there"},
		"quotation mark": {func(o *notify.SMSOptions) { o.Body = `{"content":"{{.Text}}"}` }, "write {{json .Text}}"},
		"form": {func(o *notify.SMSOptions) {
			o.Headers, o.Body = []string{"Content-Type: application/x-www-form-urlencoded"}, "m={{.Phone}}&c={{.Text}}"
		}, "write {{query .Text}}"},
		"no url": {func(o *notify.SMSOptions) { o.URL = "gateway/{{.Phone}}" }, "url: the address must be a URL"},
		"header": {func(o *notify.SMSOptions) { o.Headers = []string{"X: {{.}"} }, "header X: the template cannot be read"},
	} {
		if _, err := notify.NewSMS(sms("http://h", c.change)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
}

// TestAnswers says of every kind of answer whether another try makes sense.
func TestAnswers(t *testing.T) {
	hook := func(string) notify.Channel {
		c, err := notify.NewWebhook(notify.WebhookOptions{Guard: loopback})
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	gateway := func(base string) notify.Channel {
		c, err := notify.NewSMS(sms(base, nil))
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	topic := func(base string) notify.Channel { return notify.NewNtfy(notify.NtfyOptions{URL: base}) }
	for name, c := range map[string]struct {
		channel              func(base string) notify.Channel
		status               int
		header               map[string]string
		answer               string
		what                 string
		again, shared, doubt bool
		after                time.Duration
	}{
		"hook busy":              {channel: hook, status: 429, header: map[string]string{"Retry-After": "120"}, what: "429", again: true, shared: true, after: 2 * time.Minute},
		"hook busy for too long": {channel: hook, status: 503, header: map[string]string{"Retry-After": "9999999"}, what: "503", again: true, shared: true, doubt: true, after: 6 * time.Hour},
		"hook broken":            {channel: hook, status: 500, answer: "no /canary-1", what: "it answers 500", again: true, shared: true, doubt: true},
		"hook bad":               {channel: hook, status: 400, answer: "/canary-1 is bad", what: "it answers 400"},
		"hook gone":              {channel: hook, status: 410, what: "there is no such receiver"},
		"hook redirect":          {channel: hook, status: 307, header: map[string]string{"Location": "http://127.0.0.1:1/"}, what: "redirects are not followed"},
		"ntfy wrong token":       {channel: topic, status: 401, what: "give the right password or token", again: true, shared: true},
		"ntfy topic of another":  {channel: topic, status: 403, what: "give the right", again: true, shared: true},
		"sms refused":            {channel: gateway, status: 200, answer: `{"result":{"code":"isv.AMOUNT","to":"13800138000","key":"s3cret"}}`, what: "the gateway answers with code isv.AMOUNT"},
		"sms number for code":    {channel: gateway, status: 200, answer: `{"result":{"code":13800138000}}`, what: "the gateway does not say that it took"},
		"sms later":              {channel: gateway, status: 200, answer: `{"result":{"code":15}}`, what: "code 15", again: true, shared: true},
		"sms nonsense":           {channel: gateway, status: 200, answer: `<html>`, what: "the gateway does not say that it took"},
		"wecom busy":             {channel: notify.NewWeCom, status: 200, answer: `{"errcode":45009,"errmsg":"x"}`, what: "too many messages", again: true, shared: true, after: time.Minute},
		"wecom gone":             {channel: notify.NewWeCom, status: 200, answer: `{"errcode":93000,"errmsg":"x"}`, what: "no such robot", shared: true},
		"dingtalk busy":          {channel: notify.NewDingTalk, status: 200, answer: `{"errcode":130101,"errmsg":"x"}`, what: "too many messages", again: true, shared: true, after: time.Minute},
		"dingtalk sign":          {channel: notify.NewDingTalk, status: 200, answer: `{"errcode":310000,"errmsg":"sign not match"}`, what: "import the secret", shared: true},
		"feishu sign":            {channel: notify.NewFeishu, status: 200, answer: `{"code":19021,"msg":"x"}`, what: "import the secret", shared: true},
		"feishu busy at 400":     {channel: notify.NewFeishu, status: 400, answer: `{"code":9499,"msg":"x"}`, what: "too many messages", again: true, shared: true, after: time.Minute},
		"feishu nonsense":        {channel: notify.NewFeishu, status: 200, answer: `hello`, what: "not as a robot does", again: true, shared: true, doubt: true},
		"feishu behind a wall":   {channel: notify.NewFeishu, status: 502, answer: `<html>`, what: "502", again: true, shared: true, doubt: true},
	} {
		t.Run(name, func(t *testing.T) {
			base, seen := receiver(t, c.status, c.header, c.answer)
			to := map[string]string{"hook": base + "/canary-1", "sms": "13800138000", "ntfy": "canary-1"}[strings.Fields(name)[0]]
			secret := ""
			if to == "" {
				to, secret = key+"canary", "SEC"
			}
			m := message(to, secret)
			err := c.channel(base).Send(t.Context(), m)
			judge(t, err, c.what, c.again, c.shared, c.doubt)
			if e, ok := errors.AsType[*notify.Error](err); ok && strings.HasPrefix(name, "hook") && e.Said != "" {
				t.Errorf("what stood at an address is told on: %s", e.Said)
			}
			if e, ok := errors.AsType[*notify.Error](err); ok && e.After != c.after {
				t.Errorf("after %s, want %s", e.After, c.after)
			}
			if len(*seen) != 1 {
				t.Errorf("%d requests", len(*seen))
			}
		})
	}
}

// TestAReceiverThatHangs is left in time, and it is not known whether it took the message.
func TestAReceiverThatHangs(t *testing.T) {
	over := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-over }))
	defer s.Close()
	defer close(over)
	c, err := notify.NewWebhook(notify.WebhookOptions{Guard: loopback})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	judge(t, c.Send(ctx, message(s.URL+"/canary", "")), "no answer within", true, true, true)
}

// TestWebhooksAreGuarded has a receiver at an address that nobody outside has
// any business to name: it hears nothing, the message waits, and what is said
// of it holds neither address nor answer.
func TestWebhooksAreGuarded(t *testing.T) {
	base, seen := receiver(t, http.StatusOK, nil, "canary-metadata")
	port := base[strings.LastIndex(base, ":"):]
	c, err := notify.NewWebhook(notify.WebhookOptions{Guard: webhook.Guard{Setting: "notify.allow_private"}})
	if err != nil {
		t.Fatal(err)
	}
	for address, want := range map[string]string{
		base + "/canary":                                "its host would be sent to unencrypted; use https://, or name its network in notify.allow_private",
		"http://localhost" + port + "/canary":           "its host would be sent to unencrypted",
		"https://127.0.0.1" + port + "/canary":          "its host is no public address; name its network in notify.allow_private if it is meant",
		"https://localhost" + port + "/canary":          "its host is no public address",
		"https://[::ffff:127.0.0.1]" + port + "/canary": "its host is no public address",
		"http://169.254.169.254/latest/canary":          "its host would be sent to unencrypted",
		"https://169.254.169.254/latest/canary":         "its host is no public address",
		"https://[fd00:ec2::254]/latest/canary":         "its host is no public address",
		"https://10.0.0.1/canary":                       "its host is no public address",
	} {
		err := c.Send(t.Context(), message(address, ""))
		judge(t, err, want, true, true, false)
		for _, part := range []string{"127.0.0.1", "169.254", "10.0.0.1", "fd00"} {
			if strings.Contains(err.Error(), part) {
				t.Errorf("%s: %v", address, err)
			}
		}
	}
	if len(*seen) > 0 {
		t.Errorf("%d requests arrived", len(*seen))
	}
	contacts, problems := notify.ReadContacts("c.csv", []byte("household,channel,address\nh-1,webhook,"+base+"/canary\n"), webhook.Guard{Setting: "notify.allow_private"})
	if len(contacts) > 0 || len(problems) != 1 || !strings.Contains(problems[0].String(), "c.csv:2:13: error: the address would be sent to unencrypted") || strings.Contains(problems[0].String(), "canary") {
		t.Errorf("%v, %v", contacts, problems)
	}
}

func TestAddresses(t *testing.T) {
	for _, c := range []struct {
		channel notify.ChannelName
		good    []string
		bad     []string
	}{
		{notify.Webhook, []string{"http://127.0.0.1:1/x", "https://a.example.org/?k=1"}, []string{"", "a.example.org", "ftp://a/", "https://u:canary@a/"}},
		{notify.Email, []string{"a@b.example.org"}, []string{"", "canary", "Li <canary@b.org>", "canary@b, c@d"}},
		{notify.Ntfy, []string{"farm_1-x"}, []string{"", "a canary", "a/canary"}},
		{notify.SMS, []string{"13800138000", "+8613800138000"}, []string{"", "canary", "138 0013 8000", "+86-138"}},
		{notify.WeCom, []string{key, "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=" + key}, []string{"", "canary", "https://h/?key=short"}},
		{notify.DingTalk, []string{key, "https://oapi.dingtalk.com/robot/send?access_token=" + key}, []string{"https://h/"}},
		{notify.Feishu, []string{key, "https://open.feishu.cn/open-apis/bot/v2/hook/" + key}, []string{"https://h/hook/"}},
		{"pigeon", nil, []string{"canary"}},
	} {
		for _, text := range c.good {
			if err := notify.CheckAddress(c.channel, notify.NewAddress(text, "")); err != nil {
				t.Errorf("%s %q: %v", c.channel, text, err)
			}
		}
		for _, text := range c.bad {
			if err := notify.CheckAddress(c.channel, notify.NewAddress(text, "")); err == nil || strings.Contains(err.Error(), "canary") {
				t.Errorf("%s %q: %v", c.channel, text, err)
			}
		}
	}
}
