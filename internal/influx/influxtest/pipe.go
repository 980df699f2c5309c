package influxtest

import (
	"context"
	"net"
	"net/http"
	"sync"
	"testing"
)

// Pipe serves a handler without sockets and returns the transport that reaches
// it, whatever the URL: for tests with fake time. It ends with the test.
func Pipe(tb testing.TB, handler http.Handler) *http.Transport {
	tb.Helper()
	listener := &pipeListener{dialled: make(chan net.Conn), closed: make(chan struct{})}
	server := &http.Server{Handler: handler} //nolint:gosec // no time-outs: the other end is the test
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(listener) // ends with ErrServerClosed
	}()
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		ours, theirs := net.Pipe()
		select {
		case listener.dialled <- theirs:
			return ours, nil
		case <-listener.closed:
			return nil, net.ErrClosed
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}}
	tb.Cleanup(func() {
		transport.CloseIdleConnections()
		_ = server.Close()
		<-done
	})
	return transport
}

// A pipeListener accepts the far ends of pipes.
type pipeListener struct {
	dialled chan net.Conn
	closed  chan struct{}
	once    sync.Once
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.dialled:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

func (l *pipeListener) Addr() net.Addr { return &net.UnixAddr{Name: "pipe", Net: "pipe"} }
