package irrigate

import "time"

// A Rule is how a plot is to be watered.
type Rule struct {
	TriggerOfRAW  float64 // water when depletion passes this share of what roots take without stress
	KeepRoomMM    float64 // of depletion that is left for rain
	KeepRoomOfRAW float64 // the same as a share of RAW; the larger of the two counts
	MinimumMM     float64 // net depth below which an opening is not worth its while
	Efficiency    float64 // share of the water from the valve that the root zone gets, above 0 to 1
	FromHour      int     // local hours in which a valve may open, from the first to before the second;
	ToHour        int     // they may pass midnight, and two equal ones mean always
	StopDays      int     // last days of the season without watering
	StartsPerDay  int     // openings of a plot from one midnight to the next; 0: no limit
	DayMM         float64 // what its valves may bring in that time, as meters count it; 0: no limit
	SeasonMM      float64 // likewise in a season
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
