package dashboards_test

import (
	"context"
	"net"
	"net/http"
	"runtime"
	"testing"
	"time"
)

// A narrow listener gives its connections little room, so that a client that
// does not read is felt soon.
type narrow struct{ net.Listener }

func (n narrow) Accept() (net.Conn, error) {
	conn, err := n.Listener.Accept()
	if tcp, ok := conn.(*net.TCPConn); ok {
		err = tcp.SetWriteBuffer(4 << 10)
	}
	return conn, err
}

// TestAStalledConnectionIsDropped lets a client of a real socket ask and never
// read: it is dropped when its time is up, and another one misses nothing.
func TestAStalledConnectionIsDropped(t *testing.T) {
	t.Parallel()
	v := newVillage(fortyPlots(morning))
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	server := &http.Server{Handler: serve(t, v), BaseContext: func(net.Listener) context.Context { return ctx }, ReadHeaderTimeout: time.Second}
	go func() { _ = server.Serve(narrow{listener}) }()
	defer func() { _ = server.Close() }()
	defer stop()
	dial := func() net.Conn {
		conn, err := net.Dial("tcp", listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		if err := conn.(*net.TCPConn).SetReadBuffer(4 << 10); err != nil {
			t.Fatal(err)
		}
		return conn
	}
	stalled := dial()
	defer func() { _ = stalled.Close() }()
	if _, err := stalled.Write([]byte("GET /live HTTP/1.1\r\nHost: ganlin\r\n\r\n")); err != nil {
		t.Fatal(err)
	}
	for v.readers() == 0 { // until it is served
		runtime.Gosched()
	}
	reading := follow(t, dial(), "/live")
	defer reading.close()
	reading.want(t)
	for hour := 1; v.readers() != 1; hour++ {
		if hour > 40 {
			t.Fatalf("%d readers are served after %d updates, want the one that reads", v.readers(), hour)
		}
		v.set(fortyPlots(v.Now().Add(time.Hour)), v.Now().Add(time.Hour))
		reading.want(t)
	}
}
