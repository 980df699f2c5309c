package ingest

import "time"

// A Clock tells the time by which messages are judged. By the wall both times
// are now; in step mode Now is the last tick and what has passed since, and
// Latest the next tick, up to which readings may already carry times.
type Clock interface {
	Now() time.Time    // of receipt, UTC
	Latest() time.Time // that a device whose clock is right may send, UTC
}
