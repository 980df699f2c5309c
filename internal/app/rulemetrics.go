package app

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"ganlin/dashboards"
	"ganlin/internal/valves"
	"ganlin/rules"
	"ganlin/rules/condition"
	"ganlin/rules/valve"
)

// The metrics of the rules and of the valves.
var (
	evaluationsDesc = desc("ganlin_rules_evaluations_total", "How often this process looked at a rule for a plot, valve, station or device.")
	delayDesc       = desc("ganlin_rules_watermark_delay_seconds", "How far behind the clock the rules of the site are that is furthest behind; facts may be on their way for ten minutes.")
	heldDesc        = desc("ganlin_rules_waiting", "Readings that the rules have not come to yet, by where they wait: in memory, or in the journal alone. A valve's report counts as 32.", "place")
	alertsDesc      = desc("ganlin_alerts", "Alerts that are not over, by state and severity.", "state", "severity")
	valvesDesc      = desc("ganlin_valves", "Valves by what is known of them; all but closed count as open.", "state")
	commandsDesc    = desc("ganlin_valve_commands_total", "Commands to valves of this process by what became of them.", "result")
)

// A tally is what all sites count together.
type tally struct {
	alerts    map[rules.AlertCount]int
	valves    map[valve.State]int
	watermark time.Time // of the site that is furthest behind; zero: nothing is decided yet
}

func (p *program) tally() tally {
	all := tally{alerts: map[rules.AlertCount]int{}, valves: map[valve.State]int{}}
	for _, s := range p.engine.Views().Sites {
		if w := s.Watermark; !w.IsZero() && (all.watermark.IsZero() || w.Before(all.watermark)) {
			all.watermark = w
		}
		for which, count := range s.Tally.Alerts {
			all.alerts[which] += count
		}
		for state, count := range s.Tally.Valves {
			all.valves[state] += count
		}
	}
	return all
}

// valveStates returns what may be known of a valve.
func valveStates() []valve.State {
	return []valve.State{valve.Closed, valve.Requested, valve.Accepted, valve.Open, valve.Closing, valve.Unknown}
}

// collectRules reads what the rules and the valves count. States without any
// are there with 0, so that an alarm on one has something to look at.
func (p *program) collectRules(counter, gauge func(d *prometheus.Desc, v float64, labels ...string)) {
	n := p.tally()
	counter(evaluationsDesc, float64(p.engine.Evaluations()))
	if !n.watermark.IsZero() {
		gauge(delayDesc, p.clock.Now().Sub(n.watermark).Seconds())
	}
	waiting := p.engine.Waiting()
	gauge(heldDesc, float64(waiting.Held), "memory")
	gauge(heldDesc, float64(waiting.Left), "journal")
	for _, state := range []condition.State{condition.Pending, condition.Firing, condition.UnknownData} {
		for _, severity := range []string{condition.Info, condition.Warning, condition.Critical} {
			gauge(alertsDesc, float64(n.alerts[rules.AlertCount{State: state, Severity: severity}]), string(state), severity)
		}
	}
	for _, state := range valveStates() {
		gauge(valvesDesc, float64(n.valves[state]), string(state))
	}
	for _, t := range commandTallies(p.valves.Stats()) {
		counter(commandsDesc, float64(t.Count), t.Code)
	}
}

// commandTallies counts commands by what became of them.
func commandTallies(sent valves.Stats) []dashboards.Tally {
	return []dashboards.Tally{
		{Code: "confirmed", Count: sent.Confirmed},
		{Code: "rejected", Count: sent.Rejected},
		{Code: "expired", Count: sent.Expired},
		{Code: "failed", Count: sent.Failed},
		{Code: "superseded", Count: sent.Superseded},
		{Code: "unanswered", Count: sent.Unanswered},
	}
}
