package httpapi

import (
	"context"
	"fmt"
	"net/url"
	"time"

	"ganlin/devices"
)

// Decisions are what the rules decided, with its evidence.
type Decisions interface {
	// Decision returns the decision within reach whose id is or begins so.
	Decision(ctx context.Context, reach Reach, id string) (Explained, error)
	// Ledger returns openings within reach that are over, behind a place in the list, at most limit, and whether there are more.
	Ledger(ctx context.Context, reach Reach, which LedgerFilter, after *Place, limit int) (page []LedgerEntry, last Place, more bool, err error)
}

// A LedgerFilter says which openings are asked for.
type LedgerFilter struct {
	Plot     devices.PlotID // empty: of all plots
	From, To time.Time
}

// usualLedger is how far back is looked when nothing is said.
const usualLedger = 30 * 24 * time.Hour

// GetDecision returns why something was decided.
func (a *api) GetDecision(ctx context.Context, in GetDecisionRequestObject) (GetDecisionResponseObject, error) {
	explained, err := a.Decisions.Decision(ctx, a.reach(ctx), in.ID)
	return GetDecision200JSONResponse(explained), err
}

// ListLedger returns a page of openings.
func (a *api) ListLedger(ctx context.Context, in ListLedgerRequestObject) (ListLedgerResponseObject, error) {
	asked := url.Values{"plot": {string(in.Params.Plot)}, "from": {stamp(in.Params.From)}, "to": {stamp(in.Params.To)}}.Encode()
	var after *Place
	if err := readCursor(in.Params.After, "ledger", asked, &after); err != nil {
		return nil, err
	}
	which := LedgerFilter{Plot: in.Params.Plot}
	var err error
	if which.From, which.To, err = a.span(in.Params.From, in.Params.To, usualLedger); err != nil {
		return nil, err
	}
	if which.Plot != "" {
		if _, err := a.plot(ctx, which.Plot); err != nil {
			return nil, err
		}
	}
	items, last, more, err := a.Decisions.Ledger(ctx, a.reach(ctx), which, after, in.Params.Limit)
	if err != nil {
		return nil, err
	}
	page := LedgerPage{Items: items}
	if more {
		page.Next, err = cursorOf("ledger", asked, last)
	}
	return ListLedger200JSONResponse(page), err
}

// The longest span of time that may be asked for, and between which years: the time series know no much earlier or later one.
const (
	longest          = 10 * 366 * 24 * time.Hour
	earliest, latest = 2000, 2100
)

// span fills in what was left out of a span of time.
func (a *api) span(from, to *time.Time, usual time.Duration) (begin, end time.Time, err error) {
	if to == nil {
		to = new(a.Now())
	}
	if from == nil {
		from = new(to.Add(-usual))
	}
	begin, end = from.UTC(), to.UTC()
	switch {
	case begin.Year() < earliest:
		err = Invalid("?from", fmt.Sprintf("is before the year %d", earliest))
	case end.Year() > latest:
		err = Invalid("?to", fmt.Sprintf("is after the year %d", latest))
	case !begin.Before(end):
		err = Invalid("?from", "is not before to")
	case end.Sub(begin) > longest:
		err = Invalid("?from", "is more than ten years before to")
	}
	return begin, end, err
}

func stamp(t *time.Time) string {
	if t == nil {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}
