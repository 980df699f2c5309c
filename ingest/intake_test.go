package ingest_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"ganlin/devices"
	"ganlin/ingest"
)

// A journal shows each batch to the test, and answers what the test sends.
type journal struct {
	batches chan []ingest.Decoded
	answers chan error
}

func newJournal() *journal {
	return &journal{batches: make(chan []ingest.Decoded, 100), answers: make(chan error)}
}

func (j *journal) Append(ctx context.Context, batch []ingest.Decoded) error {
	j.batches <- batch
	select {
	case err := <-j.answers:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// registry knows the devices whose ids begin with s-, on plots of like names.
type registry struct{}

func (registry) Locate(id devices.DeviceID) (devices.Location, bool) {
	number, known := strings.CutPrefix(string(id), "s-")
	return devices.Location{Plot: devices.PlotID("p-" + number), Site: "sanquan", Place: "500119101001"}, known
}

// stopped is a clock that stands at noon.
type stopped struct{}

func (stopped) Now() time.Time    { return noon }
func (stopped) Latest() time.Time { return noon }

func newIntake(j ingest.Journal, maxBytes int) *ingest.Intake {
	return ingest.NewIntake(ingest.IntakeOptions{
		Journal: j, Locator: registry{}, Clock: stopped{}, MaxBytes: maxBytes, Log: slog.New(slog.DiscardHandler),
	})
}

// A bench is an intake in a bubble: whoever calls synctest.Wait sees it at rest.
type bench struct {
	*ingest.Intake
	*journal
	t       *testing.T
	stop    context.CancelFunc
	settled []string // in order: number, and the error if any
}

// bubble runs a test against an intake whose journal the test plays.
func bubble(t *testing.T, maxBytes int, test func(t *testing.T, b *bench)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		j := newJournal()
		b := &bench{Intake: newIntake(j, maxBytes), journal: j, t: t}
		ctx, cancel := context.WithCancel(t.Context())
		b.stop = cancel
		var running sync.WaitGroup
		running.Go(func() {
			if err := b.Run(ctx); err != nil {
				t.Error(err)
			}
		})
		test(t, b)
		cancel()
		close(j.answers) // from here on the journal answers nil
		running.Wait()
	})
}

// deliver sends a message with a number and returns what Deliver does, once the intake is at rest.
func (b *bench) deliver(n int) error { return b.deliverSize(n, 0) }

func (b *bench) deliverSize(n, size int) error {
	b.t.Helper()
	m := telemetry(fmt.Sprintf(`{"seq":%d,"values":{"rssi":-1}}%s`, n, strings.Repeat(" ", size)))
	m.Settle = func(err error) {
		text := fmt.Sprint(n)
		if err != nil {
			text += " " + err.Error()
		}
		b.settled = append(b.settled, text)
	}
	err := b.Deliver(m)
	synctest.Wait()
	return err
}

// answer lets the journal answer for the batch that it has.
func (b *bench) answer(err error) {
	b.answers <- err
	synctest.Wait()
}

// batch returns the numbers of the next batch that the journal got.
func (b *bench) batch() []int64 {
	b.t.Helper()
	synctest.Wait()
	select {
	case batch := <-b.batches:
		var seqs []int64
		for _, d := range batch {
			if len(d.Readings) == 0 {
				seqs = append(seqs, -1)
				continue
			}
			seqs = append(seqs, d.Readings[0].Seq)
		}
		return seqs
	default:
		return nil
	}
}

func (b *bench) want(what string, got, want any) {
	b.t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		b.t.Errorf("%s: %s", what, diff)
	}
}

func TestSettlesAfterTheJournal(t *testing.T) {
	bubble(t, 0, func(_ *testing.T, b *bench) {
		_ = b.deliver(1)
		b.want("batch", b.batch(), []int64{1})
		b.want("settled before the journal answered", b.settled, []string(nil))
		b.answer(nil)
		b.want("settled", b.settled, []string{"1"})
	})
}

func TestGathersWhileTheJournalWrites(t *testing.T) {
	bubble(t, 0, func(_ *testing.T, b *bench) {
		for n := range 6 {
			_ = b.deliver(n)
		}
		b.want("batch", b.batch(), []int64{0})
		b.want("second batch too early", b.batch(), []int64(nil))
		b.answer(nil)
		b.want("batch", b.batch(), []int64{1, 2, 3, 4, 5})
		b.answer(nil)
		b.want("settled", b.settled, []string{"0", "1", "2", "3", "4", "5"})
	})
}

func TestGroupsHaveASize(t *testing.T) {
	bubble(t, 0, func(_ *testing.T, b *bench) {
		for n := range 6 {
			_ = b.deliverSize(n, 100<<10)
		}
		_ = b.deliverSize(6, 1<<20)
		_ = b.deliver(7)
		for _, want := range [][]int64{{0}, {1, 2}, {3, 4}, {5}, {-1}, {7}} { // -1: too large, so a dead letter
			b.want("batch", b.batch(), want)
			b.answer(nil)
		}
	})
}

func TestFull(t *testing.T) {
	bubble(t, 1000, func(t *testing.T, b *bench) {
		t.Helper()
		_ = b.deliver(0)                            // the journal has it
		_ = b.deliverSize(1, ingest.MaxPayload-100) // decoded, and fills the next group
		if err := b.deliverSize(2, 2000); err != nil {
			t.Errorf("a message larger than the bound, but alone: %v", err)
		}
		if err := b.deliver(3); !errors.Is(err, ingest.ErrFull) {
			t.Errorf("got %v, want ErrFull", err)
		}
		b.want("stats", b.Stats(), ingest.IntakeStats{Received: 3, Refused: 1, Waiting: 1, WaitingBytes: 2000 + 30 + 25 + 128})
		for range 3 {
			b.answer(nil)
		}
		b.want("settled", b.settled, []string{"0", "1", "2"})
		if err := b.deliver(4); err != nil {
			t.Errorf("after the queue was emptied: %v", err)
		}
	})
}

func TestJournalRefuses(t *testing.T) {
	bubble(t, 0, func(_ *testing.T, b *bench) {
		_ = b.deliver(0)
		_ = b.deliverSize(1, ingest.MaxPayload-100) // fills the group in hand
		_ = b.deliver(2)
		_ = b.deliver(3)
		b.answer(ingest.ErrRefused)
		refusal := " journal refuses"
		b.want("settled: all but the group in hand, at once", b.settled, []string{"0" + refusal, "2" + refusal, "3" + refusal})
		b.settled = nil
		b.answer(nil) // the group in hand has tried again
		_ = b.deliver(4)
		b.answer(nil)
		b.want("settled afterwards", b.settled, []string{"1", "4"})
		b.want("stats", b.Stats(), ingest.IntakeStats{Received: 5, Committed: 2, Refused: 3})
	})
}

func TestStop(t *testing.T) {
	bubble(t, 0, func(t *testing.T, b *bench) {
		t.Helper()
		_ = b.deliver(0)
		_ = b.deliverSize(1, ingest.MaxPayload-100) // the group in hand
		_ = b.deliver(2)
		b.stop()
		synctest.Wait()
		b.want("settled while the journal writes", b.settled, []string(nil))
		b.answer(nil)
		b.answer(nil)
		b.want("settled", b.settled, []string{"0", "1", "2 stopping: journal refuses"})
		if err := b.deliver(3); !errors.Is(err, ingest.ErrRefused) {
			t.Errorf("delivering after the end: %v, want ErrRefused", err)
		}
	})
}

func TestDevicesAreLocated(t *testing.T) {
	bubble(t, 0, func(t *testing.T, b *bench) {
		t.Helper()
		home := devices.Location{Plot: "p-001", Site: "sanquan", Place: "500119101001"}
		for _, c := range []struct {
			topic, payload string
			device         devices.DeviceID
			location       devices.Location
			reason         ingest.Reason // of the whole message; empty: none
		}{
			{"ganlin/v1/s-001/telemetry", `{"values":{"rssi":-1}}`, "s-001", home, ""},
			{"ganlin/v1/s-001/status", `{"online":true}`, "s-001", home, ""},
			{"ganlin/v1/s-001/telemetry", `{`, "s-001", home, ingest.BadJSON},
			{"ganlin/v1/s-001/telemetry", strings.Repeat(" ", 300<<10), "s-001", home, ingest.TooLarge},
			{"ganlin/v1/x-001/telemetry", `{"values":{"rssi":-1}}`, "x-001", devices.Location{}, ingest.UnknownDevice},
			{"ganlin/v1/x-001/telemetry", `{`, "x-001", devices.Location{}, ingest.UnknownDevice},
			{"elsewhere", `{}`, "", devices.Location{}, ingest.BadTopic},
		} {
			m := message(c.topic, c.payload)
			m.QoS = 0 // and so without Settle
			if err := b.Deliver(m); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			d := (<-b.batches)[0]
			b.answer(nil)
			reason := ingest.Reason("")
			if d.Whole {
				reason = d.Dead[0].Reason
			}
			if d.Device != c.device || d.Location != c.location || reason != c.reason || !d.Received.Equal(noon) || (d.Whole && d.Values != 0) {
				t.Errorf("%s: %+v, want device %s at %v, %q", c.topic, d, c.device, c.location, c.reason)
			}
		}
		b.want("messages without a promise", b.Stats().QoS0, uint64(7))
	})
}

// Many sources at once: nothing is settled twice or not at all, and the order
// of each source is kept.
func TestManySources(t *testing.T) {
	const sources, messages = 8, 2000
	var mu sync.Mutex
	next := make(map[devices.DeviceID]int64)
	intake := newIntake(appendFunc(func(batch []ingest.Decoded) error {
		mu.Lock()
		defer mu.Unlock()
		for _, d := range batch {
			if seq := d.Readings[0].Seq; seq != next[d.Device] {
				t.Errorf("%s: got %d, want %d", d.Device, seq, next[d.Device])
			}
			next[d.Device]++
		}
		return nil
	}), 0)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var running, settled sync.WaitGroup
	running.Go(func() { _ = intake.Run(ctx) })
	settled.Add(sources * messages)
	for s := range sources {
		running.Go(func() {
			for n := range messages {
				m := message(fmt.Sprintf("ganlin/v1/s-%d/telemetry", s), fmt.Sprintf(`{"seq":%d,"values":{"rssi":-1}}`, n))
				m.Settle = func(err error) {
					if err != nil {
						t.Error(err)
					}
					settled.Done()
				}
				if err := intake.Deliver(m); err != nil {
					t.Error(err)
				}
			}
		})
	}
	settled.Wait()
	cancel()
	running.Wait()
}

// appendFunc is a journal of one function.
type appendFunc func([]ingest.Decoded) error

func (f appendFunc) Append(_ context.Context, batch []ingest.Decoded) error { return f(batch) }
