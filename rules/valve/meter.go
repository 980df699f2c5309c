package valve

import "time"

// A meter counts as still below creepLPM, in litres a minute. Where a person saw
// the valve shut and the meter turn all the same, it is what it showed then, no
// more than mostCreepLPM, and creepMore of it later on.
const (
	creepLPM     = 0.5
	mostCreepLPM = 5
	creepMore    = 1.25
)

// Turns reports whether a meter shows that water runs. One that turned although a
// person had seen the valve shut has to show more than it did then.
func (v *Valve) Turns(lpm float64) bool { return lpm > max(creepLPM, creepMore*v.CreepLPM) }

// Flow takes a reading of the valve's meter: the flow at that moment, in litres
// a minute, not the mean over a time in which the valve moved.
func (v *Valve) Flow(lpm float64, at time.Time) []Event {
	turns := v.Turns(lpm)
	if lpm <= creepLPM {
		v.CreepLPM = 0 // it stands still after all
	}
	switch {
	case v.State == Open && !turns && !v.Opening.Still && at.Sub(v.Opening.OpenedAt) >= Patience:
		v.Opening.Still = true
		return []Event{v.event(StillMeter, at, Event{Command: v.Opening.Command, FlowLPM: lpm})}
	case v.State != Closed || at.Sub(v.Since) < Patience: // what is left in the pipe runs out
		return nil
	case !turns:
		v.still()
		return nil
	case v.Flowing.IsZero():
		v.Flowing = at
	}
	v.FlowLPM = lpm
	return v.leak(at)
}

// still ends a leak.
func (v *Valve) still() {
	if v.Leaking {
		v.Leaking = false
		v.awaitNothing()
	}
	v.Flowing, v.FlowLPM = time.Time{}, 0
}

// leak tells of water that has run for too long to be what was left in the pipe.
func (v *Valve) leak(at time.Time) []Event {
	if v.State != Closed || v.Leaking || v.Flowing.IsZero() || at.Sub(v.Flowing) < Patience {
		return nil
	}
	v.Leaking = true
	return []Event{v.event(Leak, at, Event{FlowLPM: v.FlowLPM}), v.shutAgain(at, Leak)}
}
