package ingesttest

import "sync"

// A PubackCounter counts the PUBACK packets in one direction of an MQTT
// connection. What travels there is written to it, in pieces of any size.
type PubackCounter struct {
	mu     sync.Mutex
	count  int
	header [5]byte // packet type and remaining length, section 2.2 of MQTT 3.1.1
	have   int     // bytes of header
	skip   int     // bytes of the packet's rest
}

// Count returns how many PUBACKs have begun to travel.
func (c *PubackCounter) Count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.count
}

// Write takes the next bytes of the stream. It never fails.
func (c *PubackCounter) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for rest := p; len(rest) > 0; {
		if c.skip > 0 {
			n := min(c.skip, len(rest))
			c.skip -= n
			rest = rest[n:]
			continue
		}
		c.header[c.have] = rest[0]
		c.have++
		rest = rest[1:]
		if c.have > 1 && (c.header[c.have-1] < 0x80 || c.have == len(c.header)) {
			c.begin()
		}
	}
	return len(p), nil
}

// begin takes up a packet whose header is complete.
func (c *PubackCounter) begin() {
	const puback = 4
	if c.header[0]>>4 == puback {
		c.count++
	}
	for i := 1; i < c.have; i++ {
		c.skip |= int(c.header[i]&0x7f) << (7 * (i - 1))
	}
	c.have = 0
}

// Reset makes the counter ready for another connection; the count goes on.
func (c *PubackCounter) Reset() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.have, c.skip = 0, 0
}
