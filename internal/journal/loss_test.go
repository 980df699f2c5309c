package journal_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"ganlin/internal/journal"
)

// spoil flips a bit in the record with a sequence, in a store that is stopped.
func (n *node) spoil(t *testing.T, sequence uint64) {
	t.Helper()
	for _, name := range n.blocks(t) {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if i := bytes.Index(b, fmt.Appendf(nil, " seq=%d prev=", sequence)); i > 0 {
			b[i+bytes.IndexByte(b[i:], '\n')+20] ^= 4
			if err := os.WriteFile(name, b, 0o600); err != nil {
				t.Fatal(err)
			}
			return
		}
	}
	t.Fatalf("record %d is in no block", sequence)
}

// balances fails unless every value that is counted was there for a reader who
// stood at a position, or comes, or is lost; it returns how many are lost.
func balances(t *testing.T, n *node, before *journal.Record, had int64) int64 {
	t.Helper()
	trail := journal.TrailFrom(journal.Position{}, nil, 0)
	if before != nil {
		trail = journal.TrailFrom(before.Position(), new(before.Counters()), 0)
	}
	n.append(t, message("z", int(n.journal.State().End.Sequence)+1000))
	var came int64
	for _, r := range n.read(t, trail.At) {
		came += int64(r.Values())
		trail.Next(r)
	}
	c := n.journal.Counters()
	if sum := had + came + trail.Lost + c.Duplicate; c.Values != sum || len(c.Rejected) > 0 {
		t.Errorf("from %s on: %d values, but %d were there, %d come, %d are lost: %+v", trail.At, c.Values, had, came, trail.Lost, c)
	}
	return trail.Lost
}

// However far a reader was when records were lost, what it had, what it gets and
// what is lost make up everything that was ever counted; and only what it did not
// have is lost.
func TestLostValuesAreCounted(t *testing.T) {
	n := newNode(t, t.TempDir(), nil)
	for s := range 12 {
		n.append(t, message("a", s, probeQuantities[:1+s%4]...), message("a", max(0, s-1), probeQuantities[:1]...))
	}
	records := n.read(t, journal.Position{})
	killed := n.killed(t)
	n.close(t)
	var sums []int64 // of the values up to a record, from before the first
	sums = append(sums, 0)
	for i, r := range records {
		sums = append(sums, sums[i]+int64(r.Values()))
	}
	valuesOf := func(first, last int) int64 { return sums[last] - sums[first-1] }
	for _, stood := range []int{0, 1, 4, 6, 12} {
		var before *journal.Record
		var kept []journal.Kept
		if stood > 0 {
			before = records[stood-1]
			kept = []journal.Kept{{Position: before.Position(), Counters: new(before.Counters())}}
		}
		for name, c := range map[string]struct {
			dir  string
			harm func(*node)
			want func(known int) int64 // by the sequence up to which is known what was lost
		}{
			"nothing": {n.dir, func(*node) {}, func(int) int64 { return 0 }},
			"in the middle": {n.dir, func(n *node) { n.spoil(t, 5); n.spoil(t, 6) }, func(int) int64 {
				return valuesOf(min(max(stood+1, 5), 7), 6)
			}},
			"apart": {n.dir, func(n *node) { n.spoil(t, 3); n.spoil(t, 8) }, func(int) int64 {
				return valuesOf(min(max(stood+1, 3), 4), 3) + valuesOf(min(max(stood+1, 8), 9), 8)
			}},
			"the first": {n.dir, func(n *node) { n.spoil(t, 1) }, func(int) int64 { return valuesOf(min(stood+1, 2), 1) }},
			"the end":   {n.dir, func(n *node) { n.spoil(t, 12) }, func(int) int64 { return valuesOf(min(max(stood+1, 12), 13), 12) }},
			"all":       {n.dir, func(n *node) { removeAll(t, n.store(), "jetstream") }, func(int) int64 { return valuesOf(min(stood+1, 13), 12) }},
			// Of what came after the end was last remembered only the reader knows: what it did not have, nobody counts.
			"all of a crash": {killed, func(n *node) { removeAll(t, n.store(), "jetstream") }, func(known int) int64 { return valuesOf(min(stood+1, known+1), known) }},
		} {
			t.Run(fmt.Sprintf("%s, reader at %d", name, stood), func(t *testing.T) {
				n := at(copyOf(t, c.dir))
				n.options.Kept = kept
				c.harm(n)
				n.start(t)
				defer n.close(t)
				losses, known := n.journal.State().Losses, 0
				if len(losses) > 0 {
					known = int(losses[len(losses)-1].Last)
				}
				if lost, want := balances(t, n, before, sums[stood]), c.want(known); lost != want {
					t.Errorf("%d values are lost, want %d; losses %v", lost, want, losses)
				}
			})
		}
	}
}

// The walk that counts what waits counts what is lost too, with what was lost before.
func TestWaitingCountsLosses(t *testing.T) {
	n := newNode(t, t.TempDir(), nil)
	for s := range 5 {
		n.append(t, message("a", s, probeQuantities...))
	}
	records := n.read(t, journal.Position{})
	n.close(t)
	n.spoil(t, 4)
	n.start(t)
	ctx, cancel := context.WithCancel(t.Context())
	var w journal.Waiting
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = w.Run(ctx, n.journal, journal.TrailFrom(records[1].Position(), new(records[1].Counters()), 7))
	}()
	for deadline := time.Now().Add(20 * time.Second); w.Walked() < 5; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the walk does not come to the end")
		}
	}
	cancel()
	<-done
	if w.Values() != 8 || w.Lost() != 7+4 {
		t.Errorf("%d values wait and %d are lost, want 8 and 11", w.Values(), w.Lost())
	}
}

// A loss stands until somebody takes note of it, over restarts; what is lost
// later stands anew. Once it is acknowledged and purged it is still counted.
func TestLossesAreAcknowledged(t *testing.T) {
	now := start
	n := newNode(t, t.TempDir(), func(o *journal.Options) { o.Now = func() time.Time { return now } })
	for s := range 8 {
		now = now.Add(time.Minute)
		n.append(t, message("a", s))
	}
	again := func(spoiled ...uint64) journal.State {
		t.Helper()
		n.close(t)
		for _, sequence := range spoiled {
			n.spoil(t, sequence)
		}
		now = now.Add(time.Hour)
		n.start(t)
		return n.journal.State()
	}
	want := func(what string, s journal.State, lost, open uint64) {
		t.Helper()
		if s.Lost != lost || s.Unacknowledged() != open {
			t.Errorf("%s: %d records are lost and %d stand, want %d and %d: %+v", what, s.Lost, s.Unacknowledged(), lost, open, s.Losses)
		}
	}
	want("before", n.journal.State(), 0, 0)
	want("after damage", again(3, 4), 2, 2)
	want("after a restart", again(), 2, 2)
	if err := n.journal.Acknowledge(now.Add(-2*time.Hour), "operator"); err != nil { // of before it was found
		t.Fatal(err)
	}
	want("after another time was acknowledged", n.journal.State(), 2, 2)
	if err := n.journal.Acknowledge(now, "operator"); err != nil {
		t.Fatal(err)
	}
	s := n.journal.State()
	want("after it was acknowledged", s, 2, 0)
	if l := s.Losses[0]; l.By != "operator" || !l.Acknowledged.Equal(now) || l.Values != 2 {
		t.Errorf("the loss is %+v", l)
	}
	want("after a restart", again(), 2, 0)
	want("after new damage", again(6), 3, 1)
	want("after damage beside what was known", again(5), 4, 4) // one run of records now
	if err := n.journal.Acknowledge(now, "operator"); err != nil {
		t.Fatal(err)
	}
	n.append(t, message("a", 100))
	if _, err := n.journal.Purge(t.Context(), now, []journal.Position{n.journal.State().End}); err != nil {
		t.Fatal(err)
	}
	s = again()
	want("after a purge", s, 4, 0)
	if len(s.Losses) > 0 {
		t.Errorf("what was acknowledged and purged is still listed: %v", s.Losses)
	}
	if !slices.ContainsFunc(again(9).Losses, func(l journal.Loss) bool { return l.Acknowledged.IsZero() }) {
		t.Error("a later loss does not stand")
	}
}
