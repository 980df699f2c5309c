package journal

// A Trail is how far somebody who reads every record has come, and how many
// values lie in records that were gone before they were read. What a record that
// is gone held is told by its neighbours: each names the counts up to itself.
// The zero Trail lies before the first record.
type Trail struct {
	At   Position
	Kept int64 // values that became lines of records, up to At
	Lost int64 // of them, those that were never read
}

// TrailFrom goes on at a record of which the counts are kept; nil: they are not,
// and then a loss right behind it cannot be told.
func TrailFrom(at Position, counters *Counters, lost int64) Trail {
	t := Trail{At: at, Kept: unknownValues, Lost: lost}
	switch {
	case counters != nil:
		t.Kept = counters.kept()
	case at.Sequence == 0:
		t.Kept = 0
	}
	return t
}

// Next takes the next record that is there.
func (t *Trail) Next(r *Record) {
	follows := r.sequence == t.At.Sequence+1 && r.previous == t.At.Hash
	if !follows && t.Kept != unknownValues {
		t.Lost += max(0, r.counters.kept()-r.fresh-t.Kept)
	}
	t.At, t.Kept = r.position, r.counters.kept()
}
