package rules

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"ganlin/devices"
)

// A buffer gives back what it took, to the bit, in the order that counts,
// whatever is taken when.
func TestABufferGivesBackWhatItTook(t *testing.T) {
	start := time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC)
	value := rapid.OneOf( // but for -0, which compares equal with 0
		rapid.Map(rapid.Float64(), func(v float64) float64 { return v + 0 }),
		rapid.Map(rapid.IntRange(-100_000, 100_000), func(n int) float64 { return float64(n) / 1e4 }),
		rapid.SampledFrom([]float64{0, 0.1 + 0.2, 1 << 50, -1 << 53, math.MaxFloat64, math.SmallestNonzeroFloat64}),
	)
	ms := rapid.IntRange(-40*24*3600_000, 3600_000)
	rapid.Check(t, func(t *rapid.T) {
		var b buffer
		var waits []devices.Fact
		room := 0
		taken := func(until time.Time) {
			var got, want []devices.Fact
			b.take(until, func(f *devices.Fact) { got = append(got, *f) })
			for _, f := range waits {
				if !f.At.After(until) {
					want = append(want, f)
				}
			}
			waits = slices.DeleteFunc(waits, func(f devices.Fact) bool { return !f.At.After(until) })
			slices.SortStableFunc(want, inOrder)
			if diff := gocmp.Diff(want, got, gocmp.Comparer(func(a, b float64) bool { return math.Float64bits(a) == math.Float64bits(b) })); diff != "" {
				t.Fatalf("up to %s (-want +got):\n%s", until, diff)
			}
			room = 0
			for _, f := range waits {
				room += roomOf(&f)
			}
			if b.size != room {
				t.Fatalf("%d are held, they count %d", b.size, room)
			}
		}
		for range rapid.IntRange(0, 40).Draw(t, "facts") {
			f := devices.Fact{
				Kind: devices.ReadingFact, Device: devices.DeviceID(rapid.SampledFrom([]string{"s-1", "s-10", "s-2"}).Draw(t, "device")),
				At: start.Add(time.Duration(ms.Draw(t, "at")) * time.Millisecond),
			}
			if rapid.Bool().Draw(t, "at once") && len(waits) > 0 {
				f.At = waits[len(waits)-1].At
			}
			f.Received = f.At.Add(time.Duration(ms.Draw(t, "later")) * time.Millisecond)
			if rapid.IntRange(0, 9).Draw(t, "kind") == 0 {
				f.Kind, f.Report = devices.ReportFact, &devices.CommandReport{State: devices.Closed, Seq: int64(len(waits))}
			} else {
				f.Key = devices.Key{Quantity: devices.SoilMoisture, DepthCM: rapid.SampledFrom([]string{"5", "20", "100"}).Draw(t, "depth")}
				f.Value = value.Draw(t, "value")
			}
			if slices.ContainsFunc(waits, func(g devices.Fact) bool { return inOrder(f, g) == 0 }) {
				continue // the journal has no fact twice
			}
			b.add(&f)
			waits = append(waits, f)
			if rapid.IntRange(0, 9).Draw(t, "take") == 0 {
				taken(start.Add(time.Duration(ms.Draw(t, "until")) * time.Millisecond))
			}
		}
		taken(start.Add(2 * time.Hour))
	})
}

func roomOf(f *devices.Fact) int {
	if f.Kind == devices.ReportFact {
		return reportSize
	}
	return 1
}

// inOrder is the order of facts, in plain words.
func inOrder(a, b devices.Fact) int {
	number := func(f devices.Fact) int64 {
		if f.Report != nil {
			return f.Report.Seq
		}
		return 0
	}
	return cmp.Or(a.At.Compare(b.At), strings.Compare(string(a.Device), string(b.Device)), cmp.Compare(a.Kind, b.Kind),
		cmp.Compare(len(a.Key.DepthCM), len(b.Key.DepthCM)), strings.Compare(a.Key.DepthCM, b.Key.DepthCM), cmp.Compare(a.Value, b.Value),
		cmp.Compare(number(a), number(b)))
}

// TestAReadingTakesFewBytes holds a buffer to the size that it is told to have.
func TestAReadingTakesFewBytes(t *testing.T) {
	var b buffer
	at := time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC)
	for n := range 100_000 {
		at = at.Add(time.Millisecond / 8)
		for k, v := range map[devices.Quantity]float64{devices.SoilMoisture: float64(2000+n%1000) / 1e4, devices.SoilTemperature: 18.53, devices.BatteryVoltage: 3.6} {
			b.add(&devices.Fact{
				Kind: devices.ReadingFact, At: at, Received: at.Add(41 * time.Millisecond), Device: devices.DeviceID([]string{"s-1", "s-2", "s-3"}[n%3]),
				Key: devices.Key{Quantity: k, DepthCM: "20"}, Value: v,
			})
		}
	}
	bytes := 0
	for _, m := range b.moments {
		for _, packed := range m.packed {
			bytes += cap(packed)
		}
	}
	if each := float64(bytes) / float64(b.size); each > 7 {
		t.Errorf("a reading takes %.1f bytes", each)
	}
}
