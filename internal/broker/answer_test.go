package broker_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"ganlin/ingest"
	"ganlin/internal/broker"
	"ganlin/internal/natsd"

	"github.com/google/go-cmp/cmp"
)

func TestQoS1IsAcknowledgedOnlyWhenSettled(t *testing.T) {
	h := newHouse(t, setup{})
	h.desk.setRule(keep)
	c := login(t, h.address(), "d1")
	before := time.Now()
	c.publish(t, message{topic: "ganlin/v1/d1/telemetry", payload: []byte("hello"), qos: 1, id: 7})
	m := h.desk.wait(t, 1)[0]
	c.ping(t) // answered past the PUBACK that is not there

	m.Settle(nil)
	c.wantPubAck(t, 7)
	m.Settle(nil)
	m.Settle(errors.New("too late"))
	c.ping(t)

	want := ingest.Message{Topic: "ganlin/v1/d1/telemetry", Payload: []byte("hello"), QoS: 1}
	if m.Received.Before(before) || m.Received.After(time.Now()) {
		t.Errorf("received %v", m.Received)
	}
	m.Received, m.Settle = time.Time{}, nil
	if diff := cmp.Diff(want, m); diff != "" {
		t.Error(diff)
	}
}

// A refusal closes the connection at once, so that the device sends again
// without waiting for a time-out.
func TestRefusals(t *testing.T) {
	for name, tt := range map[string]struct {
		err    error
		byDesk bool // deliver itself returns it
		reason broker.Reason
	}{
		"full":    {ingest.ErrFull, true, broker.QueueFull},
		"refused": {fmt.Errorf("appending: %w", ingest.ErrRefused), false, broker.JournalRefused},
		"other":   {errors.New("disk on fire"), false, broker.JournalRefused},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t, setup{answerTimeout: time.Hour})
			h.desk.setRule(func(m ingest.Message) error {
				if tt.byDesk {
					return tt.err
				}
				m.Settle(tt.err)
				return nil
			})
			c := login(t, h.address(), "d1")
			c.publish(t, message{topic: "ganlin/v1/d1/telemetry", qos: 1, id: 1})
			c.wantClosed(t)
			if diff := cmp.Diff(map[broker.Reason]uint64{tt.reason: 1}, h.gate.Refused()); diff != "" {
				t.Error(diff)
			}

			h.desk.setRule(settleNow)
			again := login(t, h.address(), "d1")
			again.publishQoS1(t, "ganlin/v1/d1/telemetry", "", 1)
		})
	}
}

// Silence is the worst answer, and still none that a device could take for a yes.
func TestWithoutAnAnswerTheConnectionCloses(t *testing.T) {
	h := newHouse(t, setup{answerTimeout: 300 * time.Millisecond})
	h.desk.setRule(keep)
	c := login(t, h.address(), "d1")
	c.publish(t, message{topic: "ganlin/v1/d1/telemetry", qos: 1, id: 1})
	c.wantClosed(t)
	h.desk.wait(t, 1)[0].Settle(nil) // finds nobody
}

func TestPausedDoorAnswersNothing(t *testing.T) {
	h := newHouse(t, setup{answerTimeout: time.Hour})
	c := login(t, h.address(), "d1")
	h.door.Pause()
	c.publish(t, message{topic: "ganlin/v1/d1/telemetry", qos: 1, id: 1})
	c.ping(t)
	if n := len(h.desk.messages()); n != 0 {
		t.Errorf("%d messages taken", n)
	}
	h.door.Resume()
	c.wantPubAck(t, 1)
}

// The acknowledgements come in the order of the messages, whatever the order in which they settle.
func TestAcknowledgementsInOrder(t *testing.T) {
	h := newHouse(t, setup{})
	h.desk.setRule(keep)
	c := login(t, h.address(), "d1")
	for id := range uint16(20) {
		c.publish(t, message{topic: "ganlin/v1/d1/telemetry", qos: 1, id: id + 1})
	}
	got := h.desk.wait(t, 20)
	for i := range got {
		got[len(got)-1-i].Settle(nil)
	}
	for id := range uint16(20) {
		c.wantPubAck(t, id+1)
	}
}

// One refused message ends the connection: those behind it stay unacknowledged even when they are settled.
func TestNothingIsAcknowledgedBehindARefusal(t *testing.T) {
	h := newHouse(t, setup{})
	h.desk.setRule(keep)
	c := login(t, h.address(), "d1")
	for id := range uint16(3) {
		c.publish(t, message{topic: "ganlin/v1/d1/telemetry", qos: 1, id: id + 1})
	}
	got := h.desk.wait(t, 3)
	got[2].Settle(nil)
	got[0].Settle(nil)
	c.wantPubAck(t, 1)
	got[1].Settle(ingest.ErrRefused)
	c.wantClosed(t)
}

func TestQoS0IsTakenOnce(t *testing.T) {
	h := newHouse(t, setup{})
	c := login(t, h.address(), "d1")
	for _, leaf := range []string{"telemetry", "status", "report"} {
		c.publish(t, message{topic: "ganlin/v1/d1/" + leaf, payload: []byte("zero")})
		c.publishQoS1(t, "ganlin/v1/d1/"+leaf, "one", 1)
	}
	h.desk.wait(t, 6)
	c.ping(t)
	counts := map[string]int{}
	for _, line := range h.desk.summary() {
		counts[line]++
	}
	want := map[string]int{}
	for _, leaf := range []string{"telemetry", "status", "report"} {
		want["ganlin/v1/d1/"+leaf+" 0 zero"] = 1
		want["ganlin/v1/d1/"+leaf+" 1 one"] = 1
	}
	if diff := cmp.Diff(want, counts); diff != "" {
		t.Error(diff)
	}
	for _, m := range h.desk.messages() {
		if (m.Settle == nil) != (m.QoS == 0) {
			t.Errorf("QoS %d: Settle is there: %v", m.QoS, m.Settle != nil)
		}
	}
}

func TestFullQueueDropsQoS0AndCounts(t *testing.T) {
	h := newHouse(t, setup{})
	h.desk.setRule(func(ingest.Message) error { return ingest.ErrFull })
	c := login(t, h.address(), "d1")
	c.publish(t, message{topic: "ganlin/v1/d1/telemetry", payload: []byte("zero")})
	waitFor(t, "the count", func() bool { return h.gate.Refused()[broker.QueueFull] == 1 })
	c.ping(t)
}

func TestQoS2IsRefused(t *testing.T) {
	h := newHouse(t, setup{})
	c := login(t, h.address(), "d1")
	c.publish(t, message{topic: "ganlin/v1/d1/telemetry", qos: 2, id: 1})
	c.wantClosed(t)

	willing := dial(t, h.address())
	will := &message{topic: "ganlin/v1/d2/status", qos: 2}
	if code := willing.connect(t, connect{id: "d2", user: "d2", secret: secretOf("d2"), will: will}); code == 0 {
		t.Error("a will at QoS 2 was accepted")
	}
	if n := len(h.desk.messages()); n != 0 {
		t.Errorf("%d messages taken", n)
	}
}

func TestSizes(t *testing.T) {
	h := newHouse(t, setup{})
	for i, size := range []int{0, 1, 256 << 10, 1 << 20, natsd.MaxMessage - 1, natsd.MaxMessage} {
		for qos := range byte(2) {
			id := fmt.Sprintf("s%d-%d", i, qos)
			c := login(t, h.address(), id)
			payload := bytes.Repeat([]byte{byte(i)}, size)
			c.publish(t, message{topic: "ganlin/v1/" + id + "/telemetry", payload: payload, qos: qos, id: 1})
			if qos == 1 {
				c.wantPubAck(t, 1)
			}
			got := h.desk.wait(t, 2*i+int(qos)+1)
			if m := got[len(got)-1]; !bytes.Equal(m.Payload, payload) {
				t.Errorf("%d bytes at QoS %d: got %d", size, qos, len(m.Payload))
			}
			c.disconnect(t)
		}
	}

	taken := len(h.desk.messages())
	for i, size := range []int{natsd.MaxMessage + 1, natsd.MaxMessage + 100, 8 << 20} {
		for qos := range byte(2) {
			id := fmt.Sprintf("l%d-%d", i, qos)
			c := login(t, h.address(), id)
			var wg sync.WaitGroup
			wg.Go(func() { // the server stops reading in the middle
				_, _ = c.Write(message{topic: "ganlin/v1/" + id + "/telemetry", payload: make([]byte, size), qos: qos, id: 1}.packet())
			})
			c.wantClosed(t)
			c.Close()
			wg.Wait()
		}
	}
	waitFor(t, "six too large messages to be counted", func() bool { return h.gate.Refused()[broker.TooLarge] == 6 })
	if n := len(h.desk.messages()); n != taken {
		t.Errorf("%d messages too large were taken", n-taken)
	}
}

func TestPayloadIsNotReused(t *testing.T) {
	h := newHouse(t, setup{})
	c := login(t, h.address(), "d1")
	for i := range uint16(200) {
		c.publishQoS1(t, "ganlin/v1/d1/telemetry", strings.Repeat(fmt.Sprint(i%10), 1000), i+1)
	}
	for i, m := range h.desk.messages() {
		if want := strings.Repeat(fmt.Sprint(i%10), 1000); string(m.Payload) != want {
			t.Fatalf("message %d has changed since it was taken", i)
		}
	}
}
