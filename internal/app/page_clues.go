package app

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"math"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"ganlin/dashboards"
	"ganlin/devices"
	"ganlin/internal/httpapi"
	"ganlin/internal/records"
	"ganlin/rules/drought"
	"ganlin/rules/risk"
)

// errandSource fills the grid worker's pages, and keeps what their forms say.
type errandSource struct{ *program }

var _ dashboards.Errands = errandSource{}

// Errands returns a page of the clues within reach of who asks.
func (p errandSource) Errands(ctx context.Context, done bool, from, limit int) (list dashboards.ErrandList, err error) {
	state := map[bool]string{false: "open", true: "closed"}[done]
	clues, total, err := apiClues{p.program}.page(ctx, state, from, limit)
	if err != nil {
		return list, err
	}
	v := p.decidedNow()
	list = dashboards.ErrandList{At: v.watermark, Total: total}
	for _, c := range clues {
		list.Errands = append(list.Errands, errandOf(v, c))
		list.Zone = list.Errands[0].Zone
	}
	if sites := v.registry.Sites(); list.Zone == nil && len(sites) > 0 {
		list.Zone = v.zone(sites[0].ID)
	}
	return list, nil
}

// Errand returns a clue within reach of who asks. A foreign one and a missing one are both ErrNothing.
func (p errandSource) Errand(ctx context.Context, id string) (e dashboards.Errand, err error) {
	detail, err := apiClues{p.program}.Clue(ctx, id)
	if errors.Is(err, httpapi.ErrNotFound) {
		return e, dashboards.ErrNothing
	}
	if err != nil {
		return e, err
	}
	v := p.decidedNow()
	e = errandOf(v, detail.Clue)
	e.NoNotes = p.notes == nil
	d, err := p.records.Decision(ctx, detail.Clue.Decision)
	switch {
	case err == nil:
		e.Decided = &d
	case !errors.Is(err, records.ErrNotFound) && !errors.Is(err, records.ErrAmbiguous):
		return e, err
	}
	for _, plot := range detail.Clue.Plots {
		parcel := dashboards.Parcel{ID: plot.ID, Name: plot.Name, Crop: plot.Crop, AreaMu: plot.AreaMu, Loss: plot.Loss}
		if known := v.standing[plot.ID]; known != nil {
			parcel.Now, parcel.LossNow = dashboards.Grade(known.Grade.String()), known.Loss
		}
		if err := p.pastOf(ctx, &parcel, detail.Clue.Updated); err != nil {
			return e, err
		}
		e.Parcels = append(e.Parcels, parcel)
	}
	for _, a := range detail.Acts {
		e.Deeds = append(e.Deeds, dashboards.Deed{Stage: a.Stage, Account: a.Account, At: a.At, Reason: a.Reason, Note: a.Note, Unreadable: a.NoteUnreadable})
	}
	return e, nil
}

// errandOf is a clue as the pages show it.
func errandOf(v *villageView, c httpapi.Clue) dashboards.Errand {
	e := dashboards.Errand{
		Clue: dashboards.Clue{ID: c.ID, Level: c.Level, Since: c.Since, Confidence: c.Confidence}, Household: string(c.Household),
		Place: cmp.Or(c.PlaceName, string(c.Place)), Zone: v.zone(c.Site), Stage: c.Stage, Spoke: c.Updated, Withdrawn: c.Withdrawn, Version: c.Version,
	}
	if c.Confidence != "" { // else the evidence is not kept
		e.LossLow, e.LossMid, e.LossHigh = &c.LossLow, c.LossMid, &c.LossHigh
	}
	for _, plot := range c.Plots {
		e.Plots = append(e.Plots, cmp.Or(plot.Name, string(plot.ID)))
	}
	for stage := risk.Stage(c.Stage); ; {
		next := stage.Next(!c.Withdrawn.IsZero())
		if len(next) == 0 {
			return e
		}
		var steps []dashboards.Step
		for _, to := range next {
			steps = append(steps, dashboards.Step{Act: clueActs()[to], Reasons: to.Reasons()})
		}
		e.Steps, stage = append(e.Steps, steps), next[0]
	}
}

// pastOf tells of a plot how dry it was on the day that ended at a time, and on how many of the days up to then its crop lacked water.
func (p errandSource) pastOf(ctx context.Context, parcel *dashboards.Parcel, end time.Time) error {
	days, err := p.records.Decisions(ctx, records.DecisionFilter{
		Kind: devices.BalanceDecision, Subject: string(parcel.ID),
		Since: end.AddDate(0, 0, -dashboards.ParcelDays).Add(time.Millisecond), Until: end.Add(time.Millisecond),
	})
	for _, d := range days {
		ks, known := d.Numbers["ks"]
		if !known {
			continue
		}
		parcel.Known++
		if ks < 1 {
			parcel.Dry++
		}
		if d.At.Equal(end) {
			parcel.Grade = dashboards.Grade((drought.None + drought.Grade(math.Round(d.Numbers["grade"]))).String())
		}
	}
	return err
}

// act keeps what a form of a clue's page says, and leads back to that page. A
// form without scripts cannot call the API, so the page takes it itself.
func (p errandSource) act(pages *dashboards.Pages) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, r *http.Request) {
		act, n, untaken := readAct(r)
		if untaken == nil {
			_, err := apiClues{p.program}.ActOnClue(r.Context(), r.PathValue("id"), act, n)
			untaken = p.untaken(r, err)
		}
		if untaken != nil {
			untaken.Choice, untaken.Note = r.PostFormValue("choice"), n.Note
			pages.ShowErrand(w, r, *untaken)
			return
		}
		backTo(w, r, dashboards.CluesAddress+"/"+url.PathEscape(r.PathValue("id")), act)
	}
}

// clueActID is what the id of an act about a clue has to be, as in the API.
var clueActID = regexp.MustCompile(`^[A-Za-z0-9_-]{8,64}$`)

// readAct reads a form, and says what is wrong with it.
func readAct(r *http.Request) (act string, n httpapi.NewClueAct, wrong *dashboards.Untaken) {
	bad := func(why string) *dashboards.Untaken {
		return &dashboards.Untaken{Why: why, Status: http.StatusBadRequest}
	}
	n.Note = strings.TrimSpace(strings.ReplaceAll(strings.ToValidUTF8(r.PostFormValue("note"), "\uFFFD"), "\r\n", "\n"))
	n.ID = r.PostFormValue("id")
	version, err := strconv.Atoi(r.PostFormValue("version"))
	n.Version = version
	act, n.Reason, _ = strings.Cut(r.PostFormValue("choice"), ".")
	switch {
	case err != nil || version < 0 || !clueActID.MatchString(n.ID):
		return act, n, bad("old")
	case !slices.Contains(slices.Collect(maps.Values(clueActs())), act):
		return act, n, bad("reason")
	case utf8.RuneCountInString(n.Note) > dashboards.MaxNote:
		return act, n, bad("long")
	}
	return act, n, nil
}

// untaken says why an act was not kept; nil: it was. Of a clue that is not there the page says so by itself.
func (p errandSource) untaken(r *http.Request, err error) *dashboards.Untaken {
	if err == nil {
		return nil
	}
	if _, stale := errors.AsType[httpapi.StaleError](err); stale {
		return &dashboards.Untaken{Why: "first", Status: http.StatusConflict}
	}
	if invalid, is := errors.AsType[httpapi.ProblemError](err); is {
		why := "reason"
		if slices.ContainsFunc(invalid.Errors, func(e httpapi.FieldError) bool { return e.Pointer == notePlace }) {
			why = "note"
		}
		return &dashboards.Untaken{Why: why, Status: http.StatusBadRequest}
	}
	if !errors.Is(err, httpapi.ErrNotFound) {
		p.log.ErrorContext(r.Context(), "a form of a clue was not kept", "error", err)
	}
	return &dashboards.Untaken{Why: "trouble", Status: http.StatusServiceUnavailable}
}
