package lobby_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"sync"
	"testing"
	"time"

	"ganlin/internal/lobby"
)

// A house greets whoever comes in with the number of the connection, says each byte again and ends when it is left.
type house struct {
	t  *testing.T
	at string
}

func open(t *testing.T, behind func(*net.TCPListener) net.Listener) house {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	door := behind(listener.(*net.TCPListener))
	var served sync.WaitGroup
	served.Go(func() {
		for n := 1; ; n++ {
			c, err := door.Accept()
			if err != nil {
				return
			}
			served.Go(func() {
				defer c.Close()
				_, _ = fmt.Fprintln(c, n)
				_, _ = io.Copy(c, c)
			})
		}
	})
	t.Cleanup(func() {
		_ = door.Close()
		served.Wait()
	})
	return house{t, listener.Addr().String()}
}

func bounded(most, each int) func(*net.TCPListener) net.Listener {
	return func(l *net.TCPListener) net.Listener {
		return lobby.Open(l, lobby.Options{Most: most, Each: each, Free: func(a netip.Addr) bool { return a == netip.MustParseAddr("127.0.0.1") }})
	}
}

// A visitor holds a connection open and says nothing.
type visitor struct {
	t *testing.T
	net.Conn
	words *bufio.Reader
}

// from comes from an address of this machine, and has been let in when it returns.
func (h house) from(address string) visitor {
	h.t.Helper()
	c, err := (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(address)}}).Dial("tcp", h.at)
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { _ = c.Close() })
	v := visitor{h.t, c, bufio.NewReader(c)}
	if _, err := v.words.ReadString('\n'); err != nil {
		h.t.Fatalf("%s is not greeted: %v", address, err)
	}
	return v
}

// answers reports whether the connection lives still: what is said comes back.
func (v visitor) answers() bool {
	v.t.Helper()
	if err := v.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		v.t.Fatal(err)
	}
	if _, err := v.Write([]byte("x")); err != nil {
		return false
	}
	_, err := v.words.ReadByte()
	if errors.Is(err, os.ErrDeadlineExceeded) {
		v.t.Fatal("neither an answer nor an end")
	}
	return err == nil
}

func alive(all []visitor) (n int) {
	for _, v := range all {
		if v.answers() {
			n++
		}
	}
	return n
}

func TestAnAddressLosesItsOldest(t *testing.T) {
	h := open(t, bounded(100, 5))
	other := h.from("127.0.0.3")
	var held []visitor
	for range 12 {
		held = append(held, h.from("127.0.0.2"))
	}
	if old, young := alive(held[:7]), alive(held[7:]); old != 0 || young != 5 {
		t.Errorf("of twelve where five may be, %d of the old live and %d of the young", old, young)
	}
	if !other.answers() {
		t.Error("another address lost its connection")
	}
}

// The one that comes is let in however many there are, and it costs who has the most.
func TestTheCrowdMakesRoom(t *testing.T) {
	h := open(t, bounded(10, 8))
	few := []visitor{h.from("127.0.0.3"), h.from("127.0.0.4")}
	var crowd []visitor
	for range 8 {
		crowd = append(crowd, h.from("127.0.0.2"))
	}
	for n := range 5 {
		few = append(few, h.from(fmt.Sprintf("127.0.0.%d", 10+n)))
	}
	if got := alive(few); got != len(few) {
		t.Errorf("%d of %d who came with one connection are there", got, len(few))
	}
	if old, young := alive(crowd[:5]), alive(crowd[5:]); old != 0 || young != 3 {
		t.Errorf("of the crowd %d of the old live and %d of the young", old, young)
	}
}

func TestWhoIsFreeIsNeitherCountedNorEnded(t *testing.T) {
	h := open(t, bounded(4, 4))
	var free, held []visitor
	for range 10 {
		free, held = append(free, h.from("127.0.0.1")), append(held, h.from("127.0.0.2"))
	}
	if got := alive(free); got != 10 {
		t.Errorf("%d of 10 of this machine are there", got)
	}
	if got := alive(held); got != 4 {
		t.Errorf("%d of another are there, want 4", got)
	}
}

// Who leaves makes room, so that nobody has to end for the next.
func TestWhoLeavesMakesRoom(t *testing.T) {
	h := open(t, bounded(3, 3))
	stays := h.from("127.0.0.2")
	for range 20 {
		v := h.from("127.0.0.2")
		if err := v.CloseWrite(); err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, v.words); err != nil { // until the house has ended it too
			t.Fatal(err)
		}
	}
	if !stays.answers() {
		t.Error("a connection ended although there was room")
	}
}

func (v visitor) CloseWrite() error { return v.Conn.(*net.TCPConn).CloseWrite() }

// Without a lobby everybody who holds a connection keeps it: the control.
func TestWithoutALobby(t *testing.T) {
	h := open(t, func(l *net.TCPListener) net.Listener { return l })
	var held []visitor
	for range 12 {
		held = append(held, h.from("127.0.0.2"))
	}
	if got := alive(held); got != 12 {
		t.Errorf("%d of 12 are there", got)
	}
}
