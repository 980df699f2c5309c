package water_test

import (
	"math"
	"testing"

	"ganlin/rules/water"
)

func at(depthCM int, theta float64) water.ProbeReading {
	return water.ProbeReading{DepthCM: depthCM, Theta: theta}
}

func TestLayersOfProbes(t *testing.T) {
	p := water.Params{Soil: water.Soil{FieldCapacity: 0.30, WiltingPoint: 0.10}, Crop: steady(1, 0.6, 0.5), Planted: day(1)}
	for name, c := range map[string]struct {
		probes           []water.ProbeReading
		depletion, theta float64
	}{
		"one stands for all":      {[]water.ProbeReading{at(20, 0.25)}, 30, 0.25},
		"half way between two":    {[]water.ProbeReading{at(10, 0.20), at(30, 0.25)}, 20 + 20, (0.2*0.20 + 0.4*0.25) / 0.6},
		"three, unsorted":         {[]water.ProbeReading{at(60, 0.28), at(10, 0.20), at(30, 0.25)}, 20 + 12.5 + 3, (0.2*0.20 + 0.25*0.25 + 0.15*0.28) / 0.6},
		"two at one depth":        {[]water.ProbeReading{at(20, 0.20), at(20, 0.30)}, 30, 0.25},
		"one below the roots":     {[]water.ProbeReading{at(20, 0.20), at(100, 0.30)}, 60, 0.20},
		"only one below them":     {[]water.ProbeReading{at(100, 0.25)}, 30, 0.25},
		"water on its way down":   {[]water.ProbeReading{at(10, 0.40), at(30, 0.20)}, -20 + 40, (0.2*0.40 + 0.4*0.20) / 0.6},
		"wetter than it can hold": {[]water.ProbeReading{at(20, 0.45)}, 0, 0.45},
		"drier than roots can":    {[]water.ProbeReading{at(20, 0.02)}, 120, 0.02},
		"one is no number":        {[]water.ProbeReading{at(20, 0.25), at(40, math.NaN())}, 30, 0.25},
	} {
		mm, ok := water.DepletionOf(p, 0.6, c.probes)
		theta, thetaOK := water.Theta(c.probes, 0.6)
		if !ok || !thetaOK {
			t.Errorf("%s: not known", name)
		}
		near(t, name+": depletion", mm, c.depletion, 1e-9)
		near(t, name+": theta", theta, c.theta, 1e-9)
	}
	if _, ok := water.DepletionOf(p, 0.6, nil); ok {
		t.Error("a depletion is known without a probe")
	}
	if _, ok := water.Theta([]water.ProbeReading{at(20, math.NaN())}, 0.6); ok {
		t.Error("a water content is known from no number")
	}
}

func TestCorrection(t *testing.T) {
	crop := cropOf(t, "maize_grain")
	p := water.Params{Soil: water.Soil{FieldCapacity: 0.30, WiltingPoint: 0.10}, Crop: crop, Planted: day(1)}
	probes := []water.ProbeReading{at(20, 0.20), at(60, 0.25)} // layers to 40 cm and below
	b := begun(p, 0.30, day(1))
	c, ok := b.Correct(p, new(water.DayResult), probes, 0.25)
	if !ok {
		t.Fatal("no correction")
	}
	near(t, "before", c.BeforeMM, 0, 1e-9)
	near(t, "measured", c.MeasuredMM, 30, 1e-9)
	near(t, "after", c.AfterMM, 7.5, 1e-9)
	near(t, "balance", depletion(&b), 7.5, 1e-9)
	near(t, "below", b.Dry.BelowMM, 0.25*(10+30), 1e-9)

	before := b
	if _, ok := b.Correct(p, new(water.DayResult), nil, 1); ok || depletion(&b) != depletion(&before) {
		t.Error("no probe corrected the balance")
	}
	for range 60 {
		b.Correct(p, new(water.DayResult), probes, 0.25)
	}
	near(t, "in the end", depletion(&b), 30, 1e-5)
}
