package firmware

import (
	"bytes"
	"errors"
	"io"
	"net"
	"testing"
	"testing/synctest"
)

// TestConnKeepsEveryByte writes while the network is slow, and wakes the writer
// when there is nothing to write, as happens when it was faster than the waking.
func TestConnKeepsEveryByte(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := net.Pipe()
		c := newConn(ours)
		var want bytes.Buffer
		write := func(s string) {
			want.WriteString(s)
			if _, err := c.Write([]byte(s)); err != nil {
				t.Error(err)
			}
			synctest.Wait() // the writer waits for the reader now
		}
		var got bytes.Buffer
		read := func(n int64) {
			if _, err := io.CopyN(&got, theirs, n); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		for i := range 9 {
			if i%3 == 2 {
				c.wake <- struct{}{}
				synctest.Wait()
			}
			write("first ")
			write("second ")
			write("third ")
			read(int64(want.Len() - got.Len()))
		}
		write("fourth ")
		write("fifth")
		closed := make(chan error)
		go func() { closed <- c.Close() }() // which writes what is waiting
		read(int64(want.Len() - got.Len()))
		if err := <-closed; err != nil {
			t.Error(err)
		}
		if got.String() != want.String() {
			t.Errorf("%q was written, %q came", want.String(), got.String())
		}
		if _, err := c.Write([]byte("late")); !errors.Is(err, net.ErrClosed) {
			t.Errorf("writing after Close: %v", err)
		}
	})
}

func TestConnSaysThatItWasCut(t *testing.T) {
	ours, theirs := net.Pipe()
	defer theirs.Close()
	c := newConn(ours)
	c.cut()
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, errCut) {
		t.Errorf("reading after a cut: %v", err)
	}
	if _, err := c.Write([]byte("x")); !errors.Is(err, errCut) {
		t.Errorf("writing after a cut: %v", err)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	<-c.done
}
