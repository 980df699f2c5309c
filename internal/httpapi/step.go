package httpapi

import (
	"context"
	"net/http"
	"time"

	"ganlin/devices"
)

// A Stepper moves the step clock: see the contract, "In step".
type Stepper interface {
	// Step returns when the messages named by last are in the journal and the
	// tick is. It returns ErrConflict for a time before the last tick.
	Step(ctx context.Context, at time.Time, last map[devices.DeviceID]int64) (watermark time.Time, err error)
}

// Step moves the step clock.
func (a *api) Step(ctx context.Context, in StepRequestObject) (StepResponseObject, error) {
	if a.Stepper == nil {
		return nil, ProblemError{Title: "not in step", Status: http.StatusConflict, Detail: "this program runs on the wall clock; start it with --step"}
	}
	if in.Body.At.IsZero() {
		return nil, Invalid("#/at", "send the time of the barrier in RFC 3339")
	}
	last := make(map[devices.DeviceID]int64, len(in.Body.Last))
	for id, seq := range in.Body.Last {
		last[devices.DeviceID(id)] = seq
	}
	watermark, err := a.Stepper.Step(ctx, in.Body.At.UTC(), last)
	return Step200JSONResponse{Watermark: watermark}, err
}
