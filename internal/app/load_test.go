package app

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// A load is a fleet of bare MQTT clients that publish at a fixed rate, keep
// every message until its PUBACK and count by themselves what they sent. It
// knows nothing of the program but the contract's wire format.
type load struct {
	address  string // host:port
	devices  []loadDevice
	perSec   float64 // messages a second and device
	window   int     // unacknowledged messages in flight a device
	messages int     // to send a device; 0: until stopped

	// Shares of all messages.
	duplicates, late, broken float64

	seed  uint64
	start time.Time // of the instants of messages; zero: each is of the moment when it is made

	sent, acked, brokenSent, duplicateSent atomic.Int64
	written                                atomic.Int64 // packets, those that were sent again included
	values                                 atomic.Int64 // distinct values acknowledged
	reconnects                             atomic.Int64
}

type loadDevice struct{ id, password string }

const valuesPerMessage = 3

// loadMessage is a message that is kept until it is acknowledged.
type loadMessage struct {
	payload []byte
	values  int // distinct values that its acknowledgement promises
}

// run publishes until every device has sent its share and all is acknowledged.
// When stop closes earlier, devices send nothing new and finish what is in flight.
func (l *load) run(ctx context.Context, stop <-chan struct{}) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var all sync.WaitGroup
	for n := range l.devices {
		all.Go(func() {
			if err := l.device(ctx, stop, n); err != nil {
				cancel(fmt.Errorf("device %s: %w", l.devices[n].id, err))
			}
		})
	}
	all.Wait()
	return context.Cause(ctx)
}

// device is the life of one client: connections come and go, messages stay.
func (l *load) device(ctx context.Context, stop <-chan struct{}, n int) error {
	rng := rand.New(rand.NewPCG(l.seed, uint64(n)))
	made := l.make(n, rng)
	var (
		waiting []loadMessage // without a PUBACK, oldest first
		count   int
		id      uint16
		done    bool
	)
	due := time.Now().Add(time.Duration(rng.Float64() * float64(time.Second) / l.perSec))
	for {
		conn, err := l.connect(ctx, n)
		if err != nil {
			return err
		}
		acks := make(chan error, l.window+1)
		go readAcks(conn, acks)
		sent := 0 // how many of the waiting ones went out on this connection
		for err == nil {
			for err == nil && sent < min(len(waiting), l.window) {
				id = id%65535 + 1
				_, err = conn.Write(publishPacket(l.topic(n), id, waiting[sent].payload))
				l.written.Add(1)
				sent++
			}
			if err != nil {
				break
			}
			if done && len(waiting) == 0 {
				return conn.Close()
			}
			var tick <-chan time.Time
			if !done && len(waiting) < l.window {
				tick = time.After(max(0, time.Until(due)))
			}
			select {
			case err = <-acks:
				if err == nil {
					l.acked.Add(1)
					l.values.Add(int64(waiting[0].values))
					waiting = waiting[1:]
					sent--
				}
			case <-tick:
				due = due.Add(time.Duration(float64(time.Second) / l.perSec))
				if behind := time.Now().Add(-time.Second); due.Before(behind) {
					due = behind // after an outage the backlog is bounded to a second
				}
				waiting = append(waiting, made())
				count++
				done = done || l.messages > 0 && count >= l.messages
			case <-stop:
				stop, done = nil, true
			case <-ctx.Done():
				_ = conn.Close()
				return context.Cause(ctx)
			}
		}
		_ = conn.Close()
		l.reconnects.Add(1)
	}
}

func (l *load) topic(n int) string { return "ganlin/v1/" + l.devices[n].id + "/telemetry" }

// make returns a function that makes a device's next message. Every message has
// an instant of its own, so that nothing but a meant duplicate is one.
func (l *load) make(n int, rng *rand.Rand) func() loadMessage {
	var seq int64
	var last []byte
	return func() loadMessage {
		l.sent.Add(1)
		switch dice := rng.Float64(); {
		case dice < l.broken:
			l.brokenSent.Add(1)
			return loadMessage{payload: []byte(`{"at":"2026-`)}
		case dice < l.broken+l.duplicates && last != nil:
			l.duplicateSent.Add(1)
			return loadMessage{payload: last}
		default:
			seq++
			at := time.Now().UnixMilli()
			if !l.start.IsZero() {
				at = l.start.UnixMilli() + 2*seq
			}
			if dice > 1-l.late {
				at -= 3_600_000 + 1 // odd: never the time of another message
			}
			last = fmt.Appendf(nil, `{"at":%d,"seq":%d,"values":{"soil_moisture@20":%.4f,"soil_temperature@20":%.2f,"battery_voltage":3.6}}`,
				at, seq, 0.1+0.2*rng.Float64(), 15+10*rng.Float64())
			return loadMessage{payload: last, values: valuesPerMessage}
		}
	}
}

// connect dials until the broker lets the client in.
func (l *load) connect(ctx context.Context, n int) (net.Conn, error) {
	pause := 50 * time.Millisecond
	for {
		conn, err := dialMQTT(ctx, l.address, l.devices[n].id, l.devices[n].id, l.devices[n].password)
		if err == nil {
			return conn, nil
		}
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-time.After(pause):
			pause = min(2*pause, 2*time.Second)
		}
	}
}

var errRefused = errors.New("CONNACK refuses")

// dialMQTT opens an MQTT 3.1.1 session with a clean start.
func dialMQTT(ctx context.Context, address, clientID, user, password string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	body := append([]byte{0, 4, 'M', 'Q', 'T', 'T', 4, 0xC2, 0, 0}, mqttString(clientID)...)
	body = append(append(body, mqttString(user)...), mqttString(password)...)
	_, err = conn.Write(packet(0x10, body))
	var ack [4]byte
	if err == nil {
		_, err = io.ReadFull(conn, ack[:])
	}
	if err == nil && ack[3] != 0 {
		err = fmt.Errorf("%w: code %d", errRefused, ack[3])
	}
	if !stop() && err == nil {
		err = ctx.Err()
	}
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	return conn, nil
}

// readAcks sends nil for each PUBACK and an error when the connection ends.
func readAcks(conn net.Conn, acks chan<- error) {
	r := bufio.NewReader(conn)
	for {
		var head [2]byte
		if _, err := io.ReadFull(r, head[:]); err != nil {
			acks <- err
			return
		}
		rest := make([]byte, head[1])
		if _, err := io.ReadFull(r, rest); err != nil {
			acks <- err
			return
		}
		if head[0] == 0x40 {
			acks <- nil
		}
	}
}

func publishPacket(topic string, id uint16, payload []byte) []byte {
	body := mqttString(topic)
	body = binary.BigEndian.AppendUint16(body, id)
	return packet(0x32, append(body, payload...))
}

func packet(kind byte, body []byte) []byte {
	p := []byte{kind}
	for n := len(body); ; {
		b := byte(n % 128)
		if n /= 128; n > 0 {
			b |= 0x80
		}
		p = append(p, b)
		if n == 0 {
			return append(p, body...)
		}
	}
}

func mqttString(s string) []byte {
	return append(binary.BigEndian.AppendUint16(nil, uint16(len(s))), s...)
}

// waitFor polls until the condition holds; it fails the test with what it last said.
func waitFor(tb testing.TB, limit time.Duration, what string, condition func() (bool, string)) {
	tb.Helper()
	deadline := time.Now().Add(limit)
	for {
		ok, said := condition()
		if ok {
			return
		}
		if time.Now().After(deadline) {
			tb.Fatalf("waiting for %s: %s", what, said)
		}
		time.Sleep(20 * time.Millisecond) // the pause between two looks, not a time that is relied on
	}
}
