package firmware

import (
	"bufio"
	"errors"
	"net"
	"sync"
	"time"
)

// errCut is what a connection reports that was dropped on purpose.
var errCut = errors.New("connection was cut")

// A conn joins what paho writes packet by packet into fewer calls of the
// network, and buffers what paho reads byte by byte. Writing is not bounded
// here: the device has a window of messages and a time limit for their PUBACKs.
type conn struct {
	net.Conn
	in *bufio.Reader

	wake chan struct{} // something was written
	quit chan struct{} // closed by Close or cut
	done chan struct{} // closed when the writer has ended

	mu    sync.Mutex
	out   []byte
	ended error // why, once it has
}

// readBuffer holds some hundred PUBACKs or a few commands.
const readBuffer = 512

func newConn(c net.Conn) *conn {
	w := &conn{
		Conn: c, in: bufio.NewReaderSize(c, readBuffer),
		wake: make(chan struct{}, 1), quit: make(chan struct{}), done: make(chan struct{}),
	}
	go w.write()
	return w
}

// Read tells paho why the connection ended: it takes a plain closed
// connection for its own doing and would not say that it was lost.
func (c *conn) Read(b []byte) (int, error) {
	n, err := c.in.Read(b)
	if err != nil {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.ended != nil {
			err = c.ended
		}
	}
	return n, err
}

// Write hands the bytes to the writer; an error of theirs comes with a later call.
func (c *conn) Write(b []byte) (int, error) {
	c.mu.Lock()
	if c.ended != nil {
		c.mu.Unlock()
		return 0, c.ended
	}
	c.out = append(c.out, b...)
	c.mu.Unlock()
	select {
	case c.wake <- struct{}{}:
	default:
	}
	return len(b), nil
}

func (c *conn) write() {
	defer close(c.done)
	var spare []byte
	for quitting := false; !quitting; {
		select {
		case <-c.wake:
		case <-c.quit:
			quitting = true
		}
		c.mu.Lock()
		b := c.out
		if len(b) > 0 {
			c.out = spare[:0]
			spare = b
		}
		c.mu.Unlock()
		if len(b) == 0 {
			continue
		}
		if _, err := c.Conn.Write(b); err != nil {
			c.end(err)
			return
		}
	}
}

// end closes the connection at once, for a reason; nothing more is written.
func (c *conn) end(reason error) {
	c.mu.Lock()
	first := c.ended == nil
	if first {
		c.ended = reason
		close(c.quit)
	}
	c.mu.Unlock()
	if first {
		_ = c.Conn.Close()
	}
}

// cut drops the connection as a lost network does: no DISCONNECT, what was not
// written is gone.
func (c *conn) cut() {
	if tcp, ok := c.Conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	c.end(errCut)
}

// Close writes what is waiting, then closes.
func (c *conn) Close() error {
	c.mu.Lock()
	open := c.ended == nil
	if open {
		c.ended = net.ErrClosed
		close(c.quit)
	}
	c.mu.Unlock()
	if !open {
		return nil
	}
	_ = c.Conn.SetWriteDeadline(time.Now().Add(leaveTimeout))
	<-c.done
	return c.Conn.Close()
}

// SetWriteDeadline does nothing: paho would set one for every packet.
func (c *conn) SetWriteDeadline(time.Time) error { return nil }
