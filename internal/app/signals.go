package app

import (
	"cmp"
	"context"
	"errors"

	"ganlin/devices"
	"ganlin/internal/auth"
	"ganlin/internal/records"
	"ganlin/internal/signals"
)

// openSignals makes ready what tells the monitoring system of clues.
func (p *program) openSignals(ctx context.Context) (err error) {
	box := outbox{p.records}
	p.feed = signals.NewFeed(box)
	allowed := p.o.config.Signals.AllowPrivate
	if p.o.village != nil { // a receiver of the demo stands beside it
		allowed = append(allowed, thisMachine()...)
	}
	p.sender, err = signals.NewSender(ctx, signals.SenderOptions{
		Feed: p.feed, Store: box, AllowPrivate: allowed, Log: p.log,
		Reader: func(account string) (signals.Reader, bool) {
			a, ok := p.book.Access(account)
			return readerOf(a), ok && auth.SignalsRead.Allows(a.Role)
		},
	})
	return err
}

// readerOf is who asks, as a reader of signals.
func readerOf(a auth.Access) signals.Reader {
	return signals.Reader{
		Account: a.Account, Receiver: cmp.Or(a.Receiver, a.Account),
		Sees: func(s signals.Signal) bool { return a.SeesSite(devices.Site{ID: s.Site, Place: s.Place}) },
	}
}

// outbox is the records store as the signals know it.
type outbox struct{ records *records.Store }

func (o outbox) Signals(ctx context.Context, after int64, limit int) ([]signals.Signal, error) {
	rows, err := o.records.Signals(ctx, after, limit)
	all := make([]signals.Signal, len(rows))
	for i, r := range rows {
		all[i] = signals.Signal(r)
	}
	return all, err
}

func (o outbox) LastSignal(ctx context.Context) (int64, error) { return o.records.LastSignal(ctx) }

func (o outbox) ReceiverKey(ctx context.Context, receiver string) ([]byte, error) {
	return o.records.ReceiverKey(ctx, receiver)
}

func (o outbox) Webhooks(ctx context.Context) ([]signals.Webhook, error) {
	rows, err := o.records.Webhooks(ctx)
	all := make([]signals.Webhook, len(rows))
	for i, r := range rows {
		all[i] = signals.Webhook{
			ID: r.ID, Account: r.Account, URL: r.URL, Secret: r.Secret, OldSecret: r.OldSecret, OldUntil: r.OldUntil, Disabled: r.Disabled,
			Created: r.Created, Delivery: signals.Delivery(r.Delivery),
		}
	}
	return all, err
}

func (o outbox) AddWebhook(ctx context.Context, w signals.Webhook) error {
	return o.records.AddWebhook(ctx, webhookRow(w))
}

func (o outbox) SaveWebhook(ctx context.Context, w signals.Webhook) error {
	return o.records.SaveWebhook(ctx, webhookRow(w))
}

func (o outbox) DeleteWebhook(ctx context.Context, id string) error {
	err := o.records.DeleteWebhook(ctx, id)
	if errors.Is(err, records.ErrNotFound) {
		return nil // it is gone, which is what was asked for
	}
	return err
}

func webhookRow(w signals.Webhook) records.Webhook {
	return records.Webhook{
		ID: w.ID, Account: w.Account, URL: w.URL, Secret: w.Secret, OldSecret: w.OldSecret, OldUntil: w.OldUntil, Disabled: w.Disabled,
		Created: w.Created, Delivery: records.Delivery(w.Delivery),
	}
}
