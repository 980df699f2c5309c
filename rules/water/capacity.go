package water

import "slices"

// What a soaking is, and which estimates are believed.
const (
	soakingMM     = 25.0 // in two days
	overfilledMM  = 5.0  // of which so much was more than the root zone could hold
	dryDayMM      = 0.5  // no more water than this
	drainedAfter  = 2    // dry days, when most soils have drained and the air took little
	keptEstimates = 5
	believedShare = 0.25 // of the textbook's value, to either side
)

// FieldCapacity is what a plot has shown of its true field capacity. The zero
// value has seen nothing. It survives JSON exactly.
type FieldCapacity struct {
	Value     *float64  `json:"value"`     // m3/m3; nil until something is learned
	Estimates []float64 `json:"estimates"` // the latest, one a soaking
	WaterMM   float64   `json:"water_mm"`  // of the day before
	DrainedMM float64   `json:"drained_mm"`
	Soaked    bool      `json:"soaked"` // and no water since
	DryDays   int       `json:"dry_days"`
}

// CapacityDay is what LearnFieldCapacity has to know of a day.
type CapacityDay struct {
	WaterMM    float64  // rain and irrigation
	DrainageMM float64  // of the balance
	RootM      float64  // of the balance
	Theta      *float64 // mean of the root zone at the end of the day by probes that are believed; nil: not known
}

// LearnFieldCapacity takes one day, each once and in order, and reports whether
// it changed the value. Field capacity is what a soil holds once it has been
// filled and has drained: so after two days with 25 mm of water or more, which
// overfilled the root zone by the balance, the water content at the end of the
// second dry day, 48 to 72 h after the water, is one estimate. What the crop
// took meanwhile is not added back: it took it from what would have drained,
// and fine soils still drain then, so that the sum would be too high. The value is the median of the latest
// five. An estimate more than 25 % from the textbook is not believed: the probe
// or the depth is wrong.
func LearnFieldCapacity(f *FieldCapacity, textbook Soil, day CapacityDay) bool {
	water, drained := f.WaterMM+day.WaterMM, f.DrainedMM+day.DrainageMM
	f.WaterMM, f.DrainedMM = day.WaterMM, day.DrainageMM
	if day.WaterMM > dryDayMM {
		f.Soaked = water >= soakingMM && drained >= overfilledMM
		f.DryDays = 0
		return false
	}
	if !f.Soaked {
		return false
	}
	f.DryDays++
	if f.DryDays < drainedAfter {
		return false
	}
	f.Soaked = false
	if !known(day.Theta) || day.RootM <= 0 {
		return false
	}
	estimate := *day.Theta
	if share := estimate / textbook.FieldCapacity; share < 1-believedShare || share > 1+believedShare {
		return false
	}
	f.Estimates = append(slices.Clone(f.Estimates), estimate)
	f.Estimates = f.Estimates[max(0, len(f.Estimates)-keptEstimates):]
	value := median(f.Estimates)
	f.Value = &value
	return true
}

// Soil returns the textbook's soil with the field capacity that was learned.
// The wilting point follows in proportion: both stand on the same texture.
func (f FieldCapacity) Soil(textbook Soil) Soil {
	if f.Value == nil {
		return textbook
	}
	return Soil{*f.Value, textbook.WiltingPoint * *f.Value / textbook.FieldCapacity, textbook.Class}
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	middle := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[middle]
	}
	return (sorted[middle-1] + sorted[middle]) / 2
}
