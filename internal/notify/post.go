package notify

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"time"

	"ganlin/internal/webhook"
)

// A client sends requests.
type client interface {
	Do(*http.Request) (*http.Response, error)
}

// newClient returns a client for what the configuration names. It follows no
// redirect: that would carry an address to where nobody meant it to go.
func newClient() *http.Client {
	transport := &http.Transport{
		Proxy: http.ProxyFromEnvironment, TLSHandshakeTimeout: sendTime, IdleConnTimeout: time.Minute, MaxIdleConnsPerHost: maxTries,
		TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12},
	}
	return &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// maxAnswer bounds what is read of an answer.
const maxAnswer = 16 << 10

// post sends a request and returns the body of an answer of success. Everything
// else is an *Error. to is what the answer is cleaned of.
func post(ctx context.Context, c client, to Address, method, address string, header http.Header, body string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(body))
	if err != nil {
		return nil, &Error{What: "the address of the channel is no URL", Hint: "write it such as https://host/path"}
	}
	req.Header = header
	if req.Header.Get("User-Agent") == "" {
		req.Header.Set("User-Agent", "Ganlin")
	}
	res, err := c.Do(req)
	if err != nil {
		return nil, unreached(ctx, err)
	}
	defer func() { _ = res.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil && res.StatusCode < 300 {
		return nil, &Error{What: "the answer broke off", Again: true, Shared: true, Doubt: true}
	}
	if res.StatusCode < 300 {
		return answer, nil
	}
	e := refused(res)
	e.answer, e.Said = answer, to.scrub(strings.TrimSpace(string(answer)))
	return nil, e
}

// unreached says why there is no answer. What net/http says holds the address, so it is told in other words.
func unreached(ctx context.Context, err error) *Error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		err = e.Err
	}
	e := &Error{Again: true, Shared: true}
	var unknown x509.UnknownAuthorityError
	var wrongName x509.HostnameError
	var invalid x509.CertificateInvalidError
	var noName *net.DNSError
	var timeout net.Error
	var forbidden webhook.AddressError
	switch {
	case errors.As(err, &forbidden):
		e.What = "its host " + forbidden.Why
	case errors.As(err, &noName):
		e.What, e.Hint = "the host has no address", "check the name of the server and this machine's DNS"
	case errors.Is(err, syscall.ECONNREFUSED):
		e.What, e.Hint = "nothing listens there: the connection is refused", "check address and port, and whether the server runs"
	case errors.As(err, &unknown):
		e.What, e.Hint = "its certificate is signed by nobody whom this machine trusts", "install the authority's certificate on this machine"
	case errors.As(err, &wrongName):
		e.What, e.Hint = "its certificate is made out for another name", "use the name that stands in the certificate"
	case errors.As(err, &invalid):
		e.What, e.Hint = "its certificate is not valid", "see whether it has run out, and whether the clocks are right"
	case errors.Is(err, context.DeadlineExceeded), errors.Is(ctx.Err(), context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		e.What, e.Hint, e.Doubt = fmt.Sprintf("no answer within %s", sendTime), "see whether the server is overloaded or a firewall is between", true
	case errors.Is(err, context.Canceled):
		e.What, e.Doubt = "the program is ending", true
	default:
		e.What, e.Hint, e.Doubt = "the connection broke off", "see whether the server ended it, and whether it wants https", true
	}
	return e
}

// refused reads an answer that is no success.
func refused(res *http.Response) *Error {
	code := res.StatusCode
	e := &Error{
		What:  fmt.Sprintf("it answers %d %s", code, http.StatusText(code)),
		After: webhook.RetryAfter(res.Header.Get("Retry-After"), time.Now(), maxRetryAfter),
	}
	switch {
	case code < 400:
		e.Hint = "it sends elsewhere, and redirects are not followed: give the address that it leads to"
	case code == http.StatusUnauthorized, code == http.StatusForbidden:
		e.Again, e.Shared, e.Hint = true, true, "give the right password or token in the configuration and start again; the message waits"
	case code == http.StatusNotFound, code == http.StatusGone:
		e.Hint = "there is no such receiver: see whether it was removed"
	case code == http.StatusRequestTimeout, code == http.StatusTooEarly, code == http.StatusTooManyRequests:
		e.Again, e.Shared = true, true
	case code >= 500:
		e.Again, e.Shared, e.Doubt = true, true, true
	}
	return e
}

// maxRetryAfter is the most that a receiver may ask to wait.
const maxRetryAfter = 6 * time.Hour

// checkURL checks the address of a receiver.
func checkURL(text string) error {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil {
		return errors.New("the address must be a URL such as https://example.org/hook, without name or password")
	}
	return nil
}

// hostOf is the host of a URL.
func hostOf(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return ""
	}
	return u.Host
}
