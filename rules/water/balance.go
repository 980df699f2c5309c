package water

import (
	"cmp"
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

// SeasonDay is DayNumber, of a perennial within its year.
func (p *Params) SeasonDay(day time.Time) int { return p.Crop.dayOfSeason(p.DayNumber(day)) }

// SeasonBegin is the local midnight of the day 1 of a day's season.
func (p *Params) SeasonBegin(day time.Time) time.Time {
	return p.Planted.AddDate(0, 0, p.DayNumber(day)-p.SeasonDay(day)).UTC()
}

// belowTAWMM is the available water of the soil that roots have yet to reach.
func (p *Params) belowTAWMM(rootM float64) float64 {
	return p.Soil.TAWMM(max(0, p.Crop.RootMaxM-rootM))
}

// A Balance is the water of one plot's root zone as a depletion: how much is
// missing to field capacity. What is not known of the past makes it a range:
// the root zone is as dry as Dry at the most and as wet as Wet. Weather that is
// known brings the two together again, for what is full drains and what is dry
// dries no more. It survives JSON exactly.
type Balance struct {
	RootM     float64  `json:"root_m"` // depth of the root zone
	Dry       Zone     `json:"dry"`
	Wet       Zone     `json:"wet"`
	LastEToMM float64  `json:"last_eto_mm"`       // that was known; stands in for a day without
	NoRain    NoRain   `json:"no_rain,omitzero"`  // days up to now of which rain is not known
	Settled   bool     `json:"settled,omitempty"` // it has been known
	Doubts    []string `json:"doubts,omitempty"`  // why Dry and Wet differ, by name
	Season    Sums     `json:"season"`
}

// A Zone is how dry the soil is.
type Zone struct {
	DepletionMM float64 `json:"depletion_mm"` // Dr of the root zone, 0 to TAW
	BelowMM     float64 `json:"below_mm"`     // of what roots have yet to reach
}

// NoRain is a time of which nobody knows how much it has rained.
type NoRain struct {
	Days  int     `json:"days"`
	ETcMM float64 `json:"etc_mm"` // asked for meanwhile, at the most
	ETaMM float64 `json:"eta_mm"` // and taken from the driest soil that can be
}

// Sums are totals since the season began or, if later, the balance was known first.
type Sums struct {
	Began    time.Time `json:"began"`      // the season's first day
	ETcMM    float64   `json:"etc_mm"`     // what the crop would have taken without stress
	ETaMM    float64   `json:"eta_mm"`     // what it took
	ETaDryMM float64   `json:"eta_dry_mm"` // likewise, from the driest soil that can be
	ETaWetMM float64   `json:"eta_wet_mm"`
}

// Why the depletion is a range.
const (
	MoistureDoubt   = "initial_moisture"
	RainDoubt       = "rain"
	IrrigationDoubt = "irrigation"
	EToDoubt        = "eto"
)

// EToEstimated names a day whose evapotranspiration is that of the last known
// one, or else a warm day's. It may be anything from a cool to a hot day's (FAO-56, table 2, p. 8).
const (
	EToEstimated = "eto_of_last_known_day"
	coolDayEToMM = 1.0
	warmDayEToMM = 5.0
	hotDayEToMM  = 9.0
)

// A depletion is known when its range is no wider than knownWithin of TAW, which
// is what a balance and a single probe differ by anyway; within sureWithin
// nothing is said of it. The limits are ours.
const (
	knownWithin = 0.3
	sureWithin  = 0.05
)

// NewBalance begins a balance before a day of which nothing is known but the
// weather: the root zone may be full or wilted (FAO-56, p. 170, has a depletion
// to begin with measured, or 0 after a soaking). It is known when a probe tells,
// when water has filled the root zone, or when it has dried so far that it
// hardly matters how it began. Soil that roots have yet to reach is taken to be
// at field capacity, as Eq. 85 has it.
func NewBalance(p Params, day time.Time) Balance {
	_, root, _ := p.Crop.Stage(p.DayNumber(day))
	return Balance{RootM: root, Dry: Zone{DepletionMM: p.Soil.TAWMM(root)}, Doubts: []string{MoistureDoubt}}
}

// DayInput is what happened on one local day.
type DayInput struct {
	Day          time.Time // midnight in the site's time zone
	EToMM        *float64  // nil: not known
	RainMM       *float64  // less what ran off, if that is known; nil: not known
	RainOfGap    bool      // RainMM holds what fell before the day and was not known then
	RainPartly   bool      // RainMM lacks what fell before the day was over
	IrrigationMM float64   // that soaked in; NaN: not known
	MaybeMM      float64   // and as much more of it at the most
	MeanWind     *float64  // m/s at 2 m; nil: the standard climate
	RHMin        *float64  // %; nil: the standard climate
}

// DayResult is the balance of one day. Depletion and fluxes are the middle of
// their range. As long as rain and irrigation are known, the depletion at the end
// of a day is that of the day before - RainMM - IrrigationMM + ETaMM + DrainageMM + GrownMM.
type DayResult struct {
	Stage           string
	RootM           float64
	EToMM           float64 // as used: a stand-in where it is not known
	ETcMM           float64
	ETaMM           float64
	Ks              float64
	DepletionMM     float64 // at the end of the day
	LeastMM, MostMM float64 // the range of it
	RAWMM           float64
	TAWMM           float64
	RainMM          float64 // 0 where it is not known: see Unknown
	IrrigationMM    float64
	DrainageMM      float64 // out of the root zone
	GrownMM         float64 // depletion of the soil that roots reached today
	Known           bool    // whether the depletion may be acted on
	Unknown         []string
	Estimated       []string
}

// Day books one day. The order of events is: roots grow; rain and irrigation
// enter, and what is more than field capacity drains (Example 38 of FAO-56
// drains before the day's evapotranspiration, too); then stress follows from
// the depletion that is left, and the crop takes its water (Eq. 81 to 85,
// pp. 161-170). Depletion never leaves 0 to TAW: what would is drainage, or
// water that the crop did not get, so that no water is made or lost.
//
// Days are booked one after the other, also those of which nothing is known:
// unknown rain and irrigation may have been none or have filled the root zone.
// Rain that a counter tells of afterwards narrows that down again.
func (b *Balance) Day(p Params, in DayInput) DayResult {
	if begin := p.SeasonBegin(in.Day); !begin.Equal(b.Season.Began) {
		b.Season = Sums{Began: begin}
	}
	number := p.DayNumber(in.Day)
	r := DayResult{}
	var kc float64
	before := b.middle()
	_, r.RootM, r.Stage = p.Crop.Stage(number)
	kcMid, kcEnd := p.Crop.inClimate(in.MeanWind, in.RHMin)
	kc, _, _ = p.Crop.stage(number, kcMid, kcEnd)
	b.reach(p, r.RootM)
	r.GrownMM = b.middle() - before
	r.TAWMM = p.Soil.TAWMM(r.RootM)
	b.fitInto(p, r.TAWMM)

	b.wetted(&in, &r)
	eto, least, most := b.evapotranspiration(in.EToMM)
	r.EToMM, r.ETcMM = eto, kc*eto
	r.RAWMM = depletionFraction(p.Crop.DepletionFraction, r.ETcMM) * r.TAWMM
	ksDry, etaDry := b.Dry.drink(p, kc*most, r.TAWMM)
	ksWet, etaWet := b.Wet.drink(p, kc*least, r.TAWMM)
	r.Ks, r.ETaMM = (ksDry+ksWet)/2, (etaDry+etaWet)/2
	if b.NoRain.Days > 0 {
		b.NoRain.ETcMM += kc * most
		b.NoRain.ETaMM += etaDry
	}

	b.judge(&r)
	if least < most {
		r.Estimated = sortedWith(r.Estimated, EToEstimated)
	}
	if b.Settled && r.Stage != BeforePlanting && r.Stage != Harvested {
		b.Season.ETcMM += r.ETcMM
		b.Season.ETaMM += r.ETaMM
		b.Season.ETaDryMM += etaDry
		b.Season.ETaWetMM += etaWet
	}
	return r
}

// Range returns the least and the most that the root zone may lack. Told says
// that a gauge has told meanwhile of all the rain that was not known of.
func (b *Balance) Range(told bool) (leastMM, mostMM float64) {
	if b.NoRain.Days == 0 || told {
		leastMM = b.Wet.DepletionMM
	}
	return leastMM, b.Dry.DepletionMM
}

// Close reports whether a range is close enough to be acted on.
func Close(leastMM, mostMM, tawMM float64) bool { return mostMM-leastMM <= knownWithin*tawMM }

func (b *Balance) middle() float64 { return (b.Dry.DepletionMM + b.Wet.DepletionMM) / 2 }

// judge says whether the depletion is known well enough, and why it is not better.
func (b *Balance) judge(r *DayResult) {
	b.tell(r)
	b.Settled = b.Settled || r.Known
	if r.MostMM-r.LeastMM+b.Dry.BelowMM-b.Wet.BelowMM <= sureWithin*r.TAWMM {
		b.Doubts = nil
	}
	if r.Known {
		r.Estimated = slices.Clone(b.Doubts)
	} else {
		r.Unknown = slices.Clone(b.Doubts)
	}
}

// tell enters the depletion as it is known.
func (b *Balance) tell(r *DayResult) {
	r.LeastMM, r.MostMM = b.Range(false)
	r.DepletionMM, r.Known = (r.LeastMM+r.MostMM)/2, Close(r.LeastMM, r.MostMM, r.TAWMM)
}

// wetted lets rain and irrigation enter.
func (b *Balance) wetted(in *DayInput, r *DayResult) {
	rained := known(in.RainMM) && *in.RainMM >= 0
	if rained {
		r.RainMM = *in.RainMM
	}
	watered := known(&in.IrrigationMM) && in.IrrigationMM >= 0
	if watered {
		r.IrrigationMM = in.IrrigationMM
	}
	gap, leastMM, mostMM := b.NoRain, 0.0, b.Dry.DepletionMM // of the driest soil after this water
	switch {
	case !rained:
		b.NoRain.Days++
		b.doubt(RainDoubt)
	case gap.Days > 0 && in.RainOfGap:
		// It may have come on the first of those days, and the crop has had its fill since.
		b.Dry.DepletionMM += gap.ETcMM - gap.ETaMM
		leastMM = min(gap.ETcMM, mostMM)
	case gap.Days > 0:
		b.Wet = Zone{}
	}
	if rained {
		b.NoRain = NoRain{}
	}
	if rained && in.RainPartly {
		b.NoRain.Days++
		b.doubt(RainDoubt)
	}
	if !watered {
		b.Wet = Zone{}
		b.doubt(IrrigationDoubt)
	}
	if in.MaybeMM > 0 {
		b.doubt(IrrigationDoubt)
	}
	water := r.RainMM + r.IrrigationMM
	r.DrainageMM = (b.Dry.fill(water, leastMM) + b.Wet.fill(water+max(0, in.MaybeMM), 0)) / 2
	b.Dry.DepletionMM = min(b.Dry.DepletionMM, mostMM)
}

// fill lets water in, down to a depletion; what is more drains into what is below.
func (z *Zone) fill(waterMM, leastMM float64) (drainedMM float64) {
	z.DepletionMM -= waterMM
	if z.DepletionMM < leastMM {
		drainedMM = leastMM - z.DepletionMM
		z.DepletionMM = leastMM
		z.BelowMM = max(0, z.BelowMM-drainedMM)
	}
	return drainedMM
}

// drink lets the crop take what it asks for, or what it gets.
func (z *Zone) drink(p Params, etcMM, tawMM float64) (ks, etaMM float64) {
	ks = Stress(z.DepletionMM, depletionFraction(p.Crop.DepletionFraction, etcMM)*tawMM, tawMM)
	etaMM = min(ks*etcMM, tawMM-z.DepletionMM)
	z.DepletionMM += etaMM
	return ks, etaMM
}

// Stress is Ks: what of its demand a crop gets, from 1 to 0 (FAO-56, Eq. 84, p. 169).
func Stress(depletionMM, rawMM, tawMM float64) float64 {
	if depletionMM <= rawMM || tawMM <= rawMM {
		return 1
	}
	return max(0, (tawMM-depletionMM)/(tawMM-rawMM))
}

// depletionFraction adjusts p to the day's demand (FAO-56, Eq. 83 and table 22, p. 162).
func depletionFraction(table, etcMM float64) float64 {
	return min(max(table+0.04*(5-etcMM), 0.1), 0.8)
}

// reach moves the bottom of the root zone. The soil in between brings its share of depletion along.
func (b *Balance) reach(p Params, rootM float64) {
	for _, z := range []*Zone{&b.Dry, &b.Wet} {
		switch deeper := rootM - b.RootM; {
		case deeper > 0:
			moved := z.BelowMM
			if left := p.Crop.RootMaxM - b.RootM; left > deeper {
				moved *= deeper / left
			}
			z.DepletionMM += moved
			z.BelowMM -= moved
		case deeper < 0:
			moved := z.DepletionMM * -deeper / b.RootM
			z.DepletionMM -= moved
			z.BelowMM += moved
		}
	}
	b.RootM = rootM
}

// fitInto keeps the depletion possible when the soil is taken for another than
// yesterday. Of the same soil it changes nothing.
func (b *Balance) fitInto(p Params, tawMM float64) {
	for _, z := range []*Zone{&b.Dry, &b.Wet} {
		z.DepletionMM = min(z.DepletionMM, tawMM)
		z.BelowMM = min(z.BelowMM, p.belowTAWMM(b.RootM))
	}
}

// evapotranspiration is that of the day, or what stands in for it, and how far that may be off.
func (b *Balance) evapotranspiration(mm *float64) (etoMM, least, most float64) {
	if known(mm) && *mm >= 0 {
		b.LastEToMM = *mm
		return *mm, *mm, *mm
	}
	b.doubt(EToDoubt)
	last := cmp.Or(b.LastEToMM, warmDayEToMM)
	return last, min(last, coolDayEToMM), max(last, hotDayEToMM)
}

// doubt names what widens the range. As long as it is as wide as can be there is no more to say.
func (b *Balance) doubt(name string) {
	if b.Settled && !slices.Contains(b.Doubts, name) {
		b.Doubts = sortedWith(b.Doubts, name)
	}
}

// sortedWith leaves the list it is given as it is: copies of a balance share it.
func sortedWith(names []string, name string) []string {
	names = append(slices.Clone(names), name)
	slices.Sort(names)
	return names
}
