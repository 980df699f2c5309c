package app

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"ganlin/devices"
	"ganlin/internal/auth"
	"ganlin/internal/httpapi"
	"ganlin/internal/records"
	"ganlin/internal/signals"
	"ganlin/rules/risk"
)

// apiSignals are the signals as the API shows them.
type apiSignals struct{ p *program }

// asks returns who asks, as a reader of signals.
func asks(ctx context.Context) signals.Reader {
	a, _ := auth.From(ctx)
	return readerOf(a)
}

// signalProblem says what kind of a problem an error of the signals is.
func signalProblem(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, signals.ErrCursor), errors.Is(err, signals.ErrFuture):
		return httpapi.ProblemError{
			Type: httpapi.CursorType, Title: "unusable cursor", Status: http.StatusBadRequest,
			Errors: []httpapi.FieldError{{Pointer: "?after", Detail: err.Error()}},
		}
	case errors.Is(err, signals.ErrURL):
		return httpapi.Invalid("#/url", err.Error())
	case errors.Is(err, signals.ErrOwnStreams):
		return httpapi.ProblemError{Status: http.StatusTooManyRequests, Detail: err.Error()}
	case errors.Is(err, signals.ErrTooMany):
		return fmt.Errorf("%w: %w", httpapi.ErrConflict, err)
	case errors.Is(err, signals.ErrNoWebhook):
		return fmt.Errorf("%w: %w", httpapi.ErrNotFound, err)
	}
	return fmt.Errorf("%w: %w", httpapi.ErrUnavailable, err)
}

// Signals returns a page of the feed.
func (s apiSignals) Signals(ctx context.Context, after string, limit int) (httpapi.SignalPage, error) {
	page, err := s.p.feed.Page(ctx, asks(ctx), after, limit)
	out := httpapi.SignalPage{Signals: []httpapi.Signal{}, Next: page.Next, More: page.More}
	for _, e := range page.Signals {
		out.Signals = append(out.Signals, apiSignal(e))
	}
	return out, signalProblem(err)
}

func apiSignal(e signals.Event) httpapi.Signal {
	return httpapi.Signal{
		Specversion: e.SpecVersion, ID: e.ID, Source: e.Source, Type: e.Type, Subject: e.Subject, Time: e.Time, Sequence: e.Sequence,
		Datacontenttype: e.ContentType,
		Data:            httpapi.SignalData{Clue: e.Data.Clue, Place: e.Data.Place, Level: e.Data.Level, Cause: e.Data.Cause, Link: e.Data.Link},
	}
}

// Stream returns what sends signals live.
func (s apiSignals) Stream(ctx context.Context, after string) (func(http.ResponseWriter) error, error) {
	stream, err := s.p.feed.Open(ctx, asks(ctx), after)
	if err != nil {
		return nil, signalProblem(err)
	}
	return func(w http.ResponseWriter) error {
		err := stream.Serve(ctx, w)
		if errors.Is(err, signals.ErrBusy) || errors.Is(err, signals.ErrOwnStreams) {
			return signalProblem(err)
		}
		s.p.log.Debug("a stream of signals ended", "error", err) // the answer has begun: nobody can be told any more
		return nil
	}, nil
}

// Evidence returns what is behind a signal, once it is written down who reads it.
func (s apiSignals) Evidence(ctx context.Context, sequence string) (out httpapi.SignalEvidence, err error) {
	who, _ := auth.From(ctx)
	told, event, ok, err := s.p.feed.One(ctx, asks(ctx), sequence)
	if err != nil {
		return out, signalProblem(err)
	}
	if !ok {
		return out, fmt.Errorf("%w: there is no signal %.40q", httpapi.ErrNotFound, sequence)
	}
	evidence, reason, err := s.behind(ctx, records.Reading{Account: who.Account, As: records.ReadAsSignal}, told)
	if err != nil {
		return out, fmt.Errorf("%w: %w", httpapi.ErrUnavailable, err)
	}
	out = httpapi.SignalEvidence{
		Signal: apiSignal(event), Reason: reason, Confidence: evidence.Confidence,
		LossLow: evidence.LossLow, LossMid: evidence.LossMid, LossHigh: evidence.LossHigh, Plots: []httpapi.CluePlot{},
	}
	for _, l := range evidence.Plots {
		one := httpapi.CluePlot{AreaMu: l.AreaMu, Loss: l.Loss}
		if p, ok := s.p.registry.Load().Plot(l.Plot); ok {
			one.Crop = p.Crop
		}
		out.Plots = append(out.Plots, one)
	}
	return out, nil
}

// behind reads what a signal tells: a decision, or an act and what the rules had said until now.
func (s apiSignals) behind(ctx context.Context, by records.Reading, told signals.Signal) (e clueEvidence, reason string, err error) {
	if told.Decision != "" {
		if err := s.p.records.NoteClueRead(ctx, by, told.Clue); err != nil {
			return e, "", err
		}
		d, err := s.p.records.Decision(ctx, told.Decision)
		return evidenceOf(d), "", err
	}
	row, acts, err := s.p.records.ReadClue(ctx, by, told.Clue, func(records.ClueRow) bool { return true })
	for _, a := range acts {
		if a.ID == told.Act {
			reason = a.Reason
		}
	}
	return keptEvidence(row), reason, err
}

// Summary counts the clues within reach.
func (s apiSignals) Summary(ctx context.Context) (out httpapi.RiskSummary, err error) {
	rows, err := s.p.records.Clues(ctx, records.Selection{})
	if err != nil {
		return out, fmt.Errorf("%w: %w", httpapi.ErrUnavailable, err)
	}
	a, _ := auth.From(ctx)
	out.AsOf = s.p.decidedNow().watermark
	out.Counts, out.Places = noCounts(), []httpapi.PlaceRisk{}
	for _, r := range rows {
		if !a.SeesSite(devices.Site{ID: r.Site, Place: r.Place}) {
			continue
		}
		place := signals.Township(r.Place)
		i, ok := slices.BinarySearchFunc(out.Places, place, func(p httpapi.PlaceRisk, want devices.PlaceCode) int {
			return strings.Compare(string(p.Place), string(want))
		})
		if !ok {
			out.Places = slices.Insert(out.Places, i, httpapi.PlaceRisk{Place: place, Counts: noCounts()})
		}
		count(&out.Counts, r)
		count(&out.Places[i].Counts, r)
	}
	return out, nil
}

// noCounts has a 0 for everything that can be counted.
func noCounts() httpapi.RiskCounts {
	c := httpapi.RiskCounts{Levels: map[string]int{}, Stages: map[string]int{}}
	for _, level := range []risk.Level{risk.Blue, risk.Yellow, risk.Orange, risk.Red, risk.Unknown} {
		c.Levels[string(level)] = 0
	}
	for _, stage := range []risk.Stage{risk.Waiting, risk.Dispatched, risk.Visited, risk.Verified, risk.Dismissed} {
		c.Stages[string(stage)] = 0
	}
	return c
}

func count(c *httpapi.RiskCounts, r records.ClueRow) {
	c.Raised++
	c.Stages[string(stageOf(r))]++
	if !r.WithdrawnAt.IsZero() {
		c.Withdrawn++
		return
	}
	c.Open++
	c.Levels[r.Level]++
}
