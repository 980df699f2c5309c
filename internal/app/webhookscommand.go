package app

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"

	"ganlin/internal/httpapi"
)

type webhooksCommand struct {
	Add    addWebhook    `cmd:"" help:"Send signals to an address; the secret that signs them is shown once."`
	List   listWebhooks  `cmd:"" help:"List the webhooks and how they are."`
	Test   testWebhook   `cmd:"" help:"Send an event that tells nothing, and say what the receiver answered."`
	Remove removeWebhook `cmd:"" help:"End a webhook."`
}

// webhooks is where the webhooks of the running program are. Nothing is sent by one that does not run.
func (w where) webhooks(c console) (*remote, error) {
	return w.program(c, "webhooks are kept by the running program: start it first")
}

type addWebhook struct {
	where
	URL     string `arg:"" help:"Where to: https://…"`
	Account string `required:"" help:"The monitor whose it is; it is told what that account may see."`
	After   string `help:"The cursor behind which it begins; 0: with the first signal; else with what comes from now on."`
}

// Run makes a webhook.
func (a addWebhook) Run(ctx context.Context, c console) error {
	r, err := a.webhooks(c)
	if err != nil {
		return err
	}
	var made httpapi.WebhookWithSecret
	if err := r.call(ctx, "POST", "/api/v1/webhooks", httpapi.NewWebhook{URL: a.URL, Account: a.Account, After: a.After}, &made); err != nil {
		return err
	}
	if a.JSON {
		return json.NewEncoder(c.out).Encode(made) //nolint:gosec // to show the secret is what it is for
	}
	_, _ = fmt.Fprintf(c.err, "Webhook %s is made. This secret is shown now and never again:\n", made.Webhook.ID)
	_, err = fmt.Fprintln(c.out, made.Secret)
	return err
}

type listWebhooks struct{ where }

// Run lists the webhooks.
func (l listWebhooks) Run(ctx context.Context, c console) error {
	r, err := l.webhooks(c)
	if err != nil {
		return err
	}
	var all []httpapi.Webhook
	if err := r.call(ctx, "GET", "/api/v1/webhooks", nil, &all); err != nil {
		return err
	}
	return list(c, l.JSON, all, "WEBHOOK\tACCOUNT\tADDRESS\tSTATE\tLAST ANSWER\tDELIVERED", func(h httpapi.Webhook) string {
		return fmt.Sprintf("%s\t%s\t%s\t%s\t%s\t%s", h.ID, h.Account, h.URL, h.State, h.LastAnswer, h.Delivered)
	})
}

type testWebhook struct {
	where
	ID string `arg:"" help:"The webhook."`
}

// Run tests a webhook.
func (v testWebhook) Run(ctx context.Context, c console) error {
	r, err := v.webhooks(c)
	if err != nil {
		return err
	}
	var got httpapi.WebhookTrial
	if err := r.call(ctx, "POST", "/api/v1/webhooks/"+url.PathEscape(v.ID)+"/test", nil, &got); err != nil {
		return err
	}
	if v.JSON {
		err = json.NewEncoder(c.out).Encode(got)
	} else {
		_, err = fmt.Fprintf(c.out, "%s, after %d ms\n", got.Answer, got.TookMS)
	}
	if err == nil && !got.OK {
		return errCheckFailed
	}
	return err
}

type removeWebhook struct {
	where
	ID string `arg:"" help:"The webhook."`
}

// Run ends a webhook.
func (v removeWebhook) Run(ctx context.Context, c console) error {
	r, err := v.webhooks(c)
	if err == nil {
		err = r.call(ctx, "DELETE", "/api/v1/webhooks/"+url.PathEscape(v.ID), nil, nil)
	}
	return err
}
