package app

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"
)

// slowly sends a request whose body stops after its first byte.
func (s still) slowly(t *testing.T, request string, headers ...string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", s.listens.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	head := append([]string{request + " HTTP/1.1", "Host: 127.0.0.1", "Content-Length: 1000"}, headers...)
	if _, err := fmt.Fprintf(c, "%s\r\n\r\n{", strings.Join(head, "\r\n")); err != nil {
		t.Fatal(err)
	}
	return c
}

// untilItEnds returns what is answered on a connection; false: it has not ended after the patience.
func untilItEnds(t *testing.T, c net.Conn, patience time.Duration) (answer string, ended bool) {
	t.Helper()
	if err := c.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(c)
	return string(text), !errors.Is(err, os.ErrDeadlineExceeded)
}

// TestASlowBodyHoldsNoConnection sends bodies that never come to an end to a page, to open routes and to guarded ones, over real
// sockets. Streams, whose requests have come, are the ones that stay.
func TestASlowBodyHoldsNoConnection(t *testing.T) {
	s := openStill(t, t.TempDir(), nil)
	s.http.ReadTimeout = 300 * time.Millisecond
	s.serve(t)
	operator := "Authorization: Bearer " + s.token
	signal, live := s.follow(t, "/api/v1/risk/signals/stream?after=0"), s.follow(t, "/live")

	for request, headers := range map[string][]string{
		"GET /village": {operator}, "POST /login": nil, "POST /logout": nil, "GET /healthz": nil, "GET /readyz": nil, "GET /nowhere": nil,
		"POST /login?form": {"Content-Type: application/x-www-form-urlencoded"}, "POST /api/v1/stop": nil, "POST /api/v1/step": {operator}, "POST /my": {operator},
	} {
		if answer, ended := untilItEnds(t, s.slowly(t, request, headers...), time.Minute); !ended || !strings.HasPrefix(answer, "HTTP/1.1 ") {
			t.Errorf("%s ended: %t; it was answered %q", request, ended, answer)
		}
	}
	s.decide(t, clueDecision("c-1", "h-001", here, "raised", "red", 0.5, 0)) // longer than a request may be on its way after they began
	if got := signal("data: "); !strings.Contains(got, "clue.raised") {
		t.Errorf("the stream of signals goes on with %s", got)
	}
	for range 3 { // one comes a second
		live("data:")
	}
}

// TestASlowBodyHoldsAConnection takes the bound away: the control. What is refused is told so without its body all the same.
func TestASlowBodyHoldsAConnection(t *testing.T) {
	s := openStill(t, t.TempDir(), nil)
	s.http.ReadTimeout = 0
	s.serve(t)
	for _, request := range []string{"POST /logout", "GET /healthz"} {
		if answer, ended := untilItEnds(t, s.slowly(t, request), 500*time.Millisecond); ended {
			t.Errorf("without a bound %s ended: it was answered %q", request, answer)
		}
	}
	res, err := http.ReadResponse(bufio.NewReader(s.slowly(t, "POST /api/v1/stop")), nil)
	if err != nil || res.StatusCode != http.StatusUnauthorized {
		t.Errorf("a stop by nobody: %v, %v", res, err)
	}
}

// follow opens a stream as the operator. What it returns waits for the next line that begins so.
func (s still) follow(t *testing.T, target string) func(begin string) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url()+target, nil)
	if err != nil {
		t.Fatal(err)
	}
	bearer(s.token)(r)
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = res.Body.Close() })
	if res.StatusCode != http.StatusOK {
		t.Fatalf("%s answers %s", target, res.Status)
	}
	lines := bufio.NewScanner(res.Body)
	lines.Buffer(nil, 1<<20)
	return func(begin string) string {
		t.Helper()
		for lines.Scan() {
			if strings.HasPrefix(lines.Text(), begin) {
				return lines.Text()
			}
		}
		t.Fatalf("%s ended: %v", target, lines.Err())
		return ""
	}
}
