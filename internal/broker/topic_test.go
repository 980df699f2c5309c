package broker_test

import (
	"fmt"
	"strings"
	"testing"

	"ganlin/internal/broker"

	"github.com/google/go-cmp/cmp"
)

// foreignTopics are those that device d1 has no right to.
var foreignTopics = []string{
	"ganlin/v1/d2/telemetry", "ganlin/v1/d2/status", "ganlin/v1/d2/report",
	"ganlin/v1/d1/command", "ganlin/v1/d2/command",
	"ganlin/v1/d1", "ganlin/v1/d1/telemetry/more", "ganlin/v1/d1/other", "ganlin/v2/d1/telemetry",
	"/ganlin/v1/d1/telemetry", "ganlin//v1/d1/telemetry", "ganlin/v1/d1/telemetry/", "ganlin.v1.d1.telemetry",
	"Ganlin/v1/d1/telemetry", "telemetry", "/", "application/1/device/d1/event/up", "spBv1.0/g/NBIRTH/d1",
	"$MQTT/msgs/ganlin/v1/d1/telemetry", "$MQTT/sess/x", "$MQTT/rmsgs/ganlin/v1/d1/status", "$MQTT/JSA/x/MS/y",
	"$JS/API/STREAM/DELETE/$MQTT_msgs", "$JS/API/INFO", "$SYS/REQ/SERVER/PING", "$SYS/ACCOUNT/$G/DISCONNECT", "_INBOX/x",
}

// The stock server acknowledges what it has just refused; then the device would delete it.
func TestForeignPublishIsNeverAcknowledged(t *testing.T) {
	h := newHouse(t, setup{})
	for i, topic := range foreignTopics {
		for qos := range byte(2) {
			t.Run(fmt.Sprintf("%s at QoS %d", topic, qos), func(t *testing.T) {
				id := fmt.Sprintf("d1-%d-%d", i, qos) // a quick return under the same id counts as a takeover
				c := login(t, h.address(), id)
				c.publish(t, message{topic: strings.ReplaceAll(topic, "d1", id), payload: []byte("x"), qos: qos, id: 1})
				c.wantClosed(t)
			})
		}
	}
	if diff := cmp.Diff([]string(nil), h.desk.summary()); diff != "" {
		t.Error("taken", diff)
	}
	// Each was counted before its connection was closed.
	if got, want := h.gate.Refused()[broker.ForeignTopic], uint64(2*len(foreignTopics)); got != want {
		t.Errorf("%d counted, want %d", got, want)
	}
}

// Many times, with rightful messages in front, since a late close would be a race.
func TestForeignPublishBehindOthers(t *testing.T) {
	h := newHouse(t, setup{})
	acknowledged := 0
	for i := range 200 {
		device := fmt.Sprintf("d%d-", i)
		c := login(t, h.address(), device)
		var burst []byte
		for id := range uint16(3) {
			burst = append(burst, message{topic: "ganlin/v1/" + device + "/telemetry", qos: 1, id: id + 1}.packet()...)
		}
		burst = append(burst, message{topic: "ganlin/v1/d2/telemetry", qos: 1, id: 99}.packet()...)
		c.write(t, burst)
		for {
			kind, body, err := c.read()
			if closed(err) {
				break
			}
			if err != nil || kind != 0x40 {
				t.Fatalf("got %#x %#x, %v", kind, body, err)
			}
			if body[1] == 99 {
				acknowledged++
			}
		}
	}
	if acknowledged > 0 {
		t.Errorf("%d of 200 refused messages were acknowledged", acknowledged)
	}
}

// What a topic must not hold closes the connection in the server itself.
func TestImpossibleTopics(t *testing.T) {
	h := newHouse(t, setup{})
	for i, topic := range []string{
		"", "ganlin/v1/d1/+", "ganlin/v1/+/telemetry", "#", "ganlin/v1/d1/#", "ganlin/v1/d1/telemetry\x00", "ganlin/v1/d1/telemetry ",
		"ganlin/v1/d1/tele\nmetry", "ganlin/v1/d1/\xff", "ganlin/v1/*/telemetry", "ganlin/v1/>", "ganlin/v1/d1/telemetry\r\nPUB x",
	} {
		id := fmt.Sprintf("d1-%d", i)
		c := login(t, h.address(), id)
		c.publish(t, message{topic: strings.ReplaceAll(topic, "d1", id), payload: []byte("x"), qos: 1, id: 1})
		c.wantClosed(t)
	}
	if diff := cmp.Diff([]string(nil), h.desk.summary()); diff != "" {
		t.Error("taken", diff)
	}
}

func TestSubscriptions(t *testing.T) {
	h := newHouse(t, setup{})
	for _, tt := range []struct {
		filter string
		qos    byte
		code   byte
	}{
		{"ganlin/v1/d1/command", 0, 0},
		{"ganlin/v1/d1/command", 1, 1},
		{"ganlin/v1/d2/command", 0, 0x80},
		{"ganlin/v1/d1/telemetry", 0, 0x80},
		{"ganlin/v1/d1/status", 1, 0x80},
		{"ganlin/v1/+/command", 0, 0x80},
		{"ganlin/v1/d1/+", 0, 0x80},
		{"ganlin/v1/d1/#", 0, 0x80},
		{"ganlin/v1/d1/command/#", 0, 0x80},
		{"#", 0, 0x80},
		{"+/+/+/+", 0, 0x80},
		{"$SYS/#", 0, 0x80},
		{"$MQTT/#", 0, 0x80},
		{"$MQTT/sub/#", 0, 0x80},
		{"$JS/#", 0, 0x80},
		{"$share/g/ganlin/v1/d1/command", 0, 0x80},
	} {
		t.Run(fmt.Sprintf("%s at QoS %d", tt.filter, tt.qos), func(t *testing.T) {
			c := login(t, h.address(), "d1")
			if code := c.subscribe(t, tt.filter, tt.qos); code != tt.code {
				t.Errorf("SUBACK %#x, want %#x", code, tt.code)
			}
			c.disconnect(t)
		})
	}
}

// A forged last will is dropped, and so is a forged retained message.
func TestForgedWill(t *testing.T) {
	h := newHouse(t, setup{})
	c := dial(t, h.address())
	will := &message{topic: "ganlin/v1/d2/status", payload: []byte(`{"online":false}`), qos: 1, retain: true}
	if code := c.connect(t, connect{id: "d1", user: "d1", secret: secretOf("d1"), will: will}); code != 0 {
		t.Fatalf("CONNACK %d", code)
	}
	c.reset(t)
	waitFor(t, "the forged will to be counted", func() bool { return h.gate.Refused()[broker.ForeignTopic] == 1 })
	login(t, h.address(), "d2").publishQoS1(t, "ganlin/v1/d2/status", "mine", 1)
	if diff := cmp.Diff([]string{"ganlin/v1/d2/status 1 mine"}, h.desk.summary()); diff != "" {
		t.Error(diff)
	}
	if got := h.retained(t); len(got) != 0 {
		t.Errorf("retained: %v", got)
	}
}
