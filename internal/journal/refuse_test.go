package journal_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"ganlin/ingest"
	"ganlin/internal/journal"
)

// refuses appends a message that must be refused.
func (n *node) refuses(t *testing.T, m ingest.Decoded) {
	t.Helper()
	if err := n.journal.Append(t.Context(), []ingest.Decoded{m}); !errors.Is(err, ingest.ErrRefused) {
		t.Fatalf("got %v, want a refusal", err)
	}
	if n.journal.State().Refusing == "" {
		t.Fatal("the state does not tell why the journal refuses")
	}
}

// reopen starts the server again and goes on with the same journal.
func (n *node) reopen(t *testing.T) {
	t.Helper()
	n.stopServer()
	s, err := n.serve(t)
	if err != nil {
		t.Fatal(err)
	}
	if err := n.journal.Reopen(t.Context(), s); err != nil {
		t.Fatal(err)
	}
}

func (n *node) awaitFailure(t *testing.T) {
	t.Helper()
	select {
	case <-n.journal.Failed():
	case <-time.After(20 * time.Second):
		t.Fatal("nobody was told that the journal broke down")
	}
	if !n.journal.State().Broken {
		t.Fatal("the state does not tell that the journal broke down")
	}
}

// An appendFunc is Journal.Append, or what a control has in its place.
type appendFunc func(ctx context.Context, batch []ingest.Decoded) error

// traces lets a write fail and returns what is left of it afterwards: the same
// message must be new when the device sends it again.
func traces(t *testing.T, of func(*journal.Journal) appendFunc) (left []string) {
	t.Helper()
	leaves := func(format string, args ...any) { left = append(left, fmt.Sprintf(format, args...)) }
	n := newNode(t, t.TempDir(), func(o *journal.Options) { o.AckTimeout = 500 * time.Millisecond })
	n.append(t, message("a", 1))
	before := n.journal.Counters()
	n.server.Shutdown()
	if err := of(n.journal)(t.Context(), []ingest.Decoded{message("a", 2)}); !errors.Is(err, ingest.ErrRefused) {
		t.Fatalf("got %v, want a refusal", err)
	}
	n.awaitFailure(t)
	n.refuses(t, message("a", 2))
	if got := n.journal.Counters(); got.Received != before.Received || got.Values != before.Values {
		leaves("counters went from %+v to %+v", before, got)
	}
	if seq, _, err := n.journal.HighestSeq(t.Context(), "a"); err != nil || seq != 2 {
		leaves("the highest seq is %d, %v, want 2", seq, err)
	}
	n.reopen(t)
	if n.journal.State().Refusing != "" {
		leaves("the state still tells of a refusal")
	}
	n.append(t, message("a", 2))
	if c := n.journal.Counters(); c.Received != 2 || c.Duplicate != 0 || len(n.read(t, journal.Position{})) != 2 {
		leaves("counters %+v, want 2 messages and no duplicate", c)
	}
	if end := n.journal.State().End; end.Sequence != 2 || end.Generation != 1 {
		leaves("the journal ends at %s, want 2 in generation 1", end)
	}
	return left
}

// A record that did not get to the disk leaves no trace.
func TestFailedAppendLeavesNoTrace(t *testing.T) {
	for _, left := range traces(t, func(j *journal.Journal) appendFunc { return j.Append }) {
		t.Error(left)
	}
}

// The control keeps in the index what was not written. A message that comes
// again is then a duplicate of nothing, and its values are lost.
func TestForgottenRollbackIsSeen(t *testing.T) {
	left := traces(t, func(j *journal.Journal) appendFunc { return j.AppendAndForgetToRollBack })
	if !slices.ContainsFunc(left, func(s string) bool { return strings.Contains(s, "no duplicate") }) {
		t.Errorf("the index was not rolled back, and the test sees only %q", left)
	}
	t.Logf("seen: %q", left)
}

// deafServer makes connections that hear nothing once deaf is set.
type deafServer struct {
	*server.Server
	deaf *atomic.Bool
}

func (s deafServer) InProcessConn() (net.Conn, error) {
	c, err := s.Server.InProcessConn()
	return deafConn{c, s.deaf}, err
}

type deafConn struct {
	net.Conn
	deaf *atomic.Bool
}

func (c deafConn) Read(b []byte) (int, error) {
	for {
		n, err := c.Conn.Read(b)
		if err != nil || !c.deaf.Load() {
			return n, err
		}
	}
}

// A record that got to the disk without an answer is found again: the message
// was not acknowledged, so it comes again and is a duplicate.
func TestUnansweredAppendIsFoundAgain(t *testing.T) {
	n := newNode(t, t.TempDir(), func(o *journal.Options) { o.AckTimeout = 500 * time.Millisecond })
	n.close(t)
	s, err := n.serve(t)
	if err != nil {
		t.Fatal(err)
	}
	var deaf atomic.Bool
	conn, err := nats.Connect("", nats.InProcessServer(deafServer{n.server, &deaf}))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	s.Conn = conn
	if n.journal, err = journal.Open(t.Context(), s, n.options); err != nil {
		t.Fatal(err)
	}
	n.append(t, message("a", 1))
	deaf.Store(true)
	n.refuses(t, message("a", 2))
	n.awaitFailure(t)
	if c := n.journal.Counters(); c.Received != 1 {
		t.Errorf("counters %+v count what was not acknowledged", c)
	}
	conn.Close()
	n.reopen(t)
	if c := n.journal.Counters(); c.Received != 2 || c.Values != 2 {
		t.Errorf("counters %+v, want those of 2 messages: the record is there", c)
	}
	n.append(t, message("a", 2))
	if c := n.journal.Counters(); c.Received != 3 || c.Duplicate != 1 {
		t.Errorf("counters %+v, want 3 messages, 1 of them a duplicate", c)
	}
	if losses := n.journal.State().Losses; len(losses) != 0 {
		t.Errorf("losses %v", losses)
	}
}

// At its limit the journal refuses, loses nothing, and takes messages again
// once there is room.
func TestFullJournal(t *testing.T) {
	now := start
	n := newNode(t, t.TempDir(), func(o *journal.Options) {
		o.MaxBytes = 60_000
		o.Now = func() time.Time { return now }
	})
	s := 0
	for ; ; s++ {
		now = now.Add(time.Second)
		if err := n.journal.Append(t.Context(), []ingest.Decoded{message("a", s)}); err != nil {
			if !errors.Is(err, ingest.ErrRefused) || !strings.Contains(err.Error(), "maximum bytes exceeded") {
				t.Fatal(err)
			}
			break
		}
	}
	if s < 50 {
		t.Fatalf("only %d records fit", s)
	}
	n.refuses(t, message("a", s))
	now = now.Add(time.Minute)
	n.refuses(t, message("a", s))
	if n.journal.State().Broken {
		t.Error("a full journal is no broken one")
	}
	records := n.read(t, journal.Position{})
	if len(records) != s || n.journal.Counters().Received != int64(s) {
		t.Errorf("%d records and %+v, want %d of each", len(records), n.journal.Counters(), s)
	}
	dropped, err := n.journal.Purge(t.Context(), now, []journal.Position{records[9].Position()})
	if err != nil || dropped != 9 {
		t.Fatalf("purged %d records, %v, want 9", dropped, err)
	}
	n.append(t, message("a", s))
	if c := n.journal.Counters(); c.Duplicate != 0 || n.journal.State().Refusing != "" {
		t.Errorf("counters %+v, state %+v", c, n.journal.State())
	}
	if got := n.read(t, records[9].Position()); len(got) != s-9 {
		t.Errorf("%d records are left, want %d", len(got), s-9)
	}
	if losses := n.journal.State().Losses; len(losses) != 0 {
		t.Errorf("losses %v", losses)
	}
}

// The control: a stream that drops what is old at its limit loses records, and
// that is noticed.
func TestStreamThatDiscardsOldLosesRecords(t *testing.T) {
	n := newNode(t, t.TempDir(), func(o *journal.Options) { o.MaxBytes = 60_000 })
	js, err := jetstream.New(n.conn)
	if err != nil {
		t.Fatal(err)
	}
	stream, err := js.Stream(t.Context(), journal.StreamName)
	if err != nil {
		t.Fatal(err)
	}
	config := stream.CachedInfo().Config
	config.Discard = jetstream.DiscardOld
	if _, err := js.UpdateStream(t.Context(), config); err != nil {
		t.Fatal(err)
	}
	for s := range 300 {
		n.append(t, message("a", s))
	}
	n.close(t)
	n.start(t)
	losses := n.journal.State().Losses
	if len(losses) != 1 || losses[0].First != 1 || losses[0].Values < 10 {
		t.Errorf("got %v, want the loss of the first records", losses)
	}
	info, err := stream.Info(t.Context())
	if err == nil && info.Config.Discard != jetstream.DiscardNew {
		t.Error("the stream still drops what is old")
	}
}

// What a failed Reopen found out is not forgotten: no sequence is used twice.
func TestReopenThatFailsHalfway(t *testing.T) {
	now := start
	n := newNode(t, t.TempDir(), func(o *journal.Options) {
		o.MaxBytes, o.AckTimeout = 60_000, 500*time.Millisecond
		o.Now = func() time.Time { return now }
	})
	full := 0
	for ; n.journal.Append(t.Context(), []ingest.Decoded{message("a", full)}) == nil; full++ {
		now = now.Add(time.Second)
	}
	older := n.killed(t)
	if _, err := n.journal.Purge(t.Context(), now, nil); err != nil {
		t.Fatal(err)
	}
	for s := range 10 {
		now = now.Add(time.Second)
		n.append(t, message("a", full+s))
	}
	end := n.journal.State().End
	n.server.Shutdown()
	n.refuses(t, message("a", full+10))
	n.stopServer()
	removeAll(t, n.dir, "nats")
	if err := os.CopyFS(n.store(), os.DirFS(filepath.Join(older, "nats"))); err != nil {
		t.Fatal(err)
	}
	s, err := n.serve(t)
	if err != nil {
		t.Fatal(err)
	}
	if err := n.journal.Reopen(t.Context(), s); err == nil {
		t.Fatal("a full store has room for a new generation")
	}
	if _, err := n.conn.Request("$JS.API.STREAM.PURGE."+journal.StreamName, []byte(`{"keep":5}`), 5*time.Second); err != nil {
		t.Fatal(err)
	}
	if err := n.journal.Reopen(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	if got := n.journal.State().End; got.Sequence != end.Sequence+1 || got.Generation != 2 {
		t.Errorf("the journal goes on at %s after %s", got, end)
	}
}

// Before the disk is full the journal refuses, and it takes messages again by itself.
func TestLittleFreeSpace(t *testing.T) {
	now := start
	free := int64(1000)
	n := newNode(t, t.TempDir(), func(o *journal.Options) {
		o.MinFree, o.FreeBytes = 1000, func() (int64, error) { return free, nil }
		o.Now = func() time.Time { return now }
	})
	n.append(t, message("a", 1))
	free = 999
	now = now.Add(time.Minute)
	n.refuses(t, message("a", 2))
	free = 1000
	n.refuses(t, message("a", 2)) // within the pause
	now = now.Add(time.Minute)
	n.append(t, message("a", 2))
	if s := n.journal.State(); s.Refusing != "" || n.journal.Counters().Received != 2 {
		t.Errorf("state %+v, counters %+v", s, n.journal.Counters())
	}
}

func TestAppendAfterClose(t *testing.T) {
	n := newNode(t, t.TempDir(), nil)
	j := n.journal
	n.close(t)
	if err := j.Append(t.Context(), []ingest.Decoded{message("a", 1)}); !errors.Is(err, ingest.ErrRefused) {
		t.Errorf("got %v, want a refusal", err)
	}
	if _, err := j.Read(t.Context(), journal.Position{}); err == nil {
		t.Error("a reader of a closed journal waits for ever")
	}
}
