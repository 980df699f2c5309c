package httpapi

import (
	"context"
	"fmt"
	"time"

	"ganlin/devices"
)

// A Historian returns what the time series hold of a plot.
type Historian func(ctx context.Context, plot devices.Plot, which HistoryFilter) (History, error)

// A HistoryFilter says which history is asked for. Every is 0 or a number of
// minutes, hours or days.
type HistoryFilter struct {
	Quantity string
	From, To time.Time
	Every    time.Duration
}

// How far back is looked when nothing is said, and how much may be asked for.
const (
	usualHistory  = 7 * 24 * time.Hour
	mostBuckets   = 2000
	longestBucket = 366 * 24 * time.Hour
)

// GetSeries returns what was measured, computed or watered on a plot.
func (a *api) GetSeries(ctx context.Context, in GetSeriesRequestObject) (GetSeriesResponseObject, error) {
	plot, err := a.plot(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	which := HistoryFilter{Quantity: in.Params.Quantity}
	if which.From, which.To, err = a.span(in.Params.From, in.Params.To, usualHistory); err != nil {
		return nil, err
	}
	if which.Every, err = bucket(in.Params.Every, which.To.Sub(which.From)); err != nil {
		return nil, err
	}
	history, err := a.History(ctx, plot, which)
	return GetSeries200JSONResponse(history), err
}

// bucket reads the length of a bucket, or finds one that gives some hundred of them.
func bucket(text string, span time.Duration) (time.Duration, error) {
	units := map[byte]time.Duration{'m': time.Minute, 'h': time.Hour, 'd': 24 * time.Hour}
	if text == "" {
		for _, every := range []time.Duration{5 * time.Minute, 15 * time.Minute, time.Hour, 3 * time.Hour, 6 * time.Hour, 24 * time.Hour} {
			if span/every <= 400 {
				return every, nil
			}
		}
		return span/400/units['d']*units['d'] + units['d'], nil //nolint:durationcheck // whole days of it
	}
	n := 0
	if _, err := fmt.Sscanf(text[:len(text)-1], "%d", &n); err != nil || n < 1 {
		return 0, Invalid("?every", "is a number behind which stands m, h or d")
	}
	every := time.Duration(n) * units[text[len(text)-1]]
	if every > longestBucket {
		return 0, Invalid("?every", "is longer than a year")
	}
	if span/every > mostBuckets {
		return 0, Invalid("?every", fmt.Sprintf("gives more than %d buckets; make it longer, or the time between from and to shorter", mostBuckets))
	}
	return every, nil
}
