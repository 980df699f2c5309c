package journal_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ganlin/devices"
	"ganlin/ingest"
	"ganlin/internal/journal"
)

var errEnough = errors.New("enough")

// follow reads n records in the background.
func (n *node) follow(t *testing.T, after journal.Position, count int) func() []*journal.Record {
	t.Helper()
	var records []*journal.Record
	done := make(chan error, 1)
	j := n.journal
	go func() {
		done <- j.Follow(t.Context(), after, func(r *journal.Record) error {
			if records = append(records, r); len(records) == count {
				return errEnough
			}
			return nil
		})
	}()
	return func() []*journal.Record {
		t.Helper()
		select {
		case err := <-done:
			if !errors.Is(err, errEnough) {
				t.Fatal(err)
			}
		case <-time.After(30 * time.Second):
			t.Fatal("the reader hangs")
		}
		return records
	}
}

// Readers that start anywhere get every record once and in order, also those
// written while they wait and after the server was started anew.
func TestFollow(t *testing.T) {
	n := newNode(t, t.TempDir(), nil)
	for s := range 10 {
		n.append(t, message("a", s))
	}
	first := n.read(t, journal.Position{})
	var readers []func() []*journal.Record
	starts := []int{0, 3, 10}
	for _, from := range starts {
		after := journal.Position{}
		if from > 0 {
			after = first[from-1].Position()
		}
		readers = append(readers, n.follow(t, after, 30-from))
	}
	for s := 10; s < 20; s++ {
		n.append(t, message("a", s))
	}
	n.reopen(t)
	for s := 20; s < 30; s++ {
		n.append(t, message("a", s))
	}
	for i, wait := range readers {
		for k, r := range wait() {
			if got, want := r.Position().Sequence, uint64(starts[i]+k+1); got != want {
				t.Fatalf("reader %d got record %d, want %d", i, got, want)
			}
		}
	}
}

func TestReadersAndAWriterAtOnce(t *testing.T) {
	n := newNode(t, t.TempDir(), nil)
	const count = 400
	var wait sync.WaitGroup
	var readers []func() []*journal.Record
	for range 3 {
		readers = append(readers, n.follow(t, journal.Position{}, count))
	}
	wait.Go(func() {
		for s := range count {
			n.append(t, message(fmt.Sprint("d", s%7), s))
		}
	})
	wait.Go(func() {
		for range 50 {
			n.journal.State()
			n.journal.Counters()
			if _, _, err := n.journal.HighestSeq(t.Context(), "d3"); err != nil {
				t.Error(err)
			}
		}
	})
	wait.Wait()
	for _, wait := range readers {
		wait()
	}
}

func TestReadBeyondTheEnd(t *testing.T) {
	n := newNode(t, t.TempDir(), nil)
	n.append(t, message("a", 1))
	if _, err := n.journal.Read(t.Context(), journal.Position{Generation: 1, Sequence: 9}); err == nil {
		t.Error("a reader beyond the end is not told")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := n.journal.Read(ctx, n.journal.State().End); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v at the end, want to wait", err)
	}
}

// A stream that was emptied behind our back is noticed by readers and by the writer.
func TestStreamEmptiedByAnother(t *testing.T) {
	n := newNode(t, t.TempDir(), nil)
	for s := range 3 {
		n.append(t, message("a", s))
	}
	cursor := n.read(t, journal.Position{})[0].Position()
	n.close(t)
	n.start(t) // the newest records are not in memory any more
	if _, err := n.conn.Request("$JS.API.STREAM.PURGE."+journal.StreamName, nil, 5*time.Second); err != nil {
		t.Fatal(err)
	}
	wait := n.follow(t, cursor, 1)
	deadline := time.Now().Add(20 * time.Second)
	for len(n.journal.State().Losses) == 0 {
		if time.Now().After(deadline) {
			t.Fatal("the reader does not notice")
		}
		time.Sleep(time.Millisecond)
	}
	if l := n.journal.State().Losses[0]; l.First != 2 || l.Last != 3 {
		t.Errorf("got %+v, want the loss of 2 and 3", l)
	}
	n.append(t, message("a", 3))
	if got := wait(); got[0].Position().Sequence != 4 {
		t.Errorf("the reader goes on with %d, want 4", got[0].Position().Sequence)
	}
}

// The values beyond the store's cursor wait, whatever was there before.
func TestWaiting(t *testing.T) {
	n := newNode(t, t.TempDir(), nil)
	for s := range 5 {
		n.append(t, message("a", s, probeQuantities...))
	}
	records := n.read(t, journal.Position{})
	ctx, stop := context.WithCancel(t.Context())
	var w journal.Waiting
	var wait sync.WaitGroup
	wait.Go(func() { w.Run(ctx, n.journal, journal.TrailFrom(records[1].Position(), new(records[1].Counters()), 0)) })
	await := func(want int64) {
		t.Helper()
		deadline := time.Now().Add(20 * time.Second)
		for w.Values() != want {
			if time.Now().After(deadline) {
				t.Fatalf("%d values wait, want %d", w.Values(), want)
			}
			time.Sleep(time.Millisecond)
		}
	}
	await(12)
	w.Passed(records[2])
	await(8)
	n.append(t, message("a", 5), message("a", 4))
	await(9)
	w.Passed(records[3])
	w.Passed(records[4])
	await(1)
	stop()
	wait.Wait()
}

func TestWaitSeqs(t *testing.T) {
	n := newNode(t, t.TempDir(), nil)
	n.append(t, message("a", 4)) // seq 5
	want := map[devices.DeviceID]int64{"a": 5}
	if err := n.journal.WaitSeqs(t.Context(), want); err != nil {
		t.Fatal(err)
	}
	want["a"], want["v"] = 7, 411
	done := make(chan error, 1)
	go func() { done <- n.journal.WaitSeqs(t.Context(), want) }()
	n.append(t, message("a", 6))
	n.append(t, ingest.Decoded{Device: "v", Received: start, Presence: &devices.Presence{Seq: 410}})
	select {
	case err := <-done:
		t.Fatalf("returned before all were there: %v", err)
	case <-time.After(20 * time.Millisecond):
	}
	n.append(t, ingest.Decoded{Device: "v", Received: start, Report: &devices.CommandReport{State: devices.Closed, Seq: 411}})
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	// After a restart, and when all comes again, it still holds.
	n.close(t)
	n.start(t)
	if err := n.journal.WaitSeqs(t.Context(), want); err != nil {
		t.Fatal(err)
	}
	n.append(t, message("a", 4))
	if err := n.journal.WaitSeqs(t.Context(), want); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := n.journal.WaitSeqs(ctx, map[devices.DeviceID]int64{"nobody": 1}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want to wait", err)
	}
}

// Purging stops at the readers, and the restart after it misses nothing.
func TestPurge(t *testing.T) {
	now := start
	n := newNode(t, t.TempDir(), func(o *journal.Options) { smallBlocks(o); o.Now = func() time.Time { return now } })
	for s := range 100 {
		n.append(t, message("a", s, probeQuantities...), message("b", s))
		now = now.Add(time.Hour)
	}
	records := n.read(t, journal.Position{})
	purge := func(want uint64, before time.Time, readers ...journal.Position) {
		t.Helper()
		if got, err := n.journal.Purge(t.Context(), before, readers); err != nil || got != want {
			t.Errorf("purged %d, %v, want %d", got, err, want)
		}
	}
	purge(0, now, journal.Position{})
	purge(0, start)
	purge(10, start.Add(10*time.Hour), records[50].Position())
	purge(40, now, records[50].Position(), records[60].Position())
	purge(0, now, records[50].Position())
	u, err := n.journal.Usage(t.Context())
	if err != nil || u.Records != 50 || u.Bytes == 0 {
		t.Errorf("usage %+v, %v, want 50 records", u, err)
	}
	check := func(n *node) {
		t.Helper()
		if err := n.journal.Verify(t.Context(), n.store(), 1<<40); err != nil {
			t.Error(err)
		}
		if got := n.read(t, records[50].Position()); len(got) != 49 || len(n.journal.State().Losses) != 0 {
			t.Errorf("%d records, losses %v", len(got), n.journal.State().Losses)
		}
		n.append(t, message("b", 3)) // of a record that is gone
		if c := n.journal.Counters(); c.Duplicate != 1 {
			t.Errorf("counters %+v, want 1 duplicate", c)
		}
	}
	killed := n.killed(t)
	n.options.Kept = []journal.Kept{{Position: records[50].Position()}}
	n.close(t)
	n.start(t)
	check(n)
	c := at(killed, records[50].Position())
	smallBlocks(&c.options)
	defer c.stopServer()
	c.start(t)
	check(c)
	c.close(t)
	purge(50, now.Add(time.Hour))
	if u, err := n.journal.Usage(t.Context()); err != nil || u.Records != 1 {
		t.Errorf("usage %+v, %v: the newest record stays", u, err)
	}
}

// Damage in an old block of a running journal is found, named, and kept aside.
func TestVerifyFindsDamage(t *testing.T) {
	n := newNode(t, t.TempDir(), smallBlocks)
	for s := range 100 {
		n.append(t, message("a", s, probeQuantities...), message("b", s))
	}
	if err := n.journal.Verify(t.Context(), n.store(), 1<<40); err != nil || len(n.journal.State().Losses) != 0 {
		t.Fatalf("%v, losses %v", err, n.journal.State().Losses)
	}
	block := n.blocks(t)[0]
	b, err := os.ReadFile(block)
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)/2] ^= 1
	if err := os.WriteFile(block, b, 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := n.journal.Verify(t.Context(), n.store(), 1<<40); err != nil {
			t.Fatal(err)
		}
	}
	losses := timeless(n.journal.State().Losses)
	if len(losses) != 1 {
		t.Fatalf("got %v, want one loss", losses)
	}
	if diff := cmp.Diff(journal.Loss{First: losses[0].First, Last: losses[0].First, Values: 5, Reason: journal.Missing}, losses[0]); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	kept, err := filepath.Glob(filepath.Join(n.options.Dir, "damaged-*", filepath.Base(block)))
	if err != nil || len(kept) == 0 {
		t.Errorf("the damaged block is not kept aside: %v", err)
	}
}

func TestPositionAsText(t *testing.T) {
	n := newNode(t, t.TempDir(), nil)
	n.append(t, message("a", 1))
	p := n.journal.State().End
	if got, err := journal.ParsePosition(p.String()); err != nil || got != p {
		t.Errorf("%s is read as %s, %v", p, got, err)
	}
	if got, err := journal.ParsePosition(""); err != nil || got != (journal.Position{}) {
		t.Errorf("empty text is read as %s, %v", got, err)
	}
	for _, bad := range []string{"1", "1.2", "1.2.3", "x.2." + p.String()[4:], "1.x." + p.String()[4:], "1.2." + p.String()[5:], p.String() + "0"} {
		if _, err := journal.ParsePosition(bad); err == nil {
			t.Errorf("%q is read", bad)
		}
	}
}
