package httpapi

import (
	"context"
	"time"
)

// Losses are the records that damage has taken from the journal.
type Losses interface {
	List() []Loss
	// Acknowledge takes note of those that were found up to a time.
	Acknowledge(until time.Time, account string) error
}

// ListLosses returns all losses.
func (a *api) ListLosses(context.Context, ListLossesRequestObject) (ListLossesResponseObject, error) {
	return ListLosses200JSONResponse(a.Losses.List()), nil
}

// AcknowledgeLosses takes note of losses.
func (a *api) AcknowledgeLosses(ctx context.Context, in AcknowledgeLossesRequestObject) (AcknowledgeLossesResponseObject, error) {
	access, _ := a.Access(ctx)
	err := a.Losses.Acknowledge(in.Body.Until, access.Account)
	return AcknowledgeLosses200JSONResponse(a.Losses.List()), err
}
