package journal

import (
	"context"
	"slices"
	"time"
)

// A State says how the journal is.
type State struct {
	End      Position  // of the newest record on disk
	Written  time.Time // when it was written, UTC
	Refusing string    // why nothing is taken; empty: the journal takes messages
	Broken   bool      // nothing will be taken before Reopen
	Losses   []Loss    // records that are gone or damaged, by sequence
}

// State returns how the journal is. It does not wait for the disk.
func (j *Journal) State() State {
	j.mu.Lock()
	defer j.mu.Unlock()
	s := State{End: j.end, Written: fromMilli(j.at), Broken: j.broken, Losses: slices.Clone(j.losses)}
	if j.refusing != nil {
		s.Refusing = j.refusing.Error()
	}
	return s
}

// Counters returns the counts up to the newest record. It does not wait for the disk.
func (j *Journal) Counters() Counters {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.counters
}

// A Usage says how much the stream holds.
type Usage struct {
	Records, Bytes uint64
	Oldest         time.Time // when the oldest record was written, UTC; zero: there is none
}

// Usage asks the server how much the stream holds.
func (j *Journal) Usage(ctx context.Context) (Usage, error) {
	j.mu.Lock()
	st := j.stream
	j.mu.Unlock()
	s, err := st.state(ctx)
	if err != nil {
		return Usage{}, err
	}
	return Usage{Records: s.Msgs, Bytes: s.Bytes, Oldest: s.FirstTime.UTC()}, nil
}
