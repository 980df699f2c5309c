package journal_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"ganlin/devices"
	"ganlin/ingest"
	"ganlin/internal/journal"
)

var probeQuantities = []devices.Quantity{devices.SoilMoisture, devices.SoilTemperature, devices.SoilConductivity, devices.BatteryVoltage}

// group returns 170 messages of as many devices, with one reading each.
func group(size int) []ingest.Decoded {
	batch := make([]ingest.Decoded, size)
	for i := range batch {
		batch[i] = message(fmt.Sprintf("sensor-%04d", i), 0, probeQuantities...)
	}
	return batch
}

func later(batch []ingest.Decoded) {
	for i := range batch {
		r := &batch[i].Readings[0]
		r.At = r.At.Add(time.Second)
		r.Seq++
		batch[i].Received = batch[i].Received.Add(time.Second)
	}
}

func BenchmarkAppend(b *testing.B) {
	for _, size := range []int{1, 170} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			var disk time.Duration
			n := newNode(b, b.TempDir(), func(o *journal.Options) { o.Wrote = func(_ int, took time.Duration) { disk += took } })
			batch := group(size)
			b.ReportAllocs()
			for b.Loop() {
				later(batch)
				n.append(b, batch...)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*size), "ns/message")
			b.ReportMetric(float64((b.Elapsed()-disk).Nanoseconds())/float64(b.N*size), "ns/message-without-server")
		})
	}
}

func BenchmarkRead(b *testing.B) {
	n := newNode(b, b.TempDir(), nil)
	batch := group(170)
	for range 1000 {
		later(batch)
		n.append(b, batch...)
	}
	n.close(b)
	n.start(b)
	b.ResetTimer()
	values := 0
	records := 0
	for b.Loop() {
		for _, r := range n.read(b, journal.Position{}) {
			values += r.Values()
			records++
		}
	}
	b.ReportMetric(float64(records)/b.Elapsed().Seconds(), "records/s")
	b.ReportMetric(float64(values)/b.Elapsed().Seconds(), "values/s")
}

func BenchmarkFacts(b *testing.B) {
	n := newNode(b, b.TempDir(), nil)
	n.append(b, group(170)...)
	r := n.read(b, journal.Position{})[0]
	b.ReportAllocs()
	facts := 0
	for b.Loop() {
		for range r.Facts() {
			facts++
		}
	}
	b.ReportMetric(float64(facts)/b.Elapsed().Seconds(), "facts/s")
}

// BenchmarkPassDecisions measures what decisions cost a reader that asks for facts alone.
func BenchmarkPassDecisions(b *testing.B) {
	n := newNode(b, b.TempDir(), nil)
	decisions := make([]devices.Decision, 170)
	for i := range decisions {
		decisions[i] = balance(i)
	}
	n.appendDecisions(b, decisions...)
	r := n.read(b, journal.Position{})[0]
	for b.Loop() {
		for range r.Facts() {
			b.Fatal("a fact of a decision")
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(decisions)), "ns/decision")
}

// BenchmarkFollow measures how long after Append has begun a follower that
// waits at the end has the record, and how much of that is after it was written.
func BenchmarkFollow(b *testing.B) {
	var written time.Time
	n := newNode(b, b.TempDir(), func(o *journal.Options) { o.Wrote = func(int, time.Duration) { written = time.Now() } })
	ctx, stop := context.WithCancel(b.Context())
	got := make(chan time.Time, 1)
	var follower sync.WaitGroup
	follower.Go(func() {
		_ = n.journal.Follow(ctx, journal.Position{}, func(*journal.Record) error {
			got <- time.Now()
			return nil
		})
	})
	batch := group(1)
	var after time.Duration
	for b.Loop() {
		later(batch)
		n.append(b, batch...)
		after += (<-got).Sub(written)
	}
	stop()
	follower.Wait()
	b.ReportMetric(float64(after.Nanoseconds())/float64(b.N), "ns/after-written")
}
