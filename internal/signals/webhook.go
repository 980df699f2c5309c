package signals

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"time"
)

// A Webhook is an address that signals are sent to, and how far that has come.
type Webhook struct {
	ID        string
	Account   string // whose it is: it is told what that account may see
	URL       string
	Secret    string    // whsec_…; it is shown once
	OldSecret string    // signs as well until OldUntil; empty: none
	OldUntil  time.Time // the machine's clock, as all times here
	Disabled  string    // why nothing is sent; empty: it is in force
	Created   time.Time
	Delivery
}

// A Delivery is how far a webhook has come.
type Delivery struct {
	Delivered    int64     // up to this sequence everything has been taken
	Attempts     int       // that failed, of the signal behind it
	NextAt       time.Time // of the next attempt; zero: at once
	FailingSince time.Time // zero: the last attempt was well
	LastAt       time.Time // of the last attempt; zero: none yet
	LastAnswer   string    // what it came to
}

// How a webhook is.
const (
	Well     = "well"
	Failing  = "failing"
	Disabled = "disabled"
)

// State says how the webhook is.
func (w Webhook) State() string {
	switch {
	case w.Disabled != "":
		return Disabled
	case !w.FailingSince.IsZero():
		return Failing
	}
	return Well
}

// A WebhookStore keeps webhooks. Each method is one transaction.
type WebhookStore interface {
	Webhooks(ctx context.Context) ([]Webhook, error)
	AddWebhook(ctx context.Context, w Webhook) error
	SaveWebhook(ctx context.Context, w Webhook) error
	DeleteWebhook(ctx context.Context, id string) error
}

var (
	// ErrNoWebhook says that there is no such webhook.
	ErrNoWebhook = errors.New("no such webhook")
	// ErrURL says that an address may not be sent to.
	ErrURL = errors.New("signals cannot be sent to this address")
	// ErrTooMany says that an account has as many webhooks as it may.
	ErrTooMany = errors.New("too many webhooks; delete one that nobody needs")
)

// Bounds of webhooks.
const (
	maxWebhooks  = 10 // of an account
	maxURL       = 2048
	keepOld      = 24 * time.Hour // how long a secret signs on after it was changed
	secretPrefix = "whsec_"
)

// newSecret returns a random secret in the form of Standard Webhooks.
func newSecret() string {
	raw := make([]byte, 32)
	_, _ = rand.Read(raw) // it never fails
	return secretPrefix + base64.StdEncoding.EncodeToString(raw)
}

// checkURL checks an address as far as that goes without a name server. What
// a name stands for is checked when it is dialled.
func (s *Sender) checkURL(text string) error {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "":
		return fmt.Errorf("%w: write it as https://host/path", ErrURL)
	case len(text) > maxURL:
		return fmt.Errorf("%w: it is longer than %d characters", ErrURL, maxURL)
	case u.User != nil:
		return fmt.Errorf("%w: it holds a name or a password; the signature proves who sends", ErrURL)
	case u.Fragment != "":
		return fmt.Errorf("%w: it holds a fragment, which is never sent", ErrURL)
	case u.Scheme == "http" && len(s.o.AllowPrivate) == 0, u.Scheme != "http" && u.Scheme != "https":
		return fmt.Errorf("%w: write https://; http:// is for the networks of signals.allow_private alone", ErrURL)
	}
	if err := guard(s.o.AllowPrivate).Check(text); err != nil {
		return fmt.Errorf("%w: %w", ErrURL, err)
	}
	return nil
}
