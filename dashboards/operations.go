package dashboards

import (
	"context"
	"time"

	"ganlin/devices"
)

// Operations tell the operator's page how the program is. The methods may be called from any goroutine.
type Operations interface {
	// Machine returns the present. It does not wait for what may be broken: what
	// does not answer soon is left out, and that it is. Nobody changes what it returns.
	Machine(ctx context.Context) Machine
	// Letters returns at most limit dead letters older than the one named, the newest
	// first and without payloads. An empty name begins at the newest.
	Letters(ctx context.Context, after string, limit int) ([]Letter, error)
	// Letter returns one dead letter, or ErrNothing.
	Letter(ctx context.Context, id string) (Letter, error)
}

// OperationsAddress is where the operator's page is. Below it lie StopAddress
// and ResumeAddress, where its forms go.
const (
	OperationsAddress = "/operations"
	StopAddress       = OperationsAddress + "/stop"
	ResumeAddress     = OperationsAddress + "/resume"
	lettersAddress    = OperationsAddress + "/deadletters"
	runbooksAddress   = OperationsAddress + "/runbooks"
)

// A Machine is how the program is at one moment. Ages and delays are measured
// by whoever fills it, on the clock that they belong to.
type Machine struct {
	Zone     *time.Location // nil: UTC
	ClockOff bool           // this machine's clock cannot be right
	Parts    []Part         // broker, journal, database and records
	Ledger   Ledger
	Rejected []Tally // values, by reason

	Broker   BrokerFigures
	Journal  JournalFigures
	Readers  []ReaderFigures
	Database DatabaseFigures
	Rules    RuleFigures
	Valves   ValveFigures
	Devices  []Sensor // of the registry
	Letters  LetterFigures
	Notices  []ChannelFigures // messages to farmers; nil: not known
	Webhooks WebhookFigures
	Process  ProcessFigures
}

// A Tally is how many there are of something with a code.
type Tally struct {
	Code  string
	Count int64
}

// BrokerFigures are of the embedded broker.
type BrokerFigures struct {
	Embedded  bool // there is one; else Connected and Refused say nothing
	Connected int
	Refused   []Tally // logins and publishes since the start, by reason
	QoS0      int64   // messages of QoS 0 since the start, from any broker
}

// JournalFigures are of the journal.
type JournalFigures struct {
	Generation uint32
	Sequence   uint64 // of the newest record
	Bytes, Max int64  // of the stream; Bytes below 0: not known
	Free       int64  // bytes on its disk; below 0: not known
	Lost       int64  // records
	Took       Spread // to put a record on disk
}

// A Spread is how long something usually takes, since the start.
type Spread struct {
	Count    int64 // 0: it has not happened yet
	P50, P99 time.Duration
}

// ReaderFigures are of a reader of the journal.
type ReaderFigures struct {
	Name    string
	Records uint64        // that it has not handled yet
	By      time.Duration // how old what it handled last is; 0: not known, or nothing waits
}

// DatabaseFigures are of what writes to the database.
type DatabaseFigures struct {
	Stored, Waiting int64
	Since           *time.Duration // the last write that was accepted; nil: none since the start
	Took            Spread         // a write
}

// RuleFigures are of what decides.
type RuleFigures struct {
	Tick, Watermark      time.Time     // zero: none yet
	Delay                time.Duration // of the watermark
	TickAge              time.Duration // 0: time is stepped, so no tick is late
	Late                 int64         // facts that came too late to change a decision
	Broken               int           // rules that cannot be worked out
	Registry, RuleSet    string        // their versions, as hashes
	Rules, Sites, Alerts int           // in force; alerts that fire
}

// ValveFigures are of valves and the commands to them.
type ValveFigures struct {
	States    []Tally // by what is known of them
	NotShut   int     // told to close more than ten minutes ago and not closed
	Commands  []Tally // of this process, by what became of them
	UnderWay  int64   // commands without an answer
	Stopped   bool    // an emergency stop is in force
	StoppedAt time.Time
	StoppedBy string
	Taps      []StopTap // all that a stop closes
}

// A StopTap is a valve as an emergency stop sees it.
type StopTap struct {
	Valve
	Plot      string // its name
	Reachable Online
	Stop      StopState // empty: no stop is in force
}

// A StopState is what became of the close of an emergency stop.
type StopState string

// What becomes of it.
const (
	StopClosed     StopState = "closed"
	StopClosing    StopState = "closing" // it has agreed
	StopAsked      StopState = "asked"   // told again and again until it answers
	StopOutOfReach StopState = "out_of_reach"
	StopRefused    StopState = "refused"
	StopOpened     StopState = "opened" // by hand, after it had closed
)

// A Sensor is a device of the registry, and where it stands.
type Sensor struct {
	Device
	Plot    devices.PlotID
	Name    string // of the plot
	Station devices.StationID
}

// LetterFigures are of the dead letters.
type LetterFigures struct {
	Known    bool // the records store answers; else the rest is empty
	ByReason []Tally
	Newest   []Letter
	Hour     int   // of the last hour, as far as Newest tells
	Dropped  int64 // letters and payloads that made room for newer ones
}

// ChannelFigures are of one channel of messages to farmers.
type ChannelFigures struct {
	Name            string
	Waiting, Failed int64 // Failed: of this process
}

// WebhookFigures are of those who are sent signals.
type WebhookFigures struct {
	Known                   bool
	Waiting                 int64 // signals, summed over the webhooks
	Well, Failing, Disabled int
}

// ProcessFigures are of the process.
type ProcessFigures struct {
	Up         time.Duration
	Version    string
	Runtime    string // what it runs on
	Memory     int64  // bytes; 0: not known
	Goroutines int
}

// A Letter is what could not be read or stored.
type Letter struct {
	ID       string
	Received time.Time
	Device   devices.DeviceID // empty: the topic names none
	Topic    string
	Reason   string
	Detail   string // what is wrong, where, and how to mend it
	Codec    string
	Part     bool   // only a part of a message: the rest was kept
	Length   int    // of the message as it came, bytes
	SHA256   string // of what Payload is only the beginning of; empty: it is all there
	Payload  []byte
}
