package app

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"ganlin/dashboards/words"
	"ganlin/devices"
	"ganlin/internal/auth"
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
	if err == nil {
		who, _ := auth.From(ctx)
		err = noteReading(ctx, p.records, who.Account, d)
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
	soil, err := p.responses(ctx, rows)
	if err != nil {
		return nil, httpapi.Place{}, false, err
	}
	page := []httpapi.LedgerEntry{}
	var end httpapi.Place
	for _, d := range rows {
		one := ledgerEntry(&d)
		one.ResponseMM = soil[openingOf(&d)]
		page = append(page, one)
		end = httpapi.Place{At: d.At, ID: d.ID}
	}
	return page, end, more, nil
}

// openingOf names the opening that a decision is about.
func openingOf(d *devices.Decision) string { return d.Subject + " " + d.Texts["opened_at"] }

// responses returns what the soil gained by openings of a ledger's page, the
// latest first. It is told some mornings after an opening was over at the latest.
func (p decisionSource) responses(ctx context.Context, rows []devices.Decision) (map[string]*float64, error) {
	if len(rows) == 0 {
		return nil, nil
	}
	const some = 4 * 24 * time.Hour
	q := records.DecisionQuery{
		Kind: devices.ResponseDecision, Since: rows[len(rows)-1].At, Until: rows[0].At.Add(some), Plots: []devices.PlotID{}, Limit: math.MaxInt32,
	}
	for _, d := range rows {
		if !slices.Contains(q.Plots, d.Plot) {
			q.Plots = append(q.Plots, d.Plot)
		}
	}
	told, err := p.records.DecisionPage(ctx, q)
	soil := map[string]*float64{}
	for _, d := range told {
		soil[openingOf(&d)] = new(d.Numbers["response_mm"])
	}
	return soil, err
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
		DeliveredL: number("delivered_l"), NetMM: number("net_mm"),
	}
}
