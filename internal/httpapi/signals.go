package httpapi

import (
	"cmp"
	"context"
	"net/http"
)

// Signals tell what became of the clues within reach of who asks.
type Signals interface {
	Signals(ctx context.Context, after string, limit int) (SignalPage, error)
	// Stream returns what sends them live until the client goes.
	Stream(ctx context.Context, after string) (func(http.ResponseWriter) error, error)
	Evidence(ctx context.Context, sequence string) (SignalEvidence, error)
	Summary(ctx context.Context) (RiskSummary, error)
}

// ListSignals returns a page of the feed.
func (a *api) ListSignals(ctx context.Context, in ListSignalsRequestObject) (ListSignalsResponseObject, error) {
	page, err := a.Signals.Signals(ctx, in.Params.After, in.Params.Limit)
	return ListSignals200JSONResponse(page), err
}

// StreamSignals sends signals live.
func (a *api) StreamSignals(ctx context.Context, in StreamSignalsRequestObject) (StreamSignalsResponseObject, error) {
	send, err := a.Signals.Stream(ctx, cmp.Or(in.Params.LastEventID, in.Params.After))
	return signalStream(send), err
}

// A signalStream answers by itself until the client goes.
type signalStream func(http.ResponseWriter) error

// VisitStreamSignalsResponse sends them.
func (s signalStream) VisitStreamSignalsResponse(w http.ResponseWriter) error { return s(w) }

// GetSignal returns the evidence behind a signal.
func (a *api) GetSignal(ctx context.Context, in GetSignalRequestObject) (GetSignalResponseObject, error) {
	evidence, err := a.Signals.Evidence(ctx, in.Cursor)
	return GetSignal200JSONResponse(evidence), err
}

// GetRiskSummary counts clues.
func (a *api) GetRiskSummary(ctx context.Context, _ GetRiskSummaryRequestObject) (GetRiskSummaryResponseObject, error) {
	summary, err := a.Signals.Summary(ctx)
	return GetRiskSummary200JSONResponse(summary), err
}
