package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"ganlin/devices"
	"ganlin/internal/httpapi"
	"ganlin/internal/records"
)

// alertSource shows alerts and takes down what people say about them.
type alertSource struct{ *program }

var _ httpapi.Alerts = alertSource{}

// fewPlots are asked for by name; who sees more looks through everything.
const fewPlots = 300

// withinReach returns the plots that somebody sees when they are few, else nil.
func (p *program) withinReach(reach httpapi.Reach) []devices.PlotID {
	few := []devices.PlotID{}
	for _, plot := range p.decidedNow().plots {
		if reach.SeesPlot(plot) {
			if few = append(few, plot.ID); len(few) > fewPlots {
				return nil
			}
		}
	}
	return few
}

// sees reports whether something about a plot, or about none, is within reach.
func (l *land) sees(reach httpapi.Reach, plot devices.PlotID, subject string, site devices.SiteID) bool {
	if about, ok := l.registry.Plot(plot); ok {
		return reach.SeesPlot(about)
	}
	if about, ok := l.plot(subject); ok {
		return reach.SeesPlot(about)
	}
	where, ok := l.sites[site]
	return ok && reach.SeesSite(where) || slices.ContainsFunc(l.around[devices.StationID(subject)], reach.SeesPlot)
}

// Alerts returns a page of alerts within reach.
func (p alertSource) Alerts(ctx context.Context, reach httpapi.Reach, which httpapi.AlertFilter, after *httpapi.Place, limit int) ([]httpapi.Alert, bool, error) {
	v := p.decidedNow()
	q := records.AlertQuery{Open: which.Open, Behind: behind(after), Plots: []devices.PlotID{which.Plot}}
	if which.Plot == "" {
		if q.Plots = p.withinReach(reach); q.Plots != nil {
			q.Plots = append(q.Plots, "") // and what is about none, such as a station
		}
	}
	rows, more, err := gather(limit, func(n int, last *records.AlertRow) ([]records.AlertRow, error) {
		if last != nil {
			q.Behind = records.Behind{At: last.RaisedAt, ID: last.ID}
		}
		q.Limit = n
		return p.records.AlertPage(ctx, q)
	}, func(a *records.AlertRow) bool { return v.sees(reach, a.Plot, a.Subject, a.Site) })
	if err != nil {
		return nil, false, err
	}
	alerts, err := p.told(ctx, rows)
	return alerts, more, err
}

// Alert returns one alert within reach.
func (p alertSource) Alert(ctx context.Context, reach httpapi.Reach, id string) (httpapi.Alert, error) {
	row, err := p.records.Alert(ctx, id)
	if errors.Is(err, records.ErrNotFound) || err == nil && !p.decidedNow().sees(reach, row.Plot, row.Subject, row.Site) {
		return httpapi.Alert{}, fmt.Errorf("%w: there is no alert %q", httpapi.ErrNotFound, id)
	}
	if err != nil {
		return httpapi.Alert{}, err
	}
	alerts, err := p.told(ctx, []records.AlertRow{row})
	if err != nil {
		return httpapi.Alert{}, err
	}
	return alerts[0], nil
}

// Act takes down what somebody said about an alert.
func (p alertSource) Act(ctx context.Context, alert, id string, act httpapi.AlertAct) error {
	return p.records.AddAlertAct(ctx, records.AlertAct{
		ID: id, Alert: alert, Act: string(act.Act), Code: act.Answer, Account: act.By, At: p.clock.Now(), RecordedAt: time.Now(),
	})
}

// told puts beside alerts what people said about them.
func (p alertSource) told(ctx context.Context, rows []records.AlertRow) ([]httpapi.Alert, error) {
	var ids []string
	for _, r := range rows {
		ids = append(ids, r.ID)
	}
	said, err := p.records.AlertActs(ctx, ids)
	if err != nil {
		return nil, err
	}
	alerts := []httpapi.Alert{}
	for _, r := range rows {
		one := httpapi.Alert{
			ID: r.ID, Rule: r.Rule, Severity: r.Severity, Subject: r.Subject, Plot: r.Plot, Site: r.Site,
			State: httpapi.AlertStateFiring, RaisedAt: r.RaisedAt, Acts: []httpapi.AlertAct{},
		}
		switch {
		case !r.ResolvedAt.IsZero():
			one.State, one.ResolvedAt = httpapi.AlertStateResolved, &r.ResolvedAt
		case r.State == "unknown":
			one.State = httpapi.AlertStateUnknown
		}
		for _, act := range said[r.ID] {
			one.Acts = append(one.Acts, httpapi.AlertAct{Act: httpapi.AlertActAct(act.Act), Answer: act.Code, By: act.Account, At: act.At})
		}
		alerts = append(alerts, one)
	}
	return alerts, nil
}

func behind(after *httpapi.Place) records.Behind {
	if after == nil {
		return records.Behind{}
	}
	return records.Behind{At: after.At, ID: after.ID}
}

// gather reads rows until limit of them are wanted, and says whether there are
// more. read returns at most n behind the last one that it returned.
func gather[T any](limit int, read func(n int, last *T) ([]T, error), want func(*T) bool) (rows []T, more bool, err error) {
	var last *T
	for {
		n := max(limit+1, 500)
		chunk, err := read(n, last)
		if err != nil {
			return nil, false, err
		}
		for i := range chunk {
			if !want(&chunk[i]) {
				continue
			}
			if len(rows) == limit {
				return rows, true, nil
			}
			rows = append(rows, chunk[i])
		}
		if len(chunk) < n {
			return rows, false, nil
		}
		last = &chunk[len(chunk)-1]
	}
}
