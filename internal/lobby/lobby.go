// Package lobby bounds how many connections stand before a server. It turns
// nobody away: where there are too many, the one that has stood longest ends,
// of the address that has the most. So whoever holds connections without end
// loses those, and whoever comes to stop a valve gets in.
package lobby

import (
	"net"
	"net/netip"
	"sync"
)

// Options are the bounds.
type Options struct {
	Most int                   // connections in all
	Each int                   // of one address; an IPv6 network of 64 bits is one
	Free func(netip.Addr) bool // whose connections are neither counted nor ended
}

// A Lobby is a listener whose connections are bounded.
type Lobby struct {
	*net.TCPListener
	o Options

	mu     sync.Mutex
	guests map[netip.Prefix][]*guest // the first came first
	all    int
	came   uint64
}

// A guest is a connection that is counted.
type guest struct {
	*net.TCPConn
	lobby *Lobby
	from  netip.Prefix
	came  uint64 // which of all it was
}

// Open puts a lobby behind a listener.
func Open(l *net.TCPListener, o Options) *Lobby {
	return &Lobby{TCPListener: l, o: o, guests: map[netip.Prefix][]*guest{}}
}

// Accept returns the next connection.
func (l *Lobby) Accept() (net.Conn, error) {
	c, err := l.AcceptTCP()
	if err != nil {
		return nil, err
	}
	from := addressOf(c)
	if l.o.Free(from) {
		return c, nil
	}
	g := &guest{TCPConn: c, lobby: l, from: customer(from)}
	if over := l.enter(g); over != nil {
		_ = over.Close()
	}
	return g, nil
}

func addressOf(c *net.TCPConn) netip.Addr {
	address, _ := c.RemoteAddr().(*net.TCPAddr)
	return address.AddrPort().Addr().Unmap().WithZone("")
}

// customer is the network that a provider gives to one customer.
func customer(a netip.Addr) netip.Prefix {
	bits := 32
	if a.Is6() {
		bits = 64
	}
	p, _ := a.Prefix(bits)
	return p
}

// enter counts a connection, and returns the one that has to end for it; nil: none.
func (l *Lobby) enter(g *guest) *guest {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.came++
	g.came = l.came
	l.guests[g.from] = append(l.guests[g.from], g)
	l.all++
	switch {
	case len(l.guests[g.from]) > l.o.Each:
		return l.guests[g.from][0]
	case l.all > l.o.Most:
		return l.crowd()[0]
	}
	return nil
}

// crowd returns the connections of the address that has the most; of two that
// have as many, of the one that has stood longer. l.mu is held.
func (l *Lobby) crowd() (most []*guest) {
	for _, some := range l.guests {
		if len(some) > len(most) || len(some) == len(most) && some[0].came < most[0].came {
			most = some
		}
	}
	return most
}

// Close ends the connection and makes room.
func (g *guest) Close() error {
	g.lobby.leave(g)
	return g.TCPConn.Close()
}

func (l *Lobby) leave(g *guest) {
	l.mu.Lock()
	defer l.mu.Unlock()
	some := l.guests[g.from]
	for i, other := range some {
		if other == g {
			l.all--
			if l.guests[g.from] = append(some[:i], some[i+1:]...); len(some) == 1 {
				delete(l.guests, g.from)
			}
			return
		}
	}
}
