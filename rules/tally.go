package rules

import (
	"ganlin/rules/condition"
	"ganlin/rules/valve"
)

// A Tally counts what a site has, for metrics.
type Tally struct {
	Alerts map[AlertCount]int
	Valves map[valve.State]int
}

// An AlertCount is what alerts are counted by.
type AlertCount struct {
	State    condition.State
	Severity string
}

// Tally counts the alerts that are under way, and the valves.
func (s *Site) Tally() Tally {
	n := Tally{map[AlertCount]int{}, map[valve.State]int{}}
	for key, a := range s.state.Alerts {
		if r := s.judged(key); r != nil {
			n.Alerts[AlertCount{a.State, r.Severity}]++
		}
	}
	for _, g := range s.state.Valves {
		n.Valves[g.Valve.State]++
	}
	return n
}
