package config_test

import (
	"net/netip"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"ganlin/internal/config"
	"ganlin/internal/position"
)

func TestNotifyKeys(t *testing.T) {
	t.Setenv("GANLIN_TEST_KEY", "k3y")
	dir := write(t, map[string]string{"password": "p4ss\n", "ganlin.yaml": `
mqtt: {listen: {address: 0.0.0.0:1883}}
notify:
  link: https://g.example.org/my
  group: 15m
  daily: 5
  quiet: 22:00-05:30
  allow_private: [10.20.0.0/16]
  webhook: {secret: "whsec_${GANLIN_TEST_KEY}"}
  email: {server: "smtp.example.org:465", tls: tls, from: "甘霖 <g@example.org>", username: g, password_file: password}
  ntfy: {url: "https://n.example.org", token_file: password}
  wecom: {}
  dingtalk: {url: http://127.0.0.1:1}
  feishu: {}
  sms:
    url: https://sms.example.org/send
    headers: ["Content-Type: application/json"]
    body: '{"m":{{json .Phone}}}'
    secret_file: password
    success: {field: code, is: [0, OK], again: [15]}
`})
	got, problems := config.Load(filepath.Join(dir, "ganlin.yaml"))
	if len(problems) > 0 {
		t.Fatalf("problems:\n%s", lines(dir, problems))
	}
	want := config.Notify{
		Link: "https://g.example.org/my", Group: 15 * time.Minute, Daily: 5, Quiet: "22:00-05:30", AllowPrivate: []netip.Prefix{netip.MustParsePrefix("10.20.0.0/16")},
		Webhook:  &config.WebhookChannel{Secret: config.NewSecret("whsec_k3y")},
		Email:    &config.EmailChannel{Server: "smtp.example.org:465", TLS: "tls", From: "甘霖 <g@example.org>", Username: "g", Password: config.NewSecret("p4ss")},
		Ntfy:     &config.NtfyChannel{URL: "https://n.example.org", Token: config.NewSecret("p4ss")},
		WeCom:    &config.RobotChannel{},
		DingTalk: &config.RobotChannel{URL: "http://127.0.0.1:1"},
		Feishu:   &config.RobotChannel{},
		SMS: &config.SMSChannel{
			URL: "https://sms.example.org/send", Method: "POST", Headers: []string{"Content-Type: application/json"}, Body: `{"m":{{json .Phone}}}`,
			Secret: config.NewSecret("p4ss"), Field: "code", Is: []string{"0", "OK"}, Again: []string{"15"},
		},
	}
	if diff := cmp.Diff(want, got.Notify, reveal, cmpopts.EquateComparable(netip.Prefix{}), cmpopts.IgnoreTypes(position.Position{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if at := got.Notify.SMS.At.Line; at != 16 {
		t.Errorf("sms stands in line %d", at)
	}
}

func TestNotifyProblems(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"key":        {"{sound: loud}", "notify has no key \"sound\""},
		"link":       {"{link: farm}", `notify.link: "farm" is no address; write https://host:port`},
		"group":      {"{group: 7h}", "notify.group 7h is not 0s to 6h"},
		"daily":      {"{daily: 0}", "notify.daily 0 is not 1 to 50"},
		"network":    {"{allow_private: [10.20.0.1/16]}", "notify.allow_private: 10.20.0.1/16 is an address in a network; write the network, 10.20.0.0/16"},
		"email":      {"{email: {tls: starttls}}", "notify.email lacks server, from"},
		"email tls":  {"{email: {server: 's:25', from: g@e.org, tls: yes}}", `notify.email.tls: "yes" is not starttls (port 587), tls (port 465) or none`},
		"email none": {"{email: {server: 's:25', from: g@e.org, tls: none}}", "notify.email.tls: none would send addresses and password in the clear"},
		"ntfy":       {"{ntfy: {url: ntfy.sh}}", `notify.ntfy.url: "ntfy.sh" is no address`},
		"sms":        {"{sms: {method: POST}}", "notify.sms lacks url"},
		"method":     {"{sms: {url: 'https://s', method: DELETE}}", `notify.sms.method: "DELETE" is not POST, GET or PUT`},
		"header":     {"{sms: {url: 'https://s', headers: [Accept]}}", "write each as 'Name: value'"},
		"success":    {"{sms: {url: 'https://s', success: {field: code}}}", "notify.sms.success lacks is"},
	} {
		dir := write(t, map[string]string{"ganlin.yaml": "mqtt: {listen: {address: 0.0.0.0:1883}}\nnotify: " + c.text + "\n"})
		_, problems := config.Load(filepath.Join(dir, "ganlin.yaml"))
		if all := lines(dir, problems); !strings.Contains(all, c.want) || !strings.HasPrefix(all, "ganlin.yaml:2:") {
			t.Errorf("%s: %s", name, all)
		}
	}
}
