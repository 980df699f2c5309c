package field

// A crop is how a plant grows and how it bears drought. Lengths of the stages
// are rows of FAO-56, table 11, for sowing in April; depth of roots and the
// tolerated depletion follow table 22 at its shallow end, as hill soils are thin.
type crop struct {
	stageDays [stages]float64
	rootM     float64 // deepest roots
	cover     float64 // share of the ground that a full canopy shades
	demand    float64 // of a closed canopy, of the reference
	ripeCover float64 // share of the full canopy that is green at harvest
	tolerates float64 // share of the available water of a layer that can be gone without stress
	harm      [stages]float64
}

// The stages of a crop: it takes root, spreads, bears and ripens. harm is how
// much yield, relative, one unit of missing relative transpiration in a stage
// costs: most when the plant flowers and sets its fruit.
const stages = 4

// crops are the ones the field knows; waxy maize is taken for sweet maize.
var crops = map[string]crop{
	"maize_grain": {
		stageDays: [stages]float64{30, 40, 50, 30}, rootM: 1.0, cover: 0.93, demand: 1.22, ripeCover: 0.3,
		tolerates: 0.5, harm: [stages]float64{0.1, 0.4, 1.1, 0.35},
	},
	"maize_sweet": {
		stageDays: [stages]float64{30, 30, 30, 10}, rootM: 0.8, cover: 0.92, demand: 1.18, ripeCover: 0.85,
		tolerates: 0.45, harm: [stages]float64{0.1, 0.4, 1.1, 0.35},
	},
	"potato": {
		stageDays: [stages]float64{25, 30, 45, 30}, rootM: 0.4, cover: 0.92, demand: 1.16, ripeCover: 0.6,
		tolerates: 0.35, harm: [stages]float64{0.2, 0.6, 0.9, 0.3},
	},
	"tomato": {
		stageDays: [stages]float64{30, 40, 45, 30}, rootM: 0.7, cover: 0.9, demand: 1.18, ripeCover: 0.65,
		tolerates: 0.4, harm: [stages]float64{0.2, 0.5, 0.9, 0.4},
	},
}

// SeasonDays returns how long a crop stands, from sowing to harvest; 0 when it is unknown.
func SeasonDays(name string) int {
	sum := 0.0
	for _, days := range crops[name].stageDays {
		sum += days
	}
	return int(sum)
}

// A growth is how far a crop is on a day.
type growth struct {
	stage  int     // stages when there is no crop: not sown yet, or harvested
	cover  float64 // share of the ground that is green
	rootMM float64
}

const sownRootMM = 150

// at returns how far the crop is that many days after sowing, on a plot whose
// roots reach rootMM at most.
func (c crop) at(day, rootMM float64) growth {
	if day < 0 {
		return growth{stage: stages}
	}
	first, spread, bear, ripen := c.stageDays[0], c.stageDays[1], c.stageDays[2], c.stageDays[3]
	g := growth{rootMM: sownRootMM + (rootMM-sownRootMM)*smooth(day/(first+spread))}
	const seedling = 0.12 // share of the full canopy when it begins to spread
	switch {
	case day < first:
		g.stage, g.cover = 0, c.cover*seedling*day/first
	case day < first+spread:
		g.stage, g.cover = 1, c.cover*(seedling+(1-seedling)*smooth((day-first)/spread))
	case day < first+spread+bear:
		g.stage, g.cover = 2, c.cover
	case day < first+spread+bear+ripen:
		g.stage, g.cover = 3, c.cover*(1-(1-c.ripeCover)*(day-first-spread-bear)/ripen)
	default:
		return growth{stage: stages}
	}
	return g
}

// smooth rises from 0 to 1 as x does, without corners.
func smooth(x float64) float64 {
	x = min(max(x, 0), 1)
	return x * x * (3 - 2*x)
}
