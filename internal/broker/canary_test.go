package broker_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"ganlin/internal/broker"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// connect returns a connection to the account of the devices.
func (h *house) connect(tb testing.TB) *nats.Conn {
	tb.Helper()
	nc, err := h.server.Connect("test")
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(nc.Close)
	return nc
}

func (h *house) jetStream(tb testing.TB) jetstream.JetStream {
	tb.Helper()
	js, err := jetstream.New(h.connect(tb))
	if err != nil {
		tb.Fatal(err)
	}
	return js
}

// wantRefusal runs the door and expects that it does not open.
func (h *house) wantRefusal(tb testing.TB, because string) {
	tb.Helper()
	h.run(tb)
	<-h.ended
	if h.err == nil || !strings.Contains(h.err.Error(), because) {
		tb.Errorf("the door ended with %v, want it to refuse because %q", h.err, because)
	}
	if h.door.Open() {
		tb.Error("the door counts as open")
	}
}

// A stream on an upward topic acknowledges what the journal does not have.
func TestDoorStaysShutBesideAStreamOnItsTopics(t *testing.T) {
	h := newHouse(t, setup{shut: true})
	js := h.jetStream(t)
	for i, taken := range []string{"$MQTT.msgs.>", "$MQTT.msgs.ganlin.v1.d7.report", "$MQTT.msgs.ganlin.*.*.status"} {
		other := jetstream.StreamConfig{Name: fmt.Sprintf("other-%d", i), Subjects: []string{taken}, Storage: jetstream.MemoryStorage}
		if _, err := js.CreateStream(t.Context(), other); err != nil {
			t.Fatal(err)
		}
		h.run(t)
		<-h.ended
		if h.err == nil {
			t.Errorf("the door opened beside a stream on %s", taken)
		}
		if err := js.DeleteStream(t.Context(), other.Name); err != nil {
			t.Fatal(err)
		}
	}
	h.open(t)
}

// The canary finds what no list of streams shows: anybody who answers.
func TestDoorStaysShutWhenSomebodyElseAnswers(t *testing.T) {
	h := newHouse(t, setup{shut: true})
	nc := h.connect(t)
	sub, err := nc.Subscribe("$MQTT.msgs.>", func(m *nats.Msg) {
		_ = m.Respond([]byte(`{"stream":"$MQTT_msgs","seq":1}`))
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := nc.Flush(); err != nil {
		t.Fatal(err)
	}
	h.wantRefusal(t, "somebody else acknowledges")

	if err := sub.Unsubscribe(); err != nil {
		t.Fatal(err)
	}
	if err := nc.Flush(); err != nil {
		t.Fatal(err)
	}
	h.open(t)
	login(t, h.address(), "d1").publishQoS1(t, "ganlin/v1/d1/telemetry", "x", 1)
}

// A folder that an unguarded server has used holds a stream on all topics.
func TestDefaultStreamIsNarrowed(t *testing.T) {
	h := newHouse(t, setup{shut: true})
	js := h.jetStream(t)
	if _, err := js.CreateStream(t.Context(), jetstream.StreamConfig{
		Name: "$MQTT_msgs", Subjects: []string{"$MQTT.msgs.>"}, Retention: jetstream.InterestPolicy,
	}); err != nil {
		t.Fatal(err)
	}
	h.open(t)
	want := []string{"$MQTT.msgs.ganlin.v1.*.command"}
	if diff := cmp.Diff(want, h.stream(t, "$MQTT_msgs").CachedInfo().Config.Subjects); diff != "" {
		t.Error(diff)
	}
	h.desk.setRule(keep)
	c := login(t, h.address(), "d1")
	c.publish(t, message{topic: "ganlin/v1/d1/telemetry", qos: 1, id: 1})
	h.desk.wait(t, 1)
	c.ping(t)
}

// Logins wait for the door: an early device must not meet a server that answers by itself.
func TestLoginsWaitForTheDoor(t *testing.T) {
	h := newHouse(t, setup{shut: true})
	early := dial(t, h.address())
	early.write(t, connect{id: "d1", user: "d1", secret: secretOf("d1")}.packet())
	early.write(t, message{topic: "ganlin/v1/d1/telemetry", payload: []byte("early"), qos: 1, id: 1}.packet())
	stranger := dial(t, h.address())
	stranger.write(t, connect{id: "d1", user: "d1", secret: "guess"}.packet())

	h.open(t)
	if kind, body, err := early.read(); err != nil || kind != 0x20 || body[1] != 0 {
		t.Fatalf("want CONNACK 0, got %#x %#x, %v", kind, body, err)
	}
	early.wantPubAck(t, 1)
	if kind, body, err := stranger.read(); err != nil || kind != 0x20 || body[1] != 5 {
		t.Fatalf("want CONNACK 5, got %#x %#x, %v", kind, body, err)
	}
	if diff := cmp.Diff([]string{"ganlin/v1/d1/telemetry 1 early"}, h.desk.summary()); diff != "" {
		t.Error(diff)
	}
}

// A device that was right is not told that it is not authorized: it would give up.
func TestLoginAtAShutDoorEndsWithoutAnAnswer(t *testing.T) {
	h := newHouse(t, setup{shut: true})
	c := dial(t, h.address())
	c.write(t, connect{id: "d1", user: "d1", secret: secretOf("d1")}.packet())
	waitFor(t, "the login to be held", func() bool {
		return strings.Contains(goroutines(), "broker.(*Gate).Login")
	})
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := h.server.Stop(ctx); err != nil {
		t.Fatalf("with a held login: %v", err)
	}
	c.wantClosed(t)
	if n := h.gate.Refused()[broker.NotOpen]; n != 1 {
		t.Errorf("%d counted, want 1", n)
	}
}

func TestDoorNeedsItsServer(t *testing.T) {
	h := newHouse(t, setup{shut: true})
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := h.server.Stop(ctx); err != nil {
		t.Fatal(err)
	}
	h.wantRefusal(t, "opening the door")
}

func TestDoorOpensAndShutsAgain(t *testing.T) {
	h := newHouse(t, setup{shut: true, answerTimeout: time.Minute})
	for range 3 {
		h.open(t)
		will := &message{topic: "ganlin/v1/d1/status", payload: []byte("gone"), qos: 1}
		c := dial(t, h.address())
		if code := c.connect(t, connect{id: "d1", user: "d1", secret: secretOf("d1"), will: will}); code != 0 {
			t.Fatalf("CONNACK %d", code)
		}
		c.publishQoS1(t, "ganlin/v1/d1/telemetry", "x", 1)
		if err := h.shut(t); err != nil {
			t.Fatal(err)
		}
		c.wantClosed(t)
		if n := h.gate.Connected(); n != 0 {
			t.Errorf("%d connected to a shut door", n)
		}
	}
	if got := len(h.desk.messages()); got != 3 {
		t.Errorf("%d messages, want 3", got)
	}
}

// A login that passes while the door shuts leaves no connection behind that nobody knows.
func TestShutWhileDevicesLogIn(t *testing.T) {
	h := newHouse(t, setup{shut: true})
	for round := range 4 {
		h.open(t)
		var fleet sync.WaitGroup
		for i := range 40 {
			c := dial(t, h.address())
			id := fmt.Sprintf("d%d-%d", round, i)
			c.write(t, connect{id: id, user: id, secret: secretOf(id)}.packet())
			fleet.Go(func() {
				for {
					if _, _, err := c.read(); closed(err) {
						return
					} else if err != nil {
						t.Errorf("%s was neither let in nor closed: %v", id, err)
						return
					}
				}
			})
			if i == 20 {
				h.end()
			}
		}
		<-h.ended
		h.open(t) // lets in who came too late for the last time
		waitFor(t, "no login to be held", func() bool { return !strings.Contains(goroutines(), "broker.(*Gate).Login") })
		if err := h.shut(t); err != nil {
			t.Fatal(err)
		}
		fleet.Wait()
	}
}
