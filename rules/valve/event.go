package valve

import (
	"time"

	"ganlin/devices"
)

// A Kind says what happened to a valve.
type Kind string

// What became of an open: of each that was commanded exactly one of WasOpened,
// Rejected, Expired, Failed, Unanswered and Cancelled is told, of one that was
// given up possibly WasOpened later.
const (
	WasAccepted Kind = "accepted"
	WasOpened   Kind = "opened"
	Rejected    Kind = "rejected"
	Expired     Kind = "expired"    // not accepted in time: the device was not there, and it obeys no open that is late
	Unanswered  Kind = "unanswered" // accepted, then not a word; an alarm
	Cancelled   Kind = "cancelled"  // overtaken by a close
)

// Obeyed tells that the valve has closed after a close. Of each close exactly one
// of Obeyed and Cancelled (overtaken by another close, or of no more use) is told;
// one of which neither was told is to be sent again after a restart.
const Obeyed Kind = "obeyed"

// What else happens.
const (
	WasClosed  Kind = "closed"      // it has closed; Ended tells of the opening, if there was one
	CloseSent  Kind = "close_sent"  // the machine commands a close by itself
	HandOpened Kind = "by_hand"     // opened by a person at the valve
	FoundOpen  Kind = "found_open"  // open, and nobody knows why; an alarm
	Late       Kind = "late"        // opened for a command that had expired; an alarm
	Failed     Kind = "failed"      // the valve does not know its own position; an alarm
	Overdue    Kind = "overdue"     // still open after its lease; an alarm
	NotClosing Kind = "not_closing" // told to close, not closed; an alarm
	Leak       Kind = "leak"        // closed, but the meter turns; an alarm
	StillMeter Kind = "still_meter" // open, but the meter stands still: it qualifies the opening, no more
)

// Why the machine closes a valve by itself, besides FoundOpen, Late and the alarms
// that tell of one that is lost or leaks. They are no events.
const (
	OnStop   Kind = "stopped"   // an emergency stop is in force
	LeftOpen Kind = "left_open" // opened by hand, and its longest opening is over
	Unheard  Kind = "unheard"   // nothing is known of it yet
)

// Alarm reports whether somebody has to know of it.
func (k Kind) Alarm() bool {
	switch k {
	case Unanswered, FoundOpen, Late, Failed, Overdue, NotClosing, Leak:
		return true
	}
	return false
}

// An Event is something that happened to a valve, with what is to be sent because of it.
type Event struct {
	Kind    Kind
	At      time.Time // event time
	Command string    // the id of the command that it is about; empty: none
	State   State     // of the valve after it
	Reason  string    // the device's own
	Why     Kind      // of CloseSent: what it is closed for
	FlowLPM float64   // litres a minute, of Leak and StillMeter
	Ended   *Ended
	Send    *devices.Command // to be persisted, then sent
}

// Ended is the account of an opening that is over.
type Ended struct {
	Command    string // empty: by hand, or nobody knows
	CommandedS int    // seconds; 0 without a command
	CommandedL float64
	DeliveredL *float64 // by the valve's own meter; nil: not known
	OpenedAt   time.Time
	ClosedAt   time.Time
	DurationS  float64
	Assumed    bool // nobody saw it open: OpenedAt is when it was accepted
	Still      bool // the meter did not turn
	By         Ending
}

// An Ending says what ended an opening.
type Ending string

// The endings.
const (
	ByLease   Ending = "lease" // its time or its water was used up
	ByCommand Ending = "command"
	ByHand    Ending = "hand"
	ByPerson  Ending = "person" // who has seen it shut and said so
)

func (v *Valve) event(k Kind, at time.Time, e Event) Event {
	e.Kind, e.At, e.State = k, at, v.State
	return e
}
