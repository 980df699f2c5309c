package signals

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// Bounds of one attempt.
const (
	attemptTimeout = 15 * time.Second
	maxAnswer      = 16 << 10 // bytes of an answer that are read, and thrown away
	maxHeader      = 16 << 10
)

// A client posts to webhooks. It follows no redirect, uses no proxy, and dials
// no address that a receiver outside has no business to name.
type client struct {
	secure, plain http.Client
	timeout       time.Duration // of an attempt as a whole
}

func newClient(private []netip.Prefix) *client {
	return &client{secure: httpClient(private, false), plain: httpClient(private, true), timeout: attemptTimeout}
}

// httpClient makes a client. What goes unencrypted goes to private networks that were allowed and nowhere else.
func httpClient(private []netip.Prefix, plain bool) http.Client {
	// Control sees the address that is really dialled, after the name was
	// resolved: a name that resolves to another address a moment later gains nothing.
	dialer := net.Dialer{Control: func(_, address string, _ syscall.RawConn) error {
		at, err := netip.ParseAddrPort(address)
		if err != nil {
			return fmt.Errorf("reading the address %s: %w", address, err)
		}
		return mayDial(at.Addr(), private, plain)
	}}
	return http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DialContext: dialer.DialContext, MaxResponseHeaderBytes: maxHeader, MaxIdleConnsPerHost: 1, IdleConnTimeout: time.Minute,
			DisableCompression: true, ForceAttemptHTTP2: true,
		},
	}
}

// An addressError says that an address must not be dialled.
type addressError struct {
	addr netip.Addr
	why  string
}

func (e addressError) Error() string { return e.addr.String() + " " + e.why }

// mayDial refuses what is not a public address, unless it was allowed.
func mayDial(addr netip.Addr, private []netip.Prefix, plain bool) error {
	addr = addr.Unmap().WithZone("")
	for _, p := range private {
		if p.Contains(addr) {
			return nil
		}
	}
	if plain {
		return addressError{addr, "would be sent to unencrypted; use https://, or name its network in signals.allow_private"}
	}
	if !public(addr) {
		return addressError{addr, "is no public address; name its network in signals.allow_private if it is meant"}
	}
	return nil
}

// reserved lists what IANA's registries of special addresses have besides what
// netip knows: none of it is a receiver on the public network. The last four
// hold addresses of version 4 that would be reached through a gateway.
var reserved = []netip.Prefix{ //nolint:gochecknoglobals // a table
	netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("192.0.0.0/24"),
	netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("192.88.99.0/24"), netip.MustParsePrefix("198.18.0.0/15"),
	netip.MustParsePrefix("198.51.100.0/24"), netip.MustParsePrefix("203.0.113.0/24"), netip.MustParsePrefix("240.0.0.0/4"),
	netip.MustParsePrefix("100::/64"), netip.MustParsePrefix("2001:db8::/32"), netip.MustParsePrefix("3fff::/20"), netip.MustParsePrefix("5f00::/16"),
	netip.MustParsePrefix("fec0::/10"), netip.MustParsePrefix("2001::/23"), netip.MustParsePrefix("2002::/16"), netip.MustParsePrefix("64:ff9b::/96"),
	netip.MustParsePrefix("64:ff9b:1::/48"), netip.MustParsePrefix("::/96"),
}

func public(addr netip.Addr) bool {
	if !addr.IsGlobalUnicast() || addr.IsPrivate() {
		return false
	}
	for _, p := range reserved {
		if p.Contains(addr) {
			return false
		}
	}
	return true
}

// An answer is what an attempt came to.
type answer struct {
	ok   bool
	gone bool          // the receiver wants no more, ever
	wait time.Duration // the receiver asked to be left alone for so long; 0: it did not
	text string        // for people; it holds nothing that the receiver wrote
}

// post sends a message once. Whatever the receiver does, it returns in time.
func (c *client) post(ctx context.Context, w Webhook, id string, body []byte, now time.Time) answer {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	signature, err := sign(w, id, body, now)
	if err != nil {
		return answer{text: err.Error()}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.URL, strings.NewReader(string(body)))
	if err != nil {
		return answer{text: "the address cannot be read"}
	}
	req.Header.Set("Content-Type", "application/cloudevents+json; charset=utf-8")
	req.Header.Set("User-Agent", "Ganlin")
	req.Header.Set(standardwebhooks.HeaderWebhookID, id)
	req.Header.Set(standardwebhooks.HeaderWebhookTimestamp, strconv.FormatInt(now.Unix(), 10))
	req.Header.Set(standardwebhooks.HeaderWebhookSignature, signature)
	client := &c.secure
	if req.URL.Scheme == "http" {
		client = &c.plain
	}
	res, err := client.Do(req)
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
		if s, err := strconv.Atoi(res.Header.Get("Retry-After")); err == nil && s > 0 {
			a.wait = min(time.Duration(min(s, int(lastPause.Seconds())))*time.Second, lastPause)
		}
	}
	return a
}

// sign signs as Standard Webhooks has it, with both secrets while one takes over from the other.
func sign(w Webhook, id string, body []byte, now time.Time) (string, error) {
	secrets := []string{w.Secret}
	if w.OldSecret != "" && now.Before(w.OldUntil) {
		secrets = append(secrets, w.OldSecret)
	}
	var all []string
	for _, secret := range secrets {
		key, err := standardwebhooks.NewWebhook(secret)
		if err != nil {
			return "", errors.New("the secret cannot be read") // the library's error would show it
		}
		one, err := key.Sign(id, now, body)
		if err != nil {
			return "", errors.New("the message cannot be signed")
		}
		all = append(all, one)
	}
	return strings.Join(all, " "), nil
}

// failure says in a few words why there was no answer, without the address,
// which may hold a secret of the receiver's.
func (c *client) failure(err error) string {
	if refused, ok := errors.AsType[addressError](err); ok {
		return refused.Error()
	}
	if name, ok := errors.AsType[*net.DNSError](err); ok {
		return "the name " + name.Name + " has no address"
	}
	if e, ok := errors.AsType[*url.Error](err); ok {
		if e.Timeout() {
			return fmt.Sprintf("no answer within %v", c.timeout)
		}
		err = e.Err
	}
	return err.Error()
}
