package firmware

import "time"

// Faults says how far devices are from ideal. The zero value is an ideal
// device. Fractions lie in 0 … 1 and are drawn for each reading, or for each
// device and day, from the seed.
type Faults struct {
	Noise     float64       // factor on the noise and bias that each channel has by itself; 1 is an ordinary instrument
	Drop      float64       // of readings that are never taken
	Duplicate float64       // of readings whose message is published again after its PUBACK
	Late      float64       // of readings that are held back for LateBy before they are sent
	LateBy    time.Duration // simulated; 0 means 6 h
	Break     float64       // of readings whose message is cut short, so that nobody can read it
	Outage    float64       // of days on which a device loses the network for 1 to 12 h; what it measures then waits
}

// OrdinaryFaults returns what a fleet in the field shows in a season.
func OrdinaryFaults() Faults {
	return Faults{Noise: 1, Drop: 0.002, Duplicate: 0.002, Late: 0.001, LateBy: 6 * time.Hour, Break: 0.0005, Outage: 0.01}
}
