package drought

import "ganlin/rules/water"

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

// limits are where light, moderate, severe and extreme drought begin.
type limits [4]float64

// moisture holds the limits of relative soil moisture, in %, below which a soil
// is that dry, of GB/T 32136-2015, 5.2. Only the row for sand was seen, quoted
// in a paper (ChinaXiv-202104.00104V1, table 4); those for loam and clay are the
// numbers in general use: confirm them on the standard.
func moisture(class water.Class) (limits, bool) {
	switch class {
	case water.Coarse:
		return limits{55, 45, 35, 25}, true
	case water.Medium:
		return limits{60, 50, 40, 30}, true
	case water.Fine:
		return limits{65, 55, 45, 35}, true
	}
	return limits{}, false
}

// OfMoisture returns the grade of a relative soil moisture in %: water content
// by field capacity. The limit itself is the wetter grade. It is Unknown for a
// class without limits and for a moisture that cannot be: 0 or less, 180 or
// more, or no number.
func OfMoisture(rsmPct float64, class water.Class) Grade {
	dry, ok := moisture(class)
	if !ok || !(rsmPct > 0 && rsmPct < 180) {
		return Unknown
	}
	grade := None
	for _, limit := range dry {
		if rsmPct < limit {
			grade++
		}
	}
	return grade
}

// OfDeficit returns the grade of what a crop does not get of the water that it
// asks for, in %. The limits are those of GB/T 32136-2015, 5.1, for its index of
// crop water deficit (as in general use: confirm them on the standard), which
// are lower while the crop is at its most sensitive. That index counts rain
// and irrigation against the demand of fifty days, as an anomaly to years of
// climate; here the balance counts what the soil still holds as well, and
// the deficit is that of the moment: 100 (1 - Ks). It is Unknown for no number.
func OfDeficit(deficitPct float64, critical bool) Grade {
	short := limits{40, 55, 70, 85}
	if critical {
		short = limits{35, 50, 65, 80}
	}
	if !(deficitPct >= 0) {
		return Unknown
	}
	grade := None
	for _, limit := range short {
		if deficitPct > limit {
			grade++
		}
	}
	return grade
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
