package firmware

import (
	"math"
	"slices"
	"time"

	"ganlin/devices"
)

// A State is what a device has in its flash: kept and restored, it goes on as
// if nothing had been. What it has not sent yet lies in memory and is no part of it.
type State struct {
	Now   time.Time   `json:"now"`
	Seq   int64       `json:"seq"`
	Sent  int64       `json:"sent"`
	Valve *ValveState `json:"valve,omitempty"`
}

// A ValveState is the lease machine with its meter.
type ValveState struct {
	LastSeq  int64     `json:"last_seq"`
	Recent   []string  `json:"recent,omitempty"`
	Pending  []Pending `json:"pending,omitempty"`
	Open     bool      `json:"open,omitempty"`
	LimitL   float64   `json:"limit_l,omitempty"` // 0: none
	TotalL   float64   `json:"total_l"`
	UnspentL float64   `json:"unspent_l,omitempty"`
	Last     *Opening  `json:"last,omitempty"` // opening; it runs on when the valve is open
}

// A Pending is a command under way.
type Pending struct {
	At      time.Time       `json:"at"`
	Command devices.Command `json:"command"`
}

// State returns the device as it is.
func (d *Device) State() State {
	d.mu.Lock()
	defer d.mu.Unlock()
	s := State{Now: d.now, Seq: d.seq, Sent: d.lastSent}
	if d.valve != nil {
		s.Valve = d.valve.kept()
	}
	return s
}

// Restore puts a new device into a state that a device of the same options was
// in. Its radio must not have run yet.
func (d *Device) Restore(s State) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.now, d.taken, d.seq, d.lastSent = s.Now, s.Now, s.Seq, s.Sent
	if d.valve != nil && s.Valve != nil {
		d.valve.restore(*s.Valve, s.Now)
	}
}

func (v *valve) kept() *ValveState {
	s := &ValveState{LastSeq: v.lastSeq, Recent: slices.Clone(v.recent), Open: v.open, TotalL: v.totalL, UnspentL: v.unspentL}
	if v.open && !math.IsInf(v.limitL, 1) {
		s.LimitL = v.limitL
	}
	for _, p := range v.pending {
		s.Pending = append(s.Pending, Pending{p.at, p.cmd})
	}
	if len(v.openings) > 0 {
		last := *v.opening()
		s.Last = &last
	}
	return s
}

func (v *valve) restore(s ValveState, now time.Time) {
	v.now, v.lastSeq, v.recent, v.open, v.totalL, v.unspentL = now, s.LastSeq, s.Recent, s.Open, s.TotalL, s.UnspentL
	v.limitL = s.LimitL
	if s.LimitL == 0 {
		v.limitL = math.Inf(1)
	}
	for _, p := range s.Pending {
		v.pending = append(v.pending, act{p.At, p.Command})
	}
	if s.Last != nil {
		v.openings = []Opening{*s.Last}
	}
}
