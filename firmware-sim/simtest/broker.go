// Package simtest is what the simulator is tested with: a real mosquitto, and a
// network that can be broken on purpose.
package simtest

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// A Broker is a mosquitto on a port of its own that can be stopped and started again.
type Broker struct {
	Address string // host:port
	config  string
	cmd     *exec.Cmd
}

// StartBroker starts a mosquitto that takes everybody and keeps what it has over
// a stop, and ends it with the test. Without mosquitto the test is skipped.
func StartBroker(tb testing.TB) *Broker {
	tb.Helper()
	b := &Broker{Address: freeAddress(tb), config: filepath.Join(tb.TempDir(), "mosquitto.conf")}
	_, port, err := net.SplitHostPort(b.Address)
	if err != nil {
		tb.Fatal(err)
	}
	text := fmt.Sprintf("listener %s 127.0.0.1\nallow_anonymous true\nmax_queued_messages 0\nset_tcp_nodelay true\n"+
		"user root\npersistence true\npersistence_location %s/\n", port, tb.TempDir())
	if err := os.WriteFile(b.config, []byte(text), 0o600); err != nil {
		tb.Fatal(err)
	}
	b.Start(tb)
	tb.Cleanup(b.Stop)
	return b
}

// URL returns where to connect.
func (b *Broker) URL() *url.URL { return &url.URL{Scheme: "tcp", Host: b.Address} }

// Start starts the broker again after Stop and waits until it takes connections.
func (b *Broker) Start(tb testing.TB) {
	tb.Helper()
	path, err := exec.LookPath("mosquitto")
	if err != nil {
		path = "/usr/sbin/mosquitto" // where Debian puts it, outside of many a PATH
	}
	b.cmd = exec.CommandContext(context.Background(), path, "-c", b.config)
	if err := b.cmd.Start(); err != nil {
		tb.Fatalf("starting mosquitto: %v; install it, on Debian: apt-get install mosquitto", err)
	}
	for deadline := time.Now().Add(10 * time.Second); ; {
		conn, err := net.Dial("tcp", b.Address) //nolint:noctx // loopback
		if err == nil {
			_ = conn.Close()
			return
		}
		if time.Now().After(deadline) {
			tb.Fatalf("mosquitto takes no connections: %v", err)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// Stop ends the broker; stopping it twice does nothing.
func (b *Broker) Stop() {
	if b.cmd == nil {
		return
	}
	_ = b.cmd.Process.Signal(syscall.SIGTERM)
	_ = b.cmd.Wait()
	b.cmd = nil
}

func freeAddress(tb testing.TB) string {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // loopback
	if err != nil {
		tb.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
