package mqtt_test

import (
	"context"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"ganlin/devices"
	"ganlin/ingest"
	"ganlin/ingest/ingesttest"
	"ganlin/internal/mqtt"
)

// eagerSource, in the environment, makes TestSuite test a source that
// acknowledges before anything is settled.
const eagerSource = "GANLIN_EAGER_SOURCE"

func TestSuite(t *testing.T) {
	ingesttest.Suite(t, func(t *testing.T) ingesttest.Harness {
		t.Helper()
		broker := startMosquitto(t, "")
		p := startProxy(t, broker.address)
		return ingesttest.Harness{
			Broker: broker.address,
			Enroll: func(devices.DeviceID) string { return "anything" },
			Start: func(deliver func(ingest.Message) error) func() {
				if os.Getenv(eagerSource) != "" {
					deliver = eager(deliver)
				}
				return run(t, options(p.address), deliver).stop
			},
			Acks: p.acks.Count,
			Cut:  p.cut,
		}
	})
}

// TestSuiteNoticesAnEagerSource is the control of TestSuite.
func TestSuiteNoticesAnEagerSource(t *testing.T) {
	c := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestSuite$/^acknowledges_only")
	c.Env = append(os.Environ(), eagerSource+"=1")
	out, err := c.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "acknowledgements for 0 settled messages") {
		t.Errorf("the suite passes a source that acknowledges at once: %v\n%s", err, out)
	}
}

// eager settles each message before it is delivered.
func eager(deliver func(ingest.Message) error) func(ingest.Message) error {
	return func(m ingest.Message) error {
		if m.Settle != nil {
			m.Settle(nil)
			m.Settle = func(error) {}
		}
		return deliver(m)
	}
}

// options are those of a source at a broker, with short pauses.
func options(address string) mqtt.Options {
	return mqtt.Options{
		URL:           "tcp://" + address,
		ClientID:      "ganlin-1",
		Subscriptions: []mqtt.Subscription{{Topics: []string{"ganlin/v1/+/telemetry", "ganlin/v1/+/status", "ganlin/v1/+/report"}}},
		Now:           func() time.Time { return time.Now().UTC() },
		Log:           slog.New(slog.DiscardHandler),
		RefusedPause:  20 * time.Millisecond,
		MaxPause:      20 * time.Millisecond,
	}
}

// A running is a source that was started.
type running struct {
	*mqtt.Source
	stop func() // once; waits for Run

	mu     sync.Mutex
	events []mqtt.EventKind
}

// run starts a source and returns when it is subscribed.
func run(tb testing.TB, o mqtt.Options, deliver func(ingest.Message) error) *running {
	tb.Helper()
	r := new(running)
	o.OnEvent = func(e mqtt.Event) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.events = append(r.events, e.Kind)
	}
	var err error
	if r.Source, err = mqtt.New(o); err != nil {
		tb.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx, deliver) }()
	r.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			tb.Error(err)
		}
	})
	tb.Cleanup(r.stop)
	eventually(tb, "subscription", func() bool { return r.count(mqtt.Connected) > 0 })
	return r
}

// count returns how often an event came.
func (r *running) count(kind mqtt.EventKind) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := 0
	for _, k := range r.events {
		if k == kind {
			n++
		}
	}
	return n
}

// BenchmarkReceive is a message from a real broker to its acknowledgement,
// with an intake that settles at once. Beside the time it reports the
// processor time of this process, which holds the publisher too.
func BenchmarkReceive(b *testing.B) {
	broker := startMosquitto(b, "")
	settled := make(chan struct{}, 1<<20)
	run(b, options(broker.address), func(m ingest.Message) error {
		m.Settle(nil)
		settled <- struct{}{}
		return nil
	})
	device := publisher(b, broker.address)
	payload := []byte(`{"at":"2026-07-01T08:00:00.123Z","seq":412,"values":{"soil_moisture@20":0.231,"soil_temperature@20":18.4,"battery_voltage":3.61}}`)
	b.ReportAllocs()
	waiting := 0
	for b.Loop() {
		device.Publish("ganlin/v1/s-001/telemetry", 1, false, payload)
		if waiting++; waiting > 1000 { // far below the 65,535 ids that the publisher has
			<-settled
			waiting--
		}
	}
	for range waiting {
		<-settled
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "messages/s")
}
