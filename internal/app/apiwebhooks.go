package app

import (
	"cmp"
	"context"
	"fmt"

	"ganlin/internal/auth"
	"ganlin/internal/httpapi"
	"ganlin/internal/signals"
)

// apiWebhooks are the webhooks as the API shows them.
type apiWebhooks struct{ p *program }

// own returns which webhooks who asks may see and change.
func own(ctx context.Context) func(signals.Webhook) bool {
	a, ok := auth.From(ctx)
	return func(w signals.Webhook) bool { return ok && (a.Role == auth.Operator || w.Account == a.Account) }
}

// Webhooks returns webhooks without their secrets.
func (s apiWebhooks) Webhooks(ctx context.Context) ([]httpapi.Webhook, error) {
	all := []httpapi.Webhook{}
	for _, w := range s.p.sender.List(own(ctx)) {
		one, err := s.webhook(ctx, w)
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, nil
}

// webhook is a webhook as the API shows it: how far it has come is told in its own account's numbers.
func (s apiWebhooks) webhook(ctx context.Context, w signals.Webhook) (out httpapi.Webhook, err error) {
	out = httpapi.Webhook{
		ID: w.ID, Account: w.Account, URL: w.URL, State: w.State(), Because: w.Disabled, Created: w.Created,
		Attempts: w.Attempts, NextAttempt: w.NextAt.UTC(), FailingSince: w.FailingSince.UTC(), LastAttempt: w.LastAt.UTC(), LastAnswer: w.LastAnswer,
	}
	if of, inForce := s.p.book.Access(w.Account); inForce {
		out.Delivered, err = s.p.feed.Reached(ctx, readerOf(of), w.Delivered)
	}
	return out, signalProblem(err)
}

// withSecret shows a webhook the one time that its secret is shown.
func (s apiWebhooks) withSecret(ctx context.Context, w signals.Webhook) (httpapi.WebhookWithSecret, error) {
	out, err := s.webhook(ctx, w)
	return httpapi.WebhookWithSecret{Webhook: out, Secret: w.Secret}, err
}

// AddWebhook makes a webhook of who asks, or, for an operator, of a monitor.
func (s apiWebhooks) AddWebhook(ctx context.Context, n httpapi.NewWebhook) (out httpapi.WebhookWithSecret, err error) {
	a, _ := auth.From(ctx)
	account := cmp.Or(n.Account, a.Account)
	if account != a.Account {
		of, ok := s.p.book.Access(account)
		if a.Role != auth.Operator || !ok || !auth.SignalsRead.Allows(of.Role) {
			return out, httpapi.Invalid("#/account", fmt.Sprintf("there is no monitor %.64q of whom you could make a webhook; leave it out for one of your own", account))
		}
	}
	w, err := s.p.sender.Add(ctx, account, n.URL, n.After)
	if err != nil {
		return out, signalProblem(err)
	}
	return s.withSecret(ctx, w)
}

// DeleteWebhook ends a webhook.
func (s apiWebhooks) DeleteWebhook(ctx context.Context, id string) error {
	return signalProblem(s.p.sender.Delete(ctx, id, own(ctx)))
}

// TestWebhook sends an event that tells nothing.
func (s apiWebhooks) TestWebhook(ctx context.Context, id string) (httpapi.WebhookTrial, error) {
	got, err := s.p.sender.Test(ctx, id, own(ctx))
	return httpapi.WebhookTrial{OK: got.OK, Answer: got.Answer, TookMS: got.Took.Milliseconds()}, signalProblem(err)
}

// RotateWebhook gives a webhook a new secret.
func (s apiWebhooks) RotateWebhook(ctx context.Context, id string) (httpapi.WebhookWithSecret, error) {
	w, err := s.p.sender.Rotate(ctx, id, own(ctx))
	if err != nil {
		return httpapi.WebhookWithSecret{}, signalProblem(err)
	}
	return s.withSecret(ctx, w)
}

// EnableWebhook puts a webhook into force again.
func (s apiWebhooks) EnableWebhook(ctx context.Context, id string) (httpapi.Webhook, error) {
	w, err := s.p.sender.Enable(ctx, id, own(ctx))
	if err != nil {
		return httpapi.Webhook{}, signalProblem(err)
	}
	return s.webhook(ctx, w)
}
