package dashboards

import (
	"context"
	"time"

	"ganlin/devices"
)

// A Source tells the pages what there is. Both methods answer from memory and may be called from any goroutine.
type Source interface {
	// View returns the present. Nobody changes it afterwards. It is asked for
	// at most four times a second, however many people look.
	View() View
	// Changes gives a signal after changes until ctx ends and then closes. One
	// signal may stand for many changes; a closed channel ends the live page,
	// which then connects again.
	Changes(ctx context.Context) <-chan struct{}
}

// A View is all that the pages show of one moment.
type View struct {
	Name     string         // of the site or of all; may be empty
	Zone     *time.Location // in which times are shown; nil: UTC
	Clock    Clock
	Plots    []Plot    // in the order of the registry: the page puts first what needs attention
	Stations []Station // likewise
	Parts    []Part    // in the order in which a reading walks through them
	Alerts   []Alert   // in any order: the page puts the worst first
	Clues    []Clue    // likewise
	Water    Water

	Ledger      Ledger
	DeadLetters []DeadLetters
	Command     string // a command line that sends a reading, to copy; empty: none is shown
}

// A Clock says how time runs.
type Clock struct {
	Stepped   bool // time is stepped, as in the demo; Options.Now then is the step clock
	Day, Days int  // of the season, counted from 1; 0 Days: no season
}

// A Plot is shown as one card.
type Plot struct {
	ID            devices.PlotID
	Name          string // empty: its id stands for it
	Dry           bool   // too dry, where there is no grade; the page only shows it
	FieldCapacity float64
	WiltingPoint  float64 // m3/m3, as FieldCapacity: marks on the moisture bars; 0: none
	Devices       []Device

	Grade        Grade
	WhyUnknown   []string // what an unknown grade lacks: codes of the catalogue, or quantities
	DepletionMM  *float64 // water that the root zone lacks, mm; nil: not known
	RAWMM        *float64 // lacking up to so much, the crop feels nothing, mm
	TAWMM        *float64 // all that the root zone can hold for the crop, mm
	RSMPct       *float64 // relative soil moisture, percent of field capacity
	DaysToStress *float64 // until the crop lacks water, without rain; 0: it does already
	Crop, Stage  string   // as the registry and the water balance name them
	AreaMu       float64
	Mode         devices.Mode
	Irrigating   bool // an irrigation of it is under way
	Advice       AdviceCode
	Held         string // why it is not watered although it needs it: a code of the catalogue; empty: it is not held
	Valves       []Valve
}

// A Station is shown as one card, apart from the plots.
type Station struct {
	ID      devices.StationID
	Devices []Device
}

// A Device is what a card tells of one device.
type Device struct {
	ID       devices.DeviceID
	Valve    bool          // it has to be reachable also between its readings
	Every    time.Duration // how often it is meant to report; 0: every 30 min
	At       time.Time     // event time of its newest reading; zero: none yet
	Values   []Value       // newest of each series, in any order
	Online   Online
	OnlineAt time.Time // since when, where known
	Firmware string
	Report   *devices.CommandReport // the newest of a valve; nil: none
	ReportAt time.Time
}

// A Value is the newest value of one series.
type Value struct {
	Key    devices.Key
	Number float64 // in the unit of the quantity
	Flags  devices.Flags
	At     time.Time
}

// Online says whether a device is connected, as far as that is known.
type Online uint8

// What may be known of a connection.
const (
	OnlineUnknown Online = iota
	IsOnline
	IsOffline
)

// A Ledger holds the terms of the conservation law, each counted where it happens.
type Ledger struct {
	Messages MessageLedger
	Values   ValueLedger
	Quiet    bool // nothing is on its way between two terms: now both must balance
}

// A MessageLedger counts messages: received = decoded + dead-lettered.
type MessageLedger struct{ Received, Decoded, DeadLettered int64 }

// A ValueLedger counts values: decoded = stored + duplicate + rejected + waiting
// + lost, where lost is 0 unless damage took records from the journal.
type ValueLedger struct{ Decoded, Stored, Duplicate, Rejected, Waiting, Lost int64 }

// DeadLetters are counted by reason. Reasons are the codes of the dead letters, such as bad_json.
type DeadLetters struct {
	Reason string
	Count  int64
}

// A PartName names a part of the program that can fail on its own.
type PartName string

// The parts that a page can name.
const (
	Broker   PartName = "broker"
	Journal  PartName = "journal"
	Database PartName = "database"
	Records  PartName = "records"
)

// A Part is one of them and how it is. Its worst condition counts.
type Part struct {
	Name       PartName
	Conditions []Condition
}

// A Condition is one thing to say of a part. Only the fields that its kind names are read.
type Condition struct {
	Kind        ConditionKind
	Since       time.Time
	Step, Steps int
	Elapsed     time.Duration
	First, Last uint64
	Count       int64
	Detail      string // shown as it is: an address, an error
}

// A ConditionKind fixes the sentence and the level of a condition.
type ConditionKind string

// The kinds of conditions, with the fields that they read.
const (
	BrokerReady       ConditionKind = "broker_ready" // Detail: where it listens
	BrokerStarting    ConditionKind = "broker_starting"
	BrokerUnreachable ConditionKind = "broker_unreachable" // Detail: which, Since
	BrokerRefusing    ConditionKind = "broker_refusing"    // it acknowledges nothing at the moment

	JournalReady    ConditionKind = "journal_ready"
	JournalChecking ConditionKind = "journal_checking"  // its records after an unclean stop
	JournalDiskFull ConditionKind = "journal_disk_full" // nothing is acknowledged
	JournalFull     ConditionKind = "journal_full"      // at its own cap: nothing is acknowledged
	JournalFailed   ConditionKind = "journal_failed"    // Detail: the error; nothing is acknowledged
	JournalLost     ConditionKind = "journal_lost"      // First, Last: sequences of the lost records
	JournalCrowded  ConditionKind = "journal_crowded"   // Count: readings that wait for the rules and find no room in memory

	DatabaseReady       ConditionKind = "database_ready"
	DatabaseBuilding    ConditionKind = "database_building" // Elapsed; Step, Steps: 0 where not known
	DatabaseStarting    ConditionKind = "database_starting"
	DatabaseUnreachable ConditionKind = "database_unreachable" // Since: zero where not known
	DatabaseCatchingUp  ConditionKind = "database_catching_up" // Count: values waiting
	DatabaseRefusing    ConditionKind = "database_refusing"    // Detail: the answer; the writer waits for a person
)

// The conditions of the records store, which the operator's page alone shows.
const (
	RecordsReady   ConditionKind = "records_ready"
	RecordsFailing ConditionKind = "records_failing" // Detail: the error; nothing is decided
)

// A level says how much a condition asks of people.
type level uint8

const (
	ok   level = iota
	busy       // on its way to ok
	warn       // recovers by itself, nothing is lost
	bad        // needs a person, or nothing is acknowledged
)

// levels knows every kind of condition.
func levels() map[ConditionKind]level {
	return map[ConditionKind]level{
		BrokerReady: ok, BrokerStarting: busy, BrokerUnreachable: warn, BrokerRefusing: warn,
		JournalReady: ok, JournalChecking: busy, JournalDiskFull: bad, JournalFull: bad, JournalFailed: bad, JournalLost: bad, JournalCrowded: warn,
		DatabaseReady: ok, DatabaseBuilding: busy, DatabaseStarting: busy, DatabaseUnreachable: warn, DatabaseCatchingUp: ok, DatabaseRefusing: bad,
		RecordsReady: ok, RecordsFailing: bad,
	}
}
