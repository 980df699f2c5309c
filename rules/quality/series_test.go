package quality_test

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"pgregory.net/rapid"

	"ganlin/devices"
	"ganlin/rules/quality"
)

var (
	moisture    = devices.Key{Quantity: devices.SoilMoisture, DepthCM: "20"}
	deep        = devices.Key{Quantity: devices.SoilMoisture, DepthCM: "60"}
	temperature = devices.Key{Quantity: devices.AirTemperature}
)

func TestSpikes(t *testing.T) {
	const good, spike = quality.Good, quality.Spike
	for name, c := range map[string]struct {
		key  devices.Key
		v    []float64
		want []quality.Verdict
	}{
		"noise":            {moisture, []float64{0.25, 0.253, 0.247, 0.25}, []quality.Verdict{good, good, good, good}},
		"one wrong":        {moisture, []float64{0.25, 0.45, 0.25, 0.251}, []quality.Verdict{good, spike, good, good}},
		"a wetting front":  {moisture, []float64{0.25, 0.40, 0.41, 0.40}, []quality.Verdict{good, spike, good, good}},
		"two wrong":        {moisture, []float64{0.25, 0.45, 0.05, 0.25}, []quality.Verdict{good, spike, spike, good}},
		"then a true step": {moisture, []float64{0.25, 0.05, 0.45, 0.46}, []quality.Verdict{good, spike, spike, good}},
		"a loose wire":     {temperature, []float64{25, 85, 25, -40, 26}, []quality.Verdict{good, spike, good, spike, good}},
		"clouds":           {devices.Key{Quantity: devices.SolarRadiation}, []float64{1000, 100, 950}, []quality.Verdict{good, good, good}},
	} {
		t.Run(name, func(t *testing.T) {
			var s quality.Series
			for i, v := range c.v {
				if got := s.Add(after(time.Duration(i)*time.Hour), v, c.key, quality.Context{}); got != c.want[i] {
					t.Errorf("reading %d, %g, is judged %b, want %b", i, v, got, c.want[i])
				}
				s = again(t, s)
			}
		})
	}
	var s quality.Series
	s.Add(after(0), 10, temperature, quality.Context{})
	if got := s.Add(after(48*time.Hour), 35, temperature, quality.Context{}); got != good {
		t.Errorf("25 K in two days are judged %b", got)
	}
	hot := s
	if got := hot.Add(after(96*time.Hour), 75, temperature, quality.Context{}); got != spike {
		t.Errorf("40 K in two days are judged %b", got)
	}
	before := s
	if got := s.Add(after(48*time.Hour), 80, temperature, quality.Context{}); got != good || s != before {
		t.Errorf("a duplicate is judged %b", got)
	}
}

func TestBounds(t *testing.T) {
	saturation, wilting := 0.45, 0.14
	soil := quality.Context{Saturation: &saturation, WiltingPoint: &wilting}
	for _, c := range []struct {
		v    float64
		ctx  quality.Context
		want quality.Verdict
	}{
		{0.30, soil, quality.Good},
		{0.47, soil, quality.Good}, // within the probe's accuracy
		{0.50, soil, quality.Implausible},
		{0.071, soil, quality.Good},
		{0.06, soil, quality.Implausible},
		{-0.01, soil, quality.InAir},
		{0.59, quality.Context{}, quality.Good},
		{0.61, quality.Context{}, quality.Implausible},
		{0.01, quality.Context{}, quality.Good},
	} {
		var s quality.Series
		if got := s.Add(start, c.v, moisture, c.ctx); got != c.want {
			t.Errorf("%g is judged %b, want %b", c.v, got, c.want)
		}
	}
	if quality.InAir != quality.Verdict(devices.ProbeInAir) || quality.Spike&quality.Verdict(devices.ClockNotSet|devices.ProbeInAir) != 0 {
		t.Error("verdicts and the door's flags share bits")
	}
}

// until returns after how many hours of one number a series is stuck; 0: not within 20 days.
func until(s quality.Series, from time.Time, v float64, key devices.Key, ctx func(hour int) quality.Context) int {
	for h := range 480 {
		if s.Add(from.Add(time.Duration(h)*time.Hour), v, key, ctx(h))&quality.Stuck != 0 {
			return h
		}
	}
	return 0
}

func TestStuck(t *testing.T) {
	nothing := func(int) quality.Context { return quality.Context{} }
	rain := func(hour int) quality.Context { return quality.Context{WaterMM: min(float64(hour), 12)} }
	drying := func(hour int) quality.Context { return quality.Context{ETaMM: float64(hour) / 8} }
	dead := func(hour int) quality.Context { return quality.Context{ETaMM: float64(hour) / 200} } // a plot at its wilting point

	var fresh, noisy, coarse quality.Series
	rng := rand.New(rand.NewPCG(1, 1))
	for h := range 240 {
		at := after(time.Duration(h-240) * time.Hour)
		noisy.Add(at, math.Round((0.25+0.002*rng.NormFloat64())*1000)/1000, moisture, quality.Context{})
		coarse.Add(at, 0.3-0.01*float64(h/20), deep, quality.Context{})
	}
	for name, c := range map[string]struct {
		s    quality.Series
		v    float64
		key  devices.Key
		ctx  func(int) quality.Context
		want int
	}{
		"a noisy probe is soon noticed":              {noisy, 0.3, moisture, nothing, 24},
		"nothing is known of it":                     {fresh, 0.3, moisture, nothing, 0},
		"rain fell":                                  {fresh, 0.3, moisture, rain, 24},
		"the crop drank for three days":              {fresh, 0.3, moisture, drying, 72},
		"there is nothing left to drink":             {fresh, 0.3, moisture, dead, 0},
		"what falls above is not seen below":         {fresh, 0.3, deep, rain, 0},
		"a coarse probe moves every 20 hours":        {coarse, 0.05, deep, nothing, 199},
		"a thermometer needs to have moved":          {fresh, 20, temperature, rain, 0},
		"saturated air":                              {noisy, 100, devices.Key{Quantity: devices.RelativeHumidity}, nothing, 0},
		"a battery":                                  {noisy, 3.6, devices.Key{Quantity: devices.BatteryVoltage}, nothing, 0},
		"an impossible number is stuck all the same": {noisy, 0.7, moisture, nothing, 24},
	} {
		t.Run(name, func(t *testing.T) {
			if got := until(again(t, c.s), after(0), c.v, c.key, c.ctx); got != c.want {
				t.Errorf("stuck after %d hours, want %d", got, c.want)
			}
		})
	}

	until(noisy, after(0), 0.3, moisture, nothing)
	s := again(t, noisy)
	for h := range 100 {
		s.Add(after(time.Duration(h)*time.Hour), 0.26, moisture, quality.Context{})
	}
	if got := s.Add(after(100*time.Hour), 0.262, moisture, quality.Context{}); got != quality.Good {
		t.Errorf("the first other number is judged %b", got)
	}
	if s.UsualRun > 2 {
		t.Errorf("a stuck run is learnt as usual: %g", s.UsualRun)
	}
}

// Time and number must both be reached: at ten minutes a day is 144 readings, at two hours 24 are two days.
func TestStuckNeedsTimeAndNumber(t *testing.T) {
	for every, want := range map[time.Duration]int{10 * time.Minute: 144, 2 * time.Hour: 23} {
		var s quality.Series
		s.Add(after(-time.Hour), 0.2, moisture, quality.Context{})
		s.Add(after(-time.Minute), 0.21, moisture, quality.Context{})
		first := -1
		for i := range 200 {
			if got := s.Add(after(time.Duration(i)*every), 0.3, moisture, quality.Context{}); got&quality.Stuck != 0 && first < 0 {
				first = i
			}
		}
		if first != want {
			t.Errorf("every %s stuck from reading %d on, want %d", every, first, want)
		}
	}
}

// A snapshot at any reading changes no later verdict, and an honest noisy probe is never doubted.
func TestSeriesGoesOn(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.SampledFrom([]float64{-0.01, 0.2, 0.21, 0.4, 0.7}), 1, 80).Draw(t, "values")
		var one, other quality.Series
		for i, v := range values {
			at := after(time.Duration(i) * time.Hour)
			ctx := quality.Context{WaterMM: float64(i), ETaMM: float64(i)}
			if a, b := one.Add(at, v, moisture, ctx), other.Add(at, v, moisture, ctx); a != b {
				t.Fatalf("reading %d is judged %b and %b", i, a, b)
			}
			other = again(t, other)
		}
	})
	rapid.Check(t, func(t *rapid.T) {
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		var s quality.Series
		for h := range 500 {
			v := math.Round((0.25-0.0002*float64(h)+0.002*rng.NormFloat64())*1000) / 1000
			if got := s.Add(after(time.Duration(h)*time.Hour), v, moisture, quality.Context{ETaMM: float64(h) / 5}); got != quality.Good {
				t.Fatalf("%g at hour %d is judged %b", v, h, got)
			}
		}
	})
}

func BenchmarkSeries(b *testing.B) {
	b.ReportAllocs()
	var s quality.Series
	at, v := start, 0.25
	for b.Loop() {
		at, v = at.Add(time.Hour), 0.5-v
		s.Add(at, v, moisture, quality.Context{})
	}
}
