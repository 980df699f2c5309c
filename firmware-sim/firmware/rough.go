package firmware

import (
	"math/rand/v2"
	"time"
)

// Rough is how a network behaves badly on the wall clock. What devices
// measure and when, in their own time, does not change by it. The zero value is a good network.
type Rough struct {
	Delay time.Duration // most that a message waits before it is sent; drawn evenly
	Cut   float64       // share of messages after which the connection is cut, whether they got through or not
	Seed  uint64
}

// A roughness is the bad luck of one device, which has nothing to do with what it measures.
type roughness struct {
	Rough
	rng *rand.Rand
}

func newRoughness(r Rough, key uint64) roughness {
	return roughness{r, rand.New(rand.NewPCG(r.Seed, key))} //nolint:gosec // seeded on purpose
}

func (r roughness) delay() {
	if r.Delay > 0 {
		time.Sleep(time.Duration(r.rng.Int64N(int64(r.Delay))))
	}
}

func (r roughness) cuts() bool { return r.Cut > 0 && r.rng.Float64() < r.Cut }
