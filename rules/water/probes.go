package water

import (
	"cmp"
	"math"
	"slices"
)

// A ProbeReading is the volumetric water content at a depth.
type ProbeReading struct {
	DepthCM int
	Theta   float64 // m3/m3
}

// A Correction is what probes did to a balance.
type Correction struct {
	BeforeMM   float64 // depletion of the balance
	MeasuredMM float64 // depletion that the probes say
	AfterMM    float64
}

// Correct moves the depletion towards what probes measure: by the weight, which
// is 0 to 1, or all the way if it was not known or rain is not known of. It
// enters that into the day's result, and reports false and does nothing without a probe.
func (b *Balance) Correct(p Params, r *DayResult, probes []ProbeReading, weight float64) (Correction, bool) {
	measured, ok := DepletionOf(p, b.RootM, probes)
	if !ok {
		return Correction{}, false
	}
	least, most := b.Range(false)
	before := (least + most) / 2
	if b.NoRain.Days > 0 || !Close(least, most, p.Soil.TAWMM(b.RootM)) {
		weight = 1
	}
	weight = min(max(weight, 0), 1)
	below := depletion(p.Soil, layersOf(probes), b.RootM, p.Crop.RootMaxM)
	for _, z := range []*Zone{&b.Dry, &b.Wet} {
		z.DepletionMM = (1-weight)*z.DepletionMM + weight*measured
		z.BelowMM = (1-weight)*z.BelowMM + weight*below
	}
	if weight == 1 {
		b.Doubts = nil
	}
	b.NoRain, b.Settled = NoRain{}, true
	b.tell(r)
	return Correction{BeforeMM: before, MeasuredMM: measured, AfterMM: r.DepletionMM}, true
}

// DepletionOf returns the depletion of a root zone that probes measure, in mm.
// Each probe stands for the layer from half way to the probe above it, or the
// surface, to half way to the one below, or the bottom. Water above field
// capacity in one layer counts for the layers below it, where it is going; what
// is lost below the wilting point does not count, as roots never had it. It
// reports false without a probe.
func DepletionOf(p Params, rootM float64, probes []ProbeReading) (mm float64, ok bool) {
	layers := layersOf(probes)
	return depletion(p.Soil, layers, 0, rootM), len(layers) > 0
}

// Theta returns the mean water content of a root zone in m3/m3, with the
// layers of DepletionOf. It reports false without a probe.
func Theta(probes []ProbeReading, rootM float64) (theta float64, ok bool) {
	layers := layersOf(probes)
	if len(layers) == 0 || rootM <= 0 {
		return 0, false
	}
	for _, l := range layers {
		theta += l.theta * l.within(0, rootM) / rootM
	}
	return theta, true
}

// A layer is the soil that a probe stands for.
type layer struct{ topM, bottomM, theta float64 }

// within is how much of the layer lies between two depths, in m.
func (l layer) within(topM, bottomM float64) float64 {
	return max(0, min(l.bottomM, bottomM)-max(l.topM, topM))
}

// layersOf sorts probes into layers. Those at one depth are one probe: their mean.
func layersOf(probes []ProbeReading) []layer {
	probes = slices.DeleteFunc(slices.Clone(probes), func(r ProbeReading) bool { return !known(&r.Theta) })
	slices.SortFunc(probes, func(a, b ProbeReading) int {
		return cmp.Or(cmp.Compare(a.DepthCM, b.DepthCM), cmp.Compare(a.Theta, b.Theta))
	})
	var layers []layer
	top, depth := 0.0, 0
	for i := 0; i < len(probes); {
		same, sum := i, 0.0
		for ; i < len(probes) && probes[i].DepthCM == probes[same].DepthCM; i++ {
			sum += probes[i].Theta
		}
		if same > 0 {
			top = float64(depth+probes[same].DepthCM) / 200
			layers[len(layers)-1].bottomM = top
		}
		depth = probes[same].DepthCM
		layers = append(layers, layer{top, math.Inf(1), sum / float64(i-same)})
	}
	return layers
}

// depletion is 1000 (FC - theta) over the layers between two depths (FAO-56,
// Eq. 87, p. 170), in mm, at least 0 and at most TAW.
func depletion(soil Soil, layers []layer, topM, bottomM float64) float64 {
	mm := 0.0
	for _, l := range layers {
		mm += 1000 * (soil.FieldCapacity - max(l.theta, soil.WiltingPoint)) * l.within(topM, bottomM)
	}
	return min(max(mm, 0), soil.TAWMM(max(0, bottomM-topM)))
}
