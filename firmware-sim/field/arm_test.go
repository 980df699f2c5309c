package field_test

import (
	"encoding/json"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ganlin/devices"
	"ganlin/firmware-sim/field"
)

// fields returns every texture under every crop, flat and steep, ripe before the season ends.
func fields(s field.Season, seed uint64) field.Options {
	o := options(s, seed)
	o.Plots = nil
	for _, texture := range field.Textures() {
		for i, crop := range []string{"maize_grain", "maize_sweet", "potato", "tomato"} {
			for _, slope := range []float64{0, 18} {
				o.Plots = append(o.Plots, devices.Plot{
					ID: devices.PlotID(fmt.Sprintf("%s-%s-%g", texture, crop, slope)), Station: "w-01", AreaMu: 1 + float64(i),
					Crop: crop, Planted: sown(max(field.SeasonDays(crop)-118, 2)), Soil: devices.Soil{Texture: texture}, SlopePercent: slope,
				})
			}
		}
	}
	return o
}

func survey(t *testing.T, o field.Options) *field.Ground {
	t.Helper()
	g, err := field.Survey(o)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// meanYield is over plots of one size.
func meanYield(all []field.Outcome) float64 {
	sum := 0.0
	for _, o := range all {
		sum += o.Yield / float64(len(all))
	}
	return sum
}

// TestWaterIsConserved balances every soil under every crop, watered far too much and not at all, in every season.
func TestWaterIsConserved(t *testing.T) {
	flood := func(s field.Standing) float64 {
		if s.Since >= 10 {
			return 160
		}
		return 0
	}
	for _, season := range []field.Season{field.Drought, field.Normal, field.Wet} {
		g := survey(t, fields(season, 5))
		for name, water := range map[string]field.Strategy{"rain alone": field.Rainfed, "full": field.Full, "flood": flood} {
			for _, o := range g.Arm(120, water) {
				b := o.Balance
				in, out := b.RainMM+b.IrrigationMM, b.SprayedMM+b.EvaporatedMM+b.TranspiredMM+b.DrainedMM+b.RunoffMM
				if math.Abs(in-out-b.GainedMM) > 1e-9*in || b.RainMM < 250 || b.EvaporatedMM < 30 || b.TranspiredMM < 30 {
					t.Errorf("%s, %s, %s: %+v", season, name, o.Plot, b)
				}
				if name == "flood" && (b.IrrigationMM < 1700 || b.DrainedMM+b.RunoffMM < 500) {
					t.Errorf("%s, %s: %+v", season, o.Plot, b)
				}
			}
		}
	}
}

// TestSlopesAndTextures looks at what a wet season does to the water of a light and a heavy soil, level and steep.
func TestSlopesAndTextures(t *testing.T) {
	b := map[devices.PlotID]field.Balance{}
	for _, o := range survey(t, fields(field.Wet, 2)).Arm(120, field.Rainfed) {
		b[o.Plot] = o.Balance
	}
	for _, texture := range field.Textures() {
		level, steep := b[devices.PlotID(texture+"-potato-0")], b[devices.PlotID(texture+"-potato-18")]
		if steep.RunoffMM < level.RunoffMM {
			t.Errorf("%s: %.1f mm run off a slope and %.1f mm off level ground", texture, steep.RunoffMM, level.RunoffMM)
		}
	}
	clay, sand := b["clay-maize_grain-18"], b["sand-maize_grain-18"]
	if clay.RunoffMM < 60 || sand.RunoffMM > 5 || clay.DrainedMM > sand.DrainedMM {
		t.Errorf("steep clay %+v\nsand %+v", clay, sand)
	}
}

// TestArmsOfADrought compares what rain, a calendar and full water bear.
func TestArmsOfADrought(t *testing.T) {
	for seed := range uint64(5) {
		g := survey(t, fields(field.Drought, seed))
		rainfed, full := g.Arm(120, field.Rainfed), g.Arm(120, field.Full)
		manual := g.Arm(120, field.Calendar{DepthMM: 25, Days: 4, RainMM: 5}.Water)
		if y := meanYield(rainfed); y < 0.2 || y > 0.72 {
			t.Errorf("seed %d: rain alone bears %.2f", seed, y)
		}
		if y := meanYield(manual); y < 0.85 || y >= 1 {
			t.Errorf("seed %d: a calendar bears %.2f", seed, y)
		}
		for i := range full {
			if full[i].Yield < 0.98 || manual[i].Yield < rainfed[i].Yield || rainfed[i].Balance.IrrigationMM != 0 {
				t.Errorf("seed %d, %s: full %.3f, manual %.3f, rain %.3f", seed, full[i].Plot, full[i].Yield, manual[i].Yield, rainfed[i].Yield)
			}
		}
	}
}

func TestWetSeasonsNeedNoWater(t *testing.T) {
	o := fields(field.Wet, 0)
	for seed := range uint64(5) {
		o.Seed = seed
		low := 0
		all := survey(t, o).Arm(120, field.Rainfed)
		for _, one := range all {
			if one.Yield < 0.9 {
				low++
			}
		}
		if low > len(all)/20 {
			t.Errorf("seed %d: %d of %d plots lose more than a tenth", seed, low, len(all))
		}
	}
}

// TestCalendar has rain of 8 mm on day 10 and day 40, and none else.
func TestCalendar(t *testing.T) {
	for _, c := range []struct {
		calendar field.Calendar
		want     []int
	}{
		{field.Calendar{DepthMM: 20, Days: 14, RainMM: 10}, []int{14, 28, 42, 56}},
		{field.Calendar{DepthMM: 20, Days: 14, RainMM: 5}, []int{24, 38, 54}}, // 14 days after the rain
	} {
		var days []int
		day := 0
		survey(t, withRecord(t, func(d int) float64 {
			if d == 10 || d == 40 {
				return 8
			}
			return 0
		})).Arm(60, func(s field.Standing) float64 {
			mm := c.calendar.Water(s)
			if mm > 0 {
				days = append(days, day)
			}
			day++
			return mm
		})
		if diff := cmp.Diff(c.want, days); diff != "" {
			t.Errorf("%s: %s", c.calendar, diff)
		}
	}
}

// TestFieldIsTheSameAsAnArm waters a field as a calendar does, and keeps and
// restores it in the middle of a day on which water flows.
func TestFieldIsTheSameAsAnArm(t *testing.T) {
	o := options(field.Drought, 4)
	waters := func(hours int) bool { return hours%24 == 18 && hours/24%6 == 5 }
	f, err := field.New(o)
	if err != nil {
		t.Fatal(err)
	}
	day := 0
	want := f.Arm(120, func(field.Standing) float64 {
		day++
		if (day-1)%120%6 == 5 {
			return field.ApplicationMMH
		}
		return 0
	})
	for hours := range 120 * 24 {
		if waters(hours) {
			for _, p := range o.Plots {
				f.Irrigate(p.ID, field.ApplicationMMH*p.AreaMu*2000/3)
			}
		}
		if hours == 1001 || hours == 59*24+18 {
			text, err := json.Marshal(f.State())
			if err != nil {
				t.Fatal(err)
			}
			var s field.State
			if err := json.Unmarshal(text, &s); err != nil {
				t.Fatal(err)
			}
			if f, err = field.New(o); err != nil {
				t.Fatal(err)
			}
			if err := f.Restore(s); err != nil {
				t.Fatal(err)
			}
		}
		f.Advance(start.Add(time.Duration(hours) * time.Hour).Add(time.Hour))
	}
	got := f.Outcomes()
	for i := range got { // the litres are rounded once more
		if math.Abs(got[i].Yield-want[i].Yield) > 1e-9 || math.Abs(got[i].Balance.DrainedMM-want[i].Balance.DrainedMM) > 1e-6 {
			t.Errorf("the field has %+v, the arm %+v", got[i], want[i])
		}
	}
	if err := f.Restore(field.State{}); err == nil {
		t.Error("a state without plots was restored")
	}
}

// TestTruth looks at how far plots lie from the textbook.
func TestTruth(t *testing.T) {
	o := options(field.Normal, 1)
	o.Plots = nil
	for i := range 3000 {
		o.Plots = append(o.Plots, devices.Plot{ID: devices.PlotID(fmt.Sprint(i)), Station: "w-01", AreaMu: 1, Crop: "maize_grain", Planted: start, Soil: devices.Soil{Texture: "loam"}})
	}
	g := survey(t, o)
	var sums, squares [3]float64
	for _, p := range o.Plots {
		truth := g.Truth(p.ID)
		for i, factor := range []float64{truth.FieldCapacity / 0.25, truth.WiltingPoint / 0.12, truth.RootM / 1.0} {
			if factor < 0.8399 || factor > 1.1601 {
				t.Errorf("plot %s: %+v", p.ID, truth)
			}
			sums[i] += factor
			squares[i] += factor * factor
		}
	}
	for i := range sums {
		mean := sums[i] / 3000
		if sd := math.Sqrt(squares[i]/3000 - mean*mean); math.Abs(mean-1) > 0.01 || math.Abs(sd-0.076) > 0.006 { // 0.08, cut at twice that
			t.Errorf("mean %.3f, standard deviation %.3f", mean, sd)
		}
	}
	o.Seed = 2
	if survey(t, o).Truth("0") == g.Truth("0") {
		t.Error("another seed has the same plots")
	}
}

// BenchmarkArm is a season of 40 plots with its weather, and three arms of it.
func BenchmarkArm(b *testing.B) {
	o := fields(field.Drought, 1)
	o.Plots = o.Plots[:40]
	for b.Loop() {
		g, err := field.Survey(o)
		if err != nil {
			b.Fatal(err)
		}
		for _, water := range []field.Strategy{field.Rainfed, field.Full, field.Calendar{DepthMM: 25, Days: 4, RainMM: 5}.Water} {
			g.Arm(120, water)
		}
	}
}
