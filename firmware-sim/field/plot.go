package field

import (
	"fmt"
	"hash/fnv"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"ganlin/devices"
)

// squareMetresPerMu is the area of one mu.
const squareMetresPerMu = 2000.0 / 3

// What a sprinkler brings, and the share of it that reaches the soil it is
// meant for; from a hose or a furrow less of it does (FAO's tables of application efficiency).
const (
	ApplicationMMH      = 8.0
	SprinklerEfficiency = 0.75
	SurfaceEfficiency   = 0.60
)

// A parcel is what never changes of a plot.
type parcel struct {
	id      devices.PlotID
	station int
	planted int64 // number of the local day
	areaM2  float64
	soil    soil
	crop    crop
	rootMM  float64
}

// newParcel draws the truth about a plot. Field capacity, wilting point and
// depth of roots differ from the textbook by 8 % (standard deviation, cut at
// twice that), each by itself.
func newParcel(p devices.Plot, station int, seed uint64) (parcel, error) {
	book, ok := textures[p.Soil.Texture]
	if !ok {
		return parcel{}, fmt.Errorf("plot %s: the texture %q is unknown", p.ID, p.Soil.Texture)
	}
	grows, ok := crops[p.Crop]
	if !ok {
		return parcel{}, fmt.Errorf("plot %s: the crop %q does not grow here; these do: %s", p.ID, p.Crop, strings.Join(slices.Sorted(maps.Keys(crops)), ", "))
	}
	h := fnv.New64a()
	_, _ = h.Write([]byte(p.ID))
	rng := rand.New(rand.NewPCG(seed, h.Sum64())) //nolint:gosec // seeded on purpose
	vary := func() float64 { return 1 + 0.08*min(max(rng.NormFloat64(), -2), 2) }
	capacity, wilting, root := vary(), vary(), vary()
	return parcel{
		id: p.ID, station: station, planted: p.Planted.Unix() / 86400, areaM2: p.AreaMu * squareMetresPerMu,
		soil: newSoil(book.vary(capacity, wilting), p.SlopePercent), crop: grows, rootMM: 1000 * grows.rootM * root,
	}, nil
}

// A PlotState is what changes of a plot, to be kept and restored.
type PlotState struct {
	Water    wetness         `json:"water"`
	ComingMM float64         `json:"coming,omitempty"` // brought by the valve since the last full hour
	Sums     Balance         `json:"sums"`
	Taken    [stages]float64 `json:"taken"`  // transpired by stage, mm
	Wanted   [stages]float64 `json:"wanted"` // what it would have been without stress
	Wetted   wettings        `json:"wetted,omitzero"`
}

// wettings are the days on which rain and sprinklers brought so much that one sees it.
type wettings struct {
	Day  int64   `json:"day"` // number of the local day of the last water
	MM   float64 `json:"mm"`  // of that day so far
	Days []int64 `json:"days"`
}

// seenMM is how much water of a day changes how dry a soil is.
const seenMM = 2.0

func (w *wettings) add(day int64, mm float64) {
	if day != w.Day {
		w.Day, w.MM = day, 0
	}
	if before := w.MM; mm > 0 {
		if w.MM += mm; before < seenMM && w.MM >= seenMM {
			w.Days = append(w.Days, day)
		}
	}
}

// A plot is a parcel that lives.
type plot struct {
	*parcel
	PlotState
	today today
}

// today is what holds for a plant during one day.
type today struct {
	day       int64 // number of the local day
	growth    growth
	shade     float64 // of the demand, what the canopy takes
	tolerates float64
	roots     [layers]float64 // share of the roots in each layer
}

func (p *parcel) fresh() plot {
	return plot{parcel: p, PlotState: PlotState{Water: p.soil.initial()}, today: today{day: -1}}
}

// An hour is the weather that acts on a plot within an hour.
type hour struct {
	day      int64 // number of the local day in which it begins
	rainMM   float64
	demandMM float64 // reference evapotranspiration
	dayMM    float64 // the same of the whole day
}

// live lets an hour pass over a plot.
func (p *plot) live(h hour) {
	if h.day != p.today.day {
		p.today = p.begin(h)
	}
	sprayed := p.ComingMM * (1 - SprinklerEfficiency)
	p.Sums.RainMM += h.rainMM
	p.Sums.IrrigationMM += p.ComingMM
	p.Sums.SprayedMM += sprayed
	p.Wetted.add(h.day, h.rainMM+p.ComingMM-sprayed)
	p.Sums.RunoffMM += p.soil.soak(&p.Water, h.rainMM+p.ComingMM-sprayed)
	p.ComingMM = 0
	p.Sums.DrainedMM += p.soil.drain(&p.Water)
	if h.demandMM == 0 {
		return
	}
	const bare = 1.1 // what a wet, bare soil evaporates, of the reference
	p.Sums.EvaporatedMM += p.soil.evaporate(&p.Water, bare*(1-p.today.shade)*h.demandMM)
	if stage := p.today.growth.stage; stage < stages {
		wanted := p.crop.demand * p.today.shade * h.demandMM
		taken := p.transpire(wanted)
		p.Wanted[stage] += wanted
		p.Taken[stage] += taken
		p.Sums.TranspiredMM += taken
	}
}

// begin looks at the plant once a day.
func (p *plot) begin(h hour) today {
	g := p.crop.at(float64(h.day-p.planted), p.rootMM)
	t := today{day: h.day, growth: g}
	t.shade = g.cover * (1.35 - 0.35*g.cover) // a sparse canopy takes more than its share of the ground
	t.tolerates = min(max(p.crop.tolerates+0.04*(5-p.crop.demand*h.dayMM), 0.1), 0.8)
	above := 0.0
	for i, bottom := range bottomsMM {
		if g.rootMM == 0 {
			break
		}
		x := 1 - min(bottom/g.rootMM, 1) // roots thin out evenly towards their tips
		t.roots[i] = 1 - x*x - above
		above += t.roots[i]
	}
	return t
}

// transpire takes what the plant wants, or what it gets. Roots take less from
// a layer that dries; those in moist layers make up for it, until less than
// that share of the roots is at ease.
func (p *plot) transpire(wantedMM float64) float64 {
	const enough = 0.7
	var ease [layers]float64
	sum := 0.0
	for i, share := range p.today.roots {
		if share == 0 {
			break
		}
		gone := (p.soil.capacity[i] - p.Water.LayersMM[i]) / (p.soil.capacity[i] - p.soil.wilting[i])
		stress := (gone - p.today.tolerates) / (1 - p.today.tolerates)
		switch {
		case stress <= 0:
			ease[i] = share
		case stress < 1:
			ease[i] = share * (1 - stress*stress)
		}
		sum += ease[i]
	}
	if sum == 0 {
		return 0
	}
	total := wantedMM * min(1, sum/enough)
	taken := 0.0
	for i := range ease {
		mm := min(total*ease[i]/sum, max(p.Water.LayersMM[i]-p.soil.wilting[i], 0))
		p.Water.LayersMM[i] -= mm
		taken += mm
	}
	return taken
}

// depletionMM is what the root zone lacks to field capacity.
func (p *plot) depletionMM() float64 {
	sum, top := 0.0, 0.0
	for i, bottom := range bottomsMM {
		rooted := min(max((p.today.growth.rootMM-top)/thicknessMM[i], 0), 1)
		sum += rooted * (p.soil.capacity[i] - p.Water.LayersMM[i])
		top = bottom
	}
	return max(sum, 0)
}

// availableMM is what the root zone holds between field capacity and wilting point.
func (p *plot) availableMM() float64 {
	return p.today.growth.rootMM * (p.soil.texture.capacity - p.soil.texture.wilting)
}

// yield is what the plot has borne, or will if it is never stressed again, of
// what the same plants bear without stress.
func (p *plot) yield() float64 {
	y := 1.0
	for i, wanted := range p.Wanted {
		if wanted > 0 {
			y *= max(0, 1-p.crop.harm[i]*(1-p.Taken[i]/wanted))
		}
	}
	return y
}

// balance returns where the water went since the season began.
func (p *plot) balance() Balance {
	b, before := p.Sums, p.soil.initial()
	b.GainedMM = p.Water.totalMM() - before.totalMM()
	return b
}

// dayOf returns the number of the local day since 1970.
func dayOf(t time.Time) int64 {
	number, _ := splitDay(t.Add(utcOffset))
	return number
}
