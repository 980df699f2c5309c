package dashboards

import (
	"slices"
	"time"

	"ganlin/devices"
)

// A Grade says how dry a plot is, as the program judges. Empty: nobody judges it.
type Grade string

// The grades, from what nobody knows to the worst.
const (
	GradeUnknown  Grade = "unknown"
	GradeNone     Grade = "none"
	GradeLight    Grade = "light"
	GradeModerate Grade = "moderate"
	GradeSevere   Grade = "severe"
	GradeExtreme  Grade = "extreme"
)

// rank is the grade's place among the grades; higher is drier.
func (g Grade) rank() int {
	return slices.Index([]Grade{GradeUnknown, GradeNone, GradeLight, GradeModerate, GradeSevere, GradeExtreme}, g)
}

// bare reports that no crop stands on a plot of a stage, so that none lacks water.
func bare(stage string) bool { return stage == "before" || stage == "harvested" }

// A ValveState is what is known of a valve.
type ValveState string

// The states of a valve. Unknown is taken for open.
const (
	ValveClosed    ValveState = "closed"
	ValveRequested ValveState = "requested" // an open is on its way and not answered
	ValveAccepted  ValveState = "accepted"  // the valve said that it will open
	ValveOpen      ValveState = "open"
	ValveClosing   ValveState = "closing"
	ValveUnknown   ValveState = "unknown"
)

// A Valve is what a card tells of one valve. Its readings are those of the device of the same id.
type Valve struct {
	ID         devices.DeviceID
	State      ValveState
	Locked     bool      // it is opened by nobody before somebody has looked at it, or it has said that it is closed
	Silent     bool      // the last commands to open it came to nothing
	Leaking    bool      // water runs through it although it is closed
	OpenSince  time.Time // zero: not open, or not known
	Until      time.Time // it closes by itself by then; zero: not known
	DeliveredL *float64  // of this opening, litres; nil: no meter
	CommandedL *float64  // likewise
}

// unknown reports whether nobody knows if it is open.
func (v Valve) unknown() bool { return v.State == ValveUnknown || v.State == "" }

// wet reports whether water may be running.
func (v Valve) wet() bool { return v.State == ValveOpen || v.State == ValveClosing }

// An AlertState says how sure an alert is.
type AlertState string

// The states of an alert that a page shows.
const (
	AlertFiring  AlertState = "firing"
	AlertUnknown AlertState = "unknown" // it was firing, or may be: what it needs is missing
	AlertPending AlertState = "pending" // it holds, but not for long enough
)

// An Alert is one thing that a rule wants people to know.
type Alert struct {
	ID       string // of the decision, for whoever wants it explained
	Rule     string // its words are those of the catalogue; of an unknown rule its id
	Subject  string // the plot, device, station or rule that it is about
	PlotName string // of the plot that it is about; empty: Subject stands for it
	Severity string // info, warning or critical, as in devices.Decision
	State    AlertState
	Since    time.Time
	Numbers  map[string]float64 // as in devices.Decision
}

// A Clue says that a household's fields are likely to lose much. It is for a
// person to verify. Whose it is it does not say: that is for an Errand, whose readers are written down.
type Clue struct {
	ID         string
	Level      string // blue, yellow, orange, red or unknown, as in devices.Decision
	LossLow    *float64
	LossMid    *float64 // share of the yield that is likely lost, from 0 to 1; nil: not known
	LossHigh   *float64
	Since      time.Time
	Plots      []string // names or ids of the plots affected
	Confidence string   // low, medium or high; empty: not given
}

// Water is how much the valves of all plots delivered. All zero: nothing is shown.
type Water struct {
	TodayL, SeasonL float64 // litres
	Openings        int     // of the season
}
