package water_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ganlin/rules/water"
)

func TestFieldCapacityIsLearned(t *testing.T) {
	book := water.Soil{FieldCapacity: 0.30, WiltingPoint: 0.15, Class: water.Medium}
	soak := water.CapacityDay{WaterMM: 40, DrainageMM: 12, RootM: 0.5}
	rest := func(theta float64) water.CapacityDay {
		return water.CapacityDay{RootM: 0.5, Theta: &theta}
	}
	for name, c := range map[string]struct {
		days []water.CapacityDay
		want []float64
	}{
		"the second dry day":        {[]water.CapacityDay{soak, rest(0.36), rest(0.31)}, []float64{0.31}},
		"no soaking":                {[]water.CapacityDay{rest(0.36), rest(0.31), rest(0.31)}, nil},
		"too early":                 {[]water.CapacityDay{soak, rest(0.36)}, nil},
		"rain in between":           {[]water.CapacityDay{soak, rest(0.36), {WaterMM: 3, RootM: 0.5}, rest(0.31), rest(0.31)}, nil},
		"a drop in between":         {[]water.CapacityDay{soak, {WaterMM: 0.4, RootM: 0.5}, rest(0.31)}, []float64{0.31}},
		"once a soaking":            {[]water.CapacityDay{soak, rest(0.36), rest(0.31), rest(0.30), rest(0.29)}, []float64{0.31}},
		"water of two days":         {[]water.CapacityDay{{WaterMM: 15, DrainageMM: 3}, {WaterMM: 15, DrainageMM: 3}, rest(0.36), rest(0.31)}, []float64{0.31}},
		"little water":              {[]water.CapacityDay{{WaterMM: 20, DrainageMM: 12}, rest(0.36), rest(0.31)}, nil},
		"a root zone not filled":    {[]water.CapacityDay{{WaterMM: 60}, rest(0.36), rest(0.31)}, nil},
		"a probe that cannot be":    {[]water.CapacityDay{soak, rest(0.36), rest(0.05)}, nil},
		"a probe that is not there": {[]water.CapacityDay{soak, rest(0.36), {RootM: 0.5}, rest(0.31)}, nil},
	} {
		var f water.FieldCapacity
		changed := 0
		for _, d := range c.days {
			if water.LearnFieldCapacity(&f, book, d) {
				changed++
			}
		}
		if len(f.Estimates) != len(c.want) || changed != len(c.want) || (f.Value != nil) != (len(c.want) > 0) {
			t.Errorf("%s: estimates %v, value %v, changed %d times", name, f.Estimates, f.Value, changed)
			continue
		}
		for i := range c.want {
			near(t, name, f.Estimates[i], c.want[i], 1e-9)
		}
	}
}

func TestFieldCapacityIsTheMedianOfTheLatest(t *testing.T) {
	book := water.Soil{FieldCapacity: 0.30, WiltingPoint: 0.15, Class: water.Medium}
	var f water.FieldCapacity
	if got := f.Soil(book); got != book {
		t.Errorf("before anything is learned the soil is %+v", got)
	}
	for _, theta := range []float64{0.24, 0.34, 0.33, 0.35, 0.34, 0.34} {
		water.LearnFieldCapacity(&f, book, water.CapacityDay{WaterMM: 40, DrainageMM: 12})
		for range 2 {
			water.LearnFieldCapacity(&f, book, water.CapacityDay{RootM: 0.5, Theta: &theta})
		}
		text, err := json.Marshal(f)
		if err != nil {
			t.Fatal(err)
		}
		var kept water.FieldCapacity
		if err := json.Unmarshal(text, &kept); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(f, kept); diff != "" {
			t.Fatal(diff)
		}
	}
	if len(f.Estimates) != 5 {
		t.Errorf("%d estimates are kept", len(f.Estimates))
	}
	got := f.Soil(book)
	near(t, "field capacity", got.FieldCapacity, 0.34, 1e-9)
	near(t, "wilting point", got.WiltingPoint, 0.17, 1e-9)
	if got.Class != water.Medium {
		t.Errorf("the class became %s", got.Class)
	}
}
