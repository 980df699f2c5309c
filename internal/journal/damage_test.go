package journal_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"ganlin/internal/journal"
)

// flips returns how many bits are flipped in each kind of store.
func flips() int {
	if os.Getenv("GANLIN_LONG") != "" {
		return 1000
	}
	return 100
}

// An original is a store before it is damaged.
type original struct {
	clean, killed string // folders: after Close, and as a kill leaves it
	records       []*journal.Record
}

// newOriginal makes a store of several small blocks.
func newOriginal(t *testing.T) original {
	t.Helper()
	n := newNode(t, t.TempDir(), smallBlocks)
	for s := range 100 {
		n.append(t, message("a", s, probeQuantities...), message("b", s))
	}
	if len(n.blocks(t)) < 3 {
		t.Fatalf("the store has %d blocks, which is too few to see anything", len(n.blocks(t)))
	}
	o := original{records: n.read(t, journal.Position{}), killed: n.killed(t)}
	n.close(t)
	o.clean = copyOf(t, n.dir)
	return o
}

// smallBlocks makes the server use blocks of 32 kB.
func smallBlocks(o *journal.Options) { o.MaxBytes = 127_000 }

// check opens a damaged store. Whatever is not what it was must be a loss by
// its sequence, and nothing wrong may be handed out. It reports whether
// anything was noticed.
func (o *original) check(t *testing.T, what, dir string) bool {
	t.Helper()
	n := &node{dir: dir, options: journal.Options{Dir: filepath.Join(dir, "journal"), Log: discard()}}
	smallBlocks(&n.options)
	defer n.stopServer()
	if err := n.tryStart(t); err != nil {
		t.Logf("%s: refused: %v", what, err)
		return true
	}
	if err := n.journal.Verify(t.Context(), n.store(), 1<<40); err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	there := map[uint64]bool{}
	for _, r := range n.read(t, journal.Position{}) {
		seq := r.Position().Sequence
		there[seq] = true
		if seq <= uint64(len(o.records)) && r.Position() != o.records[seq-1].Position() {
			t.Errorf("%s: record %d is not what was written", what, seq)
		}
	}
	losses := n.journal.State().Losses
	for seq := uint64(1); seq <= uint64(len(o.records)); seq++ {
		lost := false
		for _, l := range losses {
			lost = lost || l.First <= seq && seq <= l.Last
		}
		if !there[seq] && !lost {
			t.Errorf("%s: record %d is gone in silence; losses %v", what, seq, losses)
		}
	}
	n.append(t, message("c", 1000))
	if end := n.journal.State().End; end.Sequence <= uint64(len(o.records)) {
		t.Errorf("%s: sequence %d is used again", what, end.Sequence)
	}
	n.close(t)
	n.start(t)
	if again := n.journal.State().Losses; fmt.Sprint(again) != fmt.Sprint(losses) {
		t.Errorf("%s: losses were %v and are %v after reopening", what, losses, again)
	}
	if got := n.read(t, journal.Position{}); got[len(got)-1].Position() != n.journal.State().End {
		t.Errorf("%s: after reopening the journal ends at %s, not at %s", what, got[len(got)-1].Position(), n.journal.State().End)
	}
	n.close(t)
	return len(losses) > 0
}

func TestFlippedBitsAreNoticed(t *testing.T) {
	o := newOriginal(t)
	for name, dir := range map[string]string{"clean": o.clean, "killed": o.killed} {
		t.Run(name, func(t *testing.T) {
			if o.check(t, "undamaged", copyOf(t, dir)) {
				t.Fatal("a store without damage has losses")
			}
			random := rand.New(rand.NewPCG(1, 2))
			for range flips() {
				damaged := &node{dir: copyOf(t, dir)}
				blocks := damaged.blocks(t)
				file := blocks[random.IntN(len(blocks))]
				b, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				bit := random.IntN(8 * len(b))
				b[bit/8] ^= 1 << (bit % 8)
				if err := os.WriteFile(file, b, 0o600); err != nil {
					t.Fatal(err)
				}
				what := fmt.Sprintf("bit %d of %s", bit, filepath.Base(file))
				if !o.check(t, what, damaged.dir) {
					t.Errorf("%s: nobody noticed", what)
				}
				os.RemoveAll(damaged.dir)
			}
		})
	}
}
