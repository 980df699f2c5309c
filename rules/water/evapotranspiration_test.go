package water_test

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ganlin/rules/water"
)

// day returns a day of the year 2015.
func day(yearDay int) time.Time { return time.Date(2015, 1, yearDay, 0, 0, 0, 0, time.UTC) }

func near(t *testing.T, name string, got, want, tolerance float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tolerance) {
		t.Errorf("%s = %.5f, want %.5f within %g", name, got, want, tolerance)
	}
}

// FAO-56, pp. 72-73. Radiation is 9.25 h of sunshine through Eq. 35.
func TestExample18Uccle(t *testing.T) {
	eto, estimated, err := water.DailyETo(water.Place{LatitudeDeg: 50.8, ElevationM: 100}, day(187), water.Weather{
		TMinC: new(12.3), TMaxC: new(21.5), RHMinPct: new(63.0), RHMaxPct: new(84.0),
		WindMS: new(10 / 3.6), WindHeightM: new(10.0), SolarMJM2: new(22.0721),
	})
	if err != nil || estimated != nil {
		t.Fatalf("estimated %v, error %v", estimated, err)
	}
	near(t, "ETo", eto, 3.8803, 0.0005)
	near(t, "u2", water.WindAt2M(10/3.6, 10), 2.0776, 0.0001)
}

// FAO-56, pp. 77-78: temperatures alone.
func TestExample20Lyon(t *testing.T) {
	lyon := water.Place{LatitudeDeg: 45 + 43.0/60, ElevationM: 200}
	temperatures := water.Weather{TMinC: new(14.8), TMaxC: new(26.6)}
	eto, estimated, err := water.DailyETo(lyon, day(196), temperatures)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "ETo", eto, 4.5604, 0.0005)
	if diff := cmp.Diff([]string{water.EstimatedHumidityFromTMin, water.EstimatedRadiation, water.EstimatedWind}, estimated); diff != "" {
		t.Error(diff)
	}
	for wind, want := range map[float64]float64{1: 4.2277, 3: 4.8406} {
		windy := temperatures
		windy.WindMS = &wind
		eto, estimated, err := water.DailyETo(lyon, day(196), windy)
		if err != nil {
			t.Fatal(err)
		}
		near(t, "ETo", eto, want, 0.0005)
		if estimated[2] != water.EstimatedWindHeight {
			t.Errorf("a wind of unknown height: estimated %v", estimated)
		}
	}
}

func TestWhatCannotBeIsNotUsed(t *testing.T) {
	at := water.Place{LatitudeDeg: 29.16, ElevationM: 640}
	good := water.Weather{
		TMinC: new(22.0), TMaxC: new(33.0), RHMinPct: new(45.0), RHMaxPct: new(90.0),
		WindMS: new(1.5), WindHeightM: new(2.0), SolarMJM2: new(20.0),
	}
	for name, c := range map[string]struct {
		change func(*water.Weather)
		want   []string
	}{
		"all there":             {func(*water.Weather) {}, nil},
		"humidity upside down":  {func(w *water.Weather) { w.RHMinPct, w.RHMaxPct = new(90.0), new(45.0) }, []string{water.EstimatedHumidityFromTMin}},
		"humidity over 100":     {func(w *water.Weather) { w.RHMaxPct = new(130.0) }, []string{water.EstimatedHumidityFromTMin}},
		"only highest humidity": {func(w *water.Weather) { w.RHMinPct = nil }, []string{water.EstimatedHumidityFromMax}},
		"more sun than space":   {func(w *water.Weather) { w.SolarMJM2 = new(60.0) }, []string{water.EstimatedRadiation}},
		"sun is no number":      {func(w *water.Weather) { w.SolarMJM2 = new(math.NaN()) }, []string{water.EstimatedRadiation}},
		"wind below 0":          {func(w *water.Weather) { w.WindMS = new(-1.0) }, []string{water.EstimatedWind}},
		"anemometer in the sod": {func(w *water.Weather) { w.WindHeightM = new(0.0) }, []string{water.EstimatedWindHeight}},
		"vapour pressure first": {func(w *water.Weather) { w.VapourPressureKPa, w.RHMaxPct = new(2.4), nil }, nil},
	} {
		w := good
		c.change(&w)
		eto, estimated, err := water.DailyETo(at, day(200), w)
		if diff := cmp.Diff(c.want, estimated); diff != "" || err != nil {
			t.Errorf("%s: error %v\n%s", name, err, diff)
		}
		if !(eto > 3 && eto < 8) {
			t.Errorf("%s: ETo %g mm is no summer day", name, eto)
		}
	}

	for name, w := range map[string]water.Weather{
		"no lowest":  {TMaxC: new(33.0)},
		"no highest": {TMinC: new(22.0)},
		"no number":  {TMinC: new(22.0), TMaxC: new(math.Inf(1))},
	} {
		if _, _, err := water.DailyETo(at, day(200), w); !errors.Is(err, water.ErrTemperature) {
			t.Errorf("%s: error %v", name, err)
		}
	}
	if _, _, err := water.DailyETo(at, day(200), water.Weather{TMinC: new(30.0), TMaxC: new(20.0)}); err == nil {
		t.Error("a lowest temperature above the highest gives no error")
	}
}

// The date of the local midnight counts, not that of the same instant in UTC.
func TestDayIsLocal(t *testing.T) {
	shanghai := time.FixedZone("CST", 8*3600)
	at, w := water.Place{LatitudeDeg: 29.16}, water.Weather{TMinC: new(10.0), TMaxC: new(20.0)}
	local, _, _ := water.DailyETo(at, time.Date(2026, 3, 2, 0, 0, 0, 0, shanghai), w)
	same, _, _ := water.DailyETo(at, time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC), w)
	if local != same {
		t.Errorf("ETo of one date is %g in Shanghai and %g in UTC", local, same)
	}
}

func TestPolarNightHasAnETo(t *testing.T) {
	eto, _, err := water.DailyETo(water.Place{LatitudeDeg: 80}, day(1), water.Weather{TMinC: new(-30.0), TMaxC: new(-20.0)})
	if err != nil || eto < 0 || math.IsNaN(eto) {
		t.Errorf("ETo %g, error %v", eto, err)
	}
}

// Fallon NV 2015 was computed by RefET with constants of its own (1367 W/m2,
// another declination and clear sky), which differ from FAO-56 by up to 0.24
// mm/d; that much is allowed, and far less on the mean of the year.
func TestFallonWithinItsConvention(t *testing.T) {
	input := rows(t, reference(t, "reference_et/FALN_Agrimet_daily_raw_2015.csv"), ',')
	output := reference(t, "reference_et/FALN_Agrimet_daily_raw_2015.out")
	expected := map[[2]string]float64{}
	for line := range strings.Lines(output) {
		if f := strings.Fields(line); len(f) == 11 && f[2] == "2015" {
			expected[[2]string{f[0], f[1]}] = number(t, f[9])
		}
	}
	at := water.Place{LatitudeDeg: 39.4575, ElevationM: 1208.5}
	celsius := func(fahrenheit string) float64 { return (number(t, fahrenheit) - 32) / 1.8 }
	compared, sum, worst := 0, 0.0, 0.0
	for _, r := range input {
		date, err := time.Parse("2006,01,02", strings.Join(r[:3], ","))
		if err != nil {
			t.Fatal(err)
		}
		want, ok := expected[[2]string{strings.TrimPrefix(r[1], "0"), strings.TrimPrefix(r[2], "0")}]
		if !ok || r[7] == "NO RECORD" { // RefET took the wind of the day before
			continue
		}
		dew := celsius(r[6])
		eto, _, err := water.DailyETo(at, date, water.Weather{
			TMinC: new(celsius(r[3])), TMaxC: new(celsius(r[4])),
			VapourPressureKPa: new(0.6108 * math.Exp(17.27*dew/(dew+237.3))),
			SolarMJM2:         new(number(t, r[5]) * 0.041868), // langley
			WindMS:            new(number(t, r[7]) * 0.44704),  // miles an hour
			WindHeightM:       new(3.0),
		})
		if err != nil {
			t.Fatal(err)
		}
		compared++
		sum += eto - want
		worst = max(worst, math.Abs(eto-want))
	}
	t.Logf("%d days: mean difference %.4f mm/d, largest %.4f mm/d", compared, sum/float64(compared), worst)
	if compared < 360 || worst > 0.25 || math.Abs(sum/float64(compared)) > 0.1 {
		t.Errorf("%d days, mean difference %.4f, largest %.4f mm/d", compared, sum/float64(compared), worst)
	}
}
