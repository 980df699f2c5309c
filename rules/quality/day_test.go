package quality_test

import (
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"ganlin/devices"
	"ganlin/rules/quality"
)

// sun is a clear day of 25.2 MJ/m2: half a sine from 6 to 18 h.
func sun(hour float64) float64 {
	return max(0, 25.2e6/(24*3600/math.Pi)*math.Sin((hour-6)/12*math.Pi))
}

// measure fills a day at an interval, without what lies between two hours.
func measure(d *quality.DayWeather, every time.Duration, silentFrom, silentTo float64) {
	for at := d.From.Add(every); !at.After(d.To); at = at.Add(every) {
		h := at.Sub(d.From).Hours()
		if h > silentFrom && h < silentTo {
			continue
		}
		d.Add(at, devices.AirTemperature, 25+10*math.Sin((h-9)/12*math.Pi))
		d.Add(at, devices.RelativeHumidity, 60-30*math.Sin((h-9)/12*math.Pi))
		d.Add(at, devices.WindSpeed, 2+h/12)
		d.Add(at, devices.SolarRadiation, sun(h))
		d.Add(at, devices.RainTotal, every.Hours())
	}
}

func day() quality.DayWeather { return quality.NewDayWeather(start, start.Add(24*time.Hour)) }

func TestDayWeather(t *testing.T) {
	for _, every := range []time.Duration{10 * time.Minute, 20 * time.Minute, time.Hour} {
		d := day()
		measure(&d, every, 0, 0)
		d = again(t, d)
		s := d.Close()
		if len(s.Missing) != 0 || len(s.Partial) != 0 || s.Coverage != (quality.Coverages{1, 1, 1, 1, 1}) {
			t.Fatalf("every %s: missing %v, partial %v, coverage %v", every, s.Missing, s.Partial, s.Coverage)
		}
		is(t, "tmin", s.TMinC, 15.0)
		is(t, "tmax", s.TMaxC, 35.0)
		is(t, "rhmin", s.RHMinPct, 30.0)
		is(t, "rhmax", s.RHMaxPct, 90.0)
		is(t, "rain", s.RainMM, 24.0)
		if math.Abs(*s.WindMS-3) > 0.002 {
			t.Errorf("every %s the mean wind is %g", every, *s.WindMS)
		}
		if math.Abs(*s.SolarMJ-25.2) > 0.2 {
			t.Errorf("every %s the sun gives %g MJ/m2", every, *s.SolarMJ)
		}
	}
}

func TestDayWeatherWithGaps(t *testing.T) {
	all := []devices.Quantity{devices.AirTemperature, devices.RelativeHumidity, devices.WindSpeed, devices.SolarRadiation}
	for name, c := range map[string]struct {
		from, to         float64
		missing, partial []devices.Quantity
		rain             any
		coverage         float64
	}{
		"three hours":      {10, 13, nil, nil, 22.0, 1},
		"more than three":  {10, 14, all, nil, 21.0, 1 - 4.0/24},
		"the morning":      {0, 5, all, nil, 20.0, 1 - 5.0/24},
		"the evening":      {20, 25, all, []devices.Quantity{devices.Rain}, 20.0, 1 - 4.0/24},
		"a short evening":  {21, 25, nil, nil, 21.0, 1},
		"all of it":        {0, 25, append(all, devices.Rain), nil, nil, 0},
		"nearly all of it": {1, 23, all, nil, 3.0, 1 - 22.0/24},
	} {
		t.Run(name, func(t *testing.T) {
			d := day()
			measure(&d, time.Hour, c.from, c.to)
			s := d.Close()
			if diff := cmp.Diff(c.missing, s.Missing, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("missing (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(c.partial, s.Partial, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("partial (-want +got):\n%s", diff)
			}
			is(t, "rain", s.RainMM, c.rain)
			is(t, "coverage", &s.Coverage.Temperature, c.coverage)
			if known := s.TMinC != nil; known != (c.missing == nil) {
				t.Errorf("the temperature is known: %v", known)
			}
		})
	}
}

func TestDayWeatherTakesEachReadingOnce(t *testing.T) {
	d := day()
	d.Add(d.From, devices.Rain, 5) // of the day before
	for h := range 24 {
		for range 3 {
			d.Add(d.From.Add(time.Duration(h+1)*time.Hour), devices.Rain, 0.5)
			d.Add(d.From.Add(time.Duration(h+1)*time.Hour), devices.BatteryVoltage, 3.6)
		}
	}
	d.Add(d.To.Add(time.Millisecond), devices.Rain, 5) // of the day after
	is(t, "rain", d.Close().RainMM, 12.0)
	if diff := cmp.Diff(d.Close(), d.Close()); diff != "" {
		t.Errorf("closing changes the day:\n%s", diff)
	}
	d.Counter, d.Amounts = d.Amounts, quality.Track{}
	for h := range 12 { // a second gauge that fell silent at noon
		d.Add(d.From.Add(time.Duration(h+1)*time.Hour), devices.Rain, 9)
	}
	is(t, "rain of the gauge that spoke last", d.Close().RainMM, 12.0)
}

// However the readings are spread, means and sums lie within what was measured,
// and a snapshot in the middle changes nothing.
func TestDayWeatherIsBounded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		one, other := day(), day()
		at := start
		for at.Before(one.To) {
			at = at.Add(time.Duration(rapid.IntRange(1, 200).Draw(t, "minutes")) * time.Minute)
			v := rapid.Float64Range(0, 1000).Draw(t, "value")
			for _, q := range []devices.Quantity{devices.AirTemperature, devices.WindSpeed, devices.SolarRadiation} {
				one.Add(at, q, v)
				other.Add(at, q, v)
			}
			other = again(t, other)
		}
		a, b := one.Close(), other.Close()
		if diff := cmp.Diff(a, b); diff != "" {
			t.Fatalf("a snapshot changes (-without +with):\n%s", diff)
		}
		if a.WindMS == nil {
			return
		}
		low, high := *a.TMinC-1e-9, *a.TMaxC+1e-9
		if *a.WindMS < low || *a.WindMS > high || *a.SolarMJ < low*0.0864-1e-9 || *a.SolarMJ > high*0.0864+1e-9 {
			t.Fatalf("mean %g and sum %g of values from %g to %g", *a.WindMS, *a.SolarMJ, low, high)
		}
	})
}

func BenchmarkDayWeather(b *testing.B) {
	b.ReportAllocs()
	d := day()
	at := start
	for b.Loop() {
		if at = at.Add(10 * time.Minute); at.After(d.To) {
			d = quality.NewDayWeather(d.To, d.To.Add(24*time.Hour))
		}
		d.Add(at, devices.SolarRadiation, 500)
	}
}
