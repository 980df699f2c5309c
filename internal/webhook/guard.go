package webhook

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"syscall"
	"time"
)

// A Guard says where may be posted to. Its zero value allows public addresses, by https.
type Guard struct {
	// Private lists networks that are not public and may be posted to, and unencrypted too.
	Private []netip.Prefix
	// Setting is where Private is configured, as an operator is told of it.
	Setting string
}

// maxHeader bounds the head of an answer.
const maxHeader = 16 << 10

// A Client posts where its guard allows.
type Client struct{ secure, plain http.Client }

// NewClient returns a client that keeps so many connections to a host for the next request.
func NewClient(g Guard, idle int) *Client {
	return &Client{g.client(false, idle), g.client(true, idle)}
}

// client makes a client. What goes unencrypted goes to private networks that were allowed and nowhere else.
func (g Guard) client(plain bool, idle int) http.Client {
	// Control sees the address that is really dialled, after the name was
	// resolved: a name that resolves to another address a moment later gains nothing.
	dialer := net.Dialer{Control: func(_, address string, _ syscall.RawConn) error {
		at, err := netip.ParseAddrPort(address)
		if err != nil {
			return fmt.Errorf("reading the address %s: %w", address, err)
		}
		return g.mayDial(at.Addr(), plain)
	}}
	return http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DialContext: dialer.DialContext, MaxResponseHeaderBytes: maxHeader, MaxIdleConnsPerHost: idle, IdleConnTimeout: time.Minute,
			DisableCompression: true, ForceAttemptHTTP2: true,
		},
	}
}

// Do sends a request. The body of the answer is the caller's to close.
func (c *Client) Do(req *http.Request) (*http.Response, error) {
	if req.URL.Scheme == "http" {
		return c.plain.Do(req) //nolint:gosec // both look at every address that they dial
	}
	return c.secure.Do(req) //nolint:gosec // likewise
}

// Check says of an address in advance what is certain without a name server:
// the rest is seen when it is dialled. The error does not hold the address.
func (g Guard) Check(address string) error {
	u, err := url.Parse(address)
	if err != nil {
		return errors.New("the address is no URL")
	}
	plain := u.Scheme == "http"
	if host, err := netip.ParseAddr(u.Hostname()); err == nil {
		if refused, ok := errors.AsType[AddressError](g.mayDial(host, plain)); ok {
			return errors.New("the address " + refused.Why)
		}
		return nil
	}
	if plain && len(g.Private) == 0 {
		return fmt.Errorf("write https://; http:// is for the networks of %s alone", g.Setting)
	}
	return nil
}

// An AddressError says that an address must not be dialled.
type AddressError struct {
	Addr netip.Addr
	Why  string // what is wrong with it and how to mend that, without the address
}

// Error returns the address and what is wrong with it.
func (e AddressError) Error() string { return e.Addr.String() + " " + e.Why }

// mayDial refuses what is not a public address, unless it was allowed.
func (g Guard) mayDial(addr netip.Addr, plain bool) error {
	addr = addr.Unmap().WithZone("")
	for _, p := range g.Private {
		if p.Contains(addr) {
			return nil
		}
	}
	if plain {
		return AddressError{addr, "would be sent to unencrypted; use https://, or name its network in " + g.Setting}
	}
	if !public(addr) {
		return AddressError{addr, "is no public address; name its network in " + g.Setting + " if it is meant"}
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
