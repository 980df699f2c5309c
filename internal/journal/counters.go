package journal

import (
	"maps"

	"ganlin/ingest"
)

// Counters count what the journal took since its first record. They travel in
// the records, so nothing resets them.
//
//	messages: Received = Decoded + DeadLettered
//	values:   Values   = stored + Duplicate + the sum of Rejected + waiting
//
// The database's writer counts what is stored, and a Waiting what waits.
type Counters struct {
	Received     int64                   `json:"received"`      // messages handed to Append
	Decoded      int64                   `json:"decoded"`       // messages of which something could be read
	DeadLettered int64                   `json:"dead_lettered"` // messages of which nothing could be read
	Values       int64                   `json:"values"`        // values of all messages, good or bad
	Duplicate    int64                   `json:"duplicate"`
	Rejected     map[ingest.Reason]int64 `json:"rejected,omitempty"` // not to be changed
	Unidentified int64                   `json:"unidentified"`       // readings without time and seq: nothing tells whether they came before
}

// add returns the sum. It shares the map with c where d has none.
func (c Counters) add(d Counters) Counters {
	c.Received += d.Received
	c.Decoded += d.Decoded
	c.DeadLettered += d.DeadLettered
	c.Values += d.Values
	c.Duplicate += d.Duplicate
	c.Unidentified += d.Unidentified
	if len(d.Rejected) > 0 {
		rejected := maps.Clone(c.Rejected)
		if rejected == nil {
			rejected = map[ingest.Reason]int64{}
		}
		for reason, n := range d.Rejected {
			rejected[reason] += n
		}
		c.Rejected = rejected
	}
	return c
}

// kept returns how many values became lines of records.
func (c Counters) kept() int64 {
	n := c.Values - c.Duplicate
	for _, rejected := range c.Rejected {
		n -= rejected
	}
	return n
}
