package water_test

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"ganlin/rules/water"
)

// aSoil is loam under a crop that never changes: TAW 200 mm.
func aSoil() water.Params {
	return water.Params{Soil: water.Soil{FieldCapacity: 0.3, WiltingPoint: 0.1}, Crop: steady(1, 1, 0.5), Planted: day(1)}
}

// What is true lies within the range, whatever is not known of the root zone at
// first, of rain, of irrigation and of the air, and for how long.
func TestTheTruthLiesInTheRange(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		crop, err := water.CropOf(rapid.SampledFrom([]string{"maize_grain", "tea", "radish", "walnut"}).Draw(t, "crop"))
		if err != nil {
			t.Fatal(err)
		}
		p := water.Params{Soil: water.Soil{FieldCapacity: 0.3, WiltingPoint: rapid.Float64Range(0.08, 0.25).Draw(t, "wilting")}, Crop: crop, Planted: day(1)}
		truth := begun(p, rapid.Float64Range(0.05, 0.35).Draw(t, "theta"), day(1))
		truth.Dry.BelowMM, truth.Wet.BelowMM = 0, 0
		b := water.NewBalance(p, day(1))
		gapMM, counts := 0.0, true // of rain that nobody was told of yet, and whether its counter will tell
		for i := range rapid.IntRange(1, 150).Draw(t, "days") {
			in := water.DayInput{
				Day: day(1 + i), EToMM: new(rapid.Float64Range(1, 9).Draw(t, "eto")),
				RainMM:       new(rapid.SampledFrom([]float64{0, 0, 0, 0.3, 7, 45, 180}).Draw(t, "rain")),
				IrrigationMM: rapid.SampledFrom([]float64{0, 0, 0, 12.5}).Draw(t, "irrigation"),
			}
			told := in
			if rapid.IntRange(0, 5).Draw(t, "no rain told") == 0 {
				told.RainMM, gapMM = nil, gapMM+*in.RainMM
				counts = rapid.Bool().Draw(t, "counts")
			} else {
				if told.RainOfGap = counts; counts {
					told.RainMM = new(*in.RainMM + gapMM)
				}
				gapMM, counts = 0, true
			}
			if i > 0 && rapid.IntRange(0, 5).Draw(t, "no air told") == 0 {
				told.EToMM = nil
			}
			if rapid.IntRange(0, 20).Draw(t, "no irrigation told") == 0 {
				told.IrrigationMM = math.NaN()
			} else if rapid.IntRange(0, 8).Draw(t, "irrigation told badly") == 0 {
				told.IrrigationMM, told.MaybeMM = 0, in.IrrigationMM+rapid.Float64Range(0, 40).Draw(t, "maybe")
			}
			want, got := truth.Day(p, in), b.Day(p, told)
			if want.DepletionMM < got.LeastMM-1e-9 || want.DepletionMM > got.MostMM+1e-9 {
				t.Fatalf("day %d: %g mm is not within %g to %g", i+1, want.DepletionMM, got.LeastMM, got.MostMM)
			}
			if off := math.Abs(want.DepletionMM - got.DepletionMM); got.Known && off > 0.15*got.TAWMM+1e-9 {
				t.Fatalf("day %d: known as %g mm of %g, and %g is true", i+1, got.DepletionMM, got.TAWMM, want.DepletionMM)
			}
			if got.LeastMM < got.MostMM && len(got.Unknown) == 0 && len(got.Estimated) == 0 && got.MostMM-got.LeastMM > 0.05*got.TAWMM+1e-9 {
				t.Fatalf("day %d: a range of %g to %g mm, and nobody says why", i+1, got.LeastMM, got.MostMM)
			}
		}
	})
}

func isRange(r water.DayResult, least, most float64) bool {
	return math.Abs(r.LeastMM-least) < 1e-9 && math.Abs(r.MostMM-most) < 1e-9 && math.Abs(r.DepletionMM-(least+most)/2) < 1e-9
}

// A balance whose beginning nobody knows becomes known by weather alone: at
// once by rain that fills the soil, in weeks by drought.
func TestABeginningIsNotUnknownForEver(t *testing.T) {
	p := aSoil()
	b := water.NewBalance(p, day(2))
	if r := b.Day(p, dry(day(2), 6)); r.Known || !isRange(r, 6, 200) || !slices.Equal(r.Unknown, []string{water.MoistureDoubt}) {
		t.Errorf("the first day: %+v", r)
	}
	soaked := b
	if r := soaked.Day(p, water.DayInput{Day: day(3), EToMM: new(6.0), RainMM: new(210.0)}); !r.Known || !isRange(r, 6, 6) || r.Estimated != nil {
		t.Errorf("after a soaking: %+v", r)
	}
	for i := 3; ; i++ {
		r := b.Day(p, dry(day(i), 6))
		if !r.Known && r.MostMM-r.LeastMM <= 60 || i > 50 {
			t.Fatalf("day %d without rain: %+v", i, r)
		}
		if r.Known {
			if i != 27 || !slices.Equal(r.Estimated, []string{water.MoistureDoubt}) || b.Season.ETcMM != 6 {
				t.Errorf("known on day %d, estimated %v, sums %+v", i, r.Estimated, b.Season)
			}
			break
		}
	}
	for i := range 60 {
		b.Day(p, dry(day(28+i), 6))
	}
	if b.Doubts != nil {
		t.Errorf("after a drought that took all water there is still doubt: %v, %+v, %+v", b.Doubts, b.Dry, b.Wet)
	}
}

// What is missing of a day is never taken for 0, and is named.
func TestUnknownIsNeverZero(t *testing.T) {
	p := aSoil()
	start := func() water.Balance { return begun(p, 0.2, day(2)) }
	unknown := func(t *testing.T, r water.DayResult, name string) {
		t.Helper()
		if r.Known || !slices.Equal(r.Unknown, []string{name}) || math.IsNaN(r.DepletionMM) {
			t.Errorf("known %v, unknown %v, depletion %g", r.Known, r.Unknown, r.DepletionMM)
		}
	}
	t.Run("rain", func(t *testing.T) {
		b := start()
		unknown(t, b.Day(p, water.DayInput{Day: day(2), EToMM: new(5.0)}), water.RainDoubt)
		without := b
		unknown(t, without.Day(p, dry(day(3), 5)), water.RainDoubt) // a dry day tells nothing of the one before

		counted := b
		in := dry(day(3), 5)
		in.RainOfGap = true
		if r := counted.Day(p, in); !r.Known || !isRange(r, 109.75, 109.75) {
			t.Errorf("the counter shows that there was none: %+v", r)
		}
		counted = b
		in.RainMM = new(102.0) // on the day before, and 2 mm drained; or today, and 7 mm
		if r := counted.Day(p, in); !r.Known || !isRange(r, 8, 10) {
			t.Errorf("the counter shows 102 mm for both days: %+v", r)
		}
		if _, ok := b.Correct(p, new(water.DayResult), []water.ProbeReading{{DepthCM: 20, Theta: 0.25}}, 0.1); !ok {
			t.Error("a probe was not taken")
		}
		near(t, "depletion after the correction of an unknown balance", depletion(&b), 50, 1e-9)
		if r := b.Day(p, dry(day(3), 5)); !r.Known || r.Unknown != nil {
			t.Error("a probe does not make the balance known")
		}
	})
	t.Run("rain of a day, in a wet soil", func(t *testing.T) {
		b := begun(p, 0.29, day(2))
		if r := b.Day(p, water.DayInput{Day: day(2), EToMM: new(5.0)}); !r.Known || !isRange(r, 0, 15) || !slices.Equal(r.Estimated, []string{water.RainDoubt}) {
			t.Errorf("%+v", r)
		}
	})
	t.Run("irrigation", func(t *testing.T) {
		b := start()
		unknown(t, b.Day(p, water.DayInput{Day: day(2), EToMM: new(5.0), RainMM: new(0.0), IrrigationMM: math.NaN()}), water.IrrigationDoubt)
	})
	t.Run("irrigation of which the most is known", func(t *testing.T) {
		b, without := start(), start()
		r := b.Day(p, water.DayInput{Day: day(2), EToMM: new(5.0), RainMM: new(0.0), MaybeMM: 20})
		most := without.Day(p, dry(day(2), 5)).DepletionMM
		if !r.Known || !slices.Equal(r.Estimated, []string{water.IrrigationDoubt}) || math.Abs(r.MostMM-most) > 1e-9 || r.MostMM-r.LeastMM < 20 || r.MostMM-r.LeastMM > 22 {
			t.Errorf("%+v, and %g mm without it", r, most)
		}
	})
	t.Run("evapotranspiration", func(t *testing.T) {
		b := begun(p, 0.29, day(2))
		b.Day(p, dry(day(2), 6))
		for i := range 10 {
			r := b.Day(p, water.DayInput{Day: day(3 + i), RainMM: new(0.0)})
			if r.EToMM != 6 || !slices.Contains(r.Estimated, water.EToEstimated) || r.Known != (r.MostMM-r.LeastMM <= 60) {
				t.Errorf("day %d without: %+v", i+1, r)
			}
			if r.Known != (i < 7) { // 8 mm more a day
				t.Errorf("day %d without: known %v, %g to %g", i+1, r.Known, r.LeastMM, r.MostMM)
			}
		}
		b.Correct(p, new(water.DayResult), []water.ProbeReading{{DepthCM: 20, Theta: 0.25}}, 1)
		if r := b.Day(p, dry(day(13), 4)); !r.Known || r.Estimated != nil || r.EToMM != 4 {
			t.Errorf("when it is back: known %v, ETo %g, estimated %v", r.Known, r.EToMM, r.Estimated)
		}
	})
}
