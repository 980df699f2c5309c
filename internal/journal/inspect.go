package journal

import (
	"fmt"
	"slices"
	"time"
)

// A Tail is what Inspect saw at the end of a store.
type Tail struct {
	Last    uint64    // sequence of the newest record that is right; 0: none
	At      time.Time // when that was written
	Clean   bool      // the journal was closed in order
	Torn    bool      // the last record was not written whole; it was never acknowledged
	Damaged int       // pieces that are not right
	Losses  []Loss    // that nobody has been told of yet
	Known   []Loss    // of which there was an alarm
}

// tailBlocks is how many files Inspect reads: after a clean end a start does no more either.
const tailBlocks = 2

// Inspect looks at the newest files of a store that no program has open, and
// changes nothing. kept is how far its readers have come.
func Inspect(dir, storeDir string, kept []Kept) (t Tail, err error) {
	m, err := readManifest(dir)
	if err != nil {
		return t, err
	}
	memories, err := memoriesOf(m, kept)
	if err != nil {
		return t, err
	}
	t.Clean, t.Known = m.Clean, m.Losses
	root, blocks, err := openBlocks(storeDir)
	if err != nil {
		return t, err
	}
	if root != nil {
		defer func() { _ = root.Close() }()
	}
	var c chain
	for _, block := range blocks[max(0, len(blocks)-tailBlocks):] {
		b, err := root.ReadFile(blockFile(block))
		if err != nil {
			return t, fmt.Errorf("looking at block %d of the journal: %w", block, err)
		}
		h, err := frameHash(StreamName, block)
		if err != nil {
			return t, err
		}
		s := scanBlock(b, Subject, h, func(r *Record) {
			if loss, ok := c.next(r); !ok && loss.Last >= m.First {
				if _, isNew := merge(slices.Clone(m.Losses), loss); isNew {
					t.Losses = append(t.Losses, loss)
				}
			}
			t.Last, t.At = r.sequence, r.Time()
		})
		t.Torn = s.torn
		if !s.torn {
			t.Damaged += len(s.bad)
		}
	}
	furthest := t.Last
	for _, kept := range memories {
		furthest = max(furthest, kept.position.Sequence)
	}
	if furthest > t.Last {
		t.Losses = append(t.Losses, Loss{First: t.Last + 1, Last: furthest, Values: unknownValues, Reason: EndLost})
	}
	return t, nil
}
