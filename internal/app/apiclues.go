package app

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"ganlin/devices"
	"ganlin/internal/auth"
	"ganlin/internal/httpapi"
	"ganlin/internal/records"
	"ganlin/rules/risk"
)

// apiClues are the clues as the API shows them: of the sites and places of who asks.
type apiClues struct{ p *program }

// clueActs are what people do, by the stage that it leads to.
func clueActs() map[risk.Stage]string {
	return map[risk.Stage]string{risk.Dispatched: "dispatch", risk.Visited: "visit", risk.Verified: "verify", risk.Dismissed: "dismiss"}
}

// seesClue returns whether who asks may see a clue.
func seesClue(ctx context.Context) func(records.ClueRow) bool {
	a, _ := auth.From(ctx)
	return func(c records.ClueRow) bool {
		return a.SeesHousehold(c.Household, devices.Site{ID: c.Site, Place: c.Place})
	}
}

// Clues returns clues by urgency.
func (c apiClues) Clues(ctx context.Context, state string, from, limit int) (page []httpapi.Clue, more bool, err error) {
	page, all, err := c.page(ctx, state, from, limit)
	return page, from+limit < all, err
}

// page returns some of the clues of a state by urgency, and how many there are in all.
func (c apiClues) page(ctx context.Context, state string, from, limit int) (page []httpapi.Clue, total int, err error) {
	rows, err := c.p.records.Clues(ctx, records.Selection{})
	if err != nil {
		return nil, 0, fmt.Errorf("%w: %w", httpapi.ErrUnavailable, err)
	}
	sees := seesClue(ctx)
	type clue struct {
		row      records.ClueRow
		evidence clueEvidence
	}
	var all []clue
	for _, r := range rows {
		if sees(r) && (state == "all" || (state == "open") == toDo(r)) {
			all = append(all, clue{r, keptEvidence(r)})
		}
	}
	slices.SortStableFunc(all, func(a, b clue) int {
		return cmp.Or(-cmp.Compare(urgency(a.row.Level), urgency(b.row.Level)), -cmp.Compare(a.evidence.loss(), b.evidence.loss()),
			a.row.RaisedAt.Compare(b.row.RaisedAt), cmp.Compare(a.row.ID, b.row.ID))
	})
	var chosen []string
	for _, one := range all[min(from, len(all)):min(from+limit, len(all))] {
		chosen = append(chosen, one.row.ID)
	}
	who, _ := auth.From(ctx)
	if rows, err = c.p.records.ReadClues(ctx, records.Reading{Account: who.Account, As: records.ReadInList}, chosen); err != nil {
		return nil, 0, fmt.Errorf("%w: %w", httpapi.ErrUnavailable, err)
	}
	page = []httpapi.Clue{}
	for _, r := range rows {
		page = append(page, c.clue(r, keptEvidence(r)))
	}
	return page, len(all), nil
}

// toDo reports whether somebody has something to do about a clue.
func toDo(r records.ClueRow) bool { return len(stageOf(r).Next(!r.WithdrawnAt.IsZero())) > 0 }

func stageOf(r records.ClueRow) risk.Stage { return cmp.Or(risk.Stage(r.Stage), risk.Waiting) }

// urgency orders levels. What nobody can tell may be as bad as orange, and
// stands behind what is known to be.
func urgency(level string) int {
	return slices.Index([]string{string(risk.None), string(risk.Blue), string(risk.Yellow), string(risk.Unknown), string(risk.Orange), string(risk.Red)}, level)
}

// keptEvidence reads what a clue was kept with.
func keptEvidence(r records.ClueRow) (e clueEvidence) {
	_ = json.Unmarshal(r.Body, &e) // one without evidence is shown without
	return e
}

// loss is what a household stands to lose; what is not known counts as nothing here.
func (e clueEvidence) loss() float64 {
	if e.LossMid == nil {
		return 0
	}
	return *e.LossMid
}

// Clue returns a clue and what people did about it.
func (c apiClues) Clue(ctx context.Context, id string) (detail httpapi.ClueDetail, err error) {
	who, _ := auth.From(ctx)
	row, acts, err := c.p.records.ReadClue(ctx, records.Reading{Account: who.Account, As: records.ReadWhole}, id, seesClue(ctx))
	if errors.Is(err, records.ErrNotFound) {
		return detail, noClue(id)
	}
	if err != nil {
		return detail, fmt.Errorf("%w: %w", httpapi.ErrUnavailable, err)
	}
	detail = httpapi.ClueDetail{Clue: c.clue(row, keptEvidence(row)), Acts: []httpapi.ClueAct{}}
	for _, a := range acts {
		detail.Acts = append(detail.Acts, c.p.clueAct(who, a))
	}
	return detail, nil
}

// noClue is what a foreign clue and a missing one have in common.
func noClue(id string) error {
	return fmt.Errorf("%w: there is no clue %q", httpapi.ErrNotFound, id)
}

// ActOnClue keeps what a person did about a clue.
func (c apiClues) ActOnClue(ctx context.Context, id, act string, n httpapi.NewClueAct) (clue httpapi.Clue, err error) {
	who, _ := auth.From(ctx)
	var to risk.Stage
	for stage, name := range clueActs() {
		if name == act {
			to = stage
		}
	}
	note, err := c.p.sealNote(n)
	if err != nil {
		return clue, err
	}
	var refused error
	row, err := c.p.records.ActOnClue(ctx, records.ClueAct{
		ID: n.ID, Clue: id, Act: string(to), Account: who.Account, At: c.p.clock.Now(), Reason: n.Reason, Sealed: note,
	}, n.Version, seesClue(ctx), func(r records.ClueRow) error {
		if r.Acts != n.Version {
			return records.ErrStale
		}
		refused = stageOf(r).Check(to, n.Reason, !r.WithdrawnAt.IsZero())
		return refused
	})
	stale := func(detail string) error {
		return httpapi.StaleError{Clue: c.clue(row, keptEvidence(row)), Detail: detail}
	}
	switch {
	case err == nil:
		c.p.feed.Wake()
		return c.clue(row, keptEvidence(row)), nil
	case errors.Is(err, records.ErrNotFound):
		return clue, noClue(id)
	case errors.Is(err, risk.ErrReason):
		return clue, httpapi.Invalid("#/reason", refused.Error())
	case errors.Is(err, records.ErrReused):
		return clue, stale("the id of this act stands for another act already; make a new one for each act")
	case errors.Is(err, records.ErrStale):
		return clue, stale(fmt.Sprintf("somebody else was first: you saw version %d and it is %d; look at the clue and act on what it is now", n.Version, row.Acts))
	case errors.Is(err, risk.ErrOrder):
		return clue, stale(refused.Error())
	}
	return clue, fmt.Errorf("%w: %w", httpapi.ErrUnavailable, err)
}

// clue is a clue as the API shows it.
func (c apiClues) clue(r records.ClueRow, e clueEvidence) httpapi.Clue {
	reg, withdrawn := c.p.registry.Load(), !r.WithdrawnAt.IsZero()
	out := httpapi.Clue{
		ID: r.ID, Household: r.Household, Site: r.Site, Place: r.Place, Stage: string(stageOf(r)), StageSince: r.Acted, Version: r.Acts,
		Next: []httpapi.ClueStep{}, Rules: r.State, Level: r.Level, Cause: r.Cause, Since: r.RaisedAt, Updated: r.UpdatedAt, Withdrawn: r.WithdrawnAt,
		Decision: r.Decision, Confidence: e.Confidence, LossLow: e.LossLow, LossMid: e.LossMid, LossHigh: e.LossHigh, Plots: []httpapi.CluePlot{},
	}
	for _, place := range reg.Places() {
		if place.Code == r.Place {
			out.PlaceName = place.Name
		}
	}
	for _, stage := range stageOf(r).Next(withdrawn) {
		out.Next = append(out.Next, httpapi.ClueStep{Act: clueActs()[stage], Reasons: append([]string{}, stage.Reasons()...)})
	}
	for _, l := range e.Plots {
		one := httpapi.CluePlot{ID: l.Plot, AreaMu: l.AreaMu, Loss: l.Loss}
		if p, ok := reg.Plot(l.Plot); ok {
			one.Name, one.Crop = p.Name, p.Crop
		}
		out.Plots = append(out.Plots, one)
	}
	return out
}
