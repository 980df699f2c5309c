package broker

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"

	"ganlin/devices"
	"ganlin/ingest"

	"github.com/nats-io/nats.go"
)

// requestPrefix goes before the subject of a QoS 1 message where the server asks for its acknowledgement.
const requestPrefix = "$MQTT.msgs."

// subjectPrefix is devices.TopicPrefix as the server spells it.
const subjectPrefix = "ganlin.v1."

// qosHeader is set by the server on whatever comes from MQTT.
const qosHeader = "Nmqtt-Pub"

// storedAnswer makes the server acknowledge: it looks for an error and at nothing else.
var storedAnswer = []byte(`{"stream":"$MQTT_msgs","seq":1}`)

// refusal makes the server close the connection at once, so that the device
// sends again without waiting for a time-out.
func refusal(reason Reason) []byte {
	return fmt.Appendf(nil, `{"error":{"code":503,"err_code":10077,"description":"%s"}}`, reason)
}

func reasonOf(err error) Reason {
	switch {
	case errors.Is(err, ingest.ErrFull):
		return QueueFull
	case errors.Is(err, errClosing):
		return Closing
	}
	return JournalRefused
}

var errClosing = errors.New("door is closing")

// receiveRequest takes a QoS 1 message. The payload is the message's own: the client copies it from its buffer.
func (s *shift) receiveRequest(m *nats.Msg) {
	device, leaf, upward := parse(strings.TrimPrefix(m.Subject, requestPrefix))
	if device == canaryID {
		select {
		case s.canary <- m:
		default:
		}
		return
	}
	if !upward {
		return // a command: the server's own stream has it
	}
	a := &answer{shift: s, reply: m.Reply, device: device}
	select {
	case <-s.door.running():
	case <-s.closing:
	}
	select {
	case <-s.closing:
		a.settle(errClosing)
		return
	default:
	}
	err := s.deliver(ingest.Message{
		Topic: devices.Topic(device, leaf), Payload: m.Data, QoS: 1, Received: s.door.gate.now(), Settle: a.settle,
	})
	if err != nil {
		a.settle(err)
	}
}

// receiveQoS0 takes a QoS 0 message. Those of QoS 1 come by here too and are left to receiveRequest.
func (s *shift) receiveQoS0(m *nats.Msg) {
	device, leaf, _ := parse(m.Subject)
	if m.Header.Get(qosHeader) != "0" || device == canaryID {
		return
	}
	err := s.deliver(ingest.Message{Topic: devices.Topic(device, leaf), Payload: m.Data, Received: s.door.gate.now()})
	if err != nil {
		s.door.gate.refused.count(reasonOf(err), device)
	}
}

// parse splits ganlin.v1.<device>.<leaf>; the server has checked that the device may publish to it.
func parse(subject string) (device devices.DeviceID, leaf devices.Leaf, upward bool) {
	rest := strings.TrimPrefix(subject, subjectPrefix)
	name, last, _ := strings.Cut(rest, ".")
	leaf = devices.Leaf(last)
	return devices.DeviceID(name), leaf, leaf == devices.Telemetry || leaf == devices.Status || leaf == devices.Reports
}

// An answer is owed to one message.
type answer struct {
	shift  *shift
	reply  string
	device devices.DeviceID
	given  atomic.Bool
}

func (a *answer) settle(err error) {
	if a.given.Swap(true) {
		return
	}
	text := storedAnswer
	if err != nil {
		reason := reasonOf(err)
		a.shift.door.gate.refused.count(reason, a.device)
		text = refusal(reason)
	}
	// It fails when the server has gone, and the device's connection with it: then the device sends again.
	_ = a.shift.nc.Publish(a.reply, text)
}
