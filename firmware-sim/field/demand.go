package field

import "math"

// referenceMM returns what an hour of such weather takes from a well-watered
// meadow, mm: Penman and Monteith's combination of sun and dry air, with a
// canopy that closes at night. clear is the share of a cloudless sky's radiation.
func referenceMM(s Sky, clear float64) float64 {
	const (
		heatPerMM   = 2.45e6   // J to evaporate 1 kg of water
		heatOfAir   = 1004.0   // J/(kg K)
		boltzmann   = 5.670e-8 // W/(m2 K4)
		canopyByDay = 50.0     // s/m
		atNight     = 200.0
	)
	air := s.AirTemperatureC
	saturated := 100 * vapour(air) // Pa
	actual := saturated * s.RelativeHumidityPct / 100
	slope := saturated * 17.62 * 243.12 / ((243.12 + air) * (243.12 + air))
	pressure := 100 * s.AirPressureHPa
	psychrometer := heatOfAir * pressure / (0.622 * heatPerMM)
	density := pressure / (287 * 1.01 * (air + 273.15))

	lost := boltzmann * math.Pow(air+273.15, 4) * (0.34 - 0.14*math.Sqrt(actual/1000)) * (1.35*min(max(clear, 0.3), 1) - 0.35)
	net := 0.77*s.SolarRadiationWM2 - lost
	ground, canopy := 0.1, canopyByDay
	if net < 0 {
		ground, canopy = 0.5, atNight
	}
	resistance := 208 / max(s.WindSpeedMS, 0.5)
	flux := (slope*net*(1-ground) + density*heatOfAir*(saturated-actual)/resistance) /
		(slope + psychrometer*(1+canopy/resistance))
	return max(0, flux*3600/heatPerMM)
}
