package mqtt_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"ganlin/ingest/ingesttest"
)

const patience = 60 * time.Second

// A mosquitto is a real broker with a window of 20 and no limit to what it
// keeps for a client that is away.
type mosquitto struct {
	address string // host:port
	config  string
	process *exec.Cmd
}

// startMosquitto starts a broker that ends with the test. Lines are added to its configuration.
func startMosquitto(tb testing.TB, lines string) *mosquitto {
	tb.Helper()
	dir := tb.TempDir()
	b := &mosquitto{address: freeAddress(tb), config: filepath.Join(dir, "mosquitto.conf")}
	host, port, err := net.SplitHostPort(b.address)
	if err != nil {
		tb.Fatal(err)
	}
	text := fmt.Sprintf("listener %s %s\npersistence true\npersistence_location %s/\nmax_queued_messages 0\nmax_inflight_messages 20\n%s",
		port, host, dir, lines)
	if lines == "" {
		text += "allow_anonymous true\n"
	}
	if os.Getuid() == 0 {
		text += "user root\n"
	}
	if err := os.WriteFile(b.config, []byte(text), 0o600); err != nil {
		tb.Fatal(err)
	}
	b.start(tb)
	tb.Cleanup(func() { b.stop(tb, syscall.SIGKILL) })
	return b
}

// start runs the broker until it listens.
func (b *mosquitto) start(tb testing.TB) {
	tb.Helper()
	program, err := exec.LookPath("mosquitto")
	if err != nil {
		program = "/usr/sbin/mosquitto" // where Debian puts it, outside of many a PATH
	}
	b.process = exec.Command(program, "-c", b.config)
	b.process.Stderr = io.Discard
	if err := b.process.Start(); err != nil {
		tb.Fatalf("starting mosquitto: %v; install it, on Debian: apt-get install mosquitto mosquitto-clients", err)
	}
	eventually(tb, "listener of mosquitto", func() bool {
		c, err := net.Dial("tcp", b.address)
		if err == nil {
			_ = c.Close()
		}
		return err == nil
	})
}

// stop ends the broker with a signal.
func (b *mosquitto) stop(tb testing.TB, signal syscall.Signal) {
	tb.Helper()
	_ = b.process.Process.Signal(signal)
	_ = b.process.Wait()
}

func freeAddress(tb testing.TB) string {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

func eventually(tb testing.TB, what string, condition func() bool) {
	tb.Helper()
	for deadline := time.Now().Add(patience); !condition(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			tb.Fatalf("no %s after %s", what, patience)
		}
	}
}

// A proxy stands between a source and its broker: it counts the
// acknowledgements that pass, and cuts.
type proxy struct {
	address string
	acks    ingesttest.PubackCounter

	mu   sync.Mutex
	open []net.Conn
}

// startProxy forwards to a broker until the test ends.
func startProxy(tb testing.TB, broker string) *proxy {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	p := &proxy{address: l.Addr().String()}
	var running sync.WaitGroup
	tb.Cleanup(func() {
		_ = l.Close()
		p.cut()
		running.Wait()
	})
	running.Go(func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			server, err := new(net.Dialer).DialContext(context.Background(), "tcp", broker)
			if err != nil {
				_ = client.Close()
				continue
			}
			p.mu.Lock()
			p.open = append(p.open, client, server)
			p.mu.Unlock()
			p.acks.Reset()
			running.Go(func() { forward(io.MultiWriter(&p.acks, server), client, server) })
			running.Go(func() { forward(client, server, client) })
		}
	})
	return p
}

// forward copies until either side ends, and then ends the other.
func forward(to io.Writer, from, other net.Conn) {
	_, _ = io.Copy(to, from)
	_ = other.Close()
	_ = from.Close()
}

// cut closes every connection without a word.
func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.open {
		_ = c.Close()
	}
	p.open = nil
}
