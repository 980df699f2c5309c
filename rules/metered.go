package rules

import (
	"cmp"
	"math"

	"ganlin/devices"
	"ganlin/rules/irrigate"
	"ganlin/rules/valve"
)

// How the water of an opening is told where it is not the meter's word.
const (
	byFlow      = "delivered_by_flow"
	asCommanded = "delivered_as_commanded"
	tooLittle   = "meter_too_little" // it stands still, or has hardly moved
	tooMuch     = "meter_too_much"   // no valve brings that
	notKnown    = "delivered_not_known"
)

// A meter is believed up to unlikely times what its opening can have brought,
// and down to the part hardly of the usual flow or, where none is known, of
// supposedLPM, once water has run for settlesS seconds. The limits are ours.
const (
	unlikely    = 2
	hardly      = 0.1
	supposedLPM = 50
	settlesS    = 10
)

// A delivery is the water of an opening that is over.
type delivery struct {
	litres  *float64 // nil: nobody knows; between nothing and mostL
	mostL   float64  // what it is at the worst
	guessed bool     // mostL follows from no lease and no flow of this valve
	metered bool     // litres are the meter's word
	how     string   // else, by name
}

// delivered judges what a valve's meter says of an opening: a broken one is not
// believed, and what may have run instead counts.
func (s *Site) delivered(where *parcel, id devices.DeviceID, e *valve.Ended) delivery {
	g := s.state.Valves[id]
	longest := g.Valve.Limits.MaxDurationS
	patience := valve.Patience.Seconds()
	named := where.flow(id)
	flow := max(g.RateLPM, named)
	most := func(seconds float64) float64 {
		return max(e.CommandedL, cmp.Or(flow, irrigate.UnknownLPM)/60*seconds)
	}
	least := hardly * cmp.Or(flow, supposedLPM) / 60 * (within(e.DurationS, cmp.Or(e.CommandedS, longest)) - settlesS)
	if e.CommandedL > 0 {
		least = min(least, e.CommandedL-1) // it has done all that was asked of it, to the litre
	}
	d := delivery{mostL: most(within(e.DurationS, longest)), guessed: flow == 0 && e.CommandedL == 0}
	switch l := e.DeliveredL; {
	case l != nil && *l > unlikely*most(e.DurationS+patience):
		d.how = tooMuch
	case l != nil && *l < least, l == nil && e.Still:
		d.how = tooLittle
	case l != nil:
		d = delivery{litres: l, mostL: *l, metered: true}
	case flow == 0, e.DurationS > within(e.DurationS, longest)+patience, e.Assumed && e.CommandedL == 0:
		d.how = notKnown
	case e.Assumed:
		d = delivery{litres: &e.CommandedL, mostL: e.CommandedL, how: asCommanded}
	default:
		litres := cmp.Or(g.RateLPM, named) / 60 * e.DurationS
		d = delivery{litres: &litres, mostL: litres, how: byFlow}
	}
	return d
}

// within is how long a valve that was open for so many seconds, as far as anybody
// saw, can have been: its own timer ends an opening. 0: it has none.
func within(seconds float64, timerS int) float64 {
	if timerS <= 0 {
		return seconds
	}
	return math.Min(seconds, float64(timerS))
}

// flow is what the registry says that a valve of a parcel lets through, in litres a minute; 0: nothing.
func (p *parcel) flow(id devices.DeviceID) float64 {
	for k := range p.valves {
		if p.valves[k].ID == id {
			return p.valves[k].FlowLPM
		}
	}
	return 0
}
