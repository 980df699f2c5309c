package app

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"ganlin/rules"
	"ganlin/rules/condition"
	"ganlin/rules/valve"
)

// The metrics of the rules and of the valves.
var (
	evaluationsDesc = desc("ganlin_rules_evaluations_total", "How often this process looked at a rule for a plot, valve, station or device.")
	delayDesc       = desc("ganlin_rules_watermark_delay_seconds", "How far behind the clock the rules of the site are that is furthest behind; facts may be on their way for ten minutes.")
	alertsDesc      = desc("ganlin_alerts", "Alerts that are not over, by state and severity.", "state", "severity")
	valvesDesc      = desc("ganlin_valves", "Valves by what is known of them; all but closed count as open.", "state")
	commandsDesc    = desc("ganlin_valve_commands_total", "Commands to valves of this process by what became of them.", "result")
)

// collectRules reads what the rules and the valves count. States without any
// are there with 0, so that an alarm on one has something to look at.
func (p *program) collectRules(counter, gauge func(d *prometheus.Desc, v float64, labels ...string)) {
	alerts, states := map[rules.AlertCount]int{}, map[valve.State]int{}
	var watermark time.Time
	p.engine.Look(func(s *rules.Site) {
		if w := s.Watermark(); !w.IsZero() && (watermark.IsZero() || w.Before(watermark)) {
			watermark = w
		}
		n := s.Tally()
		for which, count := range n.Alerts {
			alerts[which] += count
		}
		for state, count := range n.Valves {
			states[state] += count
		}
	})
	counter(evaluationsDesc, float64(p.engine.Evaluations()))
	if !watermark.IsZero() {
		gauge(delayDesc, p.clock.Now().Sub(watermark).Seconds())
	}
	for _, state := range []condition.State{condition.Pending, condition.Firing, condition.UnknownData} {
		for _, severity := range []string{condition.Info, condition.Warning, condition.Critical} {
			gauge(alertsDesc, float64(alerts[rules.AlertCount{State: state, Severity: severity}]), string(state), severity)
		}
	}
	for _, state := range []valve.State{valve.Closed, valve.Requested, valve.Accepted, valve.Open, valve.Closing, valve.Unknown} {
		gauge(valvesDesc, float64(states[state]), string(state))
	}
	sent := p.valves.Stats()
	for result, n := range map[string]int64{
		"confirmed": sent.Confirmed, "rejected": sent.Rejected, "expired": sent.Expired, "failed": sent.Failed,
		"superseded": sent.Superseded, "unanswered": sent.Unanswered,
	} {
		counter(commandsDesc, float64(n), result)
	}
}
