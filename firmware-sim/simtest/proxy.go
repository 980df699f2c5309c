package simtest

import (
	"bufio"
	"io"
	"net"
	"sync"
	"testing"
)

// MQTT packet types, as a Proxy's filter sees them.
const (
	Publish byte = 3
	Puback  byte = 4
)

// A Proxy passes MQTT packets between devices and a broker, and loses those
// that its filter names. It is a network in which something goes missing while
// the connection lives on.
type Proxy struct {
	Address string // host:port
	target  string
	listen  net.Listener
	all     sync.WaitGroup

	mu     sync.Mutex
	lose   func(fromDevice bool, packet byte) bool
	lost   int
	opened map[net.Conn]struct{}
	closed bool
}

// StartProxy starts a proxy to a broker and ends it with the test.
func StartProxy(tb testing.TB, target string) *Proxy {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // loopback
	if err != nil {
		tb.Fatal(err)
	}
	p := &Proxy{Address: l.Addr().String(), target: target, listen: l, opened: map[net.Conn]struct{}{}}
	p.Lose(nil)
	p.all.Go(p.accept)
	tb.Cleanup(p.close)
	return p
}

// Lose sets which packets are lost from now on; nil: none.
func (p *Proxy) Lose(filter func(fromDevice bool, packet byte) bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lose = filter
}

// Cut closes every connection.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.opened {
		_ = c.Close()
	}
}

// Lost returns how many packets were lost.
func (p *Proxy) Lost() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.lost
}

func (p *Proxy) loses(fromDevice bool, packet byte) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.lose == nil || !p.lose(fromDevice, packet) {
		return false
	}
	p.lost++
	return true
}

func (p *Proxy) accept() {
	for {
		device, err := p.listen.Accept()
		if err != nil {
			return
		}
		broker, err := net.Dial("tcp", p.target) //nolint:noctx // loopback
		if err != nil {
			_ = device.Close()
			continue
		}
		if !p.hold(device, broker) {
			return
		}
		p.all.Go(func() { p.pass(device, broker, true) })
		p.all.Go(func() { p.pass(broker, device, false) })
	}
}

// hold remembers a pair of connections, or closes it when the proxy has ended.
func (p *Proxy) hold(pair ...net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range pair {
		if p.closed {
			_ = c.Close()
			continue
		}
		p.opened[c] = struct{}{}
	}
	return !p.closed
}

// pass hands packets on until one side ends.
func (p *Proxy) pass(from, to net.Conn, fromDevice bool) {
	defer func() {
		_, _ = from.Close(), to.Close()
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.opened, from)
	}()
	for in := bufio.NewReader(from); ; {
		packet, err := readPacket(in)
		if err != nil {
			return
		}
		if p.loses(fromDevice, packet[0]>>4) {
			continue
		}
		if _, err := to.Write(packet); err != nil {
			return
		}
	}
}

// readPacket reads one MQTT packet whole (MQTT 3.1.1, 2.2).
func readPacket(in *bufio.Reader) ([]byte, error) {
	first, err := in.ReadByte()
	if err != nil {
		return nil, err
	}
	packet, length := []byte{first}, 0
	for shift := 0; ; shift += 7 {
		b, err := in.ReadByte()
		if err != nil {
			return nil, err
		}
		packet = append(packet, b)
		length |= int(b&0x7f) << shift
		if b&0x80 == 0 {
			break
		}
	}
	body := make([]byte, length)
	_, err = io.ReadFull(in, body)
	return append(packet, body...), err
}

func (p *Proxy) close() {
	_ = p.listen.Close()
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.Cut()
	p.all.Wait()
}
