package devices

import (
	"fmt"
	"math"
)

// A Quantity is what was measured. It fixes the unit: a number never travels without it.
type Quantity string

// A Unit is written as in UCUM where UCUM has it (Cel, m3/m3, hPa), else as the trade writes it.
type Unit string

// A Measurement is the InfluxDB measurement that a quantity is stored in.
type Measurement string

// The four measurements of readings.
const (
	SoilMeasurement    Measurement = "soil"
	WeatherMeasurement Measurement = "weather"
	ValveMeasurement   Measurement = "valve"
	DeviceMeasurement  Measurement = "device"
)

// A Spec says how a quantity is expressed. The bounds are physics, not geography.
type Spec struct {
	Quantity    Quantity
	Unit        Unit
	Min, Max    float64 // in Unit, both included
	Decimals    int     // how many a person is shown
	Measurement Measurement
	HasDepth    bool // whether a depth in the soil may stand with it
	Counter     bool // a running total: increments are derived in event time
	Binary      bool // only 0 and 1
}

// The quantities of the native format.
const (
	SoilMoisture         Quantity = "soil_moisture"
	SoilMoistureRelative Quantity = "soil_moisture_relative"
	SoilWaterPotential   Quantity = "soil_water_potential"
	SoilTemperature      Quantity = "soil_temperature"
	SoilConductivity     Quantity = "soil_conductivity"
	AirTemperature       Quantity = "air_temperature"
	RelativeHumidity     Quantity = "relative_humidity"
	AirPressure          Quantity = "air_pressure"
	VapourPressure       Quantity = "vapour_pressure"
	WindSpeed            Quantity = "wind_speed"
	WindGust             Quantity = "wind_gust"
	WindDirection        Quantity = "wind_direction"
	SolarRadiation       Quantity = "solar_radiation"
	Illuminance          Quantity = "illuminance"
	Rain                 Quantity = "rain"
	RainTotal            Quantity = "rain_total"
	ValveOpen            Quantity = "valve_open"
	Flow                 Quantity = "flow"
	VolumeTotal          Quantity = "volume_total"
	PulsesTotal          Quantity = "pulses_total"
	PipePressure         Quantity = "pipe_pressure"
	WaterLevel           Quantity = "water_level"
	BatteryVoltage       Quantity = "battery_voltage"
	BatteryLevel         Quantity = "battery_level"
	RSSI                 Quantity = "rssi"
	SNR                  Quantity = "snr"
)

var unbounded = math.MaxFloat64

var specs = []Spec{
	{Quantity: SoilMoisture, Unit: "m3/m3", Min: -0.05, Max: 0.8, Decimals: 3, Measurement: SoilMeasurement, HasDepth: true},
	{Quantity: SoilMoistureRelative, Unit: "%", Min: 0, Max: 100, Decimals: 1, Measurement: SoilMeasurement, HasDepth: true},
	{Quantity: SoilWaterPotential, Unit: "kPa", Min: -2000, Max: 0, Decimals: 1, Measurement: SoilMeasurement, HasDepth: true},
	{Quantity: SoilTemperature, Unit: "Cel", Min: -40, Max: 80, Decimals: 1, Measurement: SoilMeasurement, HasDepth: true},
	{Quantity: SoilConductivity, Unit: "dS/m", Min: 0, Max: 25, Decimals: 2, Measurement: SoilMeasurement, HasDepth: true},
	{Quantity: AirTemperature, Unit: "Cel", Min: -60, Max: 60, Decimals: 1, Measurement: WeatherMeasurement},
	{Quantity: RelativeHumidity, Unit: "%", Min: 0, Max: 100, Decimals: 0, Measurement: WeatherMeasurement},
	{Quantity: AirPressure, Unit: "hPa", Min: 500, Max: 1100, Decimals: 1, Measurement: WeatherMeasurement},
	{Quantity: VapourPressure, Unit: "kPa", Min: 0, Max: 12, Decimals: 2, Measurement: WeatherMeasurement},
	{Quantity: WindSpeed, Unit: "m/s", Min: 0, Max: 100, Decimals: 1, Measurement: WeatherMeasurement},
	{Quantity: WindGust, Unit: "m/s", Min: 0, Max: 100, Decimals: 1, Measurement: WeatherMeasurement},
	{Quantity: WindDirection, Unit: "deg", Min: 0, Max: 360, Decimals: 0, Measurement: WeatherMeasurement},
	{Quantity: SolarRadiation, Unit: "W/m2", Min: 0, Max: 1600, Decimals: 0, Measurement: WeatherMeasurement},
	{Quantity: Illuminance, Unit: "lx", Min: 0, Max: 200000, Decimals: 0, Measurement: WeatherMeasurement},
	{Quantity: Rain, Unit: "mm", Min: 0, Max: 300, Decimals: 1, Measurement: WeatherMeasurement},
	{Quantity: RainTotal, Unit: "mm", Min: 0, Max: unbounded, Decimals: 1, Measurement: WeatherMeasurement, Counter: true},
	{Quantity: ValveOpen, Unit: "1", Min: 0, Max: 1, Measurement: ValveMeasurement, Binary: true},
	{Quantity: Flow, Unit: "L/min", Min: 0, Max: 10000, Decimals: 1, Measurement: ValveMeasurement},
	{Quantity: VolumeTotal, Unit: "L", Min: 0, Max: unbounded, Decimals: 0, Measurement: ValveMeasurement, Counter: true},
	{Quantity: PulsesTotal, Unit: "1", Min: 0, Max: unbounded, Measurement: ValveMeasurement, Counter: true},
	{Quantity: PipePressure, Unit: "kPa", Min: 0, Max: 2500, Decimals: 0, Measurement: ValveMeasurement},
	{Quantity: WaterLevel, Unit: "m", Min: -50, Max: 50, Decimals: 2, Measurement: ValveMeasurement},
	{Quantity: BatteryVoltage, Unit: "V", Min: 0, Max: 60, Decimals: 2, Measurement: DeviceMeasurement},
	{Quantity: BatteryLevel, Unit: "%", Min: 0, Max: 100, Decimals: 0, Measurement: DeviceMeasurement},
	{Quantity: RSSI, Unit: "dBm", Min: -200, Max: 0, Decimals: 0, Measurement: DeviceMeasurement},
	{Quantity: SNR, Unit: "dB", Min: -40, Max: 40, Decimals: 1, Measurement: DeviceMeasurement},
}

var specOf = func() map[Quantity]Spec {
	m := make(map[Quantity]Spec, len(specs))
	for _, s := range specs {
		m[s.Quantity] = s
	}
	return m
}()

// Quantities returns the specification of every known quantity in the order of the contract.
func Quantities() []Spec { return append([]Spec(nil), specs...) }

// Spec returns the specification of q, and whether q is known.
func (q Quantity) Spec() (Spec, bool) {
	s, ok := specOf[q]
	return s, ok
}

// Check reports whether value is possible for the quantity. Its error names the bounds.
func (s Spec) Check(value float64) error {
	switch {
	case math.IsNaN(value) || math.IsInf(value, 0):
		return fmt.Errorf("%s is not a finite number", s.Quantity)
	case s.Binary && value != 0 && value != 1:
		return fmt.Errorf("%s %g is neither 0 nor 1", s.Quantity, value)
	case value < s.Min || value > s.Max:
		if s.Max == unbounded {
			return fmt.Errorf("%s %g %s is below %g", s.Quantity, value, s.Unit, s.Min)
		}
		return fmt.Errorf("%s %g %s is outside %g … %g", s.Quantity, value, s.Unit, s.Min, s.Max)
	}
	return nil
}
