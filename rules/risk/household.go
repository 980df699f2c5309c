package risk

import (
	"slices"
	"time"

	"ganlin/devices"
)

// A Transition is what a day did to a household's clue.
type Transition string

// The transitions. From being raised to being withdrawn is one episode.
const (
	Unchanged Transition = "none"
	Raised    Transition = "raised"
	Updated   Transition = "updated" // to another level
	Withdrawn Transition = "withdrawn"
)

// A Household is the clue machine of one household. With its ID set the zero
// value is ready.
//
// An unknown day neither counts for a change nor against it, until there were
// HoldDays of them: then counting begins anew. So silence raises no clue and
// withdraws none; it shows as Unknown at once where no clue is open, and after
// LevelDays where one is.
type Household struct {
	ID      devices.HouseholdID `json:"id"`
	At      time.Time           `json:"at,omitzero"` // the day judged last
	Open    bool                `json:"open,omitempty"`
	Level   Level               `json:"level,omitempty"`
	Since   time.Time           `json:"since,omitzero"`
	Episode int                 `json:"episode,omitempty"`

	UnknownDays int    `json:"unknown_days,omitempty"` // in a row, the last one included
	Above       Streak `json:"above,omitzero"`         // above the level, or at Blue and above while no clue is open
	Below       Streak `json:"below,omitzero"`         // low enough to leave the level downwards
	Clear       Streak `json:"clear,omitzero"`         // low enough to withdraw the clue
}

// A Streak is a number of days in a row, and the lowest and the highest level
// among them: 0 for None to 4 for Red.
type Streak struct {
	Days    int `json:"days"`
	Lowest  int `json:"lowest"`
	Highest int `json:"highest"`
}

// count extends the streak by a day, or ends it.
func (s *Streak) count(on bool, level int) {
	switch {
	case !on:
		*s = Streak{}
	case s.Days == 0:
		*s = Streak{Days: 1, Lowest: level, Highest: level}
	default:
		*s = Streak{Days: s.Days + 1, Lowest: min(s.Lowest, level), Highest: max(s.Highest, level)}
	}
}

// Day judges a day at its end, in the order of days. A day that was judged
// already changes nothing. The clue shares the losses with plots.
func (h *Household) Day(at time.Time, plots []PlotLoss, table Levels) (Clue, Transition) {
	c := Clue{Household: h.ID}
	assess(&c, plots)
	transition := Unchanged
	if at.After(h.At) {
		h.At = at
		transition = h.judge(at, c.Loss.Mid, table)
	}
	c.Episode, c.Open, c.Since, c.Level = h.Episode, h.Open, h.Since, h.Level
	return c, transition
}

func (h *Household) judge(at time.Time, loss *float64, table Levels) Transition {
	if loss == nil {
		return h.judgeUnknown(table)
	}
	h.UnknownDays = 0
	level := table.of(*loss, 1)
	if !h.Open {
		h.Level = None
		if h.Above.count(level > 0, level); h.Above.Days < table.HoldDays {
			return Unchanged
		}
		h.Open, h.Since, h.Episode = true, at, h.Episode+1
		return h.turn(order[h.Above.Lowest], Raised)
	}
	// A change is to the level nearest to the present one: every day of the streak bears that one out.
	floor := table.of(*loss, table.Release)
	present := slices.Index(order[:], h.Level) // -1 of Unknown
	h.Clear.count(floor == 0, level)
	h.Above.count(floor > 0 && level > present, max(level, 1))
	h.Below.count(floor > 0 && floor < present, max(level, 1))
	switch {
	case h.Clear.Days >= table.WithdrawDays:
		h.Open, h.Since = false, time.Time{}
		return h.turn(None, Withdrawn)
	case h.Above.Days >= table.LevelDays:
		return h.turn(order[h.Above.Lowest], Updated)
	case h.Below.Days >= table.LevelDays:
		return h.turn(order[h.Below.Highest], Updated)
	}
	return Unchanged
}

func (h *Household) judgeUnknown(table Levels) Transition {
	h.UnknownDays++
	if h.UnknownDays >= table.HoldDays {
		h.Above, h.Below, h.Clear = Streak{}, Streak{}, Streak{}
	}
	switch {
	case !h.Open:
		h.Level = Unknown
	case h.Level != Unknown && h.UnknownDays >= table.LevelDays:
		return h.turn(Unknown, Updated)
	}
	return Unchanged
}

// turn goes to a level, from which counting begins anew.
func (h *Household) turn(to Level, transition Transition) Transition {
	h.Level = to
	h.Above, h.Below, h.Clear = Streak{}, Streak{}, Streak{}
	return transition
}
