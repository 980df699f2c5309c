package drought_test

import (
	"math"
	"testing"

	"ganlin/rules/drought"
	"ganlin/rules/water"
)

// GB/T 32136-2015, 5.2: the limit itself is the wetter grade.
func TestGradesOfMoisture(t *testing.T) {
	for _, c := range []struct {
		class water.Class
		rsm   float64
		want  drought.Grade
	}{
		{water.Coarse, 55, drought.None},
		{water.Coarse, 54.999, drought.Light},
		{water.Coarse, 45, drought.Light},
		{water.Coarse, 35, drought.Moderate},
		{water.Coarse, 25, drought.Severe},
		{water.Coarse, 24.999, drought.Extreme},
		{water.Medium, 60, drought.None},
		{water.Medium, 55, drought.Light},
		{water.Medium, 49, drought.Moderate},
		{water.Medium, 39, drought.Severe},
		{water.Medium, 29, drought.Extreme},
		{water.Fine, 62, drought.Light},
		{water.Fine, 34, drought.Extreme},
		// What cannot be has no grade.
		{water.Medium, 0, drought.Unknown},
		{water.Medium, -3, drought.Unknown},
		{water.Medium, 180, drought.Unknown},
		{water.Medium, math.NaN(), drought.Unknown},
		{"peat", 50, drought.Unknown},
	} {
		if got := drought.OfMoisture(c.rsm, c.class); got != c.want {
			t.Errorf("%s, %g %%: %s, want %s", c.class, c.rsm, got, c.want)
		}
	}
}

// GB/T 32136-2015, 5.1: a crop at its most sensitive is in drought earlier.
func TestGradesOfDeficit(t *testing.T) {
	for _, c := range []struct {
		deficit  float64
		other    drought.Grade
		critical drought.Grade
	}{
		{0, drought.None, drought.None},
		{35, drought.None, drought.None},
		{36, drought.None, drought.Light},
		{41, drought.Light, drought.Light},
		{52, drought.Light, drought.Moderate},
		{56, drought.Moderate, drought.Moderate},
		{66, drought.Moderate, drought.Severe},
		{71, drought.Severe, drought.Severe},
		{81, drought.Severe, drought.Extreme},
		{86, drought.Extreme, drought.Extreme},
		{100, drought.Extreme, drought.Extreme},
		{-1, drought.Unknown, drought.Unknown},
		{math.NaN(), drought.Unknown, drought.Unknown},
	} {
		if other, critical := drought.OfDeficit(c.deficit, false), drought.OfDeficit(c.deficit, true); other != c.other || critical != c.critical {
			t.Errorf("%g %%: %s, and %s when critical; want %s and %s", c.deficit, other, critical, c.other, c.critical)
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
	if g := drought.OfMoisture(drought.RSMFromDepletion(1, 0, loam), water.Medium); g != drought.Unknown {
		t.Errorf("a soil without available water is graded %s", g)
	}
}
