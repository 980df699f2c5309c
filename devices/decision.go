package devices

import "time"

// A DecisionKind says what was decided.
type DecisionKind string

// The kinds of decisions.
const (
	BalanceDecision    DecisionKind = "balance"    // a plot's water balance of one day
	AlertDecision      DecisionKind = "alert"      // an alert changed its state
	IrrigationDecision DecisionKind = "irrigation" // a plot is to be watered, or no longer
	CommandDecision    DecisionKind = "command"    // a valve is commanded, or a command has ended
	LedgerDecision     DecisionKind = "ledger"     // an opening is over: what was commanded and delivered
	ResponseDecision   DecisionKind = "response"   // an opening's water has soaked in: what the soil gained
	ClueDecision       DecisionKind = "clue"       // a household's clue was raised, changed or withdrawn
	ValveDecision      DecisionKind = "valve"      // a valve moved, or leaks, and no command is the reason
	ActDecision        DecisionKind = "act"        // a person stopped all valves, ended that, or cleared one
)

// A Decision is one thing that the rules decided, with its evidence. Its id
// follows from what it is about, so the same facts give the same id.
type Decision struct {
	ID        string             `json:"id"`
	At        time.Time          `json:"at"` // event time
	Site      SiteID             `json:"site"`
	Subject   string             `json:"subject"` // the plot, valve, device, household or rule that it is about
	Plot      PlotID             `json:"plot,omitempty"`
	Rule      string             `json:"rule"`
	Version   string             `json:"version"` // of the rule: the first 12 hexadecimal digits of its SHA-256
	Kind      DecisionKind       `json:"kind"`
	Outcome   string             `json:"outcome"`            // such as firing, resolved, open, raised
	Severity  string             `json:"severity,omitempty"` // of an alert: info, warning or critical; of a clue its level
	Numbers   map[string]float64 `json:"numbers,omitempty"`  // what the rule saw, by name; the unit is in the name
	Texts     map[string]string  `json:"texts,omitempty"`    // likewise
	Unknown   []string           `json:"unknown,omitempty"`  // what the rule would have needed and nobody knows, sorted
	Estimated []string           `json:"estimated,omitempty"`
	Evidence  []Evidence         `json:"evidence,omitempty"` // the readings behind the numbers
	Command   *Command           `json:"command,omitempty"`  // to Subject
	Points    []Point            `json:"-"`                  // what is to be stored of it
}

// Evidence is a reading that a decision was made of.
type Evidence struct {
	Device   DeviceID  `json:"device"`
	Key      string    `json:"key"`
	Value    float64   `json:"value"`
	At       time.Time `json:"at"`
	Received time.Time `json:"received"` // not part of what identifies the decision
}

// A Point is a derived row of the time series store. Its tags besides those of
// its location are few and bounded.
type Point struct {
	Measurement Measurement // one of the derived ones
	Location    Location
	Valve       DeviceID // of the ledger
	Rule        string   // of an alert
	Severity    string   // of an alert
	At          time.Time
	Numbers     map[string]float64 // stored as floats
	Integers    map[string]int64
	Texts       map[string]string
}

// The derived measurements. What is in them is no reading and no term of the accounting.
const (
	BalanceMeasurement Measurement = "balance"
	LedgerMeasurement  Measurement = "ledger"
	AlertMeasurement   Measurement = "alert"
	ClueMeasurement    Measurement = "clue"
)

// A Version says by what is decided from now on.
type Version struct {
	Registry  string `json:"registry"`             // by content hash
	Rules     string `json:"rules"`                // likewise
	LatenessS int    `json:"lateness_s,omitempty"` // how long facts may be on their way, seconds; 0: a step waits for them
}

// An Act is what a person did that the rules have to know of.
type Act struct {
	ID     string    `json:"id"`
	At     time.Time `json:"at"`
	Action ActAction `json:"action"`
	By     string    `json:"by"`               // an account, never a name
	Reason string    `json:"reason,omitempty"` // a code, never free text

	Valve   DeviceID `json:"valve,omitempty"`   // of OpenAct, CloseAct and ClearAct
	Command *Command `json:"command,omitempty"` // of OpenAct and CloseAct: what it is told
}

// An ActAction is one of the things that a person can do.
type ActAction string

// The acts. A stop closes everything and lets nothing open until a resume; an
// open is a lease like any other, and a close also keeps the rules from
// watering the plot again for a while. A clear is the word of a person who has
// looked at a valve that it is shut.
const (
	StopAct   ActAction = "stop"
	ResumeAct ActAction = "resume"
	OpenAct   ActAction = "open"
	CloseAct  ActAction = "close"
	ClearAct  ActAction = "clear"
)
