package signals

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"time"
)

// send brings signals to one webhook, in order, until ctx ends or the webhook is disabled.
func (s *Sender) send(ctx context.Context, l *line) {
	for {
		w, ok := s.sendable(ctx, l)
		if !ok {
			return
		}
		changed := s.o.Feed.next()
		event, sequence, err := s.behind(ctx, &w)
		switch {
		case err != nil:
			s.o.Log.Error("signals for a webhook cannot be read, trying again", "webhook", w.ID, "error", err)
			s.pause(ctx, l, s.o.FirstPause, nil)
			continue
		case event == nil:
			s.moved(l, w.Delivered)
			s.pause(ctx, l, 0, changed)
			continue
		}
		if wait := time.Until(w.NextAt); wait > 0 && s.pause(ctx, l, wait, nil) {
			continue // it may be another address or secret by now
		}
		s.attempt(ctx, l, w, *event, sequence)
	}
}

// sendable returns the webhook as it is, unless nothing is to be sent to it any
// more: then the line is not busy from here on.
func (s *Sender) sendable(ctx context.Context, l *line) (Webhook, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, may := s.o.Reader(l.hook.Account); !may && l.hook.Disabled == "" && ctx.Err() == nil {
		s.disable(l, "the account is not in force any more")
		s.save(ctx, l)
	}
	l.busy = ctx.Err() == nil && l.hook.Disabled == ""
	return l.hook, l.busy
}

// disable ends sending to a webhook. s.mu is held.
func (s *Sender) disable(l *line, why string) {
	l.hook.Disabled = why
	s.o.Log.Warn("a webhook is disabled", "webhook", l.hook.ID, "account", l.hook.Account, "because", why)
}

// save keeps a webhook as it is, also while the program is being stopped. s.mu is held.
func (s *Sender) save(ctx context.Context, l *line) {
	if err := s.o.Store.SaveWebhook(context.WithoutCancel(ctx), l.hook); err != nil {
		s.o.Log.Error("how far a webhook has come is not kept; what it took may be sent again", "webhook", l.hook.ID, "error", err)
	}
}

// pause waits for a time, or without one until there may be something to do.
// It reports whether it ended early.
func (s *Sender) pause(ctx context.Context, l *line, wait time.Duration, changed <-chan struct{}) (early bool) {
	var over <-chan time.Time
	if wait > 0 {
		timer := time.NewTimer(wait)
		defer timer.Stop()
		over = timer.C
	}
	select {
	case <-ctx.Done():
	case <-l.kick:
	case <-changed:
	case <-over:
		return false
	}
	return true
}

// behind returns the next signal for a webhook with its sequence, and moves it past those that it is not told; nil: there is none.
func (s *Sender) behind(ctx context.Context, w *Webhook) (*Event, int64, error) {
	reader, may := s.o.Reader(w.Account)
	if !may {
		return nil, 0, nil
	}
	for {
		some, err := s.o.Feed.outbox.Signals(ctx, w.Delivered, streamPage)
		if err != nil {
			return nil, 0, fmt.Errorf("reading what is behind %d: %w", w.Delivered, err)
		}
		for _, one := range some {
			if reader.Sees(one) {
				t, key, err := s.o.Feed.tallyOf(ctx, reader)
				if err != nil {
					return nil, 0, err
				}
				return new(eventOf(one, key, t.cursor(t.count(one.Sequence)))), one.Sequence, nil
			}
			w.Delivered = one.Sequence
		}
		if len(some) < streamPage {
			return nil, 0, nil
		}
	}
}

// moved notes that everything up to a sequence has been brought or is not for this webhook.
func (s *Sender) moved(l *line, sequence int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l.hook.Delivered = max(l.hook.Delivered, sequence)
}

// attempt sends one signal once and keeps what that came to.
func (s *Sender) attempt(ctx context.Context, l *line, w Webhook, e Event, sequence int64) {
	body, err := json.Marshal(e)
	if err != nil {
		s.o.Log.Error("a signal cannot be written", "error", err)
		return
	}
	now := time.Now()
	said := s.client.post(ctx, w, e.ID, body, now)
	if ctx.Err() != nil && !said.ok {
		return // it was asked to end, and the attempt with it
	}

	s.mu.Lock()
	defer s.mu.Unlock()
	l.hook.Delivery = w.after(said, sequence, now, s.o.FirstPause)
	switch {
	case said.gone:
		s.disable(l, "the receiver answered 410: it wants no more")
	case !said.ok && now.Sub(l.hook.FailingSince) > giveUp:
		s.disable(l, fmt.Sprintf("it failed for %.0f days; the last answer was: %s", giveUp.Hours()/24, said.text))
	}
	if s.hooks[w.ID] == l { // else it was deleted meanwhile
		s.save(ctx, l)
	}
}

// after returns the delivery after an attempt.
func (w Webhook) after(said answer, sequence int64, now time.Time, first time.Duration) Delivery {
	d := Delivery{Delivered: w.Delivered, Attempts: w.Attempts + 1, FailingSince: w.FailingSince, LastAt: now, LastAnswer: said.text}
	if said.ok {
		return Delivery{Delivered: sequence, LastAt: now, LastAnswer: said.text}
	}
	if d.FailingSince.IsZero() {
		d.FailingSince = now
	}
	d.NextAt = now.Add(max(said.wait, backoff(first, d.Attempts)))
	return d
}

// backoff is how long is waited after so many failures: twice as long each
// time, a quarter more or less, so that what failed together does not come back together.
func backoff(first time.Duration, failures int) time.Duration {
	wait := lastPause
	if doublings := failures - 1; doublings < 30 {
		wait = min(first<<doublings, lastPause)
	}
	return time.Duration(float64(wait) * (0.75 + rand.Float64()/2)) //nolint:gosec // no secret
}
