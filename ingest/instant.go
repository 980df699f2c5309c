package ingest

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"
)

// The window of plausible device times, and the year before which a clock was never set.
const (
	maxAge       = 30 * 24 * time.Hour
	maxAhead     = 5 * time.Minute
	unsetBefore  = 2020
	maxUnixMilli = 1 << 53 // beyond it a JSON number is not exact, and no date
)

var errNoTime = errors.New(`has no "at"; send RFC 3339 such as "2026-07-01T08:00:00Z" or Unix milliseconds`)

// parseInstant reads the raw JSON of an "at", cut to the millisecond. It
// returns errNoTime when there is none.
func parseInstant(raw []byte) (time.Time, error) {
	switch {
	case len(raw) == 0 || raw[0] == 'n': // null
		return time.Time{}, errNoTime
	case raw[0] == '"':
		text := string(unquote(raw))
		at, err := time.Parse(time.RFC3339, text)
		if err != nil {
			return time.Time{}, fmt.Errorf(`"at" is %q; send RFC 3339 such as "2026-07-01T08:00:00Z" or Unix milliseconds as a number`, shorten(text))
		}
		return at.UTC().Truncate(time.Millisecond), nil
	}
	ms, err := strconv.ParseFloat(string(raw), 64)
	if err != nil || math.Abs(ms) > maxUnixMilli {
		return time.Time{}, fmt.Errorf(`"at" is %s; send RFC 3339 such as "2026-07-01T08:00:00Z" or Unix milliseconds as a number`, shorten(string(raw)))
	}
	return time.UnixMilli(int64(math.Floor(ms))).UTC(), nil
}

// A window is what times of devices are plausible.
type window struct{ received, latest time.Time }

// check reports whether a device whose clock is right could send the time.
func (w window) check(at time.Time) error {
	switch {
	case at.Before(w.received.Add(-maxAge)):
		return fmt.Errorf(`"at" is %s, more than 30 days before it was received at %s; set the device's clock`,
			at.Format(time.RFC3339), w.received.Format(time.RFC3339))
	case at.After(w.latest.Add(maxAhead)):
		return fmt.Errorf(`"at" is %s, more than 5 minutes ahead of %s; set the device's clock`,
			at.Format(time.RFC3339), w.latest.Format(time.RFC3339))
	}
	return nil
}

// receipt is the time of what has no plausible one of its own.
func (w window) receipt() time.Time { return w.received.UTC().Truncate(time.Millisecond) }
