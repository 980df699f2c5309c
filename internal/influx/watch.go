package influx

import (
	"context"
	"time"
)

// How Run looks after a database that nobody writes to.
const (
	lookEvery    = 5 * time.Second  // without a write
	lookPatience = 5 * time.Second  // for the answer to the one line
	lookApart    = 10 * time.Minute // between two points of looking: the line between them is the same, so that points do not pile up
)

// Run proves the database as soon as there is one, and writes a line to it
// again whenever it has stored nothing for a while, so that the state is true
// without load too: an address that leads nowhere, a token that was revoked, a
// database that died in a quiet hour. It ends with ctx.
func (w *Writer) Run(ctx context.Context) error {
	every := time.NewTicker(lookEvery)
	defer every.Stop()
	for {
		select {
		case w.turn <- struct{}{}:
			err := w.look(ctx)
			<-w.turn
			if err != nil {
				return err
			}
		default: // a Write is under way and tells how it fares
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-every.C:
		}
	}
}

// look returns when the database takes a line, and writes none where it has
// taken one just now.
func (w *Writer) look(ctx context.Context) error {
	for {
		if err := w.prove(ctx); err != nil {
			return err
		}
		if time.Since(w.stored) < lookEvery {
			return nil
		}
		v, a, err := w.send(ctx, []Line{probeLine(time.Now().Truncate(lookApart))}, lookPatience)
		if err != nil {
			return err
		}
		if v == stored {
			w.enter(OK, "")
			return nil
		}
		w.enter(Stopped, "it refuses a line known to be good: "+a.String())
		if err := w.wait(ctx, stoppedPause); err != nil {
			return err
		}
	}
}
