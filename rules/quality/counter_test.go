package quality_test

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"ganlin/rules/quality"
)

func TestCounter(t *testing.T) {
	const every = 10 * time.Minute // so 60 mm are plausible between two readings
	rain := quality.Counter{MaxPerHour: 360, MaxPerDay: 1000, Resolution: 0.25}
	type step struct {
		total, want float64
		note        quality.Note
	}
	for name, steps := range map[string][]step{
		"a plain count":                            {{100, 0, "first"}, {100, 0, "counted"}, {100.5, 0.5, "counted"}, {130, 29.5, "counted"}},
		"a reboot":                                 {{100, 0, "first"}, {0.5, 0.5, "reset"}, {1, 0.5, "counted"}, {1.25, 0.25, "counted"}},
		"a drop to anything":                       {{1000, 0, "first"}, {500, 0, "implausible"}, {500.5, 0.5, "counted"}},
		"one number too large":                     {{100, 0, "first"}, {5000, 0, "implausible"}, {100.5, 0.5, "returned"}, {101, 0.5, "counted"}},
		"two of them, unlike":                      {{100, 0, "first"}, {5000, 0, "implausible"}, {9000, 0, "implausible"}, {100.5, 0.5, "returned"}},
		"a new level":                              {{100, 0, "first"}, {5000, 0, "implausible"}, {5000.5, 0.5, "counted"}, {5001, 0.5, "counted"}},
		"one zero in between":                      {{1000, 0, "first"}, {0, 0, "reset"}, {1000.5, 0.5, "returned"}, {1001, 0.5, "counted"}},
		"one small in between":                     {{1000, 0, "first"}, {2, 2, "reset"}, {1005, 3, "returned"}, {1005, 0, "counted"}},
		"16 bits are full":                         {{16383.75, 0, "first"}, {0.25, 0.5, "rolled_over"}, {1, 0.75, "counted"}},
		"32 bits are full":                         {{1073741823, 0, "first"}, {0, 1, "rolled_over"}},
		"nearly full, yet reboot":                  {{16300, 0, "first"}, {1, 1, "reset"}},
		"a reboot far from full":                   {{9000, 0, "first"}, {1, 1, "reset"}},
		"a doubtful level is no end of a register": {{100, 0, "first"}, {16383, 0, "implausible"}, {1, 1, "reset"}},
		"what is no total": {
			{100, 0, "first"},
			{math.NaN(), 0, "implausible"},
			{math.Inf(1), 0, "implausible"},
			{-1, 0, "implausible"},
			{100.5, 0.5, "counted"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := rain
			at := start
			for i, s := range steps {
				at = at.Add(every)
				if got, note := c.Add(at, s.total); got != s.want || note != s.note {
					t.Errorf("reading %d, %g: got %g, %s, want %g, %s", i, s.total, got, note, s.want, s.note)
				}
				c = again(t, c)
			}
		})
	}
}

func TestCounterTimes(t *testing.T) {
	c := quality.RainCounter(0.2)
	c.Add(after(time.Hour), 100)
	for _, at := range []time.Time{after(time.Hour), after(0)} {
		before := c
		if got, note := c.Add(at, 500); got != 0 || note != quality.NoteOld || c != before {
			t.Errorf("a reading that is not later counts %g, %s", got, note)
		}
	}
	if got, _ := c.Add(after(time.Hour+time.Second), 100.2); math.Abs(got-0.2) > 1e-9 {
		t.Errorf("a tip a second later counts %g", got)
	}
	if got, note := c.Add(after(25*time.Hour), 2100); got != 0 || note != quality.NoteImplausible {
		t.Errorf("2,000 mm in a day count %g, %s", got, note)
	}
	if got, note := c.Add(after(73*time.Hour), 2100); got != 0 || note != quality.NoteCounted {
		t.Errorf("the level that stayed counts %g, %s", got, note)
	}
	if got, note := c.Add(after(121*time.Hour), 3100); got != 1000 || note != quality.NoteCounted {
		t.Errorf("1,000 mm in two days count %g, %s", got, note)
	}

	var all quality.Counter
	all.Add(after(0), 0)
	if got, note := all.Add(after(time.Second), 1e12); got != 1e12 || note != quality.NoteCounted {
		t.Errorf("without limits a difference counts %g, %s", got, note)
	}
	meter := quality.Counter{Resolution: 1}
	meter.Add(after(0), 9000)
	if got, note := meter.Add(after(time.Hour), 1); got != 1 || note != quality.NoteReset {
		t.Errorf("without limits a reboot far from the end counts %g, %s", got, note)
	}
}

// tips draws a monotone count in whole numbers, so that sums are exact, with its times.
func tips(t *rapid.T) (at []time.Time, totals []float64) {
	n := rapid.IntRange(1, 60).Draw(t, "readings")
	now, total := start, rapid.IntRange(0, 70000).Draw(t, "first")
	for range n {
		minutes := rapid.IntRange(1, 600).Draw(t, "minutes")
		now = now.Add(time.Duration(minutes) * time.Minute)
		total += rapid.IntRange(0, minutes).Draw(t, "more") // at most 60 an hour
		at, totals = append(at, now), append(totals, float64(total))
	}
	return at, totals
}

func sum(c quality.Counter, at []time.Time, totals []float64) (s float64) {
	for i := range at {
		more, _ := c.Add(at[i], totals[i])
		s += more
	}
	return s
}

func TestCounterConserves(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		at, totals := tips(t)
		all := totals[len(totals)-1] - totals[0]
		if got := sum(quality.Counter{MaxPerHour: 61}, at, totals); got != all {
			t.Fatalf("%g of %g are counted", got, all)
		}
		// Fewer readings, repeated ones and a snapshot in the middle count the same.
		keep := rapid.SliceOfN(rapid.IntRange(0, 2), len(at), len(at)).Draw(t, "times")
		keep[0], keep[len(keep)-1] = 1, 1
		c, s := quality.Counter{MaxPerHour: 61}, 0.0
		for i, times := range keep {
			for range times {
				more, _ := c.Add(at[i], totals[i])
				s += more
			}
			c = again(t, c)
		}
		if s != all {
			t.Fatalf("in other batches %g of %g are counted", s, all)
		}
	})
}

func TestCounterRollsOver(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		at, totals := tips(t)
		all := totals[len(totals)-1] - totals[0]
		for i := range totals {
			totals[i] = math.Mod(totals[i], 1<<16)
		}
		if got := sum(quality.Counter{MaxPerHour: 61, Resolution: 1}, at, totals); got != all {
			t.Fatalf("%g of %g are counted", got, all)
		}
	})
}

// One wrong reading in the middle takes nothing and adds nothing, where the
// count is so high that no reset can be meant.
func TestCounterForgetsASpike(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		at, totals := tips(t)
		for i := range totals {
			totals[i] += 1e5
		}
		all := totals[len(totals)-1] - totals[0]
		if len(at) < 3 {
			return
		}
		i := rapid.IntRange(1, len(at)-2).Draw(t, "where")
		totals[i] = rapid.SampledFrom([]float64{0, 1e6, 1e9, 4294967295}).Draw(t, "wrong")
		if got := sum(quality.Counter{MaxPerHour: 61}, at, totals); got != all {
			t.Fatalf("%g of %g are counted", got, all)
		}
	})
}

// Whatever comes, nothing below 0 and nothing beyond the limit is credited.
func TestCounterIsBounded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := quality.Counter{MaxPerHour: 61, Resolution: 1}
		at, s := start, 0.0
		totals := rapid.SliceOf(rapid.OneOf(rapid.Float64Range(0, 1000), rapid.Float64())).Draw(t, "totals")
		for _, total := range totals {
			at = at.Add(10 * time.Minute)
			more, _ := c.Add(at, total)
			if more < 0 {
				t.Fatalf("%g is credited for %g", more, total)
			}
			s += more
		}
		if limit := 12.2 * float64(len(totals)); s > limit {
			t.Fatalf("%g is credited, at most %g could be", s, limit)
		}
	})
}

// A counter that believes every difference invents rain: the tests above can fail.
func TestCounterControl(t *testing.T) {
	at := []time.Time{after(0), after(time.Hour), after(2 * time.Hour)}
	totals := []float64{100, 5000, 101}
	if got := sum(quality.Counter{}, at, totals); got == 1 {
		t.Error("the control counts right")
	}
	if got := sum(quality.Counter{MaxPerHour: 61}, at, totals); got != 1 {
		t.Errorf("%g are counted", got)
	}
}

func BenchmarkCounter(b *testing.B) {
	b.ReportAllocs()
	c := quality.RainCounter(0.2)
	at, total := start, 0.0
	for b.Loop() {
		at, total = at.Add(10*time.Minute), total+0.2
		c.Add(at, total)
	}
}
