package valve

import "slices"

// mostMissed bounds the leases that were given up and are remembered: more than
// the rules try while the words of a valve are under way.
const mostMissed = 8

// giveUp lets go of a lease that the valve may have taken all the same.
func (v *Valve) giveUp(l *Lease) {
	if v.Pending == l {
		v.Pending = nil
	}
	v.Missed = append(v.Missed, *l)
	if len(v.Missed) > mostMissed {
		v.Missed = slices.Delete(v.Missed, 0, 1)
	}
}

// missed reports whether a lease was given up.
func (v *Valve) missed(command string) bool {
	return slices.ContainsFunc(v.Missed, func(l Lease) bool { return l.is(command) })
}

// takeUp returns a lease that was given up. Those before it are over.
func (v *Valve) takeUp(command string) *Lease {
	i := slices.IndexFunc(v.Missed, func(l Lease) bool { return l.is(command) })
	l := v.Missed[i]
	v.Missed = slices.Delete(v.Missed, 0, i+1)
	if len(v.Missed) == 0 {
		v.Missed = nil
	}
	return &l
}
