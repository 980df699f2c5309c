package ingesttest

import (
	"sync"
	"testing"
	"time"

	"ganlin/ingest"
)

// An inbox takes the place of the intake: it keeps every delivery and answers
// it as the test wants.
type inbox struct {
	answer func(m ingest.Message, earlier int) (now bool, verdict error)

	mu      sync.Mutex
	got     []ingest.Message
	times   map[string]int // deliveries by payload
	settled int            // with nil
	changed chan struct{}
}

// newInbox returns an inbox. answer says whether to settle a message now and
// with what; earlier counts the deliveries of the same payload before it.
func newInbox(answer func(m ingest.Message, earlier int) (bool, error)) *inbox {
	return &inbox{answer: answer, times: make(map[string]int), changed: make(chan struct{}, 1)}
}

// accept settles every message at once with nil.
func accept(ingest.Message, int) (bool, error) { return true, nil }

// hold settles nothing.
func hold(ingest.Message, int) (bool, error) { return false, nil }

// deliver is what the source is started with.
func (b *inbox) deliver(m ingest.Message) error {
	b.mu.Lock()
	now, verdict := b.answer(m, b.times[string(m.Payload)])
	b.times[string(m.Payload)]++
	b.got = append(b.got, m)
	if now && verdict == nil {
		b.settled++
	}
	b.mu.Unlock()
	if now && m.Settle != nil {
		m.Settle(verdict)
	}
	select {
	case b.changed <- struct{}{}:
	default:
	}
	return nil
}

// settleAll answers all that was held so far with nil, and from now on each
// message at once: a client that was slow comes back with them once more.
func (b *inbox) settleAll() {
	b.mu.Lock()
	held := append([]ingest.Message(nil), b.got...)
	b.settled = len(held)
	b.answer = accept
	b.mu.Unlock()
	for _, m := range held {
		m.Settle(nil)
	}
}

// settledCount returns how many deliveries were settled with nil.
func (b *inbox) settledCount() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.settled
}

// all returns the deliveries so far, in order.
func (b *inbox) all() []ingest.Message {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]ingest.Message(nil), b.got...)
}

// waitDistinct returns the deliveries once there are n different payloads.
func (b *inbox) waitDistinct(t *testing.T, n int) []ingest.Message {
	t.Helper()
	b.wait(t, "distinct messages", n, func() int { return len(b.times) })
	return b.all()
}

// waitDeliveries returns the deliveries once there are n, repeated ones included.
func (b *inbox) waitDeliveries(t *testing.T, n int) []ingest.Message {
	t.Helper()
	b.wait(t, "deliveries", n, func() int { return len(b.got) })
	return b.all()
}

// wait returns when count, called under the lock, reaches n.
func (b *inbox) wait(t *testing.T, what string, n int, count func() int) {
	t.Helper()
	deadline := time.After(patience)
	for {
		b.mu.Lock()
		have := count()
		b.mu.Unlock()
		if have >= n {
			return
		}
		select {
		case <-b.changed:
		case <-deadline:
			t.Fatalf("%d %s after %s, want %d", have, what, patience, n)
		}
	}
}
