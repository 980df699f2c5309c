package drought

import (
	"time"

	"ganlin/rules/water"
)

// A Grade is a degree of agricultural drought, from none to extreme; higher is drier.
type Grade int

// The grades. The zero value says that nothing is known, which is not None.
const (
	Unknown Grade = iota
	None
	Light
	Moderate
	Severe
	Extreme
)

// String returns the grade as a word of the wire.
func (g Grade) String() string {
	switch g {
	case None:
		return "none"
	case Light:
		return "light"
	case Moderate:
		return "moderate"
	case Severe:
		return "severe"
	case Extreme:
		return "extreme"
	default:
		return "unknown"
	}
}

// A Standard is the document whose limits are used.
type Standard string

// The standards.
const (
	GBT32136 Standard = "GB/T 32136-2015" // grade of agricultural drought, by texture
	GBT20481 Standard = "GB/T 20481-2006" // grades of meteorological drought, one row for all textures; its edition of 2017 replaced it
)

// Limits are one row of a standard.
type Limits struct {
	Standard  Standard
	Class     water.Class
	ValidFrom time.Time
	// Below these relative soil moistures, in %, drought is light, moderate, severe, extreme.
	Light, Moderate, Severe, Extreme float64
	AtLimitIsDrier                   bool   // which of two grades a moisture right at the limit has
	Confirmed                        bool   // whether the numbers were seen in a source; if not, confirm them on the standard before use
	Source                           string // where they were seen
}

// table holds all rows. GB/T 32136-2015 is in force since 2016-05-01. Only its
// row for sand was seen, quoted in a paper; those for loam and clay are the
// numbers in general use and were not seen in a source. Those of 2006 were
// seen quoted in a paper; the first day of that standard was not.
var table = []Limits{
	{GBT32136, water.Coarse, date(2016, 5, 1), 55, 45, 35, 25, false, true, "ChinaXiv-202104.00104V1, table 4"},
	{GBT32136, water.Medium, date(2016, 5, 1), 60, 50, 40, 30, false, false, ""},
	{GBT32136, water.Fine, date(2016, 5, 1), 65, 55, 45, 35, false, false, ""},
	{GBT20481, water.Coarse, date(2006, 11, 1), 60, 50, 40, 30, true, true, "ChinaXiv-201804.01740V1"},
	{GBT20481, water.Medium, date(2006, 11, 1), 60, 50, 40, 30, true, true, "ChinaXiv-201804.01740V1"},
	{GBT20481, water.Fine, date(2006, 11, 1), 60, 50, 40, 30, true, true, "ChinaXiv-201804.01740V1"},
}

func date(year int, month time.Month, day int) time.Time {
	return time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
}

// LimitsOf returns the row of a standard for a class of soil, and whether there is one.
func LimitsOf(standard Standard, class water.Class) (Limits, bool) {
	for _, l := range table {
		if l.Standard == standard && l.Class == class {
			return l, true
		}
	}
	return Limits{}, false
}

// GradeOf returns the grade of a relative soil moisture in %. It is Unknown for
// a class or standard without limits and for a moisture that cannot be: 0 or
// less, 180 or more, or no number.
func GradeOf(rsmPct float64, class water.Class, standard Standard) Grade {
	l, ok := LimitsOf(standard, class)
	if !ok || !(rsmPct > 0 && rsmPct < 180) {
		return Unknown
	}
	below := func(limit float64) bool { return rsmPct < limit || l.AtLimitIsDrier && rsmPct == limit }
	switch {
	case below(l.Extreme):
		return Extreme
	case below(l.Severe):
		return Severe
	case below(l.Moderate):
		return Moderate
	case below(l.Light):
		return Light
	default:
		return None
	}
}

// RSMFromDepletion returns the relative soil moisture, in % of field capacity,
// of a root zone that is depleted by so much of its available water: with
// f = Dr/TAW it is 1 - f (1 - WP/FC). Depletion and relative moisture are not
// the same number: a loam of 0.30 and 0.12 m3/m3 with f 0.55 has 67 %. Without
// available water it is 0, which has no grade.
func RSMFromDepletion(depletionMM, tawMM float64, soil water.Soil) float64 {
	if tawMM <= 0 || soil.FieldCapacity <= 0 {
		return 0
	}
	return 100 * (1 - depletionMM/tawMM*(1-soil.WiltingPoint/soil.FieldCapacity))
}
