package field

import "math"

// layers of every soil; bottomsMM are their lower ends, thicknessMM what lies between.
const layers = 5

var (
	bottomsMM   = [layers]float64{100, 300, 500, 800, 1200}
	thicknessMM = [layers]float64{100, 200, 200, 300, 400}
)

// initialShare is how full of available water a soil is when a season begins.
const initialShare = 0.9

// A soil is the ground of one plot as it truly is; water contents are in mm of each layer.
type soil struct {
	texture                       texture
	saturation, capacity, wilting [layers]float64
	intakeMM                      float64 // taken in within an hour when wet
	storageMM                     float64 // held on the surface before it runs off
	falls                         float64 // share of an excess above capacity that drains within an hour
}

func newSoil(t texture, slopePercent float64) soil {
	s := soil{texture: t, intakeMM: t.intake(slopePercent), storageMM: storageMM(slopePercent), falls: 1 - math.Exp(-1/t.drainH)}
	for i, mm := range thicknessMM {
		s.saturation[i], s.capacity[i], s.wilting[i] = mm*t.saturation, mm*t.capacity, mm*t.wilting
	}
	return s
}

// A Balance says where the water of a plot came from and went to, mm.
type Balance struct {
	RainMM       float64 `json:"rain"`
	IrrigationMM float64 `json:"irrigation"` // as the meter counts it
	SprayedMM    float64 `json:"sprayed"`    // of it, what never reached the soil of this plot
	EvaporatedMM float64 `json:"evaporated"` // from the bare soil
	TranspiredMM float64 `json:"transpired"` // through the plants
	DrainedMM    float64 `json:"drained"`    // below the deepest layer
	RunoffMM     float64 `json:"runoff"`     // down the slope
	GainedMM     float64 `json:"gained"`     // by soil and surface; of an Outcome alone
}

// A wetness is the water that a plot holds.
type wetness struct {
	LayersMM [layers]float64 `json:"layers"`
	PondMM   float64         `json:"pond"` // on the surface
}

func (s *soil) initial() (w wetness) {
	for i := range w.LayersMM {
		w.LayersMM[i] = s.wilting[i] + initialShare*(s.capacity[i]-s.wilting[i])
	}
	return w
}

func (w *wetness) totalMM() float64 {
	sum := w.PondMM
	for _, mm := range w.LayersMM {
		sum += mm
	}
	return sum
}

// moisture returns the water content at a depth, m3/m3.
func (w *wetness) moisture(depthCM int) float64 {
	for i, bottom := range bottomsMM {
		if float64(depthCM)*10 <= bottom {
			return w.LayersMM[i] / thicknessMM[i]
		}
	}
	return w.LayersMM[layers-1] / thicknessMM[layers-1]
}

// soak lets an hour's water in: as much as the soil takes, more while it is
// dry. Some of the rest stays on the surface, what is more runs off.
func (s *soil) soak(w *wetness, waterMM float64) (runoffMM float64) {
	waterMM += w.PondMM
	if waterMM == 0 {
		return 0
	}
	const thirst = 1.5 // how much more a dry soil takes than a wet one
	enters := min(waterMM, s.intakeMM*(1+thirst*(1-w.LayersMM[0]/s.saturation[0])))
	waterMM -= enters
	for i := range w.LayersMM {
		taken := min(enters, s.saturation[i]-w.LayersMM[i])
		w.LayersMM[i] += taken
		if enters -= taken; enters <= 0 {
			break
		}
	}
	waterMM += max(enters, 0) // a soil that is full to the top
	w.PondMM = min(waterMM, s.storageMM)
	return waterMM - w.PondMM
}

// drain lets an hour's share of what is above field capacity sink.
func (s *soil) drain(w *wetness) (drainedMM float64) {
	for i := range w.LayersMM {
		excess := w.LayersMM[i] - s.capacity[i]
		if excess <= 0 {
			continue
		}
		moved := excess * s.falls
		if i == layers-1 {
			drainedMM = moved
		} else {
			moved = min(moved, s.saturation[i+1]-w.LayersMM[i+1])
			w.LayersMM[i+1] += moved
		}
		w.LayersMM[i] -= moved
	}
	return drainedMM
}

// evaporate takes water from the top layer: freely while it is moist, less and
// less below, nothing below half the wilting point.
func (s *soil) evaporate(w *wetness, demandMM float64) float64 {
	const freely = 0.75 // of the water that can evaporate
	driest := s.wilting[0] / 2
	share := (w.LayersMM[0] - driest) / (freely * (s.capacity[0] - driest))
	if share <= 0 {
		return 0
	}
	if share < 1 {
		demandMM *= share * share
	}
	taken := min(demandMM, w.LayersMM[0]-driest)
	w.LayersMM[0] -= taken
	return taken
}
