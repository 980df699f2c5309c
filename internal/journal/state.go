package journal

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// A State says how the journal is.
type State struct {
	End      Position  // of the newest record on disk
	Written  time.Time // when it was written, UTC
	Refusing string    // why nothing is taken; empty: the journal takes messages
	Broken   bool      // nothing will be taken before Reopen
	Losses   []Loss    // records that are gone or damaged, by sequence; until they are acknowledged and purged
	Lost     uint64    // how many records were ever lost
}

// Unacknowledged returns how many records are lost of which nobody took note.
func (s State) Unacknowledged() (n uint64) {
	for _, l := range s.Losses {
		if l.Acknowledged.IsZero() {
			n += l.Records()
		}
	}
	return n
}

// State returns how the journal is. It does not wait for the disk.
func (j *Journal) State() State {
	j.mu.Lock()
	defer j.mu.Unlock()
	s := State{End: j.end, Written: fromMilli(j.at), Broken: j.broken, Losses: slices.Clone(j.losses), Lost: j.gone}
	for _, l := range j.losses {
		s.Lost += l.Records()
	}
	if j.refusing != nil {
		s.Refusing = j.refusing.Error()
	}
	return s
}

// Acknowledge takes note of the losses that were found up to a time. They stay
// what they are; what is lost later stands anew.
func (j *Journal) Acknowledge(until time.Time, by string) error {
	now := j.options.Now().UTC()
	j.mu.Lock()
	j.losses = slices.Clone(j.losses)
	for i := range j.losses {
		if l := &j.losses[i]; l.Acknowledged.IsZero() && !l.Found.After(until) {
			l.Acknowledged, l.By = now, by
			j.log.Info("a loss of the journal is acknowledged", "loss", *l, "by", by)
		}
	}
	j.mu.Unlock()
	if err := j.remember(false); err != nil {
		return fmt.Errorf("keeping that a loss is acknowledged: %w", err)
	}
	return nil
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

// Whole reports whether every record that was ever written is there: none was
// purged, and none is lost.
func (j *Journal) Whole() bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return len(j.losses) == 0 && j.gone == 0 && (j.first == 1 || j.end.Sequence == 0)
}
