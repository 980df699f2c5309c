package broker_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"ganlin/devices"
	"ganlin/ingest"
	"ganlin/internal/broker"

	"github.com/google/go-cmp/cmp"
)

func TestPresence(t *testing.T) {
	h := newHouse(t, setup{})
	if h.gate.Online("d1") || h.gate.Connected() != 0 {
		t.Error("somebody is online before anybody came")
	}
	c := login(t, h.address(), "d1")
	other := login(t, h.address(), "d2")
	if !h.gate.Online("d1") || h.gate.Connected() != 2 {
		t.Error("d1 is not online after its CONNACK")
	}
	c.disconnect(t)
	waitFor(t, "d1 to be offline", func() bool { return !h.gate.Online("d1") })
	other.reset(t)
	waitFor(t, "d2 to be offline", func() bool { return h.gate.Connected() == 0 })
	want := []presence{{"d1", true}, {"d2", true}, {"d1", false}, {"d2", false}}
	if diff := cmp.Diff(want, h.presences()); diff != "" {
		t.Error(diff)
	}
}

// A takeover is told by the new connection first, then by the end of the old
// one: the device is online all the time. Its will does not come.
func TestTakeover(t *testing.T) {
	h := newHouse(t, setup{})
	will := &message{topic: "ganlin/v1/d1/status", payload: []byte("gone"), qos: 1}
	old := dial(t, h.address())
	if code := old.connect(t, connect{id: "d1", user: "d1", secret: secretOf("d1"), will: will}); code != 0 {
		t.Fatalf("CONNACK %d", code)
	}
	taker := login(t, h.address(), "d1")
	old.wantClosed(t)
	taker.publishQoS1(t, "ganlin/v1/d1/telemetry", "taken", 1)
	taker.disconnect(t)
	waitFor(t, "d1 to be offline", func() bool { return !h.gate.Online("d1") })
	if diff := cmp.Diff([]presence{{"d1", true}, {"d1", false}}, h.presences()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"ganlin/v1/d1/telemetry 1 taken"}, h.desk.summary()); diff != "" {
		t.Error(diff)
	}
}

// What the old connection left unanswered is not acknowledged to the new one.
func TestTakeoverWithMessagesInFlight(t *testing.T) {
	h := newHouse(t, setup{})
	h.desk.setRule(keep)
	old := login(t, h.address(), "d1")
	old.publish(t, message{topic: "ganlin/v1/d1/telemetry", payload: []byte("from the old"), qos: 1, id: 1})
	first := h.desk.wait(t, 1)[0]
	taker := login(t, h.address(), "d1")
	old.wantClosed(t)
	taker.publish(t, message{topic: "ganlin/v1/d1/telemetry", payload: []byte("from the new"), qos: 1, id: 1})
	second := h.desk.wait(t, 2)[1]
	first.Settle(nil)
	taker.ping(t)
	second.Settle(nil)
	taker.wantPubAck(t, 1)
}

// The third connection within a second is held for one and closed without an answer.
func TestThirdLoginWithinASecond(t *testing.T) {
	h := newHouse(t, setup{})
	login(t, h.address(), "d1")
	second := login(t, h.address(), "d1")
	third := dial(t, h.address())
	if code := third.connect(t, connect{id: "d1", user: "d1", secret: secretOf("d1")}); code != closedCode {
		t.Errorf("CONNACK %d, want the connection closed", code)
	}
	second.publishQoS1(t, "ganlin/v1/d1/telemetry", "x", 1)
	waitFor(t, "one connection to be left", func() bool { return h.gate.Online("d1") && h.gate.Connected() == 1 })
}

func TestWill(t *testing.T) {
	const body = `{"online":false,"at":"2026-07-01T08:00:00Z"}`
	for name, tt := range map[string]struct {
		leave func(*house, *client)
		want  []string
	}{
		"reset":      {func(_ *house, c *client) { c.reset(t) }, []string{"ganlin/v1/d1/status 1 " + body}},
		"kicked":     {func(h *house, c *client) { h.door.Kick("d1"); c.wantClosed(t) }, []string{"ganlin/v1/d1/status 1 " + body}},
		"disconnect": {func(_ *house, c *client) { c.disconnect(t) }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t, setup{})
			c := dial(t, h.address())
			will := &message{topic: "ganlin/v1/d1/status", payload: []byte(body), qos: 1, retain: true}
			if code := c.connect(t, connect{id: "d1", user: "d1", secret: secretOf("d1"), will: will}); code != 0 {
				t.Fatalf("CONNACK %d", code)
			}
			tt.leave(h, c)
			waitFor(t, "d1 to be offline", func() bool { return !h.gate.Online("d1") })
			h.desk.wait(t, len(tt.want))
			login(t, h.address(), "d2").publishQoS1(t, "ganlin/v1/d2/status", "later", 1)
			if diff := cmp.Diff(append(tt.want, "ganlin/v1/d2/status 1 later"), h.desk.summary()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A refused will is lost in silence: offline must not be derived from wills alone.
func TestWillIsLostWhenTheDoorRefuses(t *testing.T) {
	h := newHouse(t, setup{})
	c := dial(t, h.address())
	will := &message{topic: "ganlin/v1/d1/status", payload: []byte("gone"), qos: 1}
	if code := c.connect(t, connect{id: "d1", user: "d1", secret: secretOf("d1"), will: will}); code != 0 {
		t.Fatalf("CONNACK %d", code)
	}
	h.desk.setRule(func(ingest.Message) error { return ingest.ErrFull })
	c.reset(t)
	waitFor(t, "d1 to be offline", func() bool { return !h.gate.Online("d1") })
	h.desk.wait(t, 1)
	login(t, h.address(), "d1").ping(t) // the device can come back at once
}

// A retained status is kept once for each device, and nobody may read it back.
func TestRetainedStatus(t *testing.T) {
	h := newHouse(t, setup{})
	c := login(t, h.address(), "d1")
	for i := range uint16(3) {
		c.publish(t, message{topic: "ganlin/v1/d1/status", payload: fmt.Appendf(nil, "%d", i), qos: 1, retain: true, id: i + 1})
		c.wantPubAck(t, i+1)
	}
	if diff := cmp.Diff([]string{"$MQTT.rmsgs.ganlin.v1.d1.status"}, h.retained(t)); diff != "" {
		t.Error(diff)
	}
	want := []string{"ganlin/v1/d1/status 1 0", "ganlin/v1/d1/status 1 1", "ganlin/v1/d1/status 1 2"}
	if diff := cmp.Diff(want, h.desk.summary()); diff != "" {
		t.Error(diff)
	}
	// What is too large to be retained is taken all the same.
	c.publish(t, message{topic: "ganlin/v1/d1/telemetry", payload: make([]byte, 1<<20), qos: 1, retain: true, id: 9})
	c.wantPubAck(t, 9)
	if diff := cmp.Diff([]string{"$MQTT.rmsgs.ganlin.v1.d1.status"}, h.retained(t)); diff != "" {
		t.Error(diff)
	}
}

func TestCommands(t *testing.T) {
	h := newHouse(t, setup{})
	open := []byte(`{"id":"c1","action":"close"}`)
	if err := h.door.Publish(t.Context(), "d1", open); !errors.Is(err, broker.ErrOffline) {
		t.Errorf("to a device that never came: %v", err)
	}
	for _, qos := range []byte{0, 1} {
		id := fmt.Sprintf("d%d", qos)
		c := dial(t, h.address())
		c.connect(t, connect{id: id, user: id, secret: secretOf(id), keep: true})
		if err := h.door.Publish(t.Context(), devices.DeviceID(id), open); !errors.Is(err, broker.ErrOffline) {
			t.Errorf("to a device that has not subscribed: %v", err)
		}
		c.subscribe(t, "ganlin/v1/"+id+"/command", qos)
		if err := h.door.Publish(t.Context(), devices.DeviceID(id), open); err != nil {
			t.Fatal(err)
		}
		kind, body, err := c.read()
		if want := string(appendText(nil, "ganlin/v1/"+id+"/command")) + string(open); err != nil || kind != 0x30 || string(body) != want {
			t.Errorf("got %#x %q, %v", kind, body, err)
		}
		c.disconnect(t)

		// Nothing is kept for a device that is away, not even with a kept session.
		if err := h.door.Publish(t.Context(), devices.DeviceID(id), open); !errors.Is(err, broker.ErrOffline) {
			t.Errorf("to a device that has gone: %v", err)
		}
		back := dial(t, h.address())
		back.connect(t, connect{id: id, user: id, secret: secretOf(id), keep: true})
		back.subscribe(t, "ganlin/v1/"+id+"/command", qos)
		back.ping(t)
	}
	if n := len(h.desk.messages()); n != 0 {
		t.Errorf("%d commands came back as messages", n)
	}
	if err := h.shut(t); err != nil {
		t.Fatal(err)
	}
	if err := h.door.Publish(t.Context(), "d1", open); !errors.Is(err, broker.ErrOffline) {
		t.Errorf("through a shut door: %v", err)
	}
}

// Whatever connections do at once, in the end everybody is counted as gone.
func TestPresenceSettles(t *testing.T) {
	h := newHouse(t, setup{})
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for n := range 25 {
				id := fmt.Sprintf("d%d", (i+n)%6)
				c := dial(t, h.address())
				secret := secretOf(id)
				if n%3 == 0 {
					secret = "wrong"
				}
				c.write(t, connect{id: id, user: id, secret: secret}.packet())
				if n%2 == 0 {
					_, _, _ = c.read()
				}
				if n%5 == 0 {
					h.door.Kick(devices.DeviceID(id))
				}
				c.Close()
			}
		})
	}
	wg.Wait()
	waitFor(t, "nobody to be online", func() bool { return h.gate.Connected() == 0 })
	last := map[devices.DeviceID]bool{}
	for _, p := range h.presences() {
		if last[p.Device] == p.Online {
			t.Fatalf("%s was told twice to be online=%v", p.Device, p.Online)
		}
		last[p.Device] = p.Online
	}
	for device, online := range last {
		if online {
			t.Errorf("%s was left online", device)
		}
	}
}

// A device that subscribes to commands at QoS 1 costs a consumer, of which a stream has a thousand.
func TestOldSessionsOfCommandsDoNotAddUp(t *testing.T) {
	h := newHouse(t, setup{})
	for range 3 {
		c := dial(t, h.address())
		c.connect(t, connect{id: "d1", user: "d1", secret: secretOf("d1"), keep: true})
		c.subscribe(t, "ganlin/v1/d1/command", 1)
		c.disconnect(t)
	}
	if n := h.stream(t, "$MQTT_msgs").CachedInfo().State.Consumers; n > 1 {
		t.Errorf("%d consumers for one device", n)
	}
}
