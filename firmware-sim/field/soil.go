package field

import "math"

// A texture is what a soil can hold, m3/m3.
type texture struct{ saturation, capacity, wilting float64 }

// textures are the middles of the ranges that soil surveys give.
var textures = map[string]texture{
	"sandy_loam": {0.43, 0.23, 0.11},
	"loam":       {0.46, 0.25, 0.12},
	"silt_loam":  {0.47, 0.29, 0.15},
	"silty_clay": {0.50, 0.36, 0.23},
	"clay":       {0.52, 0.36, 0.22},
}

// Textures returns the names of the textures that a field knows.
func Textures() []string { return []string{"silt_loam", "loam", "sandy_loam", "silty_clay", "clay"} }

const layers = 3

// Layer i reaches down to bottomsMM[i]; rootShare of the demand is taken from it.
var (
	bottomsMM   = [layers]float64{300, 500, 900}
	thicknessMM = [layers]float64{300, 200, 400}
	rootShare   = [layers]float64{0.55, 0.30, 0.15}
)

// drainHours is how long an excess above field capacity takes to fall to a third.
const drainHours = 18

// A soil is three layers of water, each in mm.
type soil struct {
	texture texture
	waterMM [layers]float64
	startMM float64
	sums    Balance
}

// A Balance says where water came from and went to, mm.
type Balance struct {
	RainMM, IrrigationMM              float64 // in
	EvaporatedMM, DrainedMM, RunoffMM float64 // out
	GainedMM                          float64 // by the soil
}

func newSoil(t texture) soil {
	s := soil{texture: t}
	for i := range s.waterMM {
		s.waterMM[i] = thicknessMM[i] * (t.wilting + 0.9*(t.capacity-t.wilting))
	}
	s.startMM = s.totalMM()
	return s
}

func (s *soil) totalMM() float64 { return s.waterMM[0] + s.waterMM[1] + s.waterMM[2] }

func (s *soil) moisture(depthCM int) float64 {
	for i, bottom := range bottomsMM {
		if float64(depthCM)*10 <= bottom {
			return s.waterMM[i] / thicknessMM[i]
		}
	}
	return s.waterMM[layers-1] / thicknessMM[layers-1]
}

// step lets rain in and the demand out for a while.
func (s *soil) step(rainMM, demandMM, hours float64) {
	s.sums.RainMM += rainMM
	s.soak(rainMM)
	for i := range s.waterMM {
		s.dry(i, demandMM*rootShare[i])
	}
	falls := 1 - math.Exp(-hours/drainHours)
	for i := range s.waterMM {
		excess := s.waterMM[i] - s.texture.capacity*thicknessMM[i]
		if excess <= 0 {
			continue
		}
		moved := excess * falls
		if i == layers-1 {
			s.sums.DrainedMM += moved
		} else {
			moved = min(moved, s.texture.saturation*thicknessMM[i+1]-s.waterMM[i+1])
			s.waterMM[i+1] += moved
		}
		s.waterMM[i] -= moved
	}
}

func (s *soil) irrigate(depthMM float64) {
	s.sums.IrrigationMM += depthMM
	s.soak(depthMM)
}

// soak fills the layers from above; what does not fit runs off.
func (s *soil) soak(depthMM float64) {
	for i := range s.waterMM {
		taken := min(depthMM, s.texture.saturation*thicknessMM[i]-s.waterMM[i])
		s.waterMM[i] += taken
		depthMM -= taken
	}
	s.sums.RunoffMM += depthMM
}

// dry takes from a layer, less and less below half of what plants can take.
func (s *soil) dry(i int, demandMM float64) {
	wilting := s.texture.wilting * thicknessMM[i]
	share := (s.waterMM[i] - wilting) / (s.texture.capacity*thicknessMM[i] - wilting)
	taken := demandMM * min(max(share/0.5, 0), 1)
	s.waterMM[i] -= taken
	s.sums.EvaporatedMM += taken
}

func (s *soil) balance() Balance {
	b := s.sums
	b.GainedMM = s.totalMM() - s.startMM
	return b
}
