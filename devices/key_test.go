package devices_test

import (
	"strings"
	"testing"

	"ganlin/devices"
)

func TestKeys(t *testing.T) {
	for text, want := range map[string]devices.Key{
		"battery_voltage":      {Quantity: devices.BatteryVoltage},
		"soil_moisture@20":     {Quantity: devices.SoilMoisture, DepthCM: "20"},
		"soil_moisture@0":      {Quantity: devices.SoilMoisture, DepthCM: "0"},
		"soil_moisture@9999":   {Quantity: devices.SoilMoisture, DepthCM: "9999"},
		"soil_moisture#2":      {Quantity: devices.SoilMoisture, Channel: "2"},
		"soil_moisture@20#2":   {Quantity: devices.SoilMoisture, DepthCM: "20", Channel: "2"},
		"unknown things, too!": {Quantity: "unknown things, too!"},
	} {
		got, err := devices.ParseKey(text)
		if got != want || err != nil {
			t.Errorf("%q: got %+v, %v, want %+v", text, got, err, want)
		}
		if got.String() != text {
			t.Errorf("%q is written as %q", text, got)
		}
	}
	const rule = " is not a whole number of 1 to 4 digits without leading zeros"
	for text, want := range map[string]string{
		"":                    `key "" names no quantity`,
		"@20":                 `key "@20" names no quantity`,
		"#2":                  `key "#2" names no quantity`,
		"soil_moisture@":      `reading the depth of key "soil_moisture@": ""` + rule,
		"soil_moisture@020":   `reading the depth of key "soil_moisture@020": "020"` + rule,
		"soil_moisture@-5":    `reading the depth of key "soil_moisture@-5": "-5"` + rule,
		"soil_moisture@2.5":   `reading the depth of key "soil_moisture@2.5": "2.5"` + rule,
		"soil_moisture@20cm":  `reading the depth of key "soil_moisture@20cm": "20cm"` + rule,
		"soil_moisture@10000": `reading the depth of key "soil_moisture@10000": "10000"` + rule,
		"soil_moisture@2@3":   `reading the depth of key "soil_moisture@2@3": "2@3"` + rule,
		"soil_moisture@٢":     `reading the depth of key "soil_moisture@٢": "٢"` + rule,
		"soil_moisture#":      `reading the channel of key "soil_moisture#": ""` + rule,
		"soil_moisture#00":    `reading the channel of key "soil_moisture#00": "00"` + rule,
		"soil_moisture#2@20":  `reading the channel of key "soil_moisture#2@20": "2@20"` + rule,
		"soil_moisture#1#2":   `reading the channel of key "soil_moisture#1#2": "1#2"` + rule,
	} {
		_, err := devices.ParseKey(text)
		checkError(t, text, err, want)
	}
}

func FuzzParseKey(f *testing.F) {
	for _, text := range []string{"soil_moisture@20#2", "a@0", "#", "@", "a#1@2", strings.Repeat("x", 500)} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		key, err := devices.ParseKey(text)
		switch {
		case err != nil:
			if len(err.Error()) > 3000 {
				t.Errorf("the error has %d characters", len(err.Error()))
			}
		case key.String() != text || key.Quantity == "" || strings.ContainsAny(string(key.Quantity), "@#"):
			t.Errorf("%q is taken for %+v", text, key)
		}
	})
}
