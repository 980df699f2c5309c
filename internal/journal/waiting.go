package journal

import (
	"context"
	"sync/atomic"
)

// A Waiting counts the values that lie in the journal beyond the cursor of the
// database's writer, and those that are lost from it before the writer came. It
// walks the records itself, and takes off those that the writer has passed: no
// other count enters.
type Waiting struct {
	walked, passed, lost atomic.Int64
	sequence             atomic.Uint64 // of the last record walked
}

// Run walks the journal from where the writer stood when it started, until ctx ends.
func (w *Waiting) Run(ctx context.Context, j *Journal, from Trail) error {
	w.lost.Store(from.Lost)
	w.sequence.Store(from.At.Sequence)
	return j.Follow(ctx, from.At, func(r *Record) error {
		from.Next(r)
		w.lost.Store(from.Lost)
		w.walked.Add(int64(r.Values()))
		w.sequence.Store(r.sequence)
		return nil
	})
}

// Passed takes off a record that the writer has done with.
func (w *Waiting) Passed(r *Record) { w.passed.Add(int64(r.Values())) }

// Values returns how many values wait. While the walk is not at the end it may
// be too few, and below 0 when the writer is ahead of the walk.
func (w *Waiting) Values() int64 { return w.walked.Load() - w.passed.Load() }

// Lost returns how many values are lost: those of before the start and those
// that the walk has missed.
func (w *Waiting) Lost() int64 { return w.lost.Load() }

// Walked returns the sequence of the last record that the walk has counted.
func (w *Waiting) Walked() uint64 { return w.sequence.Load() }
