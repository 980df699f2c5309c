package influx_test

import (
	"log/slog"
	"testing"

	"ganlin/internal/influx"
	"ganlin/internal/influx/influxtest"
)

func BenchmarkWriteReal(b *testing.B) {
	e := influxtest.Start(b)
	w := influx.NewWriter(influx.WriterOptions{Endpoint: e.Fixed(), Logger: slog.New(slog.DiscardHandler)})
	defer w.Close()
	lines := goodLines(5000)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := w.Write(b.Context(), lines); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N*5000)/b.Elapsed().Seconds(), "lines/s")
}
