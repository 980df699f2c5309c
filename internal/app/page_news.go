package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"ganlin/dashboards"
	"ganlin/devices"
	"ganlin/internal/auth"
	"ganlin/internal/httpapi"
	"ganlin/internal/records"
)

// shownNews is how many messages the page shows, and how long one that is over stays.
const (
	shownNews = 8
	newsStays = 3 * 24 * time.Hour
)

// newsPatience is how long the page waits for its messages: it stands without them.
const newsPatience = 3 * time.Second

// news are the alerts about the plots of a household that it should know, and what was said about them.
func (p homeSource) news(ctx context.Context, plots []dashboards.HomePlot) (all []dashboards.News, err error) {
	if len(plots) == 0 {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, newsPatience)
	defer cancel()
	var ids []devices.PlotID
	for i := range plots {
		ids = append(ids, plots[i].ID)
	}
	rows, err := p.records.AlertPage(ctx, records.AlertQuery{Plots: ids, Limit: 4 * shownNews})
	if err != nil {
		return nil, err
	}
	rows = slices.DeleteFunc(rows, func(a records.AlertRow) bool {
		return !a.ResolvedAt.IsZero() && p.clock.Now().Sub(a.ResolvedAt) >= newsStays
	})
	rows = rows[:min(len(rows), shownNews)]
	var alerts []string
	for _, a := range rows {
		alerts = append(alerts, a.ID)
	}
	said, err := p.records.AlertActs(ctx, alerts)
	if err != nil {
		return nil, err
	}
	for _, a := range rows {
		about := &plots[slices.Index(ids, a.Plot)]
		one := dashboards.News{ID: a.ID, Rule: a.Rule, Plot: cmp.Or(about.Name, string(a.Plot)), Advice: about.Advice.Code, Since: a.RaisedAt, Over: a.ResolvedAt}
		for _, act := range said[a.ID] {
			one.Answer, one.Answered = cmp.Or(act.Code, dashboards.AnswerSeen), act.At
		}
		all = append(all, one)
	}
	return all, nil
}

// answers is the act that says something about an alert of one's own plot.
func (p homeSource) answers(who auth.Access, alert, code string) formAct {
	return formAct{do: func(ctx context.Context) string {
		row, err := p.records.Alert(ctx, alert)
		if plot, ok := p.registry.Load().Plot(row.Plot); errors.Is(err, records.ErrNotFound) || err == nil && (!ok || !who.ActsOn(plot)) {
			return "gone"
		}
		id, act := httpapi.ActID(ctx), httpapi.AlertAct{Act: httpapi.AlertActActAnswered, Answer: code, By: who.Account}
		switch httpapi.NewAnswerAnswer(code) {
		case httpapi.NewAnswerAnswerWatered, httpapi.NewAnswerAnswerWillWater, httpapi.NewAnswerAnswerRepaired, httpapi.NewAnswerAnswerFalseAlarm:
		case dashboards.AnswerSeen: // once for each account, as in the API
			id, act.Act, act.Answer = fmt.Sprintf("seen-%s-%s", alert, who.Account), httpapi.AlertActActAcknowledged, ""
		default:
			return "gone"
		}
		if err == nil {
			err = alertSource(p).Act(ctx, alert, id, act)
		}
		if err != nil {
			p.log.ErrorContext(ctx, "an answer is not kept", "alert", alert, "error", err)
			return saidTrouble
		}
		return "answered"
	}}
}
