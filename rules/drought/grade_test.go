package drought_test

import (
	"math"
	"testing"

	"ganlin/rules/drought"
	"ganlin/rules/water"
)

func TestGrades(t *testing.T) {
	for _, c := range []struct {
		standard drought.Standard
		class    water.Class
		rsm      float64
		want     drought.Grade
	}{
		// GB/T 32136-2015: the limit itself is the wetter grade.
		{drought.GBT32136, water.Coarse, 55, drought.None},
		{drought.GBT32136, water.Coarse, 54.999, drought.Light},
		{drought.GBT32136, water.Coarse, 45, drought.Light},
		{drought.GBT32136, water.Coarse, 35, drought.Moderate},
		{drought.GBT32136, water.Coarse, 25, drought.Severe},
		{drought.GBT32136, water.Coarse, 24.999, drought.Extreme},
		{drought.GBT32136, water.Medium, 60, drought.None},
		{drought.GBT32136, water.Medium, 55, drought.Light},
		{drought.GBT32136, water.Medium, 49, drought.Moderate},
		{drought.GBT32136, water.Medium, 39, drought.Severe},
		{drought.GBT32136, water.Medium, 29, drought.Extreme},
		{drought.GBT32136, water.Fine, 62, drought.Light},
		{drought.GBT32136, water.Fine, 34, drought.Extreme},
		// GB/T 20481-2006: the limit itself is the drier grade, and texture plays no part.
		{drought.GBT20481, water.Coarse, 60, drought.Light},
		{drought.GBT20481, water.Medium, 60.001, drought.None},
		{drought.GBT20481, water.Medium, 50, drought.Moderate},
		{drought.GBT20481, water.Fine, 40, drought.Severe},
		{drought.GBT20481, water.Fine, 30, drought.Extreme},
		// What cannot be has no grade.
		{drought.GBT32136, water.Medium, 0, drought.Unknown},
		{drought.GBT32136, water.Medium, -3, drought.Unknown},
		{drought.GBT32136, water.Medium, 180, drought.Unknown},
		{drought.GBT32136, water.Medium, math.NaN(), drought.Unknown},
		{drought.GBT32136, "peat", 50, drought.Unknown},
		{"another", water.Medium, 50, drought.Unknown},
	} {
		if got := drought.GradeOf(c.rsm, c.class, c.standard); got != c.want {
			t.Errorf("%s, %s, %g %%: %s, want %s", c.standard, c.class, c.rsm, got, c.want)
		}
	}
}

func TestEveryRowFalls(t *testing.T) {
	for _, standard := range []drought.Standard{drought.GBT32136, drought.GBT20481} {
		for _, class := range []water.Class{water.Coarse, water.Medium, water.Fine} {
			l, ok := drought.LimitsOf(standard, class)
			if !ok || !(l.Light > l.Moderate && l.Moderate > l.Severe && l.Severe > l.Extreme) || l.ValidFrom.IsZero() || l.Confirmed != (l.Source != "") {
				t.Errorf("%s, %s: %+v", standard, class, l)
			}
		}
	}
}

func TestGradesAsWords(t *testing.T) {
	for g, want := range map[drought.Grade]string{
		drought.Unknown: "unknown", drought.None: "none", drought.Light: "light", drought.Moderate: "moderate",
		drought.Severe: "severe", drought.Extreme: "extreme", 99: "unknown",
	} {
		if g.String() != want {
			t.Errorf("grade %d is %s, want %s", int(g), g, want)
		}
	}
}

func TestRelativeMoistureIsNotDepletion(t *testing.T) {
	loam := water.Soil{FieldCapacity: 0.30, WiltingPoint: 0.12}
	for _, c := range []struct{ depletion, want float64 }{{0, 100}, {55, 67}, {100, 40}} {
		if got := drought.RSMFromDepletion(c.depletion, 100, loam); math.Abs(got-c.want) > 1e-9 {
			t.Errorf("a depletion of %g %% is a relative moisture of %g %%, want %g", c.depletion, got, c.want)
		}
	}
	if g := drought.GradeOf(drought.RSMFromDepletion(1, 0, loam), water.Medium, drought.GBT32136); g != drought.Unknown {
		t.Errorf("a soil without available water is graded %s", g)
	}
}
