package quality

import "time"

// A Window keeps what was read in the last hours, in event time: the sum of
// amounts (such as the increments of a rain gauge), the smallest and the largest
// of values. It holds one bucket an hour, the hour ending at its name, so at a
// full hour the window is exact and between two of them up to an hour short.
//
// A reading speaks for the time since the one before: an amount for all of it, a
// value for at most MaxGap. A result is nil while the readings speak for less
// than Coverage of the hours, and a sum also while an amount that came after a
// longer gap may lie partly before the window.
type Window struct {
	Hours   int       `json:"hours"` // of the window: 24, 168; above 0, set once
	Last    time.Time `json:"last,omitzero"`
	Buckets []Bucket  `json:"buckets,omitempty"` // of hour h at index h modulo Hours
}

// A Bucket holds the readings of one hour.
type Bucket struct {
	Hour int64   `json:"hour"`          // counted from 1970, of its end
	Gap  int64   `json:"gap,omitempty"` // hours without readings just before
	Sum  float64 `json:"sum"`
	Min  float64 `json:"min"`
	Max  float64 `json:"max"`
}

// MaxGap is the longest time over which a value is held or interpolated.
const MaxGap = 3 * time.Hour

// Coverage is the least share of a window that must be known: 20 of 24 hours, 140 of 168.
const Coverage = 5.0 / 6

// Add takes a reading; one that is not later than the last is ignored.
func (w *Window) Add(at time.Time, v float64) {
	if !at.After(w.Last) {
		return
	}
	if w.Buckets == nil {
		w.Buckets = make([]Bucket, w.Hours)
	}
	hour := hourOf(at)
	b := &w.Buckets[hour%int64(w.Hours)]
	if b.Hour != hour {
		*b = Bucket{Hour: hour, Min: v, Max: v}
		if !w.Last.IsZero() {
			b.Gap = hour - hourOf(w.Last) - 1
		}
	}
	b.Sum += v
	b.Min, b.Max = min(b.Min, v), max(b.Max, v)
	w.Last = at
}

// Sum returns the sum over the hours up to a time, or nil.
func (w *Window) Sum(at time.Time) *float64 {
	t := w.total(at)
	return w.known(t.sum, t.amountHours, !t.cut)
}

// Min returns the smallest value of the hours up to a time, or nil.
func (w *Window) Min(at time.Time) *float64 {
	t := w.total(at)
	return w.known(t.min, t.valueHours, true)
}

// Max returns the largest value of the hours up to a time, or nil.
func (w *Window) Max(at time.Time) *float64 {
	t := w.total(at)
	return w.known(t.max, t.valueHours, true)
}

// A total is what the buckets of a window come to.
type total struct {
	sum, min, max           float64
	amountHours, valueHours int64 // for which amounts and values speak
	cut                     bool  // an amount after a long gap may lie partly before the window
}

func (w *Window) total(at time.Time) total {
	var t total
	if w.Buckets == nil {
		return t
	}
	end, hours := hourOf(at), int64(w.Hours)
	for room := range hours { // hours of the window before this one
		hour := end - hours + 1 + room
		b := &w.Buckets[hour%hours]
		if b.Hour != hour {
			continue
		}
		if t.amountHours == 0 {
			t.min, t.max = b.Min, b.Max
		}
		t.sum += b.Sum
		t.min, t.max = min(t.min, b.Min), max(t.max, b.Max)
		t.amountHours += 1 + min(b.Gap, room)
		t.valueHours++
		if b.Gap < int64(MaxGap/time.Hour) {
			t.valueHours += min(b.Gap, room)
		} else if b.Gap > room {
			t.cut = true
		}
	}
	return t
}

func (w *Window) known(v float64, covered int64, ok bool) *float64 {
	if !ok || float64(covered) < Coverage*float64(w.Hours) {
		return nil
	}
	return &v
}

// hourOf returns the hour, counted from 1970, that ends at or after a time.
func hourOf(at time.Time) int64 {
	const hour = 3600_000
	return (at.UnixMilli() + hour - 1) / hour
}
