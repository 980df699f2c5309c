package field

// wateringHour is when people water, local time.
const wateringHour = 18

// A Standing is what somebody who waters may look at, once a day.
type Standing struct {
	Since int  // days since the plot was watered, or since the start
	Ripe  bool // harvested

	ground *Ground
	plot   *plot
	hours  int
}

// RainMM returns the rain of the last days, no further back than the start.
func (s Standing) RainMM(days int) float64 {
	return s.ground.skies.rainMM(s.plot.station, s.hours, 24*days)
}

// DepletionMM returns what the root zone truly lacks to field capacity.
func (s Standing) DepletionMM() float64 { return s.plot.depletionMM() }

// AvailableMM returns what the root zone truly holds between field capacity and wilting point.
func (s Standing) AvailableMM() float64 { return s.plot.availableMM() }

// A Strategy says how much a plot is watered today, mm as the meter counts it.
type Strategy func(Standing) (grossMM float64)

// Rainfed never waters.
func Rainfed(Standing) float64 { return 0 }

// Full waters every day that anything to speak of is missing, so that no plant is ever stressed.
func Full(s Standing) float64 {
	if missing := s.DepletionMM(); missing > 0.05*s.AvailableMM() && !s.Ripe {
		return missing / SprinklerEfficiency
	}
	return 0
}

// Arm lives the same weather on the same land for so many days, watered by a
// strategy, and returns the outcome of every plot in the order of the options.
func (g *Ground) Arm(days int, water Strategy) []Outcome {
	all := make([]Outcome, len(g.parcels))
	for i := range g.parcels {
		p := g.armOf(i, days, water)
		all[i] = p.outcome()
	}
	return all
}

// armOf lives one plot. A sprinkler brings a depth at its rate, over hours.
func (g *Ground) armOf(index, days int, water Strategy) plot {
	p := g.parcels[index].fresh()
	_, first := splitDay(g.start.Add(utcOffset))
	waiting, last := 0.0, 0
	for hours := range days * 24 {
		if (int(first)+hours)%24 == wateringHour {
			s := Standing{Since: (hours - last) / 24, Ripe: p.ripe(), ground: g, plot: &p, hours: hours}
			if mm := water(s); mm > 0 {
				waiting, last = waiting+mm, hours
			}
		}
		if waiting > 0 {
			p.ComingMM = min(waiting, ApplicationMMH)
			waiting -= p.ComingMM
		}
		g.live(&p, hours)
	}
	return p
}

// ripe reports whether the plot is harvested.
func (p *plot) ripe() bool {
	return p.today.growth.stage == stages && p.today.day >= p.planted
}
