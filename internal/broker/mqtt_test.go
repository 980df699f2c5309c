package broker_test

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"testing"
	"time"
)

// A client speaks just enough MQTT 3.1.1 to try the door, well and badly.
type client struct {
	net.Conn
	in *bufio.Reader
}

// patience is how long anything may take that must happen; nothing is proved by it.
const patience = time.Minute

type connect struct {
	id, user, secret string
	will             *message
	keep             bool // the session
	noUser, noSecret bool
}

type message struct {
	topic   string
	payload []byte
	qos     byte
	retain  bool
	id      uint16
}

func dial(tb testing.TB, address string) *client {
	tb.Helper()
	c, err := tryDial(tb, address)
	if err != nil {
		tb.Fatalf("dialling: %v", err)
	}
	return c
}

func tryDial(tb testing.TB, address string) (*client, error) {
	tb.Helper()
	conn, err := net.DialTimeout("tcp", address, patience)
	if err != nil {
		return nil, err
	}
	return newClient(tb, conn), nil
}

func newClient(tb testing.TB, conn net.Conn) *client {
	tb.Helper()
	tb.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		tb.Fatal(err)
	}
	return &client{Conn: conn, in: bufio.NewReader(conn)}
}

// login connects device id with its right secret.
func login(tb testing.TB, address, id string) *client {
	tb.Helper()
	c := dial(tb, address)
	if code := c.connect(tb, connect{id: id, user: id, secret: secretOf(id)}); code != 0 {
		tb.Fatalf("login of %s: CONNACK %d", id, code)
	}
	return c
}

// connect returns the return code of the CONNACK, or closedCode.
func (c *client) connect(tb testing.TB, p connect) byte {
	tb.Helper()
	c.write(tb, p.packet())
	kind, body, err := c.read()
	switch {
	case closed(err):
		return closedCode
	case err != nil:
		tb.Fatalf("waiting for CONNACK: %v", err)
	case kind != 0x20 || len(body) != 2:
		tb.Fatalf("want CONNACK, got %#x %#x", kind, body)
	}
	return body[1]
}

// closedCode stands for a connection that was closed instead of answered.
const closedCode = 0xff

func (p connect) packet() []byte {
	var flags byte
	if !p.keep {
		flags |= 0x02
	}
	b := appendText(nil, p.id)
	if p.will != nil {
		flags |= 0x04 | p.will.qos<<3
		if p.will.retain {
			flags |= 0x20
		}
		b = appendText(b, p.will.topic)
		b = appendText(b, string(p.will.payload))
	}
	if !p.noUser {
		flags |= 0x80
		b = appendText(b, p.user)
	}
	if !p.noUser && !p.noSecret {
		flags |= 0x40
		b = appendText(b, p.secret)
	}
	head := append(appendText(nil, "MQTT"), 4, flags, 0, 60)
	return packet(0x10, append(head, b...))
}

func (m message) packet() []byte {
	kind := byte(0x30) | m.qos<<1
	if m.retain {
		kind |= 1
	}
	b := appendText(nil, m.topic)
	if m.qos > 0 {
		b = binary.BigEndian.AppendUint16(b, m.id)
	}
	return packet(kind, append(b, m.payload...))
}

func (c *client) publish(tb testing.TB, m message) {
	tb.Helper()
	c.write(tb, m.packet())
}

// publishQoS1 publishes and waits for the acknowledgement.
func (c *client) publishQoS1(tb testing.TB, topic, payload string, id uint16) {
	tb.Helper()
	c.publish(tb, message{topic: topic, payload: []byte(payload), qos: 1, id: id})
	c.wantPubAck(tb, id)
}

func (c *client) wantPubAck(tb testing.TB, id uint16) {
	tb.Helper()
	kind, body, err := c.read()
	if err != nil || kind != 0x40 || len(body) != 2 || binary.BigEndian.Uint16(body) != id {
		tb.Fatalf("want PUBACK %d, got %#x %#x, %v", id, kind, body, err)
	}
}

// subscribe returns the return code of the SUBACK.
func (c *client) subscribe(tb testing.TB, filter string, qos byte) byte {
	tb.Helper()
	c.write(tb, packet(0x82, append(appendText([]byte{0, 9}, filter), qos)))
	kind, body, err := c.read()
	if err != nil || kind != 0x90 || len(body) != 3 {
		tb.Fatalf("want SUBACK, got %#x %#x, %v", kind, body, err)
	}
	return body[2]
}

// wantClosed fails when anything but the end of the connection comes, above all an acknowledgement.
func (c *client) wantClosed(tb testing.TB) {
	tb.Helper()
	if kind, body, err := c.read(); !closed(err) {
		tb.Fatalf("want the connection closed, got %#x %#x, %v", kind, body, err)
	}
}

// ping proves that all that was sent before has been read and that nothing came back for it.
func (c *client) ping(tb testing.TB) {
	tb.Helper()
	c.write(tb, []byte{0xc0, 0})
	if kind, body, err := c.read(); err != nil || kind != 0xd0 {
		tb.Fatalf("want PINGRESP, got %#x %#x, %v", kind, body, err)
	}
}

func (c *client) disconnect(tb testing.TB) {
	tb.Helper()
	c.write(tb, []byte{0xe0, 0})
	c.wantClosed(tb)
}

// reset ends the connection the way a dying device or link does.
func (c *client) reset(tb testing.TB) {
	tb.Helper()
	if err := c.Conn.(*net.TCPConn).SetLinger(0); err != nil {
		tb.Fatal(err)
	}
	c.Close()
}

// write ignores that the other side has gone: what it read before that counts.
func (c *client) write(tb testing.TB, b []byte) {
	tb.Helper()
	if _, err := c.Write(b); err != nil && !closed(err) {
		tb.Fatalf("writing: %v", err)
	}
}

// read returns the next packet: its first byte and what follows the length.
func (c *client) read() (byte, []byte, error) {
	kind, err := c.in.ReadByte()
	if err != nil {
		return 0, nil, err
	}
	n, err := binary.ReadUvarint(c.in)
	if err != nil {
		return 0, nil, err
	}
	body := make([]byte, n)
	_, err = io.ReadFull(c.in, body)
	return kind, body, err
}

func closed(err error) bool {
	var timeout net.Error
	return err != nil && (!errors.As(err, &timeout) || !timeout.Timeout())
}

func packet(kind byte, body []byte) []byte {
	return append(binary.AppendUvarint([]byte{kind}, uint64(len(body))), body...)
}

func appendText(b []byte, s string) []byte {
	return append(binary.BigEndian.AppendUint16(b, uint16(len(s))), s...)
}

func secretOf(id string) string { return fmt.Sprintf("secret-of-%s-0123456789abcdef", id) }
