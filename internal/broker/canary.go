package broker

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"ganlin/devices"

	"github.com/nats-io/nats.go"
)

// canaryID is the client id and user name of the canary. No device can have it.
const canaryID = "~canary"

// canaryQuiet is how long an unanswered message is watched for an acknowledgement.
const canaryQuiet = 250 * time.Millisecond

// proveNobodyElseAnswers publishes like a device. As long as the door keeps the
// message unanswered no acknowledgement may come, and once it answers one must.
func (s *shift) proveNobodyElseAnswers(ctx context.Context) error {
	secret := rand.Text()
	s.door.gate.expectCanary(secret)
	defer s.door.gate.expectCanary("")

	conn, err := s.door.server.DialMQTT(ctx)
	if err != nil {
		return fmt.Errorf("connecting: %w", err)
	}
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	defer conn.Close()

	if _, err := conn.Write(connectPacket(canaryID, secret)); err != nil {
		return fmt.Errorf("logging in: %w", err)
	}
	if err := expect(conn, []byte{0x20, 2, 0, 0}); err != nil { // CONNACK, accepted
		return fmt.Errorf("logging in: %w", err)
	}
	if _, err := conn.Write(publishPacket(devices.Topic(canaryID, devices.Telemetry))); err != nil {
		return fmt.Errorf("publishing: %w", err)
	}
	var m *nats.Msg
	select {
	case m = <-s.canary:
	case <-ctx.Done():
		return fmt.Errorf("waiting at the door for what was published: %w", ctx.Err())
	}
	if err := expectSilence(conn); err != nil {
		return err
	}
	if err := m.Respond(storedAnswer); err != nil {
		return fmt.Errorf("answering: %w", err)
	}
	if err := expect(conn, []byte{0x40, 2, 0, 1}); err != nil { // PUBACK of packet 1
		return fmt.Errorf("waiting for the acknowledgement: %w", err)
	}
	_, err = conn.Write([]byte{0xe0, 0}) // DISCONNECT
	return err
}

// expectSilence fails when anything arrives that nobody has answered yet.
func expectSilence(conn net.Conn) error {
	if err := conn.SetReadDeadline(time.Now().Add(canaryQuiet)); err != nil {
		return err
	}
	got := make([]byte, 4)
	n, err := conn.Read(got)
	switch {
	case n > 0:
		return fmt.Errorf("%#x came back for a message that the door has not answered: somebody else acknowledges", got[:n])
	case !errors.Is(err, os.ErrDeadlineExceeded):
		return fmt.Errorf("listening for silence: %w", err)
	}
	return conn.SetReadDeadline(time.Time{})
}

func expect(conn net.Conn, want []byte) error {
	got := make([]byte, len(want))
	if _, err := io.ReadFull(conn, got); err != nil {
		return err
	}
	if !bytes.Equal(got, want) {
		return fmt.Errorf("got packet %#x, want %#x", got, want)
	}
	return nil
}

// connectPacket is the CONNECT of a client with a clean session (MQTT 3.1.1, 3.1).
func connectPacket(id, secret string) []byte {
	body := appendString(nil, "MQTT")
	body = append(body, 4, 0xc2, 0, 30) // version, user name with password and clean session, keep alive in seconds
	for _, s := range []string{id, id, secret} {
		body = appendString(body, s)
	}
	return packet(0x10, body)
}

// publishPacket is an empty PUBLISH at QoS 1 with packet identifier 1 (MQTT 3.1.1, 3.3).
func publishPacket(topic string) []byte {
	return packet(0x32, append(appendString(nil, topic), 0, 1))
}

func packet(kind byte, body []byte) []byte {
	return append(binary.AppendUvarint([]byte{kind}, uint64(len(body))), body...)
}

func appendString(b []byte, s string) []byte {
	return append(binary.BigEndian.AppendUint16(b, uint16(len(s))), s...) //nolint:gosec // a few bytes
}
