package app

import (
	"context"
	"fmt"
	"time"

	"ganlin/devices"
	"ganlin/internal/httpapi"
)

// A stepper moves the step clock as the contract says: a step is over when the
// messages up to it are in the journal, its tick behind them, what follows from
// it is decided and committed, and the valves have answered what was commanded.
type stepper struct {
	p     *program
	clock *stepClock
	turn  chan struct{} // one step at a time
}

// patience is how long a step waits for messages: longer than any device that
// is connected needs. The step can be asked for again.
const patience = 100 * time.Second

func newStepper(p *program, tick time.Time) *stepper {
	return &stepper{p: p, clock: newStepClock(tick), turn: make(chan struct{}, 1)}
}

// Step waits for the messages named by last, writes the tick and moves the
// clock. The last tick again changes nothing; an earlier one is a conflict.
func (s *stepper) Step(ctx context.Context, at time.Time, last map[devices.DeviceID]int64) (time.Time, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
	case <-ctx.Done():
		return time.Time{}, fmt.Errorf("%w: another step is still on its way", httpapi.ErrUnavailable)
	}
	at = at.Truncate(time.Millisecond)
	tick := s.clock.last()
	if at.Before(tick) {
		return time.Time{}, fmt.Errorf("%w: time stands at %s already", httpapi.ErrConflict, tick.Format(time.RFC3339))
	}
	if err := s.p.journal.WaitSeqs(ctx, last); err != nil {
		return time.Time{}, fmt.Errorf("%w: waiting for messages up to %s: %w", httpapi.ErrUnavailable, at.Format(time.RFC3339), err)
	}
	if at.Equal(tick) {
		return at, s.p.decidedUpTo(ctx, at)
	}
	if len(last) > 0 { // else it is the beginning, before any device is there
		if err := s.p.valvesReady(ctx); err != nil {
			return time.Time{}, err
		}
	}
	if err := s.p.appendTicks(ctx, at); err != nil {
		return time.Time{}, fmt.Errorf("%w: writing the tick %s: %w", httpapi.ErrUnavailable, at.Format(time.RFC3339), err)
	}
	s.clock.advance(at)
	return at, s.p.decidedUpTo(ctx, at)
}
