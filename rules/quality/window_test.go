package quality_test

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"ganlin/rules/quality"
)

func TestWindow(t *testing.T) {
	hourly := func(w *quality.Window, from, to int, v float64) {
		for h := from; h <= to; h++ {
			w.Add(after(time.Duration(h)*time.Hour), v)
		}
	}
	w := quality.Window{Hours: 24}
	is(t, "the sum of nothing", w.Sum(start), nil)
	is(t, "the smallest of nothing", w.Min(start), nil)
	hourly(&w, 1, 19, 1)
	is(t, "the sum of 19 hours", w.Sum(after(19*time.Hour)), nil)
	is(t, "the largest of 19 hours", w.Max(after(19*time.Hour)), nil)
	hourly(&w, 20, 20, 1)
	is(t, "the sum of 20 hours", w.Sum(after(20*time.Hour)), 20.0)
	hourly(&w, 21, 48, 2)
	w = again(t, w)
	is(t, "the sum of the second day", w.Sum(after(48*time.Hour)), 48.0)
	is(t, "the smallest of the second day", w.Min(after(48*time.Hour)), 2.0)
	is(t, "the sum at half past", w.Sum(after(48*time.Hour+30*time.Minute)), 46.0)
	is(t, "the sum after four hours of silence", w.Sum(after(52*time.Hour)), 40.0)
	is(t, "the sum after five hours of silence", w.Sum(after(53*time.Hour)), nil)

	before := again(t, w)
	w.Add(after(48*time.Hour), 99)
	w.Add(after(40*time.Hour), 99)
	is(t, "the sum after repeated readings", w.Sum(after(48*time.Hour)), *before.Sum(after(48 * time.Hour)))

	// A gauge that was out of reach for ten hours brings the amount of all ten.
	w.Add(after(58*time.Hour), 7)
	is(t, "the sum with the gap inside", w.Sum(after(58*time.Hour)), 2*14+7.0)
	is(t, "the largest with the gap inside", w.Max(after(58*time.Hour)), nil)
	hourly(&w, 59, 73, 0)
	is(t, "the sum with the gap cut", w.Sum(after(73*time.Hour)), nil)
	hourly(&w, 74, 82, 0)
	is(t, "the sum with the gap past", w.Sum(after(82*time.Hour)), 0.0)
	is(t, "the smallest with the gap past", w.Min(after(82*time.Hour)), 0.0)

	// Every three hours is often enough, every four is not for values.
	three, four := quality.Window{Hours: 24}, quality.Window{Hours: 24}
	for h := 0; h <= 96; h += 12 {
		for d := 0; d < 12; d += 3 {
			three.Add(after(time.Duration(h+d)*time.Hour), float64(h))
		}
		for d := 0; d < 12; d += 4 {
			four.Add(after(time.Duration(h+d)*time.Hour), 1)
		}
	}
	is(t, "the smallest of every third hour", three.Min(after(105*time.Hour)), 84.0)
	is(t, "the smallest of every fourth hour", four.Min(after(104*time.Hour)), nil)
}

// The window agrees with adding up by hand, in JSON and out of it, and stays small.
func TestWindowAddsUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		hours := rapid.SampledFrom([]int{24, 168}).Draw(t, "hours")
		w := quality.Window{Hours: hours}
		gaps := rapid.SliceOfN(rapid.IntRange(1, 110), 1, 400).Draw(t, "minutes")
		type reading struct {
			at time.Time
			v  float64
		}
		var all []reading
		at := start
		for i, minutes := range gaps {
			at = at.Add(time.Duration(minutes) * time.Minute)
			v := float64(minutes % 7)
			all = append(all, reading{at, v})
			w.Add(at, v)
			if i%50 == 0 {
				w = again(t, w)
			}
		}
		now := at.Truncate(time.Hour)
		if now != at {
			now = now.Add(time.Hour)
		}
		sum, low := 0.0, math.Inf(1)
		for _, r := range all {
			if r.at.After(now.Add(-time.Duration(hours) * time.Hour)) {
				sum, low = sum+r.v, min(low, r.v)
			}
		}
		// Every hour is covered, since no gap is longer than two.
		long := at.Sub(all[0].at) >= time.Duration(hours)*time.Hour
		got, smallest := w.Sum(now), w.Min(now)
		if got == nil && long || got != nil && *got != sum {
			t.Fatalf("the sum is %v, want %g", got, sum)
		}
		if smallest != nil && *smallest != low {
			t.Fatalf("the smallest is %g, want %g", *smallest, low)
		}
		if len(w.Buckets) != hours {
			t.Fatalf("%d buckets are kept", len(w.Buckets))
		}
	})
}

func BenchmarkWindow(b *testing.B) {
	b.Run("add", func(b *testing.B) {
		b.ReportAllocs()
		w := quality.Window{Hours: 168}
		at := start
		for b.Loop() {
			at = at.Add(10 * time.Minute)
			w.Add(at, 0.2)
		}
	})
	b.Run("sum", func(b *testing.B) {
		b.ReportAllocs()
		w := quality.Window{Hours: 168}
		for h := range 168 {
			w.Add(after(time.Duration(h)*time.Hour), 1)
		}
		for b.Loop() {
			w.Sum(after(167 * time.Hour))
		}
	})
}
