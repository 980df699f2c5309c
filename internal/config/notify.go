package config

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"ganlin/internal/position"
)

// Notify is how messages to farmers go out. A channel that is nil is not used.
type Notify struct {
	Link  string        // where the farmer's page is, as phones reach it; empty: below http.url, or nowhere
	Group time.Duration // how long a message waits for others to join it
	Daily int           // messages a day to one contact, and as many urgent ones
	Quiet string        // hours in which only urgent ones are sent; none: there are none
	At    position.Position
	// AllowPrivate lists networks that are not public and where the webhooks of
	// contacts may be all the same, unencrypted too.
	AllowPrivate []netip.Prefix

	Webhook  *WebhookChannel
	Email    *EmailChannel
	Ntfy     *NtfyChannel
	WeCom    *RobotChannel
	DingTalk *RobotChannel
	Feishu   *RobotChannel
	SMS      *SMSChannel
}

// A WebhookChannel posts JSON to the addresses of its contacts.
type WebhookChannel struct {
	At     position.Position
	Secret Secret // signs what is posted, unless a contact has its own; empty: nothing is signed
}

// An EmailChannel hands e-mail to a server.
type EmailChannel struct {
	At                          position.Position
	Server, TLS, From, Username string
	Password                    Secret
}

// An NtfyChannel publishes to the topics of a server of ntfy.
type NtfyChannel struct {
	At    position.Position
	URL   string
	Token Secret
}

// A RobotChannel posts into chats.
type RobotChannel struct {
	At  position.Position
	URL string // empty: the maker's
}

// An SMSChannel asks the HTTP gateway of a provider.
type SMSChannel struct {
	At                position.Position
	URL, Method, Body string
	Headers           []string // Name: value
	Secret            Secret   // what the templates call .Secret
	Field             string   // of a JSON answer
	Is, Again         []string
}

// defaultNotify is what holds for all contacts that do not say.
func defaultNotify() Notify { return Notify{Group: 10 * time.Minute, Daily: 3, Quiet: "21:00-06:00"} }

// Bounds of what a person can want.
const (
	maxGroup = 6 * time.Hour
	maxDaily = 50
)

func (l *loader) notify(n position.Node, v *Notify) {
	m, ok := n.Mapping("notify", "link", "group", "daily", "quiet", "allow_private", "webhook", "email", "ntfy", "wecom", "dingtalk", "feishu", "sms")
	if !ok {
		return
	}
	if l.text(m, "link", &v.Link) {
		complain(m.Get("link"), "notify.link", checkURL(v.Link, false, "https", "http"))
	}
	var text string
	if l.text(m, "group", &text) {
		d, err := parseDuration(text)
		complain(m.Get("group"), "notify.group", err)
		if v.Group = d; err == nil && (d < 0 || d > maxGroup) {
			m.Get("group").Errorf("notify.group %s is not 0s to 6h", text)
		}
	}
	if daily := m.Get("daily"); !daily.Absent() {
		if i, ok := daily.Int("notify.daily"); ok {
			if v.Daily = i; i < 1 || i > maxDaily {
				daily.Errorf("notify.daily %d is not 1 to %d", i, maxDaily)
			}
		}
	}
	if l.text(m, "quiet", &v.Quiet) {
		v.At = m.Get("quiet").At()
	}
	v.AllowPrivate = l.networks(m.Get("allow_private"), "notify.allow_private")
	l.webhookChannel(m.Get("webhook"), v)
	l.emailChannel(m.Get("email"), v)
	l.ntfyChannel(m.Get("ntfy"), v)
	for name, to := range map[string]**RobotChannel{"wecom": &v.WeCom, "dingtalk": &v.DingTalk, "feishu": &v.Feishu} {
		*to = l.robotChannel(m.Get(name), "notify."+name)
	}
	l.smsChannel(m.Get("sms"), v)
}

func (l *loader) webhookChannel(n position.Node, v *Notify) {
	m, ok := n.Mapping("notify.webhook", "secret", "secret_file")
	if !ok || n.Absent() {
		return
	}
	v.Webhook = &WebhookChannel{At: n.At()}
	l.secret(m, "secret", &v.Webhook.Secret)
}

func (l *loader) emailChannel(n position.Node, v *Notify) {
	m, ok := n.Mapping("notify.email", "server", "tls", "from", "username", "password", "password_file")
	if !ok || n.Absent() {
		return
	}
	e := &EmailChannel{At: n.At(), TLS: "starttls"}
	v.Email = e
	if missing := m.Missing("server", "from"); len(missing) > 0 {
		n.Errorf("notify.email lacks %s", strings.Join(missing, ", "))
	}
	l.text(m, "server", &e.Server)
	l.text(m, "from", &e.From)
	l.text(m, "username", &e.Username)
	l.secret(m, "password", &e.Password)
	if l.text(m, "tls", &e.TLS) {
		switch host, _, _ := net.SplitHostPort(e.Server); {
		case e.TLS != "starttls" && e.TLS != "tls" && e.TLS != "none":
			m.Get("tls").Errorf("notify.email.tls: %q is not starttls (port 587), tls (port 465) or none", e.TLS)
		case e.TLS == "none" && !loopback(host):
			m.Get("tls").Errorf("notify.email.tls: none would send addresses and password in the clear; it is for a server on 127.0.0.1 alone")
		}
	}
}

func loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

func (l *loader) ntfyChannel(n position.Node, v *Notify) {
	m, ok := n.Mapping("notify.ntfy", "url", "token", "token_file")
	if !ok || n.Absent() {
		return
	}
	v.Ntfy = &NtfyChannel{At: n.At(), URL: "https://ntfy.sh"}
	if l.text(m, "url", &v.Ntfy.URL) {
		complain(m.Get("url"), "notify.ntfy.url", checkURL(v.Ntfy.URL, false, "https", "http"))
	}
	l.secret(m, "token", &v.Ntfy.Token)
}

func (l *loader) robotChannel(n position.Node, what string) *RobotChannel {
	m, ok := n.Mapping(what, "url")
	if !ok || n.Absent() {
		return nil
	}
	c := &RobotChannel{At: n.At()}
	if l.text(m, "url", &c.URL) {
		complain(m.Get("url"), what+".url", checkURL(c.URL, false, "https", "http"))
	}
	return c
}

func (l *loader) smsChannel(n position.Node, v *Notify) {
	m, ok := n.Mapping("notify.sms", "url", "method", "headers", "body", "secret", "secret_file", "success")
	if !ok || n.Absent() {
		return
	}
	s := &SMSChannel{At: n.At(), Method: http.MethodPost}
	v.SMS = s
	if m.Get("url").Absent() {
		n.Errorf("notify.sms lacks url; write that of the provider's gateway")
	}
	l.text(m, "url", &s.URL)
	if l.text(m, "method", &s.Method) && !slices.Contains([]string{http.MethodPost, http.MethodGet, http.MethodPut}, s.Method) {
		m.Get("method").Errorf("notify.sms.method: %q is not POST, GET or PUT", s.Method)
	}
	l.text(m, "body", &s.Body)
	l.secret(m, "secret", &s.Secret)
	for _, item := range m.Get("headers").List("notify.sms.headers") {
		if text, ok := l.expand(item, "notify.sms.headers"); ok {
			if name, _, found := strings.Cut(text, ": "); !found || name == "" {
				item.Errorf("notify.sms.headers: write each as 'Name: value', such as 'Content-Type: application/json'")
			}
			s.Headers = append(s.Headers, text)
		}
	}
	success, ok := m.Get("success").Mapping("notify.sms.success", "field", "is", "again")
	if !ok {
		return
	}
	l.text(success, "field", &s.Field)
	for key, to := range map[string]*[]string{"is": &s.Is, "again": &s.Again} {
		for _, item := range success.Get(key).List("notify.sms.success." + key) {
			if text, ok := l.expand(item, "notify.sms.success."+key); ok {
				*to = append(*to, text)
			}
		}
	}
	if len(s.Is) == 0 && (s.Field != "" || len(s.Again) > 0) {
		m.Get("success").Errorf("notify.sms.success lacks is: the values that mean success, such as [0, OK]")
	}
}
