package influx

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// probeLine is a line that every healthy database accepts: one integer field,
// which holds the time of the point, so that any writer may repeat it.
func probeLine(now time.Time) Line {
	ms := now.UnixMilli()
	return Line{Text: fmt.Appendf(nil, "ganlin_probe value=%di %d", ms, ms)}
}

// prove writes a point and reads it back at its time, once for each endpoint.
// Should the two ends not agree on milliseconds, or the database of queries
// not be the bucket of writes, nothing more is written.
func (w *Writer) prove(ctx context.Context) error {
	for tries := 0; ; tries++ {
		e := w.o.Endpoint()
		if e.URL != "" && e == w.proved {
			return nil
		}
		now := time.Now()
		v, a, err := w.send(ctx, []Line{probeLine(now)}, firstPatience)
		if err != nil {
			return err
		}
		if v != stored {
			err = fmt.Errorf("it refuses a line known to be good: %s", a)
		} else if err = w.readBack(ctx, now.UnixMilli()); err == nil {
			w.enter(OK, "")
			w.proved = w.at
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		pause := stoppedPause
		if v == stored && passing(err) {
			w.enter(Retrying, err.Error())
			pause = pauseAfter(tries, 0)
		} else {
			w.enter(Stopped, err.Error())
		}
		if err := w.wait(ctx, pause); err != nil {
			return err
		}
	}
}

// readBack asks for the probe of this time in Unix ms.
func (w *Writer) readBack(ctx context.Context, ms int64) error {
	ctx, cancel := context.WithTimeout(ctx, firstPatience)
	defer cancel()
	series, err := w.query.Query(ctx, fmt.Sprintf(`SELECT "value" FROM "ganlin_probe" WHERE time = %dms`, ms))
	if err != nil {
		return fmt.Errorf("reading back a point: %w", err)
	}
	want := json.Number(strconv.FormatInt(ms, 10))
	if len(series) != 1 || len(series[0].Values) != 1 || len(series[0].Values[0]) != 2 ||
		series[0].Values[0][0] != want || series[0].Values[0][1] != want {
		return &precisionError{ms: ms}
	}
	return nil
}

// A precisionError says that a point written with a time in ms was not found at that time.
type precisionError struct{ ms int64 }

func (e *precisionError) Error() string {
	return fmt.Sprintf("a point written for %s was accepted and is not found at that time: "+
		"the precision is not milliseconds, or queries read another database than the bucket that is written",
		time.UnixMilli(e.ms).UTC().Format("2006-01-02T15:04:05.000Z"))
}

// passing reports whether a failed reading back mends itself.
func passing(err error) bool {
	if _, ok := errors.AsType[*precisionError](err); ok {
		return false
	}
	refusal, ok := errors.AsType[*StatusError](err)
	return !ok || refusal.Status >= 500 || refusal.Status == http.StatusTooManyRequests
}
