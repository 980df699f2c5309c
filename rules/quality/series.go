package quality

import (
	"math"
	"strconv"
	"time"

	"ganlin/devices"
)

// A Verdict is what is wrong with a reading, as bit flags. They share no bit
// with those of the door, so that all can be stored together.
type Verdict uint8

// The verdicts.
const (
	Good        Verdict = 0
	InAir       Verdict = Verdict(devices.ProbeInAir) // soil moisture below 0: no contact with the soil
	Spike       Verdict = 1 << 2                      // too far from the last value, and the next has not confirmed it
	Stuck       Verdict = 1 << 3                      // the same number for so long that it cannot be true
	Implausible Verdict = 1 << 4                      // this soil cannot hold so much or so little
)

// A Context is what the rest of the plot says about a reading.
type Context struct {
	Saturation   *float64 // m3/m3; nil: that of any mineral soil
	WiltingPoint *float64 // m3/m3; nil: only the bounds of the quantity hold
	WaterMM      float64  // running total of rain and irrigation on the plot; what is unknown does not grow
	ETaMM        float64  // running total of the plot's actual evapotranspiration; likewise
}

// A Series checks the readings of one key of one device. The zero value is ready.
//
// A spike is a value too far from the last good one. If the next reading agrees
// with it, it was a step of the real thing: that reading is good and the step
// accepted. A single wrong value thus never counts, and a true step is one
// reading late.
//
// A value is stuck when exactly the same number came at least MinEqual times
// over at least MinStuck, and either
//   - this series usually moves: the run is SteadyRuns times as long as its runs
//     of equal numbers usually are (a probe with noise moves every hour); or
//   - it is soil moisture within the upper UpperCM and the plot must have changed:
//     StuckWaterMM of water came since, or StuckDrawnMM was drawn over StuckDry.
//
// A coarse or quiet sensor deep in the ground may rightly show one number for
// weeks; nothing is said of it.
type Series struct {
	Last  Value `json:"last,omitzero"`  // the last that was believed
	Doubt Value `json:"doubt,omitzero"` // a spike that waits for the next reading

	Run Run `json:"run,omitzero"`
	// UsualRun is the mean length of the runs of equal numbers lately; 0: none has ended.
	UsualRun float64 `json:"usual_run,omitempty"`
}

// A Value is a number at a time; at the zero time it is none.
type Value struct {
	At time.Time `json:"at"`
	V  float64   `json:"v"` // in the unit of the quantity
}

// A Run is a sequence of exactly equal numbers, the last reading included.
type Run struct {
	Since   time.Time `json:"since"`
	At      time.Time `json:"at"` // of its last reading
	V       float64   `json:"v"`
	N       int       `json:"n"`
	WaterMM float64   `json:"water_mm"` // the running totals of the context when it began
	ETaMM   float64   `json:"eta_mm"`
}

// What makes a value stuck.
const (
	MinEqual     = 24
	MinStuck     = 24 * time.Hour
	SteadyRuns   = 10
	UpperCM      = 30
	StuckWaterMM = 10.0 // wets the upper soil, whatever its texture, by more than any resolution
	StuckDrawnMM = 5.0
	StuckDry     = 72 * time.Hour
)

// What no mineral soil holds, in m3/m3: the limit that the International Soil
// Moisture Network flags (C02, doi:10.2136/vzj2012.0097). Above a soil's own
// saturation a probe may read by its accuracy of 0.03 with a maker's calibration.
const (
	mineralSaturation = 0.6
	probeAccuracy     = 0.03
)

// Add judges a reading. One that is not later than the last is a duplicate and
// good as far as can be told; it changes nothing.
func (s *Series) Add(at time.Time, v float64, key devices.Key, ctx Context) Verdict {
	if s.Run.N > 0 && !at.After(s.Run.At) {
		return Good
	}
	verdict := bounds(v, key.Quantity, ctx)
	if s.stuck(at, v, key, ctx) {
		verdict |= Stuck
	}
	if verdict == Good {
		verdict = s.spike(Value{At: at, V: v}, key.Quantity)
	}
	return verdict
}

// bounds judges by what the soil can hold. Half of the wilting point is what is
// left in air-dry soil (FAO-56, Eq. 73).
func bounds(v float64, q devices.Quantity, ctx Context) Verdict {
	if q != devices.SoilMoisture {
		return Good
	}
	upper := mineralSaturation
	if ctx.Saturation != nil {
		upper = *ctx.Saturation + probeAccuracy
	}
	switch {
	case v < 0:
		return InAir
	case v > upper, ctx.WiltingPoint != nil && v < *ctx.WiltingPoint/2:
		return Implausible
	}
	return Good
}

// spike compares with the last believed value, and with the one in doubt.
func (s *Series) spike(now Value, q devices.Quantity) Verdict {
	step, perHour := StepLimit(q)
	if step == 0 {
		return Good
	}
	near := func(last Value) bool {
		return !last.At.IsZero() && math.Abs(now.V-last.V) <= step+perHour*min(now.At.Sub(last.At), MaxGap).Hours()
	}
	if !s.Last.At.IsZero() && !near(s.Last) && !near(s.Doubt) {
		s.Doubt = now
		return Spike
	}
	s.Last, s.Doubt = now, Value{}
	return Good
}

// stuck counts equal numbers. Judged values count too: a sensor may be stuck at an impossible one.
func (s *Series) stuck(at time.Time, v float64, key devices.Key, ctx Context) bool {
	if s.Run.N == 0 || v != s.Run.V {
		s.runEnded()
		s.Run = Run{Since: at, V: v, WaterMM: ctx.WaterMM, ETaMM: ctx.ETaMM}
	}
	s.Run.At, s.Run.N = at, s.Run.N+1
	lasted := at.Sub(s.Run.Since)
	if s.Run.N < MinEqual || lasted < MinStuck || rightlyStill(v, key.Quantity) {
		return false
	}
	if s.UsualRun > 0 && float64(s.Run.N) >= SteadyRuns*s.UsualRun {
		return true
	}
	if key.Quantity != devices.SoilMoisture {
		return false
	}
	if depth, err := strconv.Atoi(key.DepthCM); err == nil && depth > UpperCM {
		return false
	}
	return ctx.WaterMM-s.Run.WaterMM >= StuckWaterMM || lasted >= StuckDry && ctx.ETaMM-s.Run.ETaMM >= StuckDrawnMM
}

// runEnded learns how long runs usually are, from those that were not stuck.
func (s *Series) runEnded() {
	const memory = 16 // runs
	n := float64(s.Run.N)
	switch {
	case n == 0 || n >= max(MinEqual, SteadyRuns*s.UsualRun):
	case s.UsualRun == 0:
		s.UsualRun = n
	default:
		s.UsualRun += (n - s.UsualRun) / memory
	}
}
