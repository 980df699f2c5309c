package ingest

import (
	"context"
	"time"

	"ganlin/devices"
)

// A Journal puts batches on disk. Append returns nil only when the whole batch
// is fsynced; any error means that nothing of it may be acknowledged. It works
// out what is a duplicate, and moves a reading without a time of its own to
// 1 ms after its device's last reading where that is later than its receipt.
type Journal interface {
	Append(ctx context.Context, batch []Decoded) error
}

// Decoded is one message after its codec: what could be read, and what could not.
type Decoded struct {
	Device   devices.DeviceID // of the topic; empty when the topic is not one of ours
	Location devices.Location
	Received time.Time

	// The message as it came, for what is refused of it later.
	Topic   string
	Payload []byte
	Codec   string // name and version of the codec that read it, such as native/1

	Readings []Reading
	Presence *devices.Presence      // of a status message
	Report   *devices.CommandReport // of a report message
	Dead     []DeadLetter

	// Values counts every key under "values", known or not. Rejected counts
	// those of them that were refused here, by reason. A message of which
	// nothing could be read is Lost to the dead letters as a whole and has no values.
	Values   int
	Rejected map[Reason]int
	Whole    bool // the message itself is the dead letter: dead_lettered, else decoded
}

// Part returns a dead letter about a part of the message, with all of it.
func (d *Decoded) Part(reason Reason, detail string) DeadLetter {
	return DeadLetter{Reason: reason, Detail: detail, Topic: d.Topic, Payload: d.Payload, Length: len(d.Payload), Part: true, Codec: d.Codec}
}

// A Reading is the values that one device measured at one instant.
type Reading struct {
	At     time.Time // UTC, to the millisecond
	Timing Timing
	Seq    int64 // the device's counter; see HasSeq
	HasSeq bool
	Values []Value
}

// A Value is one number of one series.
type Value struct {
	Key    devices.Key
	Number float64 // in the unit of the quantity
	Flags  devices.Flags
}

// A Timing says where the time of a reading comes from, and so what makes a duplicate of it.
type Timing uint8

// The timings of a reading.
const (
	DeviceTime  Timing = iota // the device's clock: the time alone decides what is a duplicate
	ReceiveTime               // none was sent: an equal seq with equal values within 24 h is a duplicate
	UnsetClock                // the device's clock stood before 2020: as ReceiveTime, and its values are flagged
)

// A Reason says why a message or a value was refused. It is a metric label: the set is small and fixed.
type Reason string

// The reasons.
const (
	BadJSON         Reason = "bad_json"
	BadTopic        Reason = "bad_topic"
	BadTime         Reason = "bad_time"
	BadKey          Reason = "bad_key"
	WrongType       Reason = "wrong_type"
	UnknownQuantity Reason = "unknown_quantity"
	OutOfBounds     Reason = "out_of_bounds"
	UnknownDevice   Reason = "unknown_device"
	TooMany         Reason = "too_many"
	TooLarge        Reason = "too_large"
	TooManySeries   Reason = "too_many_series"
	NoValues        Reason = "no_values"
	TypeConflict    Reason = "type_conflict"
	Unparsable      Reason = "unparsable"
	BeyondRetention Reason = "beyond_retention"
)

// A DeadLetter is what could not be read, kept so that it can be seen, mended and replayed.
type DeadLetter struct {
	Reason  Reason
	Detail  string // for people: what, where and how to mend it
	Topic   string
	Payload []byte // the message, or the part of it that could not be read; at most 256 KiB
	Length  int    // of the message as it came, bytes
	SHA256  string // hex, of what Payload is the beginning of; only when it was cut
	Part    bool   // only a part: the rest of the message was kept
	Codec   string // name and version of the codec that gave up, such as native/1
}
