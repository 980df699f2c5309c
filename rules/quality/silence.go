package quality

import (
	"math"
	"time"
)

// MissedReadings is how many readings in a row must fail to come before their
// source is silent: one gets lost now and then, three do not.
const MissedReadings = 3

// Silent reports whether a source that should speak every so often has said
// nothing for too long. One that never spoke is silent. The interval must be above 0.
func Silent(last, now time.Time, every time.Duration) bool {
	return Age(last, now) > MissedReadings*every
}

// Age returns how old the last reading is: never negative, and endless if there was none.
func Age(last, now time.Time) time.Duration {
	if last.IsZero() {
		return math.MaxInt64
	}
	return max(0, now.Sub(last))
}
