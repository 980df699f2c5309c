package webhook_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"ganlin/internal/webhook"
)

// loopback lets a client post to this machine.
var loopback = webhook.Guard{
	Private: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}, Setting: "x.allow_private",
}

var shut = webhook.Guard{Setting: "x.allow_private"}

func TestWhichAddressesAreDialled(t *testing.T) {
	for addr, want := range map[string]bool{
		"1.1.1.1": true, "223.5.5.5": true, "2400:3200::1": true, "::ffff:1.1.1.1": true,
		"127.0.0.1": false, "::1": false, "::ffff:127.0.0.1": false, "10.1.2.3": false, "172.16.0.1": false, "192.168.1.1": false, "169.254.169.254": false,
		"fe80::1": false, "fd00::1": false, "0.0.0.0": false, "::": false, "100.64.0.1": false, "224.0.0.1": false, "ff02::1": false, "255.255.255.255": false,
		"64:ff9b::7f00:1": false, "2002:7f00:1::": false, "::127.0.0.1": false, "198.18.0.1": false, "240.0.0.1": false, "2001:db8::1": false, "fec0::1": false,
	} {
		ip := netip.MustParseAddr(addr)
		if err := shut.MayDial(ip, false); (err == nil) != want {
			t.Errorf("%s: %v, want dialled %v", addr, err, want)
		}
		if err := shut.MayDial(ip, true); err == nil {
			t.Errorf("%s is sent to unencrypted", addr)
		}
	}
	for _, addr := range []string{"127.0.0.1", "::1", "::ffff:127.0.0.1"} {
		if err := loopback.MayDial(netip.MustParseAddr(addr), true); err != nil {
			t.Errorf("%s was allowed: %v", addr, err)
		}
	}
}

// TestOfAnAddressInAdvance: what is certain is refused, in words without the address.
func TestOfAnAddressInAdvance(t *testing.T) {
	for address, c := range map[string]struct{ shut, open string }{
		"https://town.example/x":         {"", ""},
		"http://town.example/x":          {"http:// is for the networks of x.allow_private alone", ""},
		"https://127.0.0.1/x":            {"is no public address", ""},
		"http://127.0.0.1:9000":          {"would be sent to unencrypted", ""},
		"http://[::1]:9000":              {"would be sent to unencrypted", ""},
		"http://1.1.1.1/x":               {"would be sent to unencrypted", "would be sent to unencrypted"},
		"https://1.1.1.1/x":              {"", ""},
		"http://169.254.169.254/canary":  {"would be sent to unencrypted", "would be sent to unencrypted"},
		"https://169.254.169.254/canary": {"is no public address", "is no public address"},
		"https://[fe80::1%25eth0]/":      {"is no public address", "is no public address"},
		"https://a b":                    {"is no URL", "is no URL"},
	} {
		for _, g := range []struct {
			webhook.Guard
			want string
		}{{shut, c.shut}, {loopback, c.open}} {
			err := g.Check(address)
			if (err == nil) != (g.want == "") || err != nil && (!strings.Contains(err.Error(), g.want) || strings.Contains(err.Error(), "169.254") || strings.Contains(err.Error(), "canary")) {
				t.Errorf("%s: %v, want %q", address, err, g.want)
			}
		}
	}
}

// TestAClientAndItsGuard posts to a real server by several names of this
// machine: only where that was allowed does it hear of it, and a redirect is not followed.
func TestAClientAndItsGuard(t *testing.T) {
	asked := map[string]int{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked[r.URL.Path]++
		if r.URL.Path == "/away" {
			http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
		}
	}))
	defer server.Close()
	u, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	open, closed := webhook.NewClient(loopback, 1), webhook.NewClient(shut, 1)
	for _, host := range []string{"127.0.0.1", "localhost", "[::ffff:127.0.0.1]"} {
		if _, err := post(t, closed, "http://"+host+":"+u.Port()+"/closed"); !refused(err) {
			t.Errorf("%s: %v", host, err)
		}
		if _, err := post(t, closed, "https://"+host+":"+u.Port()+"/closed"); !refused(err) {
			t.Errorf("https, %s: %v", host, err)
		}
		if code, err := post(t, open, "http://"+host+":"+u.Port()+"/open"); err != nil || code != http.StatusOK {
			t.Errorf("%s was allowed: %d, %v", host, code, err)
		}
	}
	if code, err := post(t, open, server.URL+"/away"); err != nil || code != http.StatusTemporaryRedirect {
		t.Errorf("%d, %v", code, err)
	}
	if asked["/closed"] != 0 || asked["/elsewhere"] != 0 || asked["/open"] != 3 || asked["/away"] != 1 {
		t.Errorf("asked for %v", asked)
	}
}

// TestNoProxy has a proxy in the environment: a usual client, the control, takes it.
func TestNoProxy(t *testing.T) {
	asked := 0
	proxy := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked++ }))
	defer proxy.Close()
	t.Setenv("HTTP_PROXY", proxy.URL)
	t.Setenv("HTTPS_PROXY", proxy.URL)
	const nowhere = "town.invalid/canary"
	for _, scheme := range []string{"http://", "https://"} {
		if _, err := post(t, webhook.NewClient(loopback, 1), scheme+nowhere); err == nil || asked > 0 {
			t.Errorf("%s: %v, %d requests to the proxy", scheme, err, asked)
		}
	}
	usual := &http.Client{Transport: &http.Transport{Proxy: http.ProxyFromEnvironment}}
	if _, err := post(t, usual, "http://"+nowhere); err != nil || asked != 1 {
		t.Errorf("the control: %v, %d requests to the proxy", err, asked)
	}
}

// post posts something and returns the status of the answer.
func post(t *testing.T, c interface {
	Do(*http.Request) (*http.Response, error)
}, address string,
) (int, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address, strings.NewReader("x"))
	if err != nil {
		t.Fatal(err)
	}
	res, err := c.Do(req)
	if err != nil {
		return 0, err
	}
	_, _ = io.Copy(io.Discard, res.Body)
	return res.StatusCode, res.Body.Close()
}

func refused(err error) bool {
	_, ok := errors.AsType[webhook.AddressError](err)
	return ok
}

// TestSignature holds a signature against the example of the specification.
func TestSignature(t *testing.T) {
	const id, secret, body = "msg_p5jXN8AQM9LWM0D4loKWxJek", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", `{"test": 2432232314}`
	at := time.Unix(1614265330, 0)
	const want = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
	for signature, secrets := range map[string][]string{want: {secret}, want + " " + want: {secret, strings.TrimPrefix(secret, "whsec_")}, "": nil} {
		h := http.Header{}
		if err := webhook.Sign(h, id, at, []byte(body), secrets...); err != nil {
			t.Fatal(err)
		}
		if h.Get("webhook-id") != id || h.Get("webhook-timestamp") != "1614265330" || h.Get("webhook-signature") != signature {
			t.Errorf("%v, want %q", h, signature)
		}
	}
	if err := webhook.Sign(http.Header{}, id, at, nil, "canary!"); err == nil || strings.Contains(err.Error(), "canary") {
		t.Errorf("a secret that cannot be read: %v", err)
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Duration{
		"120": 2 * time.Minute, "0": 0, "-5": 0, "": 0, "soon": 0, "9999999999": time.Hour,
		"Wed, 01 Jul 2026 12:00:30 GMT": 30 * time.Second, "Wed, 01 Jul 2026 11:00:00 GMT": 0, "Thu, 02 Jul 2026 12:00:00 GMT": time.Hour,
	} {
		if got := webhook.RetryAfter(text, now, time.Hour); got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
}
