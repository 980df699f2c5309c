package app

import (
	"math"
	"time"

	"ganlin/dashboards"
)

// measured are numbers of the process as its metrics have them.
type measured struct {
	commit, write dashboards.Spread
	started       time.Time
	memory        int64 // bytes
	goroutines    int
}

// measured reads the metrics of the process.
func (m *metrics) measured() (out measured) {
	families, _ := m.process.Gather() // what cannot be read is missing
	for _, f := range families {
		one := f.GetMetric()[0]
		switch f.GetName() {
		case "process_start_time_seconds":
			out.started = time.UnixMilli(int64(1000 * one.GetGauge().GetValue()))
		case "process_resident_memory_bytes":
			out.memory = int64(one.GetGauge().GetValue())
		case "go_goroutines":
			out.goroutines = int(one.GetGauge().GetValue())
		case "ganlin_journal_fsync_seconds", "ganlin_store_write_seconds":
			var buckets []bucket
			for _, b := range one.GetHistogram().GetBucket() {
				buckets = append(buckets, bucket{b.GetUpperBound(), b.GetCumulativeCount()})
			}
			s := spreadOf(buckets, one.GetHistogram().GetSampleCount())
			if f.GetName() == "ganlin_journal_fsync_seconds" {
				out.commit = s
			} else {
				out.write = s
			}
		}
	}
	return out
}

// A bucket says how many durations were not longer than its end.
type bucket struct {
	end   float64 // seconds
	count uint64
}

func spreadOf(buckets []bucket, count uint64) dashboards.Spread {
	return dashboards.Spread{Count: int64(count), P50: quantile(buckets, count, 0.5), P99: quantile(buckets, count, 0.99)} //nolint:gosec // no process measures so often
}

// quantile is the duration that so large a share of all does not exceed, as
// Prometheus estimates it: straight between the ends of a bucket, and the last
// end for what is longer.
func quantile(buckets []bucket, count uint64, share float64) time.Duration {
	wanted := share * float64(count)
	begin, before := 0.0, uint64(0)
	for _, b := range buckets {
		if float64(b.count) >= wanted && b.count > before && !math.IsInf(b.end, 1) {
			seconds := begin + (b.end-begin)*(wanted-float64(before))/float64(b.count-before)
			return time.Duration(seconds * float64(time.Second))
		}
		if !math.IsInf(b.end, 1) {
			begin = b.end
		}
		before = b.count
	}
	return time.Duration(begin * float64(time.Second))
}
