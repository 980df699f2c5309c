package signals_test

import (
	"bufio"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"ganlin/internal/signals"
)

// A webhook that goes to this machine through a name reaches nothing, because
// the address that is dialled counts; where that is allowed, the control, it arrives.
func TestPrivateAddressesAreNotDialled(t *testing.T) {
	for _, allowed := range []bool{false, true} {
		hits := make(chan struct{}, 10)
		server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { hits <- struct{}{} }))
		server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
		server.StartTLS()
		defer server.Close()
		private := loopback
		if !allowed {
			private = nil
		}
		s := openStation(t, filepath.Join(t.TempDir(), "records.db"), private)
		for _, host := range []string{"127.0.0.1", "localhost", "[::ffff:127.0.0.1]"} {
			w, err := s.sender.Add(t.Context(), "town", "https://"+host+":"+mustParse(server.URL).Port(), "")
			if literal := host != "localhost"; literal && !allowed { // there is nothing to find out
				if !errors.Is(err, signals.ErrURL) || !strings.Contains(err.Error(), "is no public address") {
					t.Errorf("%s is made a webhook of: %v", host, err)
				}
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			got, err := s.sender.Test(t.Context(), w.ID, all)
			refused := strings.Contains(got.Answer, "is no public address")
			if err != nil || got.OK || refused == allowed {
				t.Errorf("%s, allowed %v: %+v, %v", host, allowed, got, err)
			}
			if allowed && !strings.Contains(got.Answer, "certificate") { // it was reached, and is not trusted
				t.Errorf("%s: %+v", host, got)
			}
		}
		if len(hits) > 0 {
			t.Error("a private address was reached")
		}
	}
}

// What a receiver writes is not repeated to people, in the log or in the store, whatever it breaks.
func TestWhatAReceiverWritesIsNotRepeated(t *testing.T) {
	const secret = "sesame-open"
	for said, want := range map[string]string{
		"HTTP/1.1 " + secret + "\r\n\r\n": "no answer of HTTP", secret + "\r\n\r\n": "no answer of HTTP", "HTTP/1.1 200 OK\r\n" + secret + "\r\n\r\n": "no answer of HTTP",
		"HTTP/1.1 500 " + secret + "\r\nContent-Length: 0\r\nX: " + secret + "\r\n\r\n": "500", "HTTP/1.1 200 OK\r\nContent-Length: " + secret + "\r\n\r\n": "no answer of HTTP",
		"": "it hung up", "HTTP/1.1 302 x\r\nContent-Length: 0\r\nLocation: https://" + secret + "\r\n\r\n": "302: redirects",
	} {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			for {
				c, err := listener.Accept()
				if err != nil {
					return
				}
				_, _ = http.ReadRequest(bufio.NewReader(c))
				_, _ = io.WriteString(c, said)
				_ = c.Close()
			}
		}()
		s := newStation(t)
		w, err := s.sender.Add(t.Context(), "town", "http://"+listener.Addr().String()+"/"+secret, "")
		if err != nil {
			t.Fatal(err)
		}
		got, err := s.sender.Test(t.Context(), w.ID, all)
		if err != nil || got.OK || !strings.Contains(got.Answer, want) || strings.Contains(got.Answer, secret) {
			t.Errorf("%q is told as %q, %v", said, got.Answer, err)
		}
		_ = listener.Close()
	}
}

func TestAddressesOfWebhooks(t *testing.T) {
	s := openStation(t, filepath.Join(t.TempDir(), "records.db"), nil)
	for text, ok := range map[string]bool{
		"https://town.example/ganlin?x=1": true, "https://town.example:8443": true,
		"http://town.example": false, "ftp://town.example": false, "town.example": false, "https://": false, "": false, "https://u:p@town.example": false,
		"https://192.168.1.1/ganlin": false, "https://[::1]:8443": false, "https://169.254.169.254/latest": false, "https://1.1.1.1": true,
		"https://town.example/#x": false, "https://town.example/" + strings.Repeat("x", 3000): false, "file:///etc/passwd": false, "https://a b": false,
	} {
		if _, err := s.sender.Add(t.Context(), text, text, ""); (err == nil) != ok || err != nil && !errors.Is(err, signals.ErrURL) {
			t.Errorf("%q: %v, want ok %v", text, err, ok)
		}
	}
	for range 10 {
		if _, err := s.sender.Add(t.Context(), "many", "https://town.example", ""); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.sender.Add(t.Context(), "many", "https://town.example", ""); !errors.Is(err, signals.ErrTooMany) {
		t.Errorf("the 11th: %v", err)
	}
	if _, err := s.sender.Add(t.Context(), "town", "https://town.example", s.cursor("town", 5)); !errors.Is(err, signals.ErrFuture) {
		t.Errorf("from a cursor of the future: %v", err)
	}
}
