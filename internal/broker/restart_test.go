package broker_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"ganlin/devices"

	"github.com/nats-io/nats.go/jetstream"
)

// The server restarts under load, as after a failed write. Devices come back to
// the same address and send again what was not acknowledged; nothing that was
// is missing.
func TestRestartOfTheServer(t *testing.T) {
	h := newHouse(t, setup{})
	js := h.jetStream(t)
	if _, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "JOURNAL", Subjects: []string{"journal"}}); err != nil {
		t.Fatal(err)
	}
	if _, err := js.Publish(t.Context(), "journal", []byte("record")); err != nil {
		t.Fatal(err)
	}
	address := h.address()

	const devicesCount, messages = 8, 400
	var fleet sync.WaitGroup
	for i := range devicesCount {
		fleet.Go(func() { sendAll(t, address, fmt.Sprintf("d%d", i), messages) })
	}
	for range 3 {
		before := len(h.desk.summary())
		waitFor(t, "some load", func() bool { return len(h.desk.summary()) >= min(before+100, devicesCount*messages) })
		stopping, done := context.WithTimeout(t.Context(), patience)
		if err := h.server.Restart(stopping); err != nil {
			t.Error(err)
		}
		done()
		if h.address() != address {
			t.Errorf("the address is %s, was %s", h.address(), address)
		}
		waitFor(t, "the door to open again", h.door.Open)
	}
	fleet.Wait()

	got := map[string]bool{}
	for _, line := range h.desk.summary() {
		got[line] = true
	}
	missing := 0
	for i := range devicesCount {
		for n := range messages {
			if !got[fmt.Sprintf("ganlin/v1/d%d/telemetry 1 %d", i, n)] {
				missing++
			}
		}
	}
	if missing > 0 {
		t.Errorf("%d acknowledged messages are missing", missing)
	}
	// The journal's connection has found the server again, and its stream is there.
	waitFor(t, "the stream", func() bool {
		s, err := js.Stream(t.Context(), "JOURNAL")
		return err == nil && s.CachedInfo().State.Msgs == 1
	})
}

// sendAll publishes 0 to n-1, each again on a new connection until it is acknowledged.
func sendAll(t *testing.T, address, id string, n int) {
	t.Helper()
	for next := 0; next < n; {
		c, err := tryLogin(t, address, id)
		if err != nil {
			time.Sleep(50 * time.Millisecond)
			continue
		}
		for ; next < n; next++ {
			c.publish(t, message{topic: devices.Topic(devices.DeviceID(id), devices.Telemetry), payload: fmt.Append(nil, next), qos: 1, id: 1})
			if kind, _, err := c.read(); err != nil || kind != 0x40 {
				break
			}
		}
		c.Close()
	}
}

func tryLogin(t *testing.T, address, id string) (*client, error) {
	t.Helper()
	c, err := tryDial(t, address)
	if err != nil {
		return nil, err
	}
	if code := c.connect(t, connect{id: id, user: id, secret: secretOf(id)}); code != 0 {
		c.Close()
		return nil, fmt.Errorf("CONNACK %d", code)
	}
	return c, nil
}

// When the server goes nobody counts as online, and what is settled afterwards finds nobody.
func TestStoppedServer(t *testing.T) {
	h := newHouse(t, setup{})
	h.desk.setRule(keep)
	c := login(t, h.address(), "d1")
	c.publish(t, message{topic: "ganlin/v1/d1/telemetry", qos: 1, id: 1})
	m := h.desk.wait(t, 1)[0]
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := h.server.Stop(ctx); err != nil {
		t.Fatal(err)
	}
	c.wantClosed(t)
	m.Settle(nil)
	waitFor(t, "the door to see it", func() bool { return !h.door.Open() && !h.gate.Online("d1") })
	if err := h.shut(t); err != nil {
		t.Errorf("Run ended with %v", err)
	}
}
