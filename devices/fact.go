package devices

import "time"

// A FactKind says what a fact tells.
type FactKind uint8

// The kinds of facts that the journal hands to its readers.
const (
	ReadingFact  FactKind = iota + 1 // a value was measured
	PresenceFact                     // a device came or went
	ReportFact                       // a valve answered or changed
	TickFact                         // event time of a site moved on
	VersionFact                      // registry or rules are new
	ActFact                          // a person acted
)

// A Fact is one thing that the journal knows and that may change a decision.
// Only the fields of its kind are set.
type Fact struct {
	Kind     FactKind
	At       time.Time // event time, UTC, to the millisecond
	Received time.Time // when it reached the journal, UTC
	Device   DeviceID
	Location Location // of a tick only the site

	Key   Key // of a reading
	Value float64
	Flags Flags

	Presence *Presence
	Report   *CommandReport
	Version  *Version
	Act      *Act
}

// Flags are what a check found wrong with a value that was kept all the same.
// They are stored beside it as <quantity>_q.
type Flags uint8

// The flags.
const (
	ClockNotSet Flags = 1 << iota // the device's clock stood before 2020: the time is that of receipt
	ProbeInAir                    // soil moisture below 0: the probe has lost contact with the soil
)
