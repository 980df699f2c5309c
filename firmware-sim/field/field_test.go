package field_test

import (
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ganlin/devices"
	"ganlin/firmware-sim/field"
)

// start is local midnight of the first of May.
var start = time.Date(2026, 4, 30, 16, 0, 0, 0, time.UTC)

// sown returns the date so many days before the start, as registries have it.
func sown(daysBefore int) time.Time { return time.Date(2026, 5, 1-daysBefore, 0, 0, 0, 0, time.UTC) }

func options(s field.Season, seed uint64) field.Options {
	o := field.Options{
		Season: s, Start: start, Seed: seed,
		Stations: []devices.Station{
			{ID: "w-01", Latitude: 29.16, Longitude: 107.1, ElevationM: 640},
			{ID: "w-02", Latitude: 29.17, Longitude: 107.11, ElevationM: 1140},
		},
	}
	for _, texture := range field.Textures() {
		o.Plots = append(o.Plots, devices.Plot{
			ID: devices.PlotID(texture), Station: "w-01", AreaMu: 3,
			Planted: sown(20), Crop: "maize_grain", Soil: devices.Soil{Texture: texture},
		})
	}
	return o
}

func newField(t *testing.T, s field.Season, seed uint64) *field.Field {
	t.Helper()
	f, err := field.New(options(s, seed))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// TestSeasons looks at July and August of ten years of each season: in a
// drought 40 % of the rain is missing and more than 30 days are above 35 degrees.
func TestSeasons(t *testing.T) {
	const normalMM = 310 // of July and August
	for _, c := range []struct {
		season            field.Season
		leastMM, mostMM   float64
		leastHot, mostHot int
	}{
		{field.Drought, 0.5 * normalMM, 0.6 * normalMM, 31, 62},
		{field.Normal, 0.95 * normalMM, 1.05 * normalMM, 0, 12},
		{field.Wet, 1.25 * normalMM, 1.45 * normalMM, 0, 6},
	} {
		for seed := range uint64(10) {
			f := newField(t, c.season, seed)
			f.Advance(start.AddDate(0, 0, 61))
			rain, hot := -f.Sky("w-01").RainTotalMM, 0
			for day := range 62 {
				warmest := math.Inf(-1)
				for hour := range 24 {
					f.Advance(start.AddDate(0, 0, 61+day).Add(time.Duration(hour+1) * time.Hour))
					warmest = max(warmest, f.Sky("w-01").AirTemperatureC)
				}
				if warmest > 35 {
					hot++
				}
			}
			rain += f.Sky("w-01").RainTotalMM
			if rain < c.leastMM || rain > c.mostMM || hot < c.leastHot || hot > c.mostHot {
				t.Errorf("%s, seed %d: %.0f mm and %d days above 35 degrees", c.season, seed, rain, hot)
			}
		}
	}
}

// TestEverythingIsPossible walks through a season in steps of ten minutes.
func TestEverythingIsPossible(t *testing.T) {
	f := newField(t, field.Drought, 3)
	within := func(q devices.Quantity, v float64) {
		spec, _ := q.Spec()
		if err := spec.Check(v); err != nil {
			t.Error(err)
		}
	}
	rain, radiation, night := 0.0, 0.0, 0
	for at := start; at.Before(start.AddDate(0, 0, 120)); at = at.Add(10 * time.Minute) {
		f.Advance(at)
		for _, id := range []devices.StationID{"w-01", "w-02"} {
			s := f.Sky(id)
			within(devices.AirTemperature, s.AirTemperatureC)
			within(devices.RelativeHumidity, s.RelativeHumidityPct)
			within(devices.WindSpeed, s.WindSpeedMS)
			within(devices.SolarRadiation, s.SolarRadiationWM2)
			within(devices.AirPressure, s.AirPressureHPa)
		}
		s := f.Sky("w-01")
		if s.RainTotalMM < rain {
			t.Fatalf("at %s the rain fell from %g to %g mm", at, rain, s.RainTotalMM)
		}
		rain, radiation = s.RainTotalMM, max(radiation, s.SolarRadiationWM2)
		if s.SolarRadiationWM2 == 0 {
			night++
		}
		for _, texture := range field.Textures() {
			for _, depth := range []int{5, 20, 40, 60, 200} {
				within(devices.SoilMoisture, f.SoilMoisture(devices.PlotID(texture), depth))
				within(devices.SoilTemperature, f.SoilTemperature(devices.PlotID(texture), depth))
			}
		}
	}
	if radiation < 800 || radiation > 1050 {
		t.Errorf("the strongest sun was %.0f W/m2", radiation)
	}
	if share := float64(night) / (120 * 144); share < 0.38 || share > 0.48 {
		t.Errorf("it was night for %.2f of the time", share)
	}
	if low, high := f.Sky("w-01"), f.Sky("w-02"); low.AirTemperatureC-high.AirTemperatureC != 3 || low.AirPressureHPa-high.AirPressureHPa < 40 {
		t.Errorf("500 m apart: %+v and %+v", low, high)
	}
}

// TestWeatherIsAFunctionOfSeedAndTime enters a season in the middle and compares.
func TestWeatherIsAFunctionOfSeedAndTime(t *testing.T) {
	one, two, other := newField(t, field.Drought, 1), newField(t, field.Drought, 1), newField(t, field.Drought, 2)
	for hour := 1; hour <= 2000; hour++ {
		one.Advance(start.Add(time.Duration(hour) * time.Hour))
	}
	two.Advance(start.Add(2000 * time.Hour))
	other.Advance(start.Add(2000 * time.Hour))
	if diff := cmp.Diff(one.Sky("w-01"), two.Sky("w-01")); diff != "" {
		t.Error(diff)
	}
	if a, b := one.SoilMoisture("clay", 20), two.SoilMoisture("clay", 20); a != b {
		t.Errorf("the same soil holds %g and %g", a, b)
	}
	if one.Sky("w-01") == other.Sky("w-01") {
		t.Error("another seed has the same weather")
	}
}

func TestNewRefusesWhatItDoesNotKnow(t *testing.T) {
	for name, change := range map[string]func(*field.Options){
		"season":  func(o *field.Options) { o.Season = "monsoon" },
		"texture": func(o *field.Options) { o.Plots[0].Soil.Texture = "peat" },
		"crop":    func(o *field.Options) { o.Plots[0].Crop = "mandrake" },
		"station": func(o *field.Options) { o.Plots[0].Station = "w-09" },
	} {
		o := options(field.Normal, 1)
		change(&o)
		if _, err := field.New(o); err == nil {
			t.Errorf("an unknown %s was taken", name)
		}
	}
}
