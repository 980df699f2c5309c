package devices_test

import (
	"math"
	"regexp"
	"testing"

	"pgregory.net/rapid"

	"ganlin/devices"
)

// contract is the table of quantities that devices are written against.
var contract = []devices.Spec{
	{Quantity: "soil_moisture", Unit: "m3/m3", Min: -0.05, Max: 0.8, Measurement: "soil", HasDepth: true},
	{Quantity: "soil_moisture_relative", Unit: "%", Max: 100, Measurement: "soil", HasDepth: true},
	{Quantity: "soil_water_potential", Unit: "kPa", Min: -2000, Measurement: "soil", HasDepth: true},
	{Quantity: "soil_temperature", Unit: "Cel", Min: -40, Max: 80, Measurement: "soil", HasDepth: true},
	{Quantity: "soil_conductivity", Unit: "dS/m", Max: 25, Measurement: "soil", HasDepth: true},
	{Quantity: "air_temperature", Unit: "Cel", Min: -60, Max: 60, Measurement: "weather"},
	{Quantity: "relative_humidity", Unit: "%", Max: 100, Measurement: "weather"},
	{Quantity: "air_pressure", Unit: "hPa", Min: 500, Max: 1100, Measurement: "weather"},
	{Quantity: "vapour_pressure", Unit: "kPa", Max: 12, Measurement: "weather"},
	{Quantity: "wind_speed", Unit: "m/s", Max: 100, Measurement: "weather"},
	{Quantity: "wind_gust", Unit: "m/s", Max: 100, Measurement: "weather"},
	{Quantity: "wind_direction", Unit: "deg", Max: 360, Measurement: "weather"},
	{Quantity: "solar_radiation", Unit: "W/m2", Max: 1600, Measurement: "weather"},
	{Quantity: "illuminance", Unit: "lx", Max: 200000, Measurement: "weather"},
	{Quantity: "rain", Unit: "mm", Max: 300, Measurement: "weather"},
	{Quantity: "rain_total", Unit: "mm", Max: math.MaxFloat64, Measurement: "weather", Counter: true},
	{Quantity: "valve_open", Unit: "1", Max: 1, Measurement: "valve", Binary: true},
	{Quantity: "flow", Unit: "L/min", Max: 10000, Measurement: "valve"},
	{Quantity: "volume_total", Unit: "L", Max: math.MaxFloat64, Measurement: "valve", Counter: true},
	{Quantity: "pulses_total", Unit: "1", Max: math.MaxFloat64, Measurement: "valve", Counter: true},
	{Quantity: "pipe_pressure", Unit: "kPa", Max: 2500, Measurement: "valve"},
	{Quantity: "water_level", Unit: "m", Min: -50, Max: 50, Measurement: "valve"},
	{Quantity: "battery_voltage", Unit: "V", Max: 60, Measurement: "device"},
	{Quantity: "battery_level", Unit: "%", Max: 100, Measurement: "device"},
	{Quantity: "rssi", Unit: "dBm", Min: -200, Measurement: "device"},
	{Quantity: "snr", Unit: "dB", Min: -40, Max: 40, Measurement: "device"},
}

func TestQuantities(t *testing.T) {
	specs := devices.Quantities()
	if len(specs) != len(contract) {
		t.Fatalf("%d quantities, the contract has %d", len(specs), len(contract))
	}
	field := regexp.MustCompile(`^[a-z]+(_[a-z]+)*$`) // needs no escape in a topic, a key or line protocol
	for i, want := range contract {
		got := specs[i]
		if got.Decimals < 0 || got.Decimals > 3 {
			t.Errorf("%s is shown with %d decimals", got.Quantity, got.Decimals)
		}
		got.Decimals = 0
		if got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
		if !field.MatchString(string(got.Quantity)) {
			t.Errorf("%q is no field name", got.Quantity)
		}
		if found, known := want.Quantity.Spec(); !known || found.Quantity != want.Quantity {
			t.Errorf("%s is not found", want.Quantity)
		}
	}
	specs[0].Max = 9
	if devices.Quantities()[0].Max == 9 {
		t.Error("a caller can change the table")
	}
	if _, known := devices.Quantity("Soil_moisture").Spec(); known {
		t.Error("names are taken without regard to case")
	}
}

func TestCheck(t *testing.T) {
	for _, c := range []struct {
		quantity devices.Quantity
		value    float64
		want     string
	}{
		{devices.SoilMoisture, 0.8, ""},
		{devices.SoilMoisture, -0.05, ""},
		{devices.SoilMoisture, 23.1, "soil_moisture 23.1 m3/m3 is outside -0.05 … 0.8"},
		{devices.SoilMoisture, -0.0500001, "soil_moisture -0.0500001 m3/m3 is outside -0.05 … 0.8"},
		{devices.RainTotal, math.MaxFloat64, ""},
		{devices.RainTotal, -0.1, "rain_total -0.1 mm is below 0"},
		{devices.RainTotal, math.Inf(1), "rain_total is not a finite number"},
		{devices.RSSI, math.NaN(), "rssi is not a finite number"},
		{devices.ValveOpen, 1, ""},
		{devices.ValveOpen, 0, ""},
		{devices.ValveOpen, 0.5, "valve_open 0.5 is neither 0 nor 1"},
		{devices.ValveOpen, 2, "valve_open 2 is neither 0 nor 1"},
	} {
		spec, _ := c.quantity.Spec()
		checkError(t, string(c.quantity), spec.Check(c.value), c.want)
	}
}

func TestCheckIsTheInterval(t *testing.T) {
	specs := devices.Quantities()
	rapid.Check(t, func(t *rapid.T) {
		spec := rapid.SampledFrom(specs).Draw(t, "spec")
		value := rapid.OneOf(rapid.Float64(), rapid.Float64Range(-100, 100), rapid.Just(spec.Min), rapid.Just(spec.Max)).Draw(t, "value")
		inside := value >= spec.Min && value <= spec.Max && (!spec.Binary || value == 0 || value == 1)
		if err := spec.Check(value); (err == nil) != inside {
			t.Fatalf("%g: %v", value, err)
		}
	})
}
