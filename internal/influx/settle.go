package influx

import (
	"context"
	"fmt"
	"time"
)

// settle sees to it that every line is stored, or refused when sent alone. The
// lines begin at index at of the Write. With known, they have been refused
// together already and are divided at once.
//
// A part that is bad costs a request for itself and one for the rest; a part
// that is good tells that the rest is bad. So the smaller part goes first, in
// the golden ratio, which makes both ways equally long: one bad line in n
// costs about 1.5 log2(n) requests. What dropped=N of an answer says is never
// used: it is wrong in 1.8.
func (w *Writer) settle(ctx context.Context, lines []Line, at int, known bool, r *Result) error {
	cut, bad := max(1, len(lines)*382/1000), true
	if !known || len(lines) == 1 {
		v, a, err := w.send(ctx, lines, firstPatience)
		switch {
		case err != nil:
			return err
		case v == stored:
			w.enter(OK, "")
			for _, line := range lines {
				r.Stored += line.Values
			}
			return nil
		case v == tooLarge: // says nothing about the lines
			cut, bad = len(lines)/2, false
		case len(lines) == 1:
			return w.bury(ctx, lines[0], at, a, r)
		}
	}
	before := len(r.Dead)
	if err := w.settle(ctx, lines[:cut], at, false, r); err != nil {
		return err
	}
	return w.settle(ctx, lines[cut:], at+cut, bad && len(r.Dead) == before, r)
}

// bury takes a line that was refused alone for dead, once a line known to be
// good has been accepted after it and not too many died lately. Until then the
// writer is stopped and tries the line again: the operator may have mended
// what refused it.
func (w *Writer) bury(ctx context.Context, line Line, index int, a answer, r *Result) error {
	for {
		why := fmt.Sprintf("more than 1 %% of the lines were refused within 10 minutes, the latest one so: %s", a)
		if w.dead.bearable(time.Now()) {
			good, answered, err := w.send(ctx, []Line{probeLine(time.Now())}, firstPatience)
			if err != nil {
				return err
			}
			if good == stored {
				w.enter(OK, "")
				w.dead.died(time.Now())
				r.Dead = append(r.Dead, DeadLine{Index: index, Reason: a.reason(), Detail: brief(a.text)})
				return nil
			}
			why = fmt.Sprintf("it refuses even a line known to be good: %s", answered)
		}
		w.enter(Stopped, why)
		if err := w.wait(ctx, stoppedPause); err != nil {
			return err
		}
		v, again, err := w.send(ctx, []Line{line}, firstPatience)
		if err != nil {
			return err
		}
		if v == stored {
			w.enter(OK, "")
			w.dead = deadShare{}
			r.Stored += line.Values
			return nil
		}
		a = again
	}
}
