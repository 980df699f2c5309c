package journal_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ganlin/ingest"
	"ganlin/internal/journal"
)

// cut shortens the newest block by n bytes.
func cut(t *testing.T, n *node, bytes int64) {
	t.Helper()
	blocks := n.blocks(t)
	newest := blocks[len(blocks)-1]
	info, err := os.Stat(newest)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(newest, info.Size()-bytes); err != nil {
		t.Fatal(err)
	}
}

// at returns a node that is not started yet.
func at(dir string, kept ...journal.Position) *node {
	n := &node{dir: dir, options: journal.Options{Dir: filepath.Join(dir, "journal"), Log: discard()}}
	for _, p := range kept {
		n.options.Kept = append(n.options.Kept, journal.Kept{Position: p})
	}
	return n
}

func TestCutEndIsNoticed(t *testing.T) {
	n := newNode(t, t.TempDir(), nil)
	for s := range 5 {
		n.append(t, message("a", s, probeQuantities...))
	}
	records := n.read(t, journal.Position{})
	killed := n.killed(t)
	n.close(t)
	want := []journal.Loss{{First: 5, Last: 5, Values: 4, Reason: journal.EndLost}}
	for _, bytes := range []int64{1, 2, 3, 7, 8, 9, 22, 40, 63, 64} {
		t.Run(fmt.Sprint(bytes), func(t *testing.T) {
			// After a clean end the manifest knows the last record.
			c := at(copyOf(t, n.dir))
			defer c.stopServer()
			cut(t, c, bytes)
			c.start(t)
			if diff := cmp.Diff(want, timeless(c.journal.State().Losses)); diff != "" {
				t.Errorf("after a clean end: (-want +got)\n%s", diff)
			}
			if c.prepared.Damaged == "" {
				t.Error("after a clean end: what is left of the record is not kept aside")
			}
			c.append(t, message("a", 6))
			got := c.read(t, records[3].Position())
			if len(got) != 2 || got[0].Position().Sequence != 6 || got[0].Position().Generation != 2 || got[0].Values() != 0 || got[1].Position().Sequence != 7 {
				t.Errorf("after a clean end: the journal goes on with %v", got)
			}
			if c := c.journal.Counters(); c.Received != 6 || c.Values != 21 {
				t.Errorf("after a clean end: counters %+v, want those of all that was acknowledged", c)
			}
			c.close(t)

			// After a kill a reader knows it, if it has come that far.
			c = at(copyOf(t, killed), records[4].Position())
			defer c.stopServer()
			cut(t, c, bytes)
			c.start(t)
			losses := timeless(c.journal.State().Losses)
			if len(losses) != 1 || losses[0].First != 5 || losses[0].Last != 5 {
				t.Errorf("after a kill: got %v, want the loss of 5", losses)
			}
			c.close(t)

			if bytes <= 8 { // the record itself is whole: only the server's hash of it is cut
				return
			}
			// If nobody knows it, it looks like a record whose writing was cut
			// short, which nobody acknowledged. It is dropped, and kept aside.
			c = at(copyOf(t, killed))
			defer c.stopServer()
			cut(t, c, bytes)
			c.start(t)
			if s := c.journal.State(); len(s.Losses) != 0 || s.End != records[3].Position() || c.prepared.Damaged == "" {
				t.Errorf("after a kill, without a witness: %+v", s)
			}
			c.append(t, message("a", 4, probeQuantities...))
			if c := c.journal.Counters(); c.Duplicate != 0 || c.Values != 20 {
				t.Errorf("after a kill, without a witness: the message that comes again counts %+v", c)
			}
			c.close(t)
		})
	}
}

func timeless(losses []journal.Loss) []journal.Loss {
	for i := range losses {
		losses[i].Found = time.Time{}
	}
	return losses
}

// A store that was put back to an older state is behind what readers know.
func TestOlderStoreIsNoticed(t *testing.T) {
	n := newNode(t, t.TempDir(), nil)
	n.append(t, message("a", 1), message("a", 2))
	older := n.killed(t)
	for s := 3; s < 10; s++ {
		n.append(t, message("a", s))
	}
	cursor := n.read(t, journal.Position{})[6].Position()

	c := at(older, cursor)
	defer c.stopServer()
	c.start(t)
	losses := timeless(c.journal.State().Losses)
	if diff := cmp.Diff([]journal.Loss{{First: 2, Last: 7, Values: -1, Reason: journal.EndLost}}, losses); diff != "" {
		t.Errorf("losses: (-want +got)\n%s", diff)
	}
	// What was lost comes again and is no duplicate; what was not is one.
	c.append(t, message("a", 2), message("a", 3))
	if counters := c.journal.Counters(); counters.Duplicate != 1 {
		t.Errorf("got %d duplicates, want 1", counters.Duplicate)
	}
	// The reader goes on where it was, in the new generation.
	got, err := c.journal.Read(t.Context(), cursor)
	if err != nil || len(got) != 2 || got[0].Position().Sequence != 8 || got[0].Position().Generation != 2 {
		t.Errorf("the reader gets %v, %v", got, err)
	}
	c.close(t)
}

// What was written before the end was lost lies elsewhere in the stream than its
// sequence says; it is read in batches all the same.
func TestOlderGenerationIsReadInBatches(t *testing.T) {
	n := newNode(t, t.TempDir(), nil)
	for s := range 100 {
		n.append(t, message("a", s))
	}
	older := n.killed(t)
	for s := range 10 {
		n.append(t, message("b", s))
	}
	c := at(older, n.journal.State().End)
	defer c.stopServer()
	c.start(t)
	reads := 0
	for at := (journal.Position{}); at.Sequence < 111; reads++ {
		got, err := c.journal.Read(t.Context(), at)
		if err != nil {
			t.Fatal(err)
		}
		at = got[len(got)-1].Position()
	}
	if reads > 3 {
		t.Errorf("101 records were read in %d pieces", reads)
	}
	c.close(t)
}

// Two stores that went apart have records of the same sequence.
func TestOtherChainIsNoticed(t *testing.T) {
	n := newNode(t, t.TempDir(), nil)
	n.append(t, message("a", 1))
	other := n.killed(t)
	n.append(t, message("a", 2))
	cursor := n.journal.State().End

	c := at(other)
	c.start(t)
	c.append(t, message("a", 3))
	c.append(t, message("a", 4))
	c.close(t)
	c = at(other, cursor)
	defer c.stopServer()
	c.start(t)
	s := c.journal.State()
	if diff := cmp.Diff([]journal.Loss{{First: 2, Last: 2, Values: -1, Reason: journal.OtherChain}}, timeless(s.Losses)); diff != "" {
		t.Errorf("losses: (-want +got)\n%s", diff)
	}
	if s.End.Sequence != 4 || s.End.Generation != 2 {
		t.Errorf("the journal goes on at %s, want 4 in generation 2", s.End)
	}
	c.close(t)
}

// Without its store the journal knows from the manifest what is gone.
func TestStoreIsGone(t *testing.T) {
	n := newNode(t, t.TempDir(), nil)
	n.append(t, message("a", 1), message("a", 2))
	n.append(t, message("a", 3))
	n.close(t)
	if err := os.RemoveAll(n.store()); err != nil {
		t.Fatal(err)
	}
	n.start(t)
	if diff := cmp.Diff([]journal.Loss{{First: 1, Last: 2, Values: -1, Reason: journal.EndLost}}, timeless(n.journal.State().Losses)); diff != "" {
		t.Errorf("losses: (-want +got)\n%s", diff)
	}
	n.append(t, message("a", 3))
	if c := n.journal.Counters(); c.Received != 4 || c.Duplicate != 0 {
		t.Errorf("counters %+v, want 4 messages and no duplicate", c)
	}
}

// The first record of all may be cut short too; an empty block may be left.
func TestKilledInTheFirstRecord(t *testing.T) {
	n := newNode(t, t.TempDir(), nil)
	n.append(t, message("a", 1))
	killed := n.killed(t)
	for _, keep := range []int64{0, 1, 21, 30, 200} {
		c := at(copyOf(t, killed))
		defer c.stopServer()
		if err := os.Truncate(c.blocks(t)[0], keep); err != nil {
			t.Fatal(err)
		}
		c.start(t)
		c.append(t, message("a", 1))
		if got := c.read(t, journal.Position{}); len(got) != 1 || got[0].Values() != 1 {
			t.Errorf("%d bytes left: got %v", keep, got)
		}
		c.close(t)
	}
}

// A damaged manifest, or a damaged file of the server beside the blocks, loses nothing.
func TestDamagedFilesBesideTheBlocks(t *testing.T) {
	n := newNode(t, t.TempDir(), nil)
	for s := range 5 {
		n.append(t, message("a", s))
	}
	n.close(t)
	for _, name := range []string{"journal/manifest.json", "journal/seen.db", "nats/jetstream/$G/streams/JOURNAL/msgs/index.db", "nats/jetstream/$G/streams/JOURNAL/meta.inf", "nats/jetstream/$G/streams/JOURNAL/meta.sum"} {
		good, err := os.ReadFile(filepath.Join(n.dir, name))
		if err != nil {
			t.Fatal(err)
		}
		for i := range 8 {
			bad := bytes.Clone(good)
			bad[i*(len(bad)-1)/7] ^= 1 << i
			c := at(copyOf(t, n.dir))
			defer c.stopServer()
			if err := os.WriteFile(filepath.Join(c.dir, name), bad, 0o600); err != nil {
				t.Fatal(err)
			}
			if err := c.tryStart(t); err != nil {
				t.Errorf("%s, part %d: %v", name, i, err)
				c.stopServer()
				continue
			}
			if got := c.read(t, journal.Position{}); len(got) != 5 || len(c.journal.State().Losses) != 0 {
				t.Errorf("%s, part %d: %d records, losses %v", name, i, len(got), c.journal.State().Losses)
			}
			again := []ingest.Decoded{message("a", 4), message("a", 5)}
			if err := c.journal.Append(t.Context(), again); err != nil { // the index is made anew
				if !errors.Is(err, ingest.ErrRefused) {
					t.Error(err)
				}
				c.append(t, again...)
			}
			if counters := c.journal.Counters(); counters.Duplicate != 1 || counters.Received != 7 {
				t.Errorf("%s, part %d: %+v, want 1 duplicate of 7", name, i, counters)
			}
			c.close(t)
		}
	}
}

// A store whose blocks are unreadable altogether is not touched.
func TestUnreadableStoreIsLeftAlone(t *testing.T) {
	n := newNode(t, t.TempDir(), nil)
	n.append(t, message("a", 1))
	n.append(t, message("a", 2))
	n.close(t)
	before, err := os.ReadFile(n.blocks(t)[0])
	if err != nil {
		t.Fatal(err)
	}
	for i := range before {
		before[i] ^= 0xa5 // as encryption would
	}
	if err := os.WriteFile(n.blocks(t)[0], before, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = journal.Prepare(t.Context(), n.options.Dir, n.store(), discard())
	if err == nil || !strings.Contains(err.Error(), "encrypted") {
		t.Errorf("got %v, want an error that names the cause", err)
	}
	if after, err := os.ReadFile(n.blocks(t)[0]); err != nil || !bytes.Equal(before, after) {
		t.Error("the block was changed")
	}
}
