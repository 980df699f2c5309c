package app

import (
	"context"
	"net/http"

	"ganlin/dashboards/words"
	"ganlin/internal/auth"
	"ganlin/internal/httpapi"
	"ganlin/internal/influx"
)

// openAPI makes the handler of /api/v1 and what lies beside it.
func (p *program) openAPI(live http.Handler) (http.Handler, error) {
	catalogue, err := words.New()
	if err != nil {
		return nil, err
	}
	p.history = influx.NewClient(p.endpoint, nil)
	o := httpapi.Options{
		Require: p.router.require, Access: apiAccess,
		Health: p, Registrar: p.registrar(), Accounts: p.accounts(), DeadLetters: deadLetters{p.records}, Losses: lossSource{p.journal}, Notices: p.notices, Plots: plotSource{p}, Rules: p.ruleSet,
		Clues: apiClues{p}, Signals: apiSignals{p}, Webhooks: apiWebhooks{p},
		Valves: apiValves{valveActs{p}}, Alerts: alertSource{p}, Decisions: decisionSource{p, catalogue}, Answers: actAnswers{p.records},
		History: historian{p}.History, Now: p.clock.Now,
		Metrics: p.metrics.handler(), Live: live, Log: p.log,
	}
	if p.step != nil {
		o.Stepper = p.step
	}
	return httpapi.New(o)
}

// apiAccess tells the API who asks.
func apiAccess(ctx context.Context) (httpapi.Access, bool) {
	a, ok := auth.From(ctx)
	return httpapi.Access{Account: a.Account, Reach: a}, ok
}

// ruleSet shows the rules in force.
func (p *program) ruleSet() httpapi.RuleSet {
	set := httpapi.RuleSet{Hash: p.rules.Hash, Rules: []httpapi.Rule{}}
	for i := range p.rules.Rules {
		r := &p.rules.Rules[i]
		one := httpapi.Rule{
			ID: r.ID, Version: r.Version, About: string(r.Subject), Do: string(r.Do), Severity: r.Severity,
			When: r.When.String(), ForS: r.For.Seconds(), Params: r.Params, Builtin: r.Builtin,
		}
		if r.Applies != nil {
			one.Applies = r.Applies.String()
		}
		if r.Clear != nil {
			one.Clear = r.Clear.String()
		}
		if one.Params == nil {
			one.Params = map[string]float64{}
		}
		set.Rules = append(set.Rules, one)
	}
	return set
}
