package mqtt

import (
	"bufio"
	"errors"
	"net"
	"sync"
	"time"
)

// The sizes and times of a connection.
const (
	readBuffer   = 64 << 10 // bytes; several packets come with one system call
	writeBuffer  = 4 << 20  // bytes that may wait to be written: acknowledgements of 4 bytes, and commands
	writeTimeout = 30 * time.Second
	closeTimeout = time.Second
)

var errStalled = errors.New("broker does not read what is sent to it")

// A conn saves system calls under the client library, which reads a packet in
// three pieces and writes every acknowledgement alone: reads are buffered, and
// what is written while a write is under way goes out together with the next
// one. Nothing waits for company: a write begins as soon as the one before it
// is done. Write itself never blocks, and so neither does an acknowledgement;
// when the peer does not read, the connection fails once the buffer is full.
type conn struct {
	net.Conn
	reader *bufio.Reader

	mu      sync.Mutex
	pending []byte
	err     error // of writing; nothing is written after it
	closing bool
	wake    chan struct{} // holds one token when there is something to do
	written chan struct{} // closed when the writer has ended
}

// newConn takes over a connection; Close ends the goroutine that writes.
func newConn(c net.Conn) *conn {
	w := &conn{
		Conn:    c,
		reader:  bufio.NewReaderSize(c, readBuffer),
		wake:    make(chan struct{}, 1),
		written: make(chan struct{}),
	}
	go w.write()
	return w
}

// Read reads what has come. When a failed write has closed the connection, the
// error is that of the write: the client library takes "closed" for its own
// doing and would not notice that the connection is lost.
func (c *conn) Read(p []byte) (int, error) {
	n, err := c.reader.Read(p)
	if err != nil {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.err != nil {
			err = c.err
		}
	}
	return n, err
}

// Write takes p to be written. An error is that of an earlier write.
func (c *conn) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.err != nil:
		return 0, c.err
	case c.closing:
		return 0, net.ErrClosed
	case len(c.pending)+len(p) > writeBuffer && len(c.pending) > 0:
		return 0, errStalled
	}
	c.pending = append(c.pending, p...)
	c.signal()
	return len(p), nil
}

// Close writes what is pending, as far as the peer takes it within a second.
func (c *conn) Close() error {
	c.mu.Lock()
	c.closing = true
	_ = c.SetWriteDeadline(time.Now().Add(closeTimeout))
	c.signal()
	c.mu.Unlock()
	<-c.written
	return c.Conn.Close()
}

// signal wakes the writer.
func (c *conn) signal() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// write writes what is pending until the connection closes or fails.
func (c *conn) write() {
	defer close(c.written)
	var spare []byte
	for range c.wake {
		c.mu.Lock()
		out, closing := c.pending, c.closing
		c.pending = spare[:0]
		if !closing {
			_ = c.SetWriteDeadline(time.Now().Add(writeTimeout))
		}
		c.mu.Unlock()
		if _, err := c.Conn.Write(out); err != nil {
			c.fail(err)
			return
		}
		if closing {
			return
		}
		spare = out
	}
}

// fail makes every later write fail, and reading too, so that the client notices.
func (c *conn) fail(err error) {
	c.mu.Lock()
	c.err = err
	c.mu.Unlock()
	_ = c.Conn.Close()
}
