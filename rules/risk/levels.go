package risk

// A Level says how much a household stands to lose. The words are those of the
// contract's signal; they are no weather warnings, which only a meteorological
// office may publish.
type Level string

// The levels. Unknown is no lower than any other: it is what nobody can tell.
const (
	None    Level = "none"
	Unknown Level = "unknown"
	Blue    Level = "blue"
	Yellow  Level = "yellow"
	Orange  Level = "orange"
	Red     Level = "red"
)

// order lists what Levels distinguishes by loss.
var order = [...]Level{None, Blue, Yellow, Orange, Red}

// Levels is the table by which losses become levels, and how long they must last.
// A day counts as one call, so a day without a result holds everything up.
type Levels struct {
	Blue   float64 // the share of the harvest from which on each level begins
	Yellow float64
	Orange float64
	Red    float64

	Release      float64 // a level is left downwards below this part of its own threshold
	HoldDays     int     // days in a row at Blue or above that raise a clue
	LevelDays    int     // days in a row at another level that update it
	WithdrawDays int     // days in a row below Release times Blue that withdraw it
}

// DefaultLevels returns the table in use when the operator has none: a sixth of
// the harvest is more than seasons differ by themselves, a quarter is felt, 40 %
// and 60 % are the shares of crops at which Chinese drought warnings turn orange
// and red. The numbers are for the operator to set: they decide how many visits
// there are to be made.
func DefaultLevels() Levels {
	return Levels{
		Blue: 0.15, Yellow: 0.25, Orange: 0.4, Red: 0.6,
		Release: 0.7, HoldDays: 5, LevelDays: 3, WithdrawDays: 5,
	}
}

// of returns the index in order of the level that a loss has when the thresholds
// are multiplied by a factor.
func (t Levels) of(loss, factor float64) int {
	level := 0
	for i, threshold := range [...]float64{t.Blue, t.Yellow, t.Orange, t.Red} {
		if loss >= threshold*factor {
			level = i + 1
		}
	}
	return level
}
