package ingesttest

import (
	"context"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"ganlin/devices"
	"ganlin/ingest"
)

// Suite runs the tests that every source passes. setup makes a new harness for
// each. GANLIN_LONG=1 adds the slow ones.
func Suite(t *testing.T, setup func(t *testing.T) Harness) {
	t.Helper()
	for _, c := range []struct {
		name string
		test func(t *testing.T, h Harness)
	}{
		{"acknowledges only what is settled", settledFirst},
		{"refused comes again", refusedComesAgain},
		{"keeps the order of a device", keepsOrder},
		{"poison blocks nothing", poisonBlocksNothing},
		{"survives a cut", survivesCut},
		{"takes every size", takesEverySize},
		{"QoS 0 is delivered and promised nothing", qos0},
		{"the will arrives", will},
		{"a restart loses nothing", restart},
		{"mosquitto_pub", mosquittoPub},
		{"message ids wrap", messageIDsWrap},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, setup(t)) })
	}
}

// A run is a started source with what the test sees of it.
type run struct {
	Harness
	*inbox
	devices []*device
}

// start starts the source with the inbox and connects devices to its broker.
func start(t *testing.T, h Harness, b *inbox, ids ...devices.DeviceID) *run {
	t.Helper()
	t.Cleanup(h.Start(b.deliver))
	r := &run{Harness: h, inbox: b}
	for _, id := range ids {
		r.devices = append(r.devices, connect(t, h, id))
	}
	return r
}

// acks returns how many acknowledgements the source has given.
func (r *run) acks() int {
	if r.Acks != nil {
		return r.Acks()
	}
	n := 0
	for _, d := range r.devices {
		n += d.acked.Count()
	}
	return n
}

// waitAcks returns when the source has given n acknowledgements.
func (r *run) waitAcks(t *testing.T, n int) {
	t.Helper()
	eventually(t, fmt.Sprintf("%d acknowledgements", n), func() bool { return r.acks() >= n })
	r.checkAcks(t)
}

// checkAcks fails when more was acknowledged than was settled: the one thing
// that a source must never do. Acknowledgements are counted first, so that one
// that is settled meanwhile cannot hide another.
func (r *run) checkAcks(t *testing.T) {
	t.Helper()
	acks := r.acks()
	if settled := r.settledCount(); acks > settled {
		t.Fatalf("%d acknowledgements for %d settled messages", acks, settled)
	}
}

// eventually polls until the condition holds.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for !condition() {
		if time.Now().After(deadline) {
			t.Fatalf("no %s after %s", what, patience)
		}
		time.Sleep(time.Millisecond)
	}
}

// numbered returns a good telemetry message that no other is equal to.
func numbered(n int) []byte {
	return fmt.Appendf(nil, `{"seq":%d,"values":{"battery_voltage":3.6}}`, n)
}

func settledFirst(t *testing.T, h Harness) {
	t.Helper()
	const messages = 10
	r := start(t, h, newInbox(hold), "s-001")
	for n := range messages {
		r.devices[0].publish(1, numbered(n))
		r.waitDistinct(t, n+1)
		r.devices[0].roundTrip(t) // an acknowledgement given at receipt would pass meanwhile
		r.checkAcks(t)
	}
	r.settleAll()
	r.waitAcks(t, messages)
}

func refusedComesAgain(t *testing.T, h Harness) {
	t.Helper()
	refused := string(numbered(1))
	r := start(t, h, newInbox(func(m ingest.Message, earlier int) (bool, error) {
		if string(m.Payload) == refused && earlier < 2 {
			return true, ingest.ErrRefused
		}
		return true, nil
	}), "s-001")
	for n := range 3 {
		r.devices[0].publish(1, numbered(n))
	}
	eventually(t, "third delivery of what was refused twice", func() bool {
		r.checkAcks(t)
		n := 0
		for _, m := range r.all() {
			if string(m.Payload) == refused {
				n++
			}
		}
		return n >= 3
	})
	r.waitDistinct(t, 3)
	r.waitAcks(t, 3)
}

func keepsOrder(t *testing.T, h Harness) {
	t.Helper()
	const messages = 500
	r := start(t, h, newInbox(accept), "s-001", "s-002", "w-01")
	for n := range messages {
		for i, d := range r.devices {
			d.publish(1, numbered(n*len(r.devices)+i))
		}
	}
	next := make(map[string]int)
	seen := make(map[string]bool)
	for _, m := range r.waitDistinct(t, messages*len(r.devices)) {
		if m.Received.IsZero() {
			t.Fatalf("message on %s has no receive time", m.Topic)
		}
		if seen[string(m.Payload)] {
			continue
		}
		seen[string(m.Payload)] = true
		id, _, err := devices.ParseTopic(m.Topic)
		if err != nil {
			t.Fatal(err)
		}
		i := map[devices.DeviceID]int{"s-001": 0, "s-002": 1, "w-01": 2}[id]
		if want := string(numbered(next[m.Topic]*len(r.devices) + i)); string(m.Payload) != want {
			t.Fatalf("message %d of %s is %s, want %s", next[m.Topic], id, m.Payload, want)
		}
		next[m.Topic]++
	}
}

func poisonBlocksNothing(t *testing.T, h Harness) {
	t.Helper()
	const good, poison = 1000, 10000
	j := &journal{seqs: make(map[int64]bool), dead: make(map[string]bool)}
	intake := ingest.NewIntake(ingest.IntakeOptions{Journal: j, Locator: anywhere{}, Clock: wall{}, Log: slog.New(slog.DiscardHandler)})
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = intake.Run(ctx) })
	t.Cleanup(running.Wait)
	t.Cleanup(cancel)

	t.Cleanup(h.Start(intake.Deliver))
	r := &run{Harness: h, devices: []*device{connect(t, h, "s-001"), connect(t, h, "s-002")}}
	for n := range good {
		r.devices[0].publish(1, numbered(n))
		for i := range poison / good {
			r.devices[1].publish(1, fmt.Appendf(nil, `{"seq":%d,"values":{`, n*poison/good+i))
		}
	}
	eventually(t, "acknowledgement of all", func() bool { return r.acks() >= good+poison })
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(j.seqs) != good || len(j.dead) != poison {
		t.Errorf("the journal has %d good messages and %d dead letters, want %d and %d", len(j.seqs), len(j.dead), good, poison)
	}
}

func survivesCut(t *testing.T, h Harness) {
	t.Helper()
	const messages = 5
	r := start(t, h, newInbox(hold), "s-001")
	for n := range messages {
		r.devices[0].publish(1, numbered(n))
	}
	r.waitDeliveries(t, messages)
	if r.Cut != nil {
		r.Cut()
	} else {
		r.devices[0].cut()
	}
	r.waitDeliveries(t, 2*messages)
	r.checkAcks(t)
	r.settleAll() // the first deliveries belong to a connection that is gone
	r.waitAcks(t, messages)
}

func takesEverySize(t *testing.T, h Harness) {
	t.Helper()
	sizes := []int{0, 1, 90, 200, 16384, 256<<10 + 1, 1 << 20, 4<<20 - 1024}
	r := start(t, h, newInbox(accept), "s-001")
	want := make(map[[sha256.Size]byte]bool)
	for i, size := range sizes {
		payload := []byte(strings.Repeat(string(rune('a'+i)), size))
		want[sha256.Sum256(payload)] = true
		r.devices[0].publish(1, payload)
	}
	for _, m := range r.waitDistinct(t, len(sizes)) {
		if !want[sha256.Sum256(m.Payload)] {
			t.Errorf("a payload of %d bytes came that was not sent", len(m.Payload))
		}
	}
	r.waitAcks(t, len(sizes))
}

func qos0(t *testing.T, h Harness) {
	t.Helper()
	r := start(t, h, newInbox(accept), "s-001")
	r.devices[0].publish(0, numbered(0))
	r.devices[0].publish(1, numbered(1))
	for _, m := range r.waitDistinct(t, 2) {
		want := byte(0)
		if string(m.Payload) == string(numbered(1)) {
			want = 1
		}
		if m.QoS != want || (m.Settle == nil) != (want == 0) {
			t.Errorf("%s came with QoS %d, Settle is nil: %t", m.Payload, m.QoS, m.Settle == nil)
		}
	}
	r.waitAcks(t, 1)
	r.devices[0].roundTrip(t)
	if n := r.acks(); n != 1 {
		t.Errorf("%d acknowledgements, want one, for the QoS 1 message", n)
	}
}

func will(t *testing.T, h Harness) {
	t.Helper()
	r := start(t, h, newInbox(accept), "s-001")
	r.devices[0].cut()
	m := r.waitDistinct(t, 1)[0]
	if m.Topic != "ganlin/v1/s-001/status" || string(m.Payload) != `{"online":false}` {
		t.Errorf("got %s on %s, want the last will", m.Payload, m.Topic)
	}
}

func restart(t *testing.T, h Harness) {
	t.Helper()
	const before, during = 20, 50
	first := newInbox(accept)
	stop := h.Start(first.deliver)
	d := connect(t, h, "s-001")
	for n := range before {
		d.publish(1, numbered(n))
	}
	first.waitDistinct(t, before)
	stop()
	for n := range during {
		d.publish(1, numbered(before+n))
	}
	second := newInbox(accept)
	t.Cleanup(h.Start(second.deliver))
	eventually(t, "delivery of what was published meanwhile", func() bool {
		missing := make(map[string]bool)
		for n := range during {
			missing[string(numbered(before+n))] = true
		}
		for _, m := range append(first.all(), second.all()...) {
			delete(missing, string(m.Payload))
		}
		return len(missing) == 0
	})
}

func mosquittoPub(t *testing.T, h Harness) {
	t.Helper()
	program, err := exec.LookPath("mosquitto_pub")
	if err != nil {
		t.Fatalf("%v; install it, on Debian: apt-get install mosquitto-clients", err)
	}
	r := start(t, h, newInbox(accept))
	host, port, _ := strings.Cut(h.Broker, ":")
	out, err := exec.CommandContext(t.Context(), program, "-h", host, "-p", port, "-q", "1",
		"-i", "s-001", "-u", "s-001", "-P", h.Enroll("s-001"),
		"-t", devices.Topic("s-001", devices.Telemetry), "-m", string(numbered(7))).CombinedOutput()
	if err != nil {
		t.Fatalf("mosquitto_pub: %v: %s", err, out)
	}
	m := r.waitDistinct(t, 1)[0]
	if string(m.Payload) != string(numbered(7)) || m.QoS != 1 {
		t.Errorf("got %s with QoS %d", m.Payload, m.QoS)
	}
}

func messageIDsWrap(t *testing.T, h Harness) {
	t.Helper()
	if os.Getenv("GANLIN_LONG") == "" {
		t.Skip("70,000 messages; set GANLIN_LONG=1")
	}
	const messages, batch = 70000, 10000
	r := start(t, h, newInbox(accept), "s-001")
	for n := range messages {
		if n%batch == 0 { // below the 65,535 that may be in flight
			r.waitDistinct(t, n)
		}
		r.devices[0].publish(1, numbered(n))
	}
	r.waitDistinct(t, messages)
	r.waitAcks(t, messages)
}
