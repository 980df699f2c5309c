package mqtt

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"testing/synctest"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
)

// pipe returns a buffered connection and its peer. A write to it ends only
// when the peer has read, so that the test decides what is pending.
func pipe(t *testing.T) (*conn, net.Conn) {
	t.Helper()
	near, far := net.Pipe()
	c := newConn(near)
	t.Cleanup(func() {
		_ = far.Close()
		_ = c.Close()
	})
	return c, far
}

func TestConnJoinsWrites(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, far := pipe(t)
		_, _ = c.Write([]byte("a"))
		synctest.Wait() // now "a" is being written, and what follows waits
		for range 1000 {
			if _, err := c.Write([]byte("puback")); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := io.ReadFull(far, make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
		joined := make([]byte, 6000)
		n, err := far.Read(joined)
		if err != nil || n != len(joined) || !bytes.Equal(joined, bytes.Repeat([]byte("puback"), 1000)) {
			t.Errorf("one read gave %d bytes, %v, want 6000: writes are not joined", n, err)
		}
	})
}

func TestConnToASilentPeer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _ := pipe(t)
		_, _ = c.Write([]byte("a"))
		begin := time.Now()
		if _, err := c.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(begin) != writeTimeout {
			t.Errorf("reading ended after %s with %v, want the error of the write after %s", time.Since(begin), err, writeTimeout)
		}
		if _, err := c.Write([]byte("b")); err == nil {
			t.Error("writing goes on after a failed write")
		}
	})
	synctest.Test(t, func(t *testing.T) {
		c, _ := pipe(t)
		_, _ = c.Write([]byte("a"))
		synctest.Wait()
		begin := time.Now()
		_ = c.Close()
		if took := time.Since(begin); took != closeTimeout {
			t.Errorf("closing took %s, want %s", took, closeTimeout)
		}
	})
}

func TestConnCloseWritesTheRest(t *testing.T) {
	c, far := pipe(t)
	_, _ = c.Write([]byte("a"))
	_, _ = c.Write([]byte("disconnect"))
	closed := make(chan error, 1)
	go func() { closed <- c.Close() }()
	all, err := io.ReadAll(far)
	if err != nil || string(all) != "adisconnect" {
		t.Errorf("the peer got %q, %v", all, err)
	}
	if err := <-closed; err != nil {
		t.Error(err)
	}
	if _, err := c.Write([]byte("x")); !errors.Is(err, net.ErrClosed) {
		t.Errorf("writing after Close: %v, want net.ErrClosed", err)
	}
}

func TestConnStalled(t *testing.T) {
	c, _ := pipe(t)
	for {
		_, err := c.Write(make([]byte, 1<<20))
		if err != nil {
			if !errors.Is(err, errStalled) {
				t.Errorf("got %v, want errStalled", err)
			}
			return
		}
	}
}

// A packet is a message of the client library with a QoS alone.
type packet struct {
	paho.Message
	qos byte
}

func (p packet) Qos() byte { return p.qos }

func TestFullQueue(t *testing.T) {
	s, err := New(Options{URL: "tcp://x", ClientID: "x", Subscriptions: make([]Subscription, 1), Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	r := newReceiver(s, nil) // nobody takes from it
	refused := make(chan struct{}, 1)
	for range inFlight {
		r.take(packet{qos: 1}, refused)
	}
	if len(refused) != 0 {
		t.Fatal("refused before the queue is full")
	}
	r.take(packet{qos: 0}, refused)
	if n := s.Stats().Dropped; n != 1 || len(refused) != 0 {
		t.Errorf("QoS 0: %d dropped, refused: %d, want 1, 0", n, len(refused))
	}
	r.take(packet{qos: 1}, refused)
	r.take(packet{qos: 1}, refused)
	if n := s.Stats().Dropped; n != 1 || len(refused) != 1 {
		t.Errorf("QoS 1: %d dropped, refused: %d, want 1, 1", n, len(refused))
	}
}

func TestMatches(t *testing.T) {
	for _, c := range []struct {
		filter, topic string
		want          bool
	}{
		{"a/b", "a/b", true},
		{"a/b", "a/c", false},
		{"a/b", "a", false},
		{"a", "a/b", false},
		{"+", "a", true},
		{"+", "a/b", false},
		{"+/b", "a/b", true},
		{"a/+", "a/", true},
		{"a/+", "a", false},
		{"a/+/c", "a/b/c", true},
		{"#", "a/b/c", true},
		{"a/#", "a/b/c", true},
		{"a/#", "a", true},
		{"a/#", "b", false},
		{"+/+", "/a", true},
		{"/+", "/a", true},
		{"/a", "a", false},
		{"#", "$SYS/x", false},
		{"+/x", "$SYS/x", false},
		{"$SYS/#", "$SYS/x", true},
	} {
		if got := matches(c.filter, c.topic); got != c.want {
			t.Errorf("%s takes in %s: %t, want %t", c.filter, c.topic, got, c.want)
		}
	}
}
