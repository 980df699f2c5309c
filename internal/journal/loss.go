package journal

import (
	"cmp"
	"log/slog"
	"slices"
	"time"
)

// A Loss is a run of records that are gone or damaged. They were acknowledged,
// unless power failed while the last of them was written.
type Loss struct {
	First  uint64    `json:"first"` // sequence
	Last   uint64    `json:"last"`
	Values int64     `json:"values"` // how many were in their lines; -1: nothing tells
	Reason string    `json:"reason"`
	Found  time.Time `json:"found"`

	// When somebody took note of it, UTC, and who. Until then it stands.
	Acknowledged time.Time `json:"acknowledged,omitzero"`
	By           string    `json:"by,omitempty"`
}

// Records returns how many records are lost.
func (l Loss) Records() uint64 { return l.Last - l.First + 1 }

// The reasons of a loss.
const (
	EndLost    = "end_lost"    // the store ends before a record that it is known to have had
	Missing    = "missing"     // records in the middle are gone, or damaged so that the server drops them
	OtherChain = "other_chain" // a record is right by itself, but is not the one that was here
)

// unknownValues says that nothing tells how many values were lost.
const unknownValues = -1

// LogValue names the loss in a log.
func (l Loss) LogValue() slog.Value {
	return slog.GroupValue(slog.Uint64("first", l.First), slog.Uint64("last", l.Last), slog.Int64("values", l.Values), slog.String("reason", l.Reason))
}

// A chain follows records and notices what does not follow.
type chain struct {
	last Position
	kept int64 // Counters.kept of the last one; unknownValues when it is not at hand
}

// next takes the next record and returns what is missing before it.
func (c *chain) next(r *Record) (loss Loss, ok bool) {
	before, kept := c.last, c.kept
	c.last, c.kept = r.position, r.counters.kept()
	switch {
	case before.Sequence == 0:
		return Loss{}, true
	case r.sequence == before.Sequence+1 && r.previous == before.Hash:
		return Loss{}, true
	case r.sequence <= before.Sequence+1:
		return Loss{First: r.sequence, Last: r.sequence, Values: unknownValues, Reason: OtherChain}, false
	}
	loss = Loss{First: before.Sequence + 1, Last: r.sequence - 1, Values: unknownValues, Reason: Missing}
	if r.lost == (gap{loss.First, loss.Last}) {
		loss.Reason = r.reason
	}
	if kept != unknownValues {
		loss.Values = r.counters.kept() - r.fresh - kept
	}
	return loss, false
}

// merge adds a loss to a list, where it may be known already. It reports whether
// it is new. One that has grown takes the place of what it was.
func merge(losses []Loss, l Loss) ([]Loss, bool) {
	for i, known := range losses {
		if known.First <= l.First && l.Last <= known.Last {
			if known.Values == unknownValues && known.First == l.First && known.Last == l.Last {
				losses[i].Values = l.Values
			}
			return losses, false
		}
	}
	losses = slices.DeleteFunc(losses, func(known Loss) bool { return l.First <= known.First && known.Last <= l.Last })
	losses = append(losses, l)
	slices.SortFunc(losses, func(a, b Loss) int { return cmp.Compare(a.First, b.First) })
	return losses, true
}
