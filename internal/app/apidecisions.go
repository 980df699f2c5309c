package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"ganlin/dashboards/words"
	"ganlin/devices"
	"ganlin/internal/httpapi"
	"ganlin/internal/records"
)

// decisionSource shows what was decided.
type decisionSource struct {
	*program
	words *words.Catalogue
}

var _ httpapi.Decisions = decisionSource{}

// Decision returns a decision within reach, and puts it into words. A foreign,
// a missing and an ambiguous beginning look the same.
func (p decisionSource) Decision(ctx context.Context, reach httpapi.Reach, id string) (httpapi.Explained, error) {
	v := p.decidedNow()
	d, err := p.records.Decision(ctx, id)
	if errors.Is(err, records.ErrNotFound) {
		d, err = p.raised(ctx, id)
	}
	none := errors.Is(err, records.ErrNotFound) || errors.Is(err, records.ErrAmbiguous)
	if none || err == nil && !v.sees(reach, d.Plot, d.Subject, d.Site) {
		return httpapi.Explained{}, fmt.Errorf("%w: nothing was decided under %q, or more than one thing; send the whole id", httpapi.ErrNotFound, id)
	}
	if err != nil {
		return httpapi.Explained{}, err
	}
	about := words.About{Zone: v.zone(d.Site)}
	if plot, ok := v.registry.Plot(d.Plot); ok {
		about.PlotName = plot.Name
	}
	explained := httpapi.Explained{Decision: d, Sentence: map[string]string{}}
	for _, language := range []words.Language{words.Chinese, words.English} {
		explained.Sentence[string(language)] = p.words.Explain(language, d, about).Sentence
	}
	return explained, nil
}

// raised returns the decision that raised an alert.
func (p decisionSource) raised(ctx context.Context, alert string) (devices.Decision, error) {
	a, err := p.records.Alert(ctx, alert)
	if err != nil {
		return devices.Decision{}, err
	}
	found, err := p.records.Decisions(ctx, records.DecisionFilter{
		Kind: devices.AlertDecision, Subject: a.Subject, Since: a.RaisedAt, Until: a.RaisedAt.Add(time.Millisecond),
	})
	if err != nil {
		return devices.Decision{}, err
	}
	for _, d := range found {
		if d.Texts["alert"] == alert {
			return d, nil
		}
	}
	return devices.Decision{}, records.ErrNotFound
}

// Ledger returns a page of openings within reach that are over.
func (p decisionSource) Ledger(ctx context.Context, reach httpapi.Reach, which httpapi.LedgerFilter, after *httpapi.Place, limit int) ([]httpapi.LedgerEntry, httpapi.Place, bool, error) {
	v := p.decidedNow()
	q := records.DecisionQuery{
		Kind: devices.LedgerDecision, Plots: []devices.PlotID{which.Plot}, Since: which.From, Until: which.To, Behind: behind(after),
	}
	if which.Plot == "" {
		q.Plots = p.withinReach(reach)
	}
	rows, more, err := gather(limit, func(n int, last *devices.Decision) ([]devices.Decision, error) {
		if last != nil {
			q.Behind = records.Behind{At: last.At, ID: last.ID}
		}
		q.Limit = n
		return p.records.DecisionPage(ctx, q)
	}, func(d *devices.Decision) bool { return v.sees(reach, d.Plot, d.Subject, d.Site) })
	if err != nil {
		return nil, httpapi.Place{}, false, err
	}
	page := []httpapi.LedgerEntry{}
	var end httpapi.Place
	for _, d := range rows {
		page = append(page, ledgerEntry(&d))
		end = httpapi.Place{At: d.At, ID: d.ID}
	}
	return page, end, more, nil
}

func ledgerEntry(d *devices.Decision) httpapi.LedgerEntry {
	number := func(name string) *float64 {
		if n, ok := d.Numbers[name]; ok {
			return &n
		}
		return nil
	}
	moment := func(name string) *time.Time {
		if t, err := time.Parse(time.RFC3339, d.Texts[name]); err == nil {
			return &t
		}
		return nil
	}
	return httpapi.LedgerEntry{
		Decision: d.ID, Plot: d.Plot, Valve: devices.DeviceID(d.Subject), OpenedAt: moment("opened_at"), ClosedAt: moment("closed_at"),
		DurationS: d.Numbers["duration_s"], EndedBy: d.Outcome, CommandedL: d.Numbers["commanded_l"],
		DeliveredL: number("delivered_l"), NetMM: number("net_mm"), ResponseMM: number("response_mm"),
	}
}
