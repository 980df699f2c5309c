package app

import (
	"bufio"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"
)

// What the program may take, without its database, however long it runs.
const (
	memoryMB    = 150
	restartTime = 5 * time.Second
)

// settling is longer than facts may be on their way and than the longest pause
// between two snapshots: from then on the rules hold as much as they ever will.
const settling = lateness + 2*time.Minute

// BenchmarkMemory keeps 1,000 devices connected, each with a message a second,
// until the rules' buffer is as full as it gets, kills the program and starts it
// again. It reports the resident memory without the database, at the end and at
// the most since all were connected, and how long the start took.
func BenchmarkMemory(b *testing.B) {
	benchmarkMemory(b, 1000, func(tr *trial) *load {
		return &load{address: tr.mqtt, devices: tr.devices, perSec: 1, window: 20}
	})
}

func benchmarkMemory(b *testing.B, devices int, loadOf func(*trial) *load) {
	b.Helper()
	tr := newTrial(b, asItIs, devices, "")
	tr.start()
	l := loadOf(tr)
	stop, done := make(chan struct{}), make(chan error, 1)
	go func() { done <- l.run(b.Context(), stop) }()
	pid := tr.cmd.Process.Pid
	waitFor(b, 5*time.Minute, "a message of every device", func() (bool, string) { return l.acked.Load() >= int64(devices), fmt.Sprint(l.acked.Load()) })
	cpu, begin, peak := cpuOf(b, pid), time.Now(), 0.0
	acked := l.acked.Load()
	waitFor(b, settling+time.Minute, "the rules' buffer to be full", func() (bool, string) {
		peak = max(peak, residentMiB(b, pid))
		return time.Since(begin) > settling, ""
	})
	b.ReportMetric(residentMiB(b, pid), "MiB")
	b.ReportMetric(peak, "peak_MiB")
	b.ReportMetric((cpuOf(b, pid)-cpu).Seconds()/time.Since(begin).Seconds()*100, "cpu_percent")
	b.ReportMetric(float64(l.acked.Load()-acked)/time.Since(begin).Seconds(), "msg/s")
	b.ReportMetric(0, "ns/op")
	if mb := peak * (1 << 20) / 1e6; mb > memoryMB {
		b.Errorf("the program took %.0f MB, not at most %d", mb, memoryMB)
	}
	b.Logf("%.0f MiB at the end, %.0f at the most", residentMiB(b, pid), peak)
	tr.kill()
	took := tr.start()
	b.ReportMetric(took.Seconds(), "restart_s")
	begin = time.Now()
	waitFor(b, 5*time.Minute, "the rules to have caught up", func() (bool, string) {
		lag := tr.metric(`ganlin_journal_lag_records{reader="rules"}`)
		return lag < 1000, fmt.Sprint(lag)
	})
	b.ReportMetric((took + time.Since(begin)).Seconds(), "rules_again_s")
	b.Logf("ready again after %s, the rules after %s", took, took+time.Since(begin))
	if took > restartTime {
		b.Errorf("the program was ready again after %s, not within %s", took, restartTime)
	}
	close(stop)
	if err := <-done; err != nil {
		b.Fatal(err)
	}
}

// metric reads one sample of /metrics.
func (tr *trial) metric(name string) float64 {
	tr.t.Helper()
	r, err := http.NewRequestWithContext(tr.t.Context(), http.MethodGet, tr.ready.HTTP+"/metrics", http.NoBody)
	if err != nil {
		tr.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+tr.ready.Token)
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		tr.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	for lines := bufio.NewScanner(res.Body); lines.Scan(); {
		if value, ok := strings.CutPrefix(lines.Text(), name+" "); ok {
			v, err := strconv.ParseFloat(value, 64)
			if err != nil {
				tr.t.Fatal(err)
			}
			return v
		}
	}
	tr.t.Fatalf("there is no %s", name)
	return 0
}
