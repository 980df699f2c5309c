package firmware

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"time"

	"ganlin/devices"
)

// A Channel is one thing that a device measures.
type Channel struct {
	Key      devices.Key
	Read     func(at time.Time) float64 // the truth, in the unit of the quantity; called by Take alone
	Noise    float64                    // standard deviation of a single reading
	Bias     float64                    // standard deviation, over the fleet, of an instrument's constant error
	Decimals int                        // of the number that is sent
}

// Weather is what a station measures.
type Weather struct {
	AirTemperatureC     float64
	RelativeHumidityPct float64
	WindSpeedMS         float64
	SolarRadiationWM2   float64
	RainTotalMM         float64 // running counter
	AirPressureHPa      float64
}

// ProbeChannels returns the channels of a soil probe with sensors at the given
// depths. moisture is in m3/m3, temperature in degrees Celsius.
func ProbeChannels(moisture, temperature func(depthCM int) float64, installed time.Time, depthsCM ...int) []Channel {
	var all []Channel
	for _, depth := range depthsCM {
		key := func(q devices.Quantity) devices.Key { return devices.Key{Quantity: q, DepthCM: strconv.Itoa(depth)} }
		all = append(all,
			Channel{Key: key(devices.SoilMoisture), Read: func(time.Time) float64 { return moisture(depth) }, Noise: 0.002, Bias: 0.012, Decimals: 3},
			Channel{Key: key(devices.SoilTemperature), Read: func(time.Time) float64 { return temperature(depth) }, Noise: 0.05, Bias: 0.2, Decimals: 2},
		)
	}
	return append(all, batteryChannel(installed))
}

// batteryChannel is a lithium cell that loses a quarter of a volt a year.
func batteryChannel(installed time.Time) Channel {
	return Channel{
		Key:   devices.Key{Quantity: devices.BatteryVoltage},
		Read:  func(at time.Time) float64 { return 3.65 - 0.25*at.Sub(installed).Hours()/8766 },
		Noise: 0.004, Bias: 0.02, Decimals: 2,
	}
}

// bucketMM is what tips the rain gauge once.
const bucketMM = 0.2

// StationChannels returns the channels of a weather station with a tipping bucket.
func StationChannels(sky func() Weather) []Channel {
	channel := func(q devices.Quantity, noise, bias float64, decimals int, read func(Weather) float64) Channel {
		return Channel{Key: devices.Key{Quantity: q}, Read: func(time.Time) float64 { return read(sky()) }, Noise: noise, Bias: bias, Decimals: decimals}
	}
	return []Channel{
		channel(devices.AirTemperature, 0.1, 0.1, 2, func(w Weather) float64 { return w.AirTemperatureC }),
		channel(devices.RelativeHumidity, 0.8, 1, 1, func(w Weather) float64 { return w.RelativeHumidityPct }),
		channel(devices.WindSpeed, 0.1, 0.05, 2, func(w Weather) float64 { return w.WindSpeedMS }),
		channel(devices.SolarRadiation, 4, 0, 1, func(w Weather) float64 { return w.SolarRadiationWM2 }),
		channel(devices.RainTotal, 0, 0, 1, func(w Weather) float64 { return math.Floor(w.RainTotalMM/bucketMM+1e-9) * bucketMM }),
		channel(devices.AirPressure, 0.1, 0.2, 1, func(w Weather) float64 { return w.AirPressureHPa }),
	}
}

// An instrument is a channel as built into one device.
type instrument struct {
	read         func(time.Time) float64
	label        string // `"soil_moisture@20":`
	noise, bias  float64
	lower, upper float64 // where the sensor saturates
	decimals     int
}

func newInstrument(c Channel, factor float64, rng *rand.Rand) instrument {
	spec, ok := c.Key.Quantity.Spec()
	if !ok {
		panic(fmt.Sprintf("channel %s: the quantity is unknown", c.Key))
	}
	return instrument{
		read: c.Read, label: strconv.Quote(c.Key.String()) + ":", decimals: c.Decimals,
		noise: factor * c.Noise, bias: factor * c.Bias * rng.NormFloat64(),
		lower: spec.Min, upper: spec.Max,
	}
}

func (i instrument) measure(at time.Time, rng *rand.Rand) float64 {
	v := i.read(at) + i.bias
	if i.noise > 0 {
		v += i.noise * rng.NormFloat64()
	}
	return min(max(v, i.lower), i.upper)
}
