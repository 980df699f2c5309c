package quality

import "ganlin/devices"

// StepLimit returns how far a quantity may lie from its last good value: a step
// that noise and siting explain at any interval, and what it may change an hour
// on top, for MaxGap at most. Both are 0 for what may jump at any moment, such as radiation under
// clouds, and for what is checked otherwise, such as counters.
//
// The numbers are ours. They are wider than what nature does, because a refused
// reading is a loss, and narrower than a loose wire; a step beyond them counts
// from its second reading on.
func StepLimit(q devices.Quantity) (step, perHour float64) {
	switch q {
	case devices.SoilMoisture: // drains by under 0.02 an hour; a wetting front rises faster and is confirmed
		return 0.05, 0.05
	case devices.SoilMoistureRelative: // the same on a maker's scale
		return 10, 10
	case devices.SoilTemperature: // a bare surface warms by up to 5 K an hour
		return 3, 5
	case devices.SoilConductivity: // follows the water
		return 0.5, 0.5
	case devices.AirTemperature: // a thunderstorm's outflow takes 10 K in minutes
		return 6, 8
	case devices.RelativeHumidity: // likewise
		return 30, 30
	case devices.AirPressure: // a squall line jumps by a few hPa; a typhoon falls by up to 10 an hour
		return 5, 10
	case devices.VapourPressure:
		return 1, 1
	case devices.WindSpeed: // means of minutes; gusts go unchecked
		return 12, 12
	case devices.WaterLevel: // a tank fills by metres an hour
		return 0.5, 3
	}
	return 0, 0
}

// rightlyStill reports whether a number may stand for days by itself: the air
// is saturated, calm or dark, and settings and supplies are not measured to move.
func rightlyStill(v float64, q devices.Quantity) bool {
	switch q {
	case devices.RelativeHumidity:
		return v >= 99
	case devices.WindSpeed, devices.WindGust, devices.WindDirection, devices.Illuminance, devices.SolarRadiation, devices.Rain:
		return v == 0
	case devices.SoilMoisture, devices.SoilMoistureRelative, devices.SoilWaterPotential, devices.SoilTemperature, devices.SoilConductivity,
		devices.AirTemperature, devices.AirPressure, devices.VapourPressure:
		return false
	}
	return true
}
