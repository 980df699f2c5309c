package quality

import (
	"math"
	"time"
)

// A Note says what became of a counter's reading.
type Note string

// The notes.
const (
	NoteCounted     Note = "counted"     // the increment is the difference
	NoteFirst       Note = "first"       // nothing to compare with
	NoteOld         Note = "old"         // not later than the one before: ignored
	NoteReset       Note = "reset"       // the device began again at 0: the increment is the new total
	NoteRolledOver  Note = "rolled_over" // the counter came to its end and went on from 0
	NoteImplausible Note = "implausible" // neither a difference nor a reset can be that large: nothing is credited
	NoteReturned    Note = "returned"    // the readings before were wrong: the difference is from the level before them
)

// A Level is a total that a counter showed; at the zero time it is none.
type Level struct {
	At    time.Time `json:"at"`
	Total float64   `json:"total"` // in the unit of the quantity
}

// A Counter turns a running total into increments. A total that cannot follow
// from the last one is not credited, but its level is kept beside the old one:
// the next reading shows which of them goes on. So one wrong reading costs
// nothing, and a new level is accepted without crediting the jump to it.
//
// The limits are set once, the rest is state. The zero Counter believes every
// difference.
type Counter struct {
	MaxPerHour float64 `json:"max_per_hour,omitempty"` // more is implausible; 0: no limit
	MaxPerDay  float64 `json:"max_per_day,omitempty"`  // likewise, over gaps of more than a few hours; 0: no limit
	Resolution float64 `json:"resolution,omitempty"`   // what one count is worth; 0: roll-overs are not looked for

	Shown    Level   `json:"shown,omitzero"`     // the last reading
	Before   Level   `json:"before,omitzero"`    // the last level that was sure, while Shown is not
	Credited float64 `json:"credited,omitempty"` // what was credited since Before
}

// RainCounter returns a counter with the limits of what nature can do: the world
// records of an hour (305 mm, Holt 1947) and of a day (1,825 mm, La Réunion 1966;
// both WMO archive). resolution is what one count is worth, 0 if that is not known.
func RainCounter(resolution float64) Counter {
	return Counter{Resolution: resolution, MaxPerHour: 305, MaxPerDay: 1825}
}

// Add takes the total at a time and returns what was added since the reading
// before, in the unit of the quantity, never negative.
func (c *Counter) Add(at time.Time, total float64) (increment float64, note Note) {
	if math.IsNaN(total) || total < 0 || math.IsInf(total, 1) {
		return 0, NoteImplausible
	}
	now := Level{At: at, Total: total}
	if c.Shown.At.IsZero() {
		c.Shown = now
		return 0, NoteFirst
	}
	if !at.After(c.Shown.At) {
		return 0, NoteOld
	}
	if c.follows(c.Shown, now) {
		increment = total - c.Shown.Total
		c.Shown, c.Before, c.Credited = now, Level{}, 0
		return increment, NoteCounted
	}
	if !c.Before.At.IsZero() && c.follows(c.Before, now) {
		increment = max(0, total-c.Before.Total-c.Credited)
		c.Shown, c.Before, c.Credited = now, Level{}, 0
		return increment, NoteReturned
	}
	if increment, ok := c.rolledOver(now); ok {
		c.Shown = now
		return increment, NoteRolledOver
	}
	reset := total < c.Shown.Total && total <= c.limit(at.Sub(c.Shown.At))
	if c.Before.At.IsZero() {
		c.Before = c.Shown
	}
	c.Shown = now
	if !reset {
		return 0, NoteImplausible
	}
	c.Credited += total
	return total, NoteReset
}

// follows reports whether a level can be that of the same count later on.
func (c *Counter) follows(last, now Level) bool {
	return now.Total >= last.Total && now.Total-last.Total <= c.limit(now.At.Sub(last.At))
}

// limit is the largest plausible increment within an interval. Intervals count
// as at least a minute, as one tip of a bucket may come at any moment.
func (c *Counter) limit(interval time.Duration) float64 {
	hours := max(interval, time.Minute).Hours()
	limit := math.Inf(1)
	if c.MaxPerHour > 0 {
		limit = c.MaxPerHour * hours
	}
	if c.MaxPerDay > 0 {
		limit = min(limit, c.MaxPerDay*max(1, hours/24))
	}
	return limit + c.Resolution
}

// rolledOver recognises the end of a register of 16 or 32 bits: the count stood
// in the last sixteenth of its range and stands in the first one. A device that
// reboots just there is taken for one that rolled over.
func (c *Counter) rolledOver(now Level) (increment float64, ok bool) {
	if !c.Before.At.IsZero() {
		return 0, false
	}
	for _, counts := range [...]float64{1 << 16, 1 << 32} {
		end := counts * c.Resolution
		increment = end - c.Shown.Total + now.Total
		if c.Shown.Total >= end/16*15 && c.Shown.Total < end && now.Total <= end/16 && increment <= c.limit(now.At.Sub(c.Shown.At)) {
			return increment, true
		}
	}
	return 0, false
}
