package field

import (
	"fmt"
	"math"
	"time"
)

// A Season is the kind of year.
type Season string

// The seasons. Drought lacks at least 40 % of the normal rain of July and
// August and has more than 30 days above 35 degrees at the reference height, as
// the summer of 2022 on the upper Yangtze.
const (
	Drought Season = "drought"
	Normal  Season = "normal"
	Wet     Season = "wet"
)

// A climate is what a season is drawn from.
type climate struct {
	rainFactor   float64 // on the rain of a normal year
	summerFactor float64 // the same for July and August
	summerHeatC  float64 // on the mean of July and August
	summerSwingC float64 // on the range of a summer's day
	summerClear  float64 // share of the usual haze that is missing in July and August
	wetDays      float64 // of 30
	summerWet    float64
}

func (s Season) climate() (climate, error) {
	switch s {
	case Drought:
		return climate{rainFactor: 0.75, summerFactor: 0.55, summerHeatC: 4.5, summerSwingC: 2.5, summerClear: 0.6, wetDays: 11, summerWet: 5}, nil
	case Normal:
		return climate{rainFactor: 1, summerFactor: 1, wetDays: 14, summerWet: 12}, nil
	case Wet:
		return climate{rainFactor: 1.3, summerFactor: 1.35, summerHeatC: -1, summerSwingC: -1, wetDays: 17, summerWet: 16}, nil
	}
	return climate{}, fmt.Errorf("season %q is none of %s, %s, %s", string(s), Drought, Normal, Wet)
}

// normalRainMM is a normal year by month, in round figures for the hills of
// south-east Chongqing; not a station's record.
var normalRainMM = [12]float64{22, 28, 55, 105, 165, 185, 165, 145, 120, 105, 55, 25}

// monthRainMM returns what a month brings.
func (c climate) monthRainMM(m month) float64 {
	if isSummer(m.month) {
		return c.summerFactor * normalRainMM[m.month-1]
	}
	return c.rainFactor * normalRainMM[m.month-1]
}

func (c climate) wetDaysOf(m month) float64 {
	if isSummer(m.month) {
		return c.summerWet
	}
	return c.wetDays
}

func isSummer(m time.Month) bool { return m == time.July || m == time.August }

// summer rises over the second half of June and falls in the first of September.
func summer(local time.Time) float64 {
	first, last := 166.0, 258.0
	day := float64(local.YearDay())
	return min(max((day-first)/15, 0), max((last-day)/15, 0), 1)
}

// meanC is the mean temperature of a day at the reference height.
func (c climate) meanC(local time.Time) float64 {
	year := 16.5 + 10*math.Cos(2*math.Pi*(float64(local.YearDay())-206)/365)
	return year + c.summerHeatC*summer(local)
}

// rangeC is the difference between a day's warmest and coldest hour.
func (c climate) rangeC(local time.Time) float64 { return 8.5 + (1.5+c.summerSwingC)*summer(local) }

// haze is how much of the usual haze there is.
func (c climate) haze(local time.Time) float64 { return 1 - c.summerClear*summer(local) }

// dewDeficitC is how far the dew point lies below the night's coldest hour.
func (c climate) dewDeficitC(local time.Time) float64 {
	return 0.5 + max(0, c.summerHeatC)*0.6*summer(local)
}
