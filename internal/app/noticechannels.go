package app

import (
	"cmp"

	"ganlin/internal/config"
	"ganlin/internal/notify"
	"ganlin/internal/position"
	"ganlin/internal/webhook"
)

// guardOf says where the webhooks of contacts may be: their addresses come from
// files and from people.
func guardOf(c config.Notify) webhook.Guard {
	return webhook.Guard{Private: c.AllowPrivate, Setting: "notify.allow_private"}
}

// channelsOf makes the channels that a configuration names. What only they
// themselves can judge is a problem at the place of the channel.
func channelsOf(c config.Notify) (map[notify.ChannelName]notify.Channel, []position.Problem) {
	channels := map[notify.ChannelName]notify.Channel{}
	var report position.Report
	add := func(name notify.ChannelName, at position.Position, channel notify.Channel, err error) {
		if err != nil {
			report.Errorf(at, "notify.%s: %v", name, err)
			return
		}
		channels[name] = channel
	}
	if _, err := notify.ParseQuiet(c.Quiet); err != nil {
		report.Errorf(c.At, "notify.quiet: %v", err)
	}
	if w := c.Webhook; w != nil {
		channel, err := notify.NewWebhook(notify.WebhookOptions{Secret: w.Secret.Reveal(), Guard: guardOf(c)})
		add(notify.Webhook, w.At, channel, err)
	}
	if e := c.Email; e != nil {
		channel, err := notify.NewEmail(notify.EmailOptions{Server: e.Server, TLS: e.TLS, From: e.From, Username: e.Username, Password: e.Password.Reveal()})
		add(notify.Email, e.At, channel, err)
	}
	if n := c.Ntfy; n != nil {
		add(notify.Ntfy, n.At, notify.NewNtfy(notify.NtfyOptions{URL: n.URL, Token: n.Token.Reveal()}), nil)
	}
	if r := c.WeCom; r != nil {
		add(notify.WeCom, r.At, notify.NewWeCom(cmp.Or(r.URL, notify.WeComURL)), nil)
	}
	if r := c.DingTalk; r != nil {
		add(notify.DingTalk, r.At, notify.NewDingTalk(cmp.Or(r.URL, notify.DingTalkURL)), nil)
	}
	if r := c.Feishu; r != nil {
		add(notify.Feishu, r.At, notify.NewFeishu(cmp.Or(r.URL, notify.FeishuURL)), nil)
	}
	if s := c.SMS; s != nil {
		channel, err := notify.NewSMS(notify.SMSOptions{
			URL: s.URL, Method: s.Method, Headers: s.Headers, Body: s.Body, Secret: s.Secret.Reveal(),
			Success: notify.SMSSuccess{Field: s.Field, Is: s.Is, Again: s.Again},
		})
		add(notify.SMS, s.At, channel, err)
	}
	return channels, report.Problems()
}
