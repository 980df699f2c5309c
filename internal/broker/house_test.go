package broker_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"log/slog"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"ganlin/devices"
	"ganlin/ingest"
	"ganlin/internal/broker"
	"ganlin/internal/natsd"

	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A house is a real server with a door, and a journal that can be told what to do.
type house struct {
	server *natsd.Server
	gate   *broker.Gate
	door   *broker.Door
	desk   *desk
	store  string

	mu       sync.Mutex
	revoked  map[devices.DeviceID]bool
	presence []presence

	ended chan struct{} // Run has returned
	err   error         // what it returned
	end   context.CancelFunc
}

type presence struct {
	Device devices.DeviceID
	Online bool
}

type setup struct {
	tls           *tls.Config
	answerTimeout time.Duration
	log           io.Writer
	shut          bool // the door is not opened
	store         string
}

func newHouse(tb testing.TB, o setup) *house {
	tb.Helper()
	if o.log == nil {
		o.log = io.Discard
	}
	if o.answerTimeout == 0 {
		o.answerTimeout = patience // a busy machine must not look like a silent door
	}
	if o.store == "" {
		o.store = tb.TempDir()
	}
	log := slog.New(slog.NewTextHandler(o.log, nil))
	h := &house{desk: newDesk(), store: o.store, revoked: map[devices.DeviceID]bool{}}
	h.gate = broker.NewGate(broker.GateOptions{
		Check: func(device devices.DeviceID, secret string) bool {
			h.mu.Lock()
			defer h.mu.Unlock()
			return !h.revoked[device] && secret == secretOf(string(device))
		},
		OnPresence: func(device devices.DeviceID, online bool, _ time.Time) {
			h.mu.Lock()
			defer h.mu.Unlock()
			h.presence = append(h.presence, presence{device, online})
		},
		Now: time.Now, Logger: log,
	})
	var err error
	h.server, err = natsd.Start(tb.Context(), natsd.Options{
		StoreDir: o.store, Logger: log,
		MQTT: natsd.MQTT{
			Address: "127.0.0.1:0", TLS: o.tls, AnswerTimeout: o.answerTimeout,
			Login: h.gate.Login, Forbidden: h.gate.Forbidden,
		},
	})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := h.server.Stop(ctx); err != nil {
			tb.Error(err)
		}
	})
	h.door = broker.New(h.server, h.gate)
	if !o.shut {
		h.open(tb)
	}
	return h
}

// open runs the door and waits until it is open.
func (h *house) open(tb testing.TB) {
	tb.Helper()
	h.run(tb)
	waitFor(tb, "the door to open", func() bool {
		select {
		case <-h.ended:
			tb.Fatalf("the door closed: %v", h.err)
		default:
		}
		return h.door.Open()
	})
}

func (h *house) run(tb testing.TB) {
	tb.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	h.ended, h.end = ended, cancel
	go func() {
		defer close(ended)
		h.err = h.door.Run(ctx, h.desk.deliver)
	}()
	tb.Cleanup(func() {
		cancel()
		<-ended
	})
}

// shut ends Run and returns its error.
func (h *house) shut(tb testing.TB) error {
	tb.Helper()
	h.end()
	<-h.ended
	return h.err
}

func (h *house) address() string { return h.server.MQTTAddress() }

func (h *house) revoke(device devices.DeviceID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.revoked[device] = true
}

func (h *house) presences() []presence {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]presence(nil), h.presence...)
}

// A desk takes messages and settles them as its rule says.
type desk struct {
	mu   sync.Mutex
	rule func(ingest.Message) error
	got  []ingest.Message

	forgetful bool
}

func newDesk() *desk { return &desk{rule: settleNow} }

// settleNow is the rule of a journal that has everything on disk at once.
func settleNow(m ingest.Message) error {
	if m.Settle != nil {
		m.Settle(nil)
	}
	return nil
}

// keep is the rule of a journal that never finishes.
func keep(ingest.Message) error { return nil }

func (d *desk) deliver(m ingest.Message) error {
	d.mu.Lock()
	if !d.forgetful {
		d.got = append(d.got, m)
	}
	rule := d.rule
	d.mu.Unlock()
	return rule(m)
}

func (d *desk) setRule(rule func(ingest.Message) error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.rule = rule
}

func (d *desk) messages() []ingest.Message {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]ingest.Message(nil), d.got...)
}

// summary lists what was taken as "topic qos payload".
func (d *desk) summary() []string {
	var lines []string
	for _, m := range d.messages() {
		lines = append(lines, strings.Join([]string{m.Topic, string('0' + m.QoS), string(m.Payload)}, " "))
	}
	return lines
}

// wait returns once n messages were taken.
func (d *desk) wait(tb testing.TB, n int) []ingest.Message {
	tb.Helper()
	waitFor(tb, "messages at the desk", func() bool { return len(d.messages()) >= n })
	return d.messages()
}

func waitFor(tb testing.TB, what string, done func() bool) {
	tb.Helper()
	for deadline := time.Now().Add(patience); !done(); {
		if time.Now().After(deadline) {
			tb.Fatalf("waited in vain for %s", what)
		}
		time.Sleep(2 * time.Millisecond)
	}
}

// retained lists the subjects of the messages that the server retains.
func (h *house) retained(tb testing.TB) []string {
	tb.Helper()
	info, err := h.stream(tb, "$MQTT_rmsgs").Info(tb.Context(), jetstream.WithSubjectFilter(">"))
	if err != nil {
		tb.Fatal(err)
	}
	return slices.Sorted(maps.Keys(info.State.Subjects))
}

func (h *house) stream(tb testing.TB, name string) jetstream.Stream {
	tb.Helper()
	stream, err := h.jetStream(tb).Stream(tb.Context(), name)
	if err != nil {
		tb.Fatal(err)
	}
	return stream
}

// goroutines returns the stacks of all goroutines.
func goroutines() string {
	b := make([]byte, 1<<20)
	return string(b[:runtime.Stack(b, true)])
}

// forget makes the desk take messages without keeping them.
func (d *desk) forget() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.forgetful = true
}

// A syncBuffer is a log that is read while it is written.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}
