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

// A finding is what somebody saw of a damaged store.
type finding struct {
	noticed bool     // the journal refuses it, or has losses
	wrong   []string // what it should have noticed and did not
}

// check opens a damaged store with start. Whatever is not what it was must be a
// loss by its sequence, and nothing wrong may be handed out.
func (o *original) check(t *testing.T, dir string, start func(*node) error) (f finding) {
	t.Helper()
	wrong := func(format string, args ...any) { f.wrong = append(f.wrong, fmt.Sprintf(format, args...)) }
	n := &node{dir: dir, options: journal.Options{Dir: filepath.Join(dir, "journal"), Log: discard()}}
	smallBlocks(&n.options)
	defer n.stopServer()
	if err := start(n); err != nil {
		return finding{noticed: true}
	}
	if err := n.journal.Verify(t.Context(), n.store(), 1<<40); err != nil {
		t.Fatal(err)
	}
	there := map[uint64]bool{}
	for _, r := range n.read(t, journal.Position{}) {
		seq := r.Position().Sequence
		there[seq] = true
		if seq <= uint64(len(o.records)) && r.Position() != o.records[seq-1].Position() {
			wrong("record %d is not what was written", seq)
		}
	}
	losses := n.journal.State().Losses
	for seq := uint64(1); seq <= uint64(len(o.records)); seq++ {
		lost := false
		for _, l := range losses {
			lost = lost || l.First <= seq && seq <= l.Last
		}
		if !there[seq] && !lost {
			wrong("record %d is gone in silence; losses %v", seq, losses)
		}
	}
	n.append(t, message("c", 1000))
	if end := n.journal.State().End; end.Sequence <= uint64(len(o.records)) {
		wrong("sequence %d is used again", end.Sequence)
	}
	n.close(t)
	n.start(t)
	if again := n.journal.State().Losses; fmt.Sprint(again) != fmt.Sprint(losses) {
		wrong("losses were %v and are %v after reopening", losses, again)
	}
	if got := n.read(t, journal.Position{}); got[len(got)-1].Position() != n.journal.State().End {
		wrong("after reopening the journal ends at %s, not at %s", got[len(got)-1].Position(), n.journal.State().End)
	}
	n.close(t)
	f.noticed = len(losses) > 0
	return f
}

// flip flips a bit of a store and says which.
func flip(t *testing.T, random *rand.Rand, dir string) string {
	t.Helper()
	blocks := at(dir).blocks(t)
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
	return fmt.Sprintf("bit %d of %s", bit, filepath.Base(file))
}

func TestFlippedBitsAreNoticed(t *testing.T) {
	o := newOriginal(t)
	open := func(n *node) error { return n.tryStart(t) }
	for name, dir := range map[string]string{"clean": o.clean, "killed": o.killed} {
		t.Run(name, func(t *testing.T) {
			if f := o.check(t, copyOf(t, dir), open); f.noticed || f.wrong != nil {
				t.Fatalf("a store without damage: %+v", f)
			}
			random := rand.New(rand.NewPCG(1, 2))
			for range flips() {
				damaged := copyOf(t, dir)
				what := flip(t, random, damaged)
				f := o.check(t, damaged, open)
				for _, wrong := range f.wrong {
					t.Errorf("%s: %s", what, wrong)
				}
				if !f.noticed {
					t.Errorf("%s: nobody noticed", what)
				}
				os.RemoveAll(damaged)
			}
		})
	}
}

// The control believes the server: nobody looks at its files before it opens
// them, and nobody remembers where the journal ended. It must miss something.
func TestFlippedBitsBelievingTheServer(t *testing.T) {
	o := newOriginal(t)
	believing := func(n *node) error {
		removeAll(t, n.dir, "journal")
		if err := os.Mkdir(filepath.Join(n.dir, "journal"), 0o700); err != nil {
			return err
		}
		s, err := n.serveUnprepared(t)
		if err != nil {
			return err
		}
		n.journal, err = journal.Open(t.Context(), s, n.options)
		return err
	}
	random := rand.New(rand.NewPCG(3, 4))
	const most = 200
	for tries := range most {
		damaged := copyOf(t, o.clean)
		what := flip(t, random, damaged)
		if f := o.check(t, damaged, believing); f.wrong != nil {
			t.Logf("seen after %d flips: %s: %s", tries+1, what, f.wrong[0])
			return
		}
		os.RemoveAll(damaged)
	}
	t.Errorf("the server said nothing about %d flipped bits, and the test sees nothing either", most)
}
