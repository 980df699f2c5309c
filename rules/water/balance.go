package water

import (
	"math"
	"slices"
	"time"
)

// Params is what a balance is kept for. They may change from day to day, as
// when the field capacity is learned.
type Params struct {
	Soil    Soil
	Crop    Crop
	Planted time.Time // midnight of that day in the site's time zone
}

// DayNumber returns the day of the crop on which a local midnight falls; 1 is
// the day of planting. A change to summer time in between does not count.
func (p *Params) DayNumber(day time.Time) int {
	return int(math.Floor(day.Sub(p.Planted).Hours()/24+0.5)) + 1
}

// belowTAWMM is the available water of the soil that roots have yet to reach.
func (p *Params) belowTAWMM(rootM float64) float64 {
	return p.Soil.TAWMM(max(0, p.Crop.RootMaxM-rootM))
}

// A Balance is the water of one plot's root zone as a depletion: how much is
// missing to field capacity. It survives JSON exactly.
type Balance struct {
	Through     time.Time `json:"through"`             // midnight of the last day that is booked
	DepletionMM float64   `json:"depletion_mm"`        // Dr of the root zone, 0 to TAW
	RootM       float64   `json:"root_m"`              // depth of the root zone
	BelowMM     float64   `json:"below_mm"`            // depletion of what roots have yet to reach
	LastEToMM   float64   `json:"last_eto_mm"`         // that was known; stands in for a day without
	EToMissing  int       `json:"eto_missing"`         // days in a row
	Unknown     []string  `json:"unknown,omitempty"`   // what was not known of the days since the balance was last sure
	Estimated   []string  `json:"estimated,omitempty"` // what stands on an estimate
	Season      Sums      `json:"season"`
}

// Sums are totals since the season began or, if later, the balance.
type Sums struct {
	Days         int     `json:"days"`
	StressDays   int     `json:"stress_days"`  // Ks below 1
	UnknownDays  int     `json:"unknown_days"` // that ended with the balance unknown
	ETcMM        float64 `json:"etc_mm"`       // what the crop would have taken without stress
	ETaMM        float64 `json:"eta_mm"`       // what it took
	RainMM       float64 `json:"rain_mm"`
	IrrigationMM float64 `json:"irrigation_mm"`
	DrainageMM   float64 `json:"drainage_mm"`  // out of the root zone
	CorrectedMM  float64 `json:"corrected_mm"` // added to the depletion by probes
}

// What a balance may not know, or only by an estimate.
const (
	RainUnknown       = "rain"
	IrrigationUnknown = "irrigation"
	EToUnknown        = "eto"
	EToEstimated      = "eto_of_last_known_day"
	MoistureEstimated = "initial_moisture"
)

// Evapotranspiration that is not known is that of the last day on which it
// was, and after so many days, or when it never was known, the balance is
// unknown. Before the first known one it is a warm day's (FAO-56, table 2, p. 8).
const (
	maxDaysWithoutETo = 3
	warmDayEToMM      = 5.0
)

// NewBalance begins a balance on a day, given the mean water content of the
// soil. If that is not known, the soil is taken to have lost what roots take
// without stress, and the balance names that as estimated until a probe tells
// or water fills the root zone.
func NewBalance(p Params, thetaInitial *float64, day time.Time) Balance {
	_, root, _ := p.Crop.Stage(p.DayNumber(day))
	b := Balance{Through: day.UTC().AddDate(0, 0, -1), RootM: root}
	share := p.Crop.DepletionFraction
	if known(thetaInitial) {
		share = (p.Soil.FieldCapacity - *thetaInitial) / (p.Soil.FieldCapacity - p.Soil.WiltingPoint)
	} else {
		b.Estimated = []string{MoistureEstimated}
	}
	share = min(max(share, 0), 1)
	b.DepletionMM = share * p.Soil.TAWMM(root)
	b.BelowMM = share * p.belowTAWMM(root)
	return b
}

// DayInput is what happened on one local day.
type DayInput struct {
	Day          time.Time // midnight in the site's time zone
	EToMM        *float64  // nil: not known
	RainMM       *float64  // less what ran off, if that is known; nil: not known
	IrrigationMM float64   // that soaked in
	MeanWind     *float64  // m/s at 2 m; nil: the standard climate
	RHMin        *float64  // %; nil: the standard climate
}

// DayResult is the balance of one day. The depletion at its end is that of the
// day before - RainMM - IrrigationMM + ETaMM + DrainageMM + GrownMM.
type DayResult struct {
	Stage        string
	RootM        float64
	EToMM        float64 // as used: a stand-in where it is not known
	KcTable      float64 // before it is adjusted to the climate
	ETcMM        float64
	ETaMM        float64
	Ks           float64
	DepletionMM  float64 // at the end of the day
	RAWMM        float64
	TAWMM        float64
	RainMM       float64 // 0 where it is not known: see Unknown
	IrrigationMM float64
	DrainageMM   float64 // out of the root zone
	GrownMM      float64 // depletion of the soil that roots reached today
	P            float64 // depletion fraction, adjusted to ETc
	Known        bool    // whether the depletion may be acted on
	Unknown      []string
	Estimated    []string
}

// Day books one day. The order of events is: roots grow; rain and irrigation
// enter, and what is more than field capacity drains (Example 38 of FAO-56
// drains before the day's evapotranspiration, too); then stress follows from
// the depletion that is left, and the crop takes its water (Eq. 81 to 85,
// pp. 161-170). Depletion never leaves 0 to TAW: what would is drainage, or
// water that the crop did not get, so that no water is made or lost.
//
// Days are booked one after the other, also those of which nothing is known:
// unknown rain and irrigation are left out, so that the depletion is the worst
// that can be, and the result is not Known until a probe corrects it or water
// overfills the root zone, after which what came before no longer counts.
func (b *Balance) Day(p Params, in DayInput) DayResult {
	number := p.DayNumber(in.Day)
	if p.Crop.dayOfSeason(number) == 1 {
		b.Season = Sums{}
	}
	r := DayResult{}
	var root, kc float64
	r.KcTable, root, r.Stage = p.Crop.Stage(number)
	kcMid, kcEnd := p.Crop.inClimate(in.MeanWind, in.RHMin)
	kc, _, _ = p.Crop.stage(number, kcMid, kcEnd)

	before := b.DepletionMM
	b.reach(p, root)
	r.GrownMM = b.DepletionMM - before
	r.RootM, r.TAWMM = root, p.Soil.TAWMM(root)
	b.fitInto(p, r.TAWMM)

	r.RainMM = b.amount(in.RainMM, RainUnknown)
	r.IrrigationMM = b.amount(&in.IrrigationMM, IrrigationUnknown)
	b.DepletionMM -= r.RainMM + r.IrrigationMM
	if b.DepletionMM < 0 {
		r.DrainageMM = -b.DepletionMM
		b.DepletionMM = 0
		b.BelowMM = max(0, b.BelowMM-r.DrainageMM)
		b.Unknown = nil
		b.setEstimated(MoistureEstimated, false)
	}

	r.EToMM = b.evapotranspiration(in.EToMM)
	r.ETcMM = kc * r.EToMM
	r.P = depletionFraction(p.Crop.DepletionFraction, r.ETcMM)
	r.RAWMM = r.P * r.TAWMM
	r.Ks = 1
	if b.DepletionMM > r.RAWMM {
		r.Ks = (r.TAWMM - b.DepletionMM) / (r.TAWMM - r.RAWMM) // Eq. 84, p. 169
	}
	r.ETaMM = min(r.Ks*r.ETcMM, r.TAWMM-b.DepletionMM)
	b.DepletionMM += r.ETaMM

	b.Through = in.Day.UTC()
	r.DepletionMM = b.DepletionMM
	r.Unknown, r.Estimated, r.Known = b.Unknown, b.Estimated, len(b.Unknown) == 0
	if r.Stage != BeforePlanting && r.Stage != Harvested {
		b.Season.add(r)
	}
	return r
}

// depletionFraction adjusts p to the day's demand (FAO-56, Eq. 83 and table 22, p. 162).
func depletionFraction(table, etcMM float64) float64 {
	return min(max(table+0.04*(5-etcMM), 0.1), 0.8)
}

// reach moves the bottom of the root zone. The soil in between brings its share of depletion along.
func (b *Balance) reach(p Params, rootM float64) {
	switch deeper := rootM - b.RootM; {
	case deeper > 0:
		moved := b.BelowMM
		if left := p.Crop.RootMaxM - b.RootM; left > deeper {
			moved *= deeper / left
		}
		b.DepletionMM += moved
		b.BelowMM -= moved
	case deeper < 0:
		moved := b.DepletionMM * -deeper / b.RootM
		b.DepletionMM -= moved
		b.BelowMM += moved
	}
	b.RootM = rootM
}

// fitInto keeps the depletion possible when the soil is taken for another than
// yesterday. Of the same soil it changes nothing.
func (b *Balance) fitInto(p Params, tawMM float64) {
	if b.DepletionMM > tawMM {
		b.Season.CorrectedMM += tawMM - b.DepletionMM
		b.DepletionMM = tawMM
	}
	b.BelowMM = min(b.BelowMM, p.belowTAWMM(b.RootM))
}

// amount is a depth of water of the day, and 0 with a mark when it is not known.
func (b *Balance) amount(mm *float64, name string) float64 {
	if known(mm) && *mm >= 0 {
		return *mm
	}
	b.setUnknown(name)
	return 0
}

// evapotranspiration is that of the day, or what stands in for it by name.
func (b *Balance) evapotranspiration(mm *float64) float64 {
	if known(mm) && *mm >= 0 {
		b.LastEToMM, b.EToMissing = *mm, 0
		b.setEstimated(EToEstimated, false)
		return *mm
	}
	b.EToMissing++
	b.setEstimated(EToEstimated, true)
	if b.LastEToMM == 0 || b.EToMissing > maxDaysWithoutETo {
		b.setUnknown(EToUnknown)
	}
	if b.LastEToMM == 0 {
		return warmDayEToMM
	}
	return b.LastEToMM
}

func (b *Balance) setUnknown(name string) {
	if !slices.Contains(b.Unknown, name) {
		b.Unknown = sortedWith(b.Unknown, name)
	}
}

func (b *Balance) setEstimated(name string, is bool) {
	switch i := slices.Index(b.Estimated, name); {
	case is && i < 0:
		b.Estimated = sortedWith(b.Estimated, name)
	case !is && i >= 0:
		b.Estimated = slices.Concat(b.Estimated[:i], b.Estimated[i+1:])
	}
}

// sortedWith leaves the list it is given as it is: copies of a balance share it.
func sortedWith(names []string, name string) []string {
	names = append(slices.Clone(names), name)
	slices.Sort(names)
	return names
}

func (s *Sums) add(r DayResult) {
	s.Days++
	if r.Ks < 1 {
		s.StressDays++
	}
	if !r.Known {
		s.UnknownDays++
	}
	s.ETcMM += r.ETcMM
	s.ETaMM += r.ETaMM
	s.RainMM += r.RainMM
	s.IrrigationMM += r.IrrigationMM
	s.DrainageMM += r.DrainageMM
}
