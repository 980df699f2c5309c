package signals

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// Add makes a webhook of an account. It begins after a cursor, without one with
// what comes from now on. Its secret is in what is returned and shown never again.
func (s *Sender) Add(ctx context.Context, account, url, after string) (Webhook, error) {
	if err := s.checkURL(url); err != nil {
		return Webhook{}, err
	}
	from, err := s.from(ctx, account, after)
	if err != nil {
		return Webhook{}, err
	}
	w := Webhook{ID: "wh_" + rand.Text(), Account: account, URL: url, Secret: newSecret(), Created: time.Now().UTC().Truncate(time.Millisecond), Delivery: Delivery{Delivered: from}}
	s.mu.Lock()
	defer s.mu.Unlock()
	own := 0
	for _, l := range s.hooks {
		if l.hook.Account == account {
			own++
		}
	}
	if own >= maxWebhooks {
		return Webhook{}, fmt.Errorf("%w: %s has %d", ErrTooMany, account, own)
	}
	if err := s.o.Store.AddWebhook(ctx, w); err != nil {
		return Webhook{}, fmt.Errorf("adding a webhook: %w", err)
	}
	l := newLine(w)
	s.hooks[w.ID] = l
	s.begin(l)
	return w, nil
}

// from is the sequence behind which a webhook of an account begins.
func (s *Sender) from(ctx context.Context, account, after string) (int64, error) {
	if after == "" {
		return s.o.Feed.outbox.LastSignal(ctx)
	}
	reader, may := s.o.Reader(account)
	if !may {
		return 0, ErrNoWebhook
	}
	t, _, err := s.o.Feed.tallyOf(ctx, reader)
	if err != nil {
		return 0, err
	}
	_, sequence, _, err := t.at(after)
	return sequence, err
}

// List returns the webhooks that are meant, the oldest first, without their secrets.
func (s *Sender) List(meant func(Webhook) bool) []Webhook {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []Webhook
	for _, l := range s.hooks {
		if meant(l.hook) {
			w := l.hook
			w.Secret, w.OldSecret = "", ""
			all = append(all, w)
		}
	}
	slices.SortFunc(all, func(a, b Webhook) int { return cmp.Or(a.Created.Compare(b.Created), cmp.Compare(a.ID, b.ID)) })
	return all
}

// find returns the line of a webhook that is meant. s.mu is held.
func (s *Sender) find(id string, meant func(Webhook) bool) (*line, error) {
	if l, ok := s.hooks[id]; ok && meant(l.hook) {
		return l, nil
	}
	return nil, ErrNoWebhook
}

// Delete ends a webhook. An attempt that is under way may still arrive.
func (s *Sender) Delete(ctx context.Context, id string, meant func(Webhook) bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	l, err := s.find(id, meant)
	if err != nil {
		return err
	}
	if err := s.o.Store.DeleteWebhook(ctx, id); err != nil {
		return fmt.Errorf("deleting webhook %s: %w", id, err)
	}
	l.stop()
	delete(s.hooks, id)
	return nil
}

// Rotate gives a webhook a new secret, which is in what is returned and shown
// never again. Both sign for a day, so that the receiver can change over.
func (s *Sender) Rotate(ctx context.Context, id string, meant func(Webhook) bool) (Webhook, error) {
	return s.change(ctx, id, meant, func(w *Webhook) {
		w.OldSecret, w.OldUntil = w.Secret, time.Now().UTC().Add(keepOld).Truncate(time.Millisecond)
		w.Secret = newSecret()
	})
}

// Enable puts a webhook into force again, or lets one that waits after failures
// try at once. It goes on where it stood.
func (s *Sender) Enable(ctx context.Context, id string, meant func(Webhook) bool) (Webhook, error) {
	w, err := s.change(ctx, id, meant, func(w *Webhook) {
		w.Disabled = ""
		w.Delivery = Delivery{Delivered: w.Delivered, LastAt: w.LastAt, LastAnswer: w.LastAnswer}
	})
	w.Secret, w.OldSecret = "", ""
	return w, err
}

// change changes a webhook in the store and here, or neither, and lets it send at once.
func (s *Sender) change(ctx context.Context, id string, meant func(Webhook) bool, change func(*Webhook)) (Webhook, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l, err := s.find(id, meant)
	if err != nil {
		return Webhook{}, err
	}
	next := l.hook
	change(&next)
	if err := s.o.Store.SaveWebhook(ctx, next); err != nil {
		return Webhook{}, fmt.Errorf("changing webhook %s: %w", id, err)
	}
	l.hook = next
	s.begin(l)
	return next, nil
}

// A Trial is what a test of a webhook came to.
type Trial struct {
	OK     bool
	Answer string
	Took   time.Duration
}

// TestType is the type of the event that a test sends. It tells nothing.
const TestType = "ganlin.webhook.test"

// Test sends an event that tells nothing, once, and says what that came to.
func (s *Sender) Test(ctx context.Context, id string, meant func(Webhook) bool) (Trial, error) {
	s.mu.Lock()
	l, err := s.find(id, meant)
	if err != nil {
		s.mu.Unlock()
		return Trial{}, err
	}
	w := l.hook
	s.mu.Unlock()
	reader, may := s.o.Reader(w.Account)
	if !may {
		return Trial{}, ErrNoWebhook
	}
	key, err := s.o.Feed.outbox.ReceiverKey(ctx, reader.Receiver)
	if err != nil {
		return Trial{}, fmt.Errorf("finding the receiver's pseudonyms: %w", err)
	}
	now := time.Now()
	e := struct {
		SpecVersion string    `json:"specversion"`
		ID          string    `json:"id"`
		Source      string    `json:"source"`
		Type        string    `json:"type"`
		Time        time.Time `json:"time"`
	}{"1.0", "test-" + rand.Text(), source(key), TestType, now.UTC()}
	body, err := json.Marshal(e)
	if err != nil {
		return Trial{}, fmt.Errorf("writing a test: %w", err)
	}
	said := s.client.post(ctx, w, e.ID, body, now)
	return Trial{OK: said.ok, Answer: said.text, Took: time.Since(now)}, nil
}
