package water_test

import (
	"encoding/json"
	"math"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"ganlin/rules/water"
)

// steady is a crop whose root zone and coefficient never change.
func steady(kc, rootM, p float64) water.Crop {
	return water.Crop{
		LengthsDays: [4]int{1, 1, 200, 1}, KcIni: kc, KcMid: kc, KcEnd: kc, HeightM: 1,
		RootMinM: rootM, RootMaxM: rootM, DepletionFraction: p, Ky: 1,
	}
}

// begun is a balance whose beginning a probe has told.
func begun(p water.Params, theta float64, day time.Time) water.Balance {
	b := water.NewBalance(p, day)
	b.Correct(p, new(water.DayResult), []water.ProbeReading{{DepthCM: 20, Theta: theta}}, 1)
	b.Season = water.Sums{}
	return b
}

func depletion(b *water.Balance) float64 {
	least, most := b.Range(false)
	return (least + most) / 2
}

func dry(at time.Time, etoMM float64) water.DayInput {
	return water.DayInput{Day: at, EToMM: &etoMM, RainMM: new(0.0)}
}

// FAO-56, p. 166: TAW and RAW as printed, in whole mm.
func TestExample36AvailableWater(t *testing.T) {
	for soil, c := range map[water.Soil][3][2]float64{
		{FieldCapacity: 0.15, WiltingPoint: 0.06}: {{36, 11}, {72, 29}, {108, 59}},
		{FieldCapacity: 0.32, WiltingPoint: 0.15}: {{68, 20}, {136, 54}, {204, 112}},
		{FieldCapacity: 0.35, WiltingPoint: 0.23}: {{48, 14}, {96, 38}, {144, 79}},
	} {
		for i, crop := range []water.Crop{steady(1, 0.4, 0.3), steady(1, 0.8, 0.4), steady(1, 1.2, 0.55)} {
			p := water.Params{Soil: soil, Crop: crop, Planted: day(1)}
			b := begun(p, soil.FieldCapacity, day(2))
			r := b.Day(p, dry(day(2), 5))
			near(t, "TAW", r.TAWMM, c[i][0], 0.5)
			near(t, "RAW", r.RAWMM, c[i][1], 0.5)
		}
	}
}

// FAO-56, p. 168. The example holds p at 0.4: with ETc at 6 mm/d, that is 0.44 in the table.
func TestExample37Stress(t *testing.T) {
	p := water.Params{Soil: water.Soil{FieldCapacity: 0.32, WiltingPoint: 0.12}, Crop: steady(1.2, 0.8, 0.44), Planted: day(1)}
	b := begun(p, 0.32-0.055/0.8, day(2))
	near(t, "Dr at the start", depletion(&b), 55, 1e-9)
	for i, want := range []struct{ ks, dr float64 }{
		{1, 61}, {1, 67}, {0.969, 72.81}, {0.908, 78.26}, {0.851, 83.37}, {0.798, 88.16}, {0.748, 92.65}, {0.702, 96.86}, {0.658, 100.81}, {0.617, 104.51},
	} {
		r := b.Day(p, dry(day(2+i), 5))
		near(t, "TAW", r.TAWMM, 160, 1e-9)
		near(t, "RAW", r.RAWMM, 64, 1e-9)
		near(t, "Ks", r.Ks, want.ks, 0.001)
		near(t, "Dr", r.DepletionMM, want.dr, 0.01)
		near(t, "ETc adj", r.ETaMM, r.Ks*6, 1e-9)
	}
}

// The first day of FAO-56, Example 38 (p. 172): 40 mm on a depletion of 23.4 mm
// drain 16.6 mm. With evapotranspiration taken first, as Eq. 88 is written, it would be 11.15.
func TestWaterDrainsBeforeTheCropDrinks(t *testing.T) {
	p := water.Params{Soil: water.Soil{FieldCapacity: 0.23, WiltingPoint: 0.10}, Crop: steady(1.21203, 0.3, 0.6), Planted: day(1)}
	b := begun(p, 0.23-0.0234/0.3, day(2))
	r := b.Day(p, water.DayInput{Day: day(2), EToMM: new(4.5), RainMM: new(0.0), IrrigationMM: 40})
	near(t, "DP", r.DrainageMM, 16.6, 1e-9)
	near(t, "ETc", r.ETaMM, 5.454, 0.001)
	near(t, "Dr", r.DepletionMM, 5.454, 0.001)
}

// A published case of an overfilled root zone: Ks 0.973 at a depletion of 37.746 mm of 73.5, with p 0.5.
func TestPublishedStress(t *testing.T) {
	p := water.Params{Soil: water.Soil{FieldCapacity: 0.2, WiltingPoint: 0.1}, Crop: steady(1, 0.735, 0.5), Planted: day(1)}
	b := begun(p, 0.2-0.037746/0.735, day(2))
	near(t, "Ks", b.Day(p, dry(day(2), 5)).Ks, 0.973, 0.0005)
}

// The shift of Kc with wind, humidity and height is that of Eq. 72, of which
// swb2 has a grid for a Kc of 1.2.
func TestClimateOfKc(t *testing.T) {
	p := water.Params{Soil: water.Soil{FieldCapacity: 0.3, WiltingPoint: 0.1}, Crop: steady(1.2, 1, 0.5), Planted: day(1)}
	check := func(wind, humidity, height, want float64) {
		p.Crop.HeightM = height
		b := begun(p, p.Soil.FieldCapacity, day(10))
		in := dry(day(10), 1)
		in.MeanWind, in.RHMin = &wind, &humidity
		r := b.Day(p, in)
		near(t, "Kc", r.ETcMM, want, 1e-9)
	}
	check(2, 45, 2, 1.2)
	check(3, 20, 1, 1.2+0.14*math.Pow(1.0/3, 0.3)) // cotton of FAO-56, Example 32, p. 150: 1.30
	check(50, 0, 1, 1.2+0.26*math.Pow(1.0/3, 0.3)) // limited to 6 m/s and 20 %
	compared := 0
	for _, r := range rows(t, reference(t, "fao56/eq72_kcmax_swb2.tsv"), '\t') {
		check(number(t, r[0]), number(t, r[1]), number(t, r[2]), number(t, r[3]))
		compared++
	}
	if compared != 125 {
		t.Errorf("%d cells were compared", compared)
	}
}

// A crop that dries in the field has its last Kc whatever the climate.
func TestClimateSparesADryingCrop(t *testing.T) {
	for name, shifts := range map[string]bool{"maize_grain": false, "maize_sweet": true} {
		c := cropOf(t, name)
		p := water.Params{Soil: water.Soil{FieldCapacity: 0.3, WiltingPoint: 0.1}, Crop: c, Planted: day(1)}
		b := begun(p, p.Soil.FieldCapacity, day(c.SeasonDays()))
		in := dry(day(c.SeasonDays()), 1)
		in.MeanWind, in.RHMin = new(5.0), new(25.0)
		if r := b.Day(p, in); (math.Abs(r.ETcMM-c.KcEnd) > 1e-9) != shifts {
			t.Errorf("%s: ETc/ETo %g at Kc end %g", name, r.ETcMM, c.KcEnd)
		}
	}
}

// What goes in is in the soil or has gone out, on every day of any season.
func TestNoWaterIsMadeOrLost(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		wilting := rapid.Float64Range(0.02, 0.25).Draw(t, "wilting")
		capacity := wilting + rapid.Float64Range(0.03, 0.2).Draw(t, "available")
		crop, err := water.CropOf(rapid.SampledFrom([]string{"maize_grain", "strawberry", "tea", "radish", "walnut", "rice"}).Draw(t, "crop"))
		if err != nil {
			t.Fatal(err)
		}
		p := water.Params{Soil: water.Soil{FieldCapacity: capacity, WiltingPoint: wilting}, Crop: crop, Planted: day(1)}
		first := rapid.IntRange(-10, 400).Draw(t, "first")
		b := begun(p, rapid.Float64Range(0, 0.5).Draw(t, "theta"), day(first))
		drier := b
		for i := range rapid.IntRange(1, 200).Draw(t, "days") {
			in := water.DayInput{
				Day: day(first + i), EToMM: new(rapid.Float64Range(0, 12).Draw(t, "eto")),
				RainMM:       new(rapid.SampledFrom([]float64{0, 0, 0, 0.3, 7, 45, 180}).Draw(t, "rain")),
				IrrigationMM: rapid.SampledFrom([]float64{0, 0, 0, 12.5}).Draw(t, "irrigation"),
			}
			before := b
			r := b.Day(p, in)
			rootZone := r.DepletionMM - before.Dry.DepletionMM + r.RainMM + r.IrrigationMM - r.ETaMM - r.DrainageMM - r.GrownMM
			below := b.Dry.BelowMM - max(0, before.Dry.BelowMM-r.GrownMM-r.DrainageMM)
			if math.Abs(rootZone) > 1e-9 || math.Abs(below) > 1e-9 {
				t.Fatalf("day %d: %g mm too much in the root zone, %g below: %+v", i, rootZone, below, r)
			}
			if r.DepletionMM < 0 || r.DepletionMM > r.TAWMM+1e-9 || r.Ks < 0 || r.Ks > 1 || r.ETaMM > r.ETcMM || r.RAWMM < 0.1*r.TAWMM-1e-9 || r.RAWMM > 0.8*r.TAWMM+1e-9 || b.Dry.BelowMM < 0 || r.LeastMM != r.MostMM {
				t.Fatalf("day %d: %+v, below %g mm", i, r, b.Dry.BelowMM)
			}
			// Less rain never leaves a wetter soil.
			in.RainMM = new(*in.RainMM / 2)
			if less := drier.Day(p, in); less.DepletionMM < r.DepletionMM-1e-9 {
				t.Fatalf("day %d: half the rain leaves %g mm, all of it %g", i, less.DepletionMM, r.DepletionMM)
			}
		}
		if s := b.Season; s.ETaMM > s.ETcMM || s.ETaDryMM != s.ETaMM || s.ETaWetMM != s.ETaMM {
			t.Fatalf("%+v", s)
		}
	})
}

// The check above must see water that is made: a day that forgets its rain.
func TestLostWaterIsSeen(t *testing.T) {
	p := water.Params{Soil: water.Soil{FieldCapacity: 0.3, WiltingPoint: 0.1}, Crop: steady(1, 1, 0.5), Planted: day(1)}
	b := begun(p, 0.2, day(2))
	before := depletion(&b)
	r := b.Day(p, dry(day(2), 5))
	const rain = 10.0
	if math.Abs(r.DepletionMM-before+rain-r.ETaMM-r.DrainageMM-r.GrownMM) < 1 {
		t.Error("10 mm are lost and nothing is seen")
	}
}

func TestBalanceSurvivesJSON(t *testing.T) {
	shanghai := time.FixedZone("CST", 8*3600)
	planted := time.Date(2026, 4, 2, 0, 0, 0, 0, shanghai)
	p := water.Params{Soil: water.Soil{FieldCapacity: 0.29, WiltingPoint: 0.15}, Crop: cropOf(t, "maize_sweet"), Planted: planted}
	b := water.NewBalance(p, planted)
	kept := b
	for i := range 60 {
		in := water.DayInput{Day: planted.AddDate(0, 0, i), EToMM: new(4 + float64(i%7)/3), RainMM: new(float64(i%11) / 7)}
		if i%13 == 5 {
			in.RainMM = nil
		}
		if i%5 == 1 {
			in.EToMM = nil
		}
		b.Day(p, in)
		kept.Day(p, in)
		text, err := json.Marshal(kept)
		if err != nil {
			t.Fatal(err)
		}
		kept = water.Balance{}
		if err := json.Unmarshal(text, &kept); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(b, kept); diff != "" {
			t.Fatalf("day %d: %s", i, diff)
		}
	}
}

func TestRootsTakeTheirShareOfADrySubsoil(t *testing.T) {
	crop := cropOf(t, "maize_grain") // 0.3 m until day 30, 1 m from day 70 on
	p := water.Params{Soil: water.Soil{FieldCapacity: 0.3, WiltingPoint: 0.1}, Crop: crop, Planted: day(1)}
	b := begun(p, 0.25, day(30))
	near(t, "Dr", depletion(&b), 15, 1e-9)
	near(t, "below", b.Dry.BelowMM, 35, 1e-9)
	for i := 31; i <= 70; i++ {
		b.Day(p, dry(day(i), 0))
	}
	near(t, "Dr", depletion(&b), 50, 1e-9)
	near(t, "below", b.Dry.BelowMM, 0, 1e-9)
}

func TestANewSeasonBeginsItsSums(t *testing.T) {
	crop := cropOf(t, "tea")
	p := water.Params{Soil: water.Soil{FieldCapacity: 0.3, WiltingPoint: 0.1}, Crop: crop, Planted: day(1)}
	b := begun(p, 0.3, day(300))
	for i := 300; i <= 366; i++ {
		b.Day(p, dry(day(i), 2))
	}
	if first := b.Season.ETcMM; first <= 0 || first > 2*1.2 {
		t.Errorf("the sums hold %g mm, more than the first day's", first)
	}
	p.Planted = day(400) // another crop
	b.Day(p, dry(day(410), 2))
	if b.Season.ETcMM > 2*1.2 {
		t.Errorf("the sums of another crop hold %g mm", b.Season.ETcMM)
	}
}

func TestLocalDaysAreCounted(t *testing.T) {
	newYork, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	p := water.Params{Planted: time.Date(2026, 3, 1, 0, 0, 0, 0, newYork)}
	for i := range 300 {
		if got := p.DayNumber(p.Planted.AddDate(0, 0, i-10)); got != i-9 {
			t.Fatalf("day %d is counted as %d", i-9, got)
		}
	}
}

func TestAnotherSoilKeepsTheBalancePossible(t *testing.T) {
	p := water.Params{Soil: water.Soil{FieldCapacity: 0.3, WiltingPoint: 0.1}, Crop: steady(1, 1, 0.5), Planted: day(1)}
	b := begun(p, 0.1, day(2))
	p.Soil.FieldCapacity = 0.25
	r := b.Day(p, dry(day(2), 5))
	near(t, "Dr", r.DepletionMM, 150, 1e-9)
}

func BenchmarkDay(b *testing.B) {
	for _, climate := range []bool{false, true} {
		b.Run("climate="+strconv.FormatBool(climate), func(b *testing.B) {
			crop, err := water.CropOf("maize_grain")
			if err != nil {
				b.Fatal(err)
			}
			p := water.Params{Soil: water.Soil{FieldCapacity: 0.3, WiltingPoint: 0.1}, Crop: crop, Planted: day(1)}
			balance := begun(p, 0.25, day(1))
			in := water.DayInput{Day: day(50), EToMM: new(5.0), RainMM: new(4.8)}
			if climate {
				in.MeanWind, in.RHMin = new(1.5), new(50.0)
			}
			b.ReportAllocs()
			for b.Loop() {
				balance.Day(p, in)
			}
		})
	}
}
