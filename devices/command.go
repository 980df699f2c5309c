package devices

import (
	"fmt"
	"time"
)

// An Action is what a command asks of a valve.
type Action string

// The actions. A close is always obeyed and always answered.
const (
	Open   Action = "open"
	Close  Action = "close"
	Report Action = "report"
)

// A Command asks a valve to act. An open is a lease: it carries its own end.
type Command struct {
	ID           string    `json:"id"`
	Seq          int64     `json:"seq"`
	Action       Action    `json:"action"`
	MaxDurationS int       `json:"max_duration_s,omitempty"` // seconds; required to open
	MaxVolumeL   float64   `json:"max_volume_l,omitempty"`   // litres; 0: no limit by volume
	ExpiresAt    time.Time `json:"expires_at,omitzero"`      // required to open: later than this it is ignored
}

// Validate reports whether the command may be sent or obeyed.
func (c Command) Validate() error {
	switch {
	case c.ID == "":
		return fmt.Errorf("command has no id")
	case c.Action != Open && c.Action != Close && c.Action != Report:
		return fmt.Errorf("command %s: action %s is neither open, close nor report", c.ID, quote(string(c.Action)))
	case c.Action == Open && c.MaxDurationS <= 0:
		return fmt.Errorf("command %s: an open needs max_duration_s above 0", c.ID)
	case c.Action == Open && c.ExpiresAt.IsZero():
		return fmt.Errorf("command %s: an open needs expires_at", c.ID)
	case c.MaxVolumeL < 0:
		return fmt.Errorf("command %s: max_volume_l is below 0", c.ID)
	}
	return nil
}

// A CommandState is what a device says of a command, or of itself.
type CommandState string

// The states of a report.
const (
	Accepted CommandState = "accepted"
	Opened   CommandState = "open"
	Closed   CommandState = "closed"
	Rejected CommandState = "rejected"
	Expired  CommandState = "expired"
	Failed   CommandState = "failed"
)

// A CommandReport is a valve's answer. With an empty Command it tells of a
// change by hand or by the valve's own timer.
type CommandReport struct {
	Command string       `json:"command"`
	State   CommandState `json:"state"`
	At      time.Time    `json:"at"`
	Seq     int64        `json:"seq"`
	VolumeL *float64     `json:"volume_l,omitempty"` // litres since that open; nil without a meter
	Reason  string       `json:"reason,omitempty"`
}

// Validate reports whether the state is one of the contract's.
func (r CommandReport) Validate() error {
	switch r.State {
	case Accepted, Opened, Closed, Rejected, Expired, Failed:
		return nil
	}
	return fmt.Errorf("report state %s is none of accepted, open, closed, rejected, expired, failed", quote(string(r.State)))
}

// A Presence is a device's own word on whether it is connected; its last will says offline.
type Presence struct {
	Online   bool      `json:"online"`
	Firmware string    `json:"firmware,omitempty"`
	At       time.Time `json:"at,omitzero"` // of an offline status the receive time counts: a will is written at connect
	Seq      int64     `json:"seq,omitempty"`
}
