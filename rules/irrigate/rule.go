package irrigate

import (
	"fmt"
	"time"
)

// A Rule is how a plot is to be watered.
type Rule struct {
	TriggerOfRAW float64 // water when depletion passes this share of what roots take without stress
	KeepRoomMM   float64 // of depletion that is left for rain
	MinimumMM    float64 // net depth below which an opening is not worth its while
	Efficiency   float64 // share of the water from the valve that the root zone gets, above 0 to 1
	FromHour     int     // local hours in which a valve may open, from the first to before the second;
	ToHour       int     // they may pass midnight, and two equal ones mean always
	StopDays     int     // last days of the season without watering
}

// DefaultRule waters with a sprinkler when stress begins, at night: application
// efficiency 75 % (Brouwer, Prins and Heibloem 1989, FAO Irrigation Water
// Management, Training Manual 4, annex I, table 8).
func DefaultRule() Rule {
	return Rule{TriggerOfRAW: 1, KeepRoomMM: 0, MinimumMM: 3, Efficiency: 0.75, FromHour: 18, ToHour: 8}
}

// Validate reports what is wrong with the rule.
func (r Rule) Validate() error {
	switch {
	case !(r.TriggerOfRAW > 0 && r.TriggerOfRAW <= 2):
		return fmt.Errorf("trigger_of_raw %g is not above 0 and up to 2", r.TriggerOfRAW)
	case !(r.KeepRoomMM >= 0 && r.KeepRoomMM <= 200):
		return fmt.Errorf("keep_room_mm %g is not 0 to 200", r.KeepRoomMM)
	case !(r.MinimumMM >= 0 && r.MinimumMM <= 100):
		return fmt.Errorf("minimum_mm %g is not 0 to 100", r.MinimumMM)
	case !(r.Efficiency > 0 && r.Efficiency <= 1):
		return fmt.Errorf("efficiency %g is not above 0 and up to 1", r.Efficiency)
	case r.FromHour < 0 || r.FromHour > 23 || r.ToHour < 0 || r.ToHour > 23:
		return fmt.Errorf("hours %d to %d are not 0 to 23", r.FromHour, r.ToHour)
	case r.StopDays < 0:
		return fmt.Errorf("stop_days %d is below 0", r.StopDays)
	}
	return nil
}

// NextOpening returns the first moment, from a local time on, at which a valve may open.
func (r *Rule) NextOpening(local time.Time) time.Time {
	if r.inWindow(local.Hour()) {
		return local
	}
	day := local.Day()
	if local.Hour() >= r.FromHour {
		day++
	}
	return time.Date(local.Year(), local.Month(), day, r.FromHour, 0, 0, 0, local.Location())
}

// inWindow reports whether a valve may open in a local hour.
func (r *Rule) inWindow(hour int) bool {
	switch {
	case r.FromHour == r.ToHour:
		return true
	case r.FromHour < r.ToHour:
		return r.FromHour <= hour && hour < r.ToHour
	default:
		return hour >= r.FromHour || hour < r.ToHour
	}
}
