package ingest_test

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"ganlin/ingest"
)

func BenchmarkDecode(b *testing.B) {
	one := `{"at":"2026-07-01T08:00:00.123Z","seq":412,"values":{"soil_moisture@20":0.231,"soil_temperature@20":18.4,"battery_voltage":3.61}}`
	many := make([]string, 1000)
	for i := range many {
		many[i] = fmt.Sprintf(`{"at":%d,"seq":%d,"values":{"soil_moisture@20":0.231,"soil_temperature@20":18.4,"battery_voltage":3.61}}`,
			noon.Add(-time.Duration(i)*time.Minute).UnixMilli(), i)
	}
	for name, payload := range map[string]string{
		"one":      one,
		"unix_ms":  strings.Replace(one, `"2026-07-01T08:00:00.123Z"`, "1782892800123", 1),
		"rejected": strings.Replace(one, "0.231", "23.1", 1),
		"array":    "[" + strings.Join(many, ",") + "]",
	} {
		b.Run(name, func(b *testing.B) {
			m := telemetry(payload)
			b.ReportAllocs()
			b.SetBytes(int64(len(payload)))
			for b.Loop() {
				if d := ingest.Decode(m, noon); d.Whole {
					b.Fatal(d.Dead)
				}
			}
		})
	}
}

// BenchmarkIntake is a message through queue, codec and settlement, with a
// journal that costs nothing.
func BenchmarkIntake(b *testing.B) {
	intake := newIntake(appendFunc(func([]ingest.Decoded) error { return nil }), 0)
	ctx, cancel := context.WithCancel(b.Context())
	var running, settled sync.WaitGroup
	running.Go(func() { _ = intake.Run(ctx) })
	m := telemetry(`{"at":"2026-07-01T08:00:00.123Z","seq":412,"values":{"soil_moisture@20":0.231,"soil_temperature@20":18.4,"battery_voltage":3.61}}`)
	m.Settle = func(error) { settled.Done() }
	b.ReportAllocs()
	for b.Loop() {
		settled.Add(1)
		for intake.Deliver(m) != nil {
			runtime.Gosched() // full
		}
	}
	settled.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "messages/s")
	cancel()
	running.Wait()
}
