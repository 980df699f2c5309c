package signals

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"syscall"
	"time"

	"ganlin/internal/webhook"
)

// Bounds of one attempt.
const (
	attemptTimeout = 15 * time.Second
	maxAnswer      = 16 << 10 // bytes of an answer that are read, and thrown away
)

// A client posts to webhooks, within the time of an attempt.
type client struct {
	*webhook.Client
	timeout time.Duration // of an attempt as a whole
}

func newClient(private []netip.Prefix) *client {
	return &client{webhook.NewClient(guard(private), 1), attemptTimeout}
}

func guard(private []netip.Prefix) webhook.Guard {
	return webhook.Guard{Private: private, Setting: "signals.allow_private"}
}

// An answer is what an attempt came to.
type answer struct {
	ok   bool
	gone bool          // the receiver wants no more, ever
	wait time.Duration // the receiver asked to be left alone for so long; 0: it did not
	text string        // for people, in words of ours alone: it holds nothing that the receiver wrote
}

// post sends a message once. Whatever the receiver does, it returns in time.
func (c *client) post(ctx context.Context, w Webhook, id string, body []byte, now time.Time) answer {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.URL, bytes.NewReader(body))
	if err != nil {
		return answer{text: "the address cannot be read"}
	}
	req.Header.Set("Content-Type", "application/cloudevents+json; charset=utf-8")
	req.Header.Set("User-Agent", "Ganlin")
	if err := webhook.Sign(req.Header, id, now, body, w.secrets(now)...); err != nil {
		return answer{text: err.Error()}
	}
	res, err := c.Do(req)
	if err != nil {
		return answer{text: c.failure(err)}
	}
	defer func() { _ = res.Body.Close() }()
	_, _ = io.CopyN(io.Discard, res.Body, maxAnswer) // so that the connection can be used again
	a := answer{ok: res.StatusCode/100 == 2, gone: res.StatusCode == http.StatusGone, text: strconv.Itoa(res.StatusCode)}
	switch {
	case res.StatusCode/100 == 3:
		a.text += ": redirects are not followed"
	case res.StatusCode == http.StatusTooManyRequests, res.StatusCode == http.StatusServiceUnavailable:
		a.wait = webhook.RetryAfter(res.Header.Get("Retry-After"), now, lastPause)
	}
	return a
}

// secrets are those that sign: both while one takes over from the other.
func (w *Webhook) secrets(now time.Time) []string {
	if w.OldSecret != "" && now.Before(w.OldUntil) {
		return []string{w.Secret, w.OldSecret}
	}
	return []string{w.Secret}
}

// failure says in a few words of ours why there was no answer: errors of the
// network hold the address, which may hold a secret of the receiver's, and what the receiver wrote.
func (c *client) failure(err error) string {
	if refused, ok := errors.AsType[webhook.AddressError](err); ok {
		return refused.Error()
	}
	if name, ok := errors.AsType[*net.DNSError](err); ok {
		return "the name " + name.Name + " has no address"
	}
	if e, ok := errors.AsType[*url.Error](err); ok && e.Timeout() {
		return fmt.Sprintf("no answer within %v", c.timeout)
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return "its certificate " + mistrust(err)
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return "it speaks no TLS"
	}
	if cause, ok := errors.AsType[syscall.Errno](err); ok {
		return cause.Error()
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return "it hung up without an answer"
	}
	return "the connection broke, or what came is no answer of HTTP"
}

// mistrust says what is wrong with a certificate, without what is written in it.
func mistrust(err error) string {
	if _, ok := errors.AsType[x509.HostnameError](err); ok {
		return "is of another host"
	}
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return "is signed by nobody who is trusted"
	}
	if e, ok := errors.AsType[x509.CertificateInvalidError](err); ok && e.Reason == x509.Expired {
		return "has expired, or is not valid yet"
	}
	return "does not hold"
}
