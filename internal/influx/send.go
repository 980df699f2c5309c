package influx

import (
	"context"
	"errors"
	"math/rand/v2"
	"strings"
	"time"
)

// How long the writer waits for what.
const (
	firstPatience = 30 * time.Second // for an answer
	mostPatience  = 5 * time.Minute
	firstPause    = 250 * time.Millisecond // before the second try; doubled after each
	mostPause     = 15 * time.Second
	mostTold      = 10 * time.Minute // of a Retry-After
	stoppedPause  = 30 * time.Second // between gentle tries while a person is needed
)

// A verdict is the answer to a request after all waiting.
type verdict int

const (
	stored   verdict = iota
	refused          // some line of it is bad
	tooLarge         // and it has more than one line
)

// send puts the lines into one request and repeats it until the database has
// stored them or says that the lines themselves are at fault. It comes back
// with an error only when ctx ends. patience is for the first answer; it is
// doubled after each silence.
func (w *Writer) send(ctx context.Context, lines []Line, patience time.Duration) (verdict, answer, error) {
	select {
	case <-w.kick: // of before this request
	default:
	}
	body, values := join(lines)
	for tries := 0; ; tries++ {
		begun := time.Now()
		a := w.post(ctx, body, patience)
		if a.err != nil && ctx.Err() != nil {
			return 0, a, ctx.Err()
		}
		var pause time.Duration
		switch a.action() {
		case advance:
			w.stored = time.Now()
			if w.o.Wrote != nil {
				w.o.Wrote(time.Since(begun), values)
			}
			return stored, a, nil
		case findLines:
			return refused, a, nil
		case halve:
			if len(lines) > 1 {
				return tooLarge, a, nil
			}
			w.enter(Stopped, "it refuses a single line as too large")
			pause = stoppedPause
		case stop:
			w.enter(Stopped, a.String())
			pause = stoppedPause
		case retry:
			if errors.Is(a.err, errNoEndpoint) {
				w.enter(Starting, a.String())
			} else {
				w.enter(Retrying, a.String())
			}
			pause = pauseAfter(tries, a.retryAfter)
			if errors.Is(a.err, context.DeadlineExceeded) {
				patience = min(2*patience, mostPatience)
			}
		}
		if err := w.wait(ctx, pause); err != nil {
			return 0, a, err
		}
	}
}

// join makes one body of the lines.
func join(lines []Line) (body string, values int) {
	size := 0
	for _, line := range lines {
		size += len(line.Text) + 1
	}
	var b strings.Builder
	b.Grow(size)
	for i, line := range lines {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.Write(line.Text)
		values += line.Values
	}
	return b.String(), values
}

// pauseAfter is the time before the next try: what the database told and up to
// a tenth more, or half to all of a doubling pause, so that many writers do
// not come back at once.
func pauseAfter(tries int, told time.Duration) time.Duration {
	jitter := rand.Float64() //nolint:gosec // spreading load needs no secret randomness
	if told > 0 {
		told = min(told, mostTold)
		return told + time.Duration(jitter*float64(told)/10)
	}
	pause := min(firstPause<<min(tries, 10), mostPause)
	return pause/2 + time.Duration(jitter*float64(pause)/2)
}

// wait returns after the pause, or at once when kicked.
func (w *Writer) wait(ctx context.Context, pause time.Duration) error {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-w.kick:
	case <-timer.C:
	}
	return nil
}
