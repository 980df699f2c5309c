package signals_test

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"ganlin/internal/signals"
)

// streaming serves the stream as the program does, over real sockets, to the receiver that the path names.
func streaming(t *testing.T, s *station) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		stream, err := s.feed.Open(r.Context(), everything("town"+r.URL.Path), r.Header.Get("Last-Event-ID"))
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		switch err := stream.Serve(r.Context(), w); {
		case errors.Is(err, signals.ErrBusy):
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
		case errors.Is(err, signals.ErrOwnStreams):
			http.Error(w, err.Error(), http.StatusTooManyRequests)
		}
	}))
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	return server
}

// listen opens a stream and returns the ids and data of its events as they come.
func listen(t *testing.T, url, last string) (next func() (id, data string), resume func()) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if last != "" {
		req.Header.Set("Last-Event-ID", last)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	if res.StatusCode != http.StatusOK || res.Header.Get("Content-Type") != "text/event-stream" {
		t.Fatalf("the stream answers %s, %s", res.Status, res.Header.Get("Content-Type"))
	}
	lines := bufio.NewScanner(res.Body)
	return func() (id, data string) {
		for lines.Scan() {
			if text, ok := strings.CutPrefix(lines.Text(), "id: "); ok {
				id = text
			}
			if text, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
				return id, text
			}
		}
		t.Fatalf("the stream ended: %v", lines.Err())
		return "", ""
	}, func() { _ = res.Body.Close() }
}

func TestStreamResumes(t *testing.T) {
	s := newStation(t)
	server := streaming(t, s)
	s.tell(1) // before anybody listens
	next, leave := listen(t, server.URL, "")
	s.tell(2)
	id, data := next()
	if id != s.cursor("town/", 3) || !strings.Contains(data, `"type":"ganlin.risk.clue.raised"`) {
		t.Errorf("the first event is %s %s", id, data)
	}
	leave()
	s.tell(1) // while nobody listens
	next, leave = listen(t, server.URL, id)
	defer leave()
	for want := 4; want <= 8; want++ {
		if id, _ := next(); id != s.cursor("town/", want) {
			t.Errorf("event %s, want %d", id, want)
		}
	}
	fromZero, leave := listen(t, server.URL, "0")
	defer leave()
	if id, _ := fromZero(); id != s.cursor("town/", 1) {
		t.Errorf("from zero the first is %s", id)
	}
	res, err := http.DefaultClient.Do(&http.Request{Method: http.MethodGet, URL: mustParse(server.URL), Header: http.Header{"Last-Event-Id": {s.cursor("town/", 99)}}})
	if err != nil || res.StatusCode != http.StatusBadRequest {
		t.Errorf("a cursor of the future: %v, %v", res, err)
	}
}

// A client that stops reading is dropped, and another hears everything
// meanwhile. The other is the control: it reads on and is not dropped.
func TestStreamDropsWhoStopsReading(t *testing.T) {
	s := newStation(t)
	s.feed.SetStreamDeadline(200 * time.Millisecond)
	server := streaming(t, s)
	address := strings.TrimPrefix(server.URL, "http://")
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if err := conn.(*net.TCPConn).SetReadBuffer(4096); err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Fprintf(conn, "GET / HTTP/1.1\r\nHost: %s\r\nLast-Event-ID: 0\r\n\r\n", address); err != nil {
		t.Fatal(err)
	}
	next, leave := listen(t, server.URL, "0")
	defer leave()
	until(t, "both streams", func() bool { return s.feed.Streams() == 2 })
	const each = 500
	told := 0
	for round := 0; s.feed.Streams() == 2; round++ { // until the kernel's buffers are full and the deadline is over
		s.tell(each)
		for range 2 * each {
			told++
			if id, _ := next(); id != s.cursor("town/", told) {
				t.Fatalf("the other client hears %s, want %d", id, told)
			}
		}
		if round > 400 {
			t.Fatal("who stops reading is never dropped")
		}
	}
	s.tell(1)
	if id, _ := next(); id != s.cursor("town/", told+1) || s.feed.Streams() != 1 {
		t.Errorf("afterwards the other client hears %s, and %d streams are open", id, s.feed.Streams())
	}
	t.Logf("dropped after %d signals", told)
}

// One receiver that opens streams without end takes none from another, and all together take a bounded number.
func TestStreamsAreBounded(t *testing.T) {
	s := newStation(t)
	server := streaming(t, s)
	open := func(receiver int) (status int, leave func()) {
		t.Helper()
		res, err := http.Get(fmt.Sprint(server.URL, "/", receiver))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = res.Body.Close() })
		return res.StatusCode, func() { _ = res.Body.Close() }
	}
	var leave []func()
	for n := 1; ; n++ {
		status, end := open(0)
		if status == http.StatusTooManyRequests {
			break
		}
		if status != http.StatusOK || n > 20 {
			t.Fatalf("stream %d of a receiver answers %d", n, status)
		}
		leave = append(leave, end)
	}
	busy := 0
	for receiver := 1; busy == 0; receiver++ {
		for range leave {
			switch status, _ := open(receiver); status {
			case http.StatusOK:
			case http.StatusServiceUnavailable:
				busy = receiver
			default:
				t.Fatalf("a stream of receiver %d answers %d", receiver, status)
			}
		}
		if receiver > 200 {
			t.Fatal("streams are not bounded")
		}
	}
	all := s.feed.Streams()
	leave[0]()
	until(t, "room", func() bool { return s.feed.Streams() < all })
	next, end := listen(t, fmt.Sprint(server.URL, "/", busy), "0")
	defer end()
	s.tell(1)
	if id, _ := next(); id != s.cursor(fmt.Sprint("town/", busy), 1) {
		t.Errorf("in the room that was made the first is %s", id)
	}
}
