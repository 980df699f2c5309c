package field

import "fmt"

// A Calendar is how a careful person waters who does not know the weather to
// come: at 18 h a depth as the meter counts it, until the harvest, when Days
// days have passed since the last time, unless at least RainMM fell in the last Days days.
type Calendar struct {
	DepthMM float64 `json:"depth_mm"`
	Days    int     `json:"days"`
	RainMM  float64 `json:"rain_mm"`
}

// String returns the calendar as one would say it.
func (c Calendar) String() string {
	return fmt.Sprintf("%g mm every %d days unless %g mm of rain fell", c.DepthMM, c.Days, c.RainMM)
}

// Water is the calendar's strategy.
func (c Calendar) Water(s Standing) float64 {
	if s.Since < c.Days || s.Ripe || s.RainMM(c.Days) >= c.RainMM {
		return 0
	}
	return c.DepthMM
}
