package water

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// A Crop is how a crop grows and drinks.
type Crop struct {
	Name                string
	LengthsDays         [4]int  // of the stages initial, development, mid-season and late; the last may be 0
	KcIni, KcMid, KcEnd float64 // single crop coefficients in the standard climate: RHmin 45 %, wind 2 m/s
	HeightM             float64 // at mid-season
	RootMinM, RootMaxM  float64 // effective rooting depth at planting and from mid-season on
	DepletionFraction   float64 // share of the available water that roots take without stress, at ETc 5 mm/d
	Ky                  float64 // seasonal yield response
	Perennial           bool    // whether the curve begins anew every 365 days
	Note                string  // what was taken in place of what FAO-56 does not have
}

// The stages of a crop. A perennial rests between two growing seasons.
const (
	BeforePlanting = "before"
	Initial        = "initial"
	Development    = "development"
	MidSeason      = "mid"
	LateSeason     = "late"
	Rest           = "rest"
	Harvested      = "harvested"
)

const daysOfYear = 365 // of a perennial's curve, which thus drifts by a day in four years

// CropOf returns the crop of a name of the registry. A crop without a yield
// response of its own has Ky 1, as FAO-56 advises beside table 24, and its note says so.
//
// RootMaxM is the smaller depth of FAO-56, table 22, which its footnote gives
// for scheduling irrigation. At planting roots are taken to reach 0.3 m, as in
// Example 38, or less where they never grow deeper.
func CropOf(name string) (Crop, error) {
	i, found := slices.BinarySearchFunc(crops, name, func(c Crop, name string) int { return strings.Compare(c.Name, name) })
	if !found {
		return Crop{}, fmt.Errorf("crop %q is not known", name)
	}
	c := crops[i]
	if c.Ky == 0 {
		c.Ky = 1
		c.Note = strings.TrimPrefix(c.Note+"; Ky 1, as table 24 has no row", "; ")
	}
	return c, nil
}

// SeasonDays returns how long the crop's curve is: from planting to harvest, or a year.
func (c Crop) SeasonDays() int {
	if c.Perennial {
		return daysOfYear
	}
	return c.growingDays()
}

func (c *Crop) growingDays() int {
	return c.LengthsDays[0] + c.LengthsDays[1] + c.LengthsDays[2] + c.LengthsDays[3]
}

// Stage returns the crop coefficient of the table, the rooting depth and the
// stage of a day; day 1 is the day of planting, and of a perennial the day on
// which its growing season begins. Between stages Kc is linear in days (FAO-56,
// Eq. 66, p. 132); roots grow as Kc rises (annex 8, p. 279). Outside the
// season the soil is bare.
func (c Crop) Stage(day int) (kc, rootM float64, stage string) {
	return c.stage(day, c.KcMid, c.KcEnd)
}

// dayOfSeason puts a day of a perennial into its year.
func (c *Crop) dayOfSeason(day int) int {
	if c.Perennial {
		return ((day-1)%daysOfYear+daysOfYear)%daysOfYear + 1
	}
	return day
}

// stage is Stage with the Kc of a climate.
func (c *Crop) stage(day int, kcMid, kcEnd float64) (kc, rootM float64, stage string) {
	day = c.dayOfSeason(day)
	growing := c.LengthsDays[0]
	if day < 1 {
		return c.KcIni, c.RootMinM, BeforePlanting
	}
	if day <= growing {
		return c.KcIni, c.RootMinM, Initial
	}
	if day <= growing+c.LengthsDays[1] {
		share := float64(day-growing) / float64(c.LengthsDays[1])
		return c.KcIni + share*(kcMid-c.KcIni), min(c.RootMinM+share*(c.RootMaxM-c.RootMinM), c.RootMaxM), Development
	}
	growing += c.LengthsDays[1] + c.LengthsDays[2]
	if day <= growing {
		return kcMid, c.RootMaxM, MidSeason
	}
	if day <= growing+c.LengthsDays[3] {
		return kcMid + float64(day-growing)/float64(c.LengthsDays[3])*(kcEnd-kcMid), c.RootMaxM, LateSeason
	}
	if c.Perennial {
		return c.KcIni, c.RootMaxM, Rest
	}
	return c.KcIni, c.RootMaxM, Harvested
}

// inClimate returns Kc mid and end adjusted for a day's mean wind at 2 m and
// lowest humidity (FAO-56, Eq. 62, p. 121, and Eq. 65, p. 127: both limited to
// the range for which they were made, the end only where it is 0.45 or more).
// Of two inputs the one that is unknown is that of the standard climate.
func (c *Crop) inClimate(windMS, rhMinPct *float64) (kcMid, kcEnd float64) {
	if windMS == nil && rhMinPct == nil {
		return c.KcMid, c.KcEnd
	}
	wind, humidity := 2.0, 45.0
	if windMS != nil {
		wind = min(max(*windMS, 1), 6)
	}
	if rhMinPct != nil {
		humidity = min(max(*rhMinPct, 20), 80)
	}
	height := min(max(c.HeightM, 0.1), 10)
	shift := (0.04*(wind-2) - 0.004*(humidity-45)) * math.Pow(height/3, 0.3)
	kcMid, kcEnd = max(c.KcMid+shift, 0), c.KcEnd
	if c.KcEnd >= 0.45 {
		kcEnd = max(c.KcEnd+shift, 0)
	}
	return kcMid, kcEnd
}

// DaysLeft returns how many days of the season are left on a day, that one
// included. A perennial's season does not end.
func (c Crop) DaysLeft(day int) int {
	if c.Perennial {
		return daysOfYear
	}
	return max(0, c.growingDays()-day+1)
}
