package journal_test

import (
	"fmt"
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
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(facts), "ns/fact")
}
