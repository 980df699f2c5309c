package app

import (
	"bufio"
	"fmt"
	"net/http"
	"os/exec"
	"path/filepath"
	"slices"
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

// BenchmarkMemory keeps the 1,000 probes of 25 villages connected, each with a
// message a second, until as much waits for the rules as ever will, kills the program and starts it
// again. It reports the resident memory without the database, at the end and at
// the most since all were connected, and how long the start took.
func BenchmarkMemory(b *testing.B) {
	tr := newTrialOf(b, asItIs, manyPlots(25, 40), "")
	tr.devices = slices.DeleteFunc(tr.devices, func(d loadDevice) bool { return d.id[0] != 's' })
	tr.build()
	tr.start()
	l := &load{address: tr.mqtt, devices: tr.devices, perSec: 1, window: 20}
	stop, done := make(chan struct{}), make(chan error, 1)
	go func() { done <- l.run(b.Context(), stop) }()
	waitFor(b, 5*time.Minute, "a message of every device", func() (bool, string) { return l.acked.Load() >= 1000, fmt.Sprint(l.acked.Load()) })
	acked, begin := l.acked.Load(), time.Now()
	tr.settles(b)
	b.ReportMetric(float64(l.acked.Load()-acked)/time.Since(begin).Seconds(), "msg/s")
	tr.startsAgain(b)
	close(stop)
	if err := <-done; err != nil {
		b.Fatal(err)
	}
}

// BenchmarkMemoryOfHugeMessages lets one device send as much as messages may
// hold: 42 of them in ten minutes, of a thousand readings with nine values each.
func BenchmarkMemoryOfHugeMessages(b *testing.B) {
	tr := newTrial(b, asItIs, 1, "")
	tr.build()
	tr.start()
	conn, err := dialMQTT(b.Context(), tr.mqtt, tr.devices[0].id, tr.devices[0].id, tr.devices[0].password)
	if err != nil {
		b.Fatal(err)
	}
	acks, done := make(chan error, 42), make(chan error, 1)
	go readAcks(conn, acks)
	go func() {
		turn := time.NewTicker(10 * time.Minute / 42)
		defer turn.Stop()
		for n := range uint16(42) {
			<-turn.C
			_, err := conn.Write(publishPacket("ganlin/v1/"+tr.devices[0].id+"/telemetry", n+1, hugeMessage(time.Now())))
			if err == nil {
				err = <-acks
			}
			if err != nil {
				done <- err
				return
			}
		}
		done <- nil
	}()
	tr.settles(b)
	if err := <-done; err != nil {
		b.Fatal(err)
	}
	if s := tr.settled(5 * time.Minute); s.Values.Stored != 42*9000 {
		b.Errorf("%d values are stored of %d", s.Values.Stored, 42*9000)
	}
	tr.startsAgain(b)
}

// hugeMessage has a thousand readings of the last thousand milliseconds.
func hugeMessage(now time.Time) []byte {
	m := []byte{'['}
	for i := range int64(1000) {
		m = fmt.Appendf(m, `{"at":%d,"values":{"soil_moisture@20":0.2%03d`, now.UnixMilli()-999+i, i)
		for k := range 8 {
			m = fmt.Appendf(m, `,"rssi#%d":-%d`, k, 60+i%40)
		}
		m = append(m, "}},"...)
	}
	m[len(m)-1] = ']'
	return m
}

// build makes the trial run the program itself, not the binary of the tests: its code counts as memory.
func (tr *trial) build() {
	tr.t.Helper()
	tr.program = filepath.Join(tr.folder, "ganlin")
	cmd := exec.CommandContext(tr.t.Context(), "go", "build", "-o", tr.program, "../../cmd/ganlin")
	if out, err := cmd.CombinedOutput(); err != nil {
		tr.t.Fatalf("%v: %s", err, out)
	}
}

// settles waits until nothing grows any more, and reports what the program took.
func (tr *trial) settles(b *testing.B) {
	b.Helper()
	pid, begin, peak := tr.cmd.Process.Pid, time.Now(), 0.0
	cpu := cpuOf(b, pid)
	waitFor(b, settling+time.Minute, "as much to wait as ever will", func() (bool, string) {
		peak = max(peak, residentMiB(b, pid))
		return time.Since(begin) > settling, ""
	})
	now, percent := residentMiB(b, pid), (cpuOf(b, pid)-cpu).Seconds()/time.Since(begin).Seconds()*100
	b.ReportMetric(now, "MiB")
	b.ReportMetric(peak, "peak_MiB")
	b.ReportMetric(percent, "cpu_percent")
	b.ReportMetric(0, "ns/op")
	b.Logf("%.0f MiB at the end, %.0f at the most, %.0f %% of a core", now, peak, percent)
	if mb := peak * (1 << 20) / 1e6; mb > memoryMB {
		b.Errorf("the program took %.0f MB, not at most %d", mb, memoryMB)
	}
}

// startsAgain kills the program and reports how long it takes to be ready again,
// and until its rules have read what came meanwhile.
func (tr *trial) startsAgain(b *testing.B) {
	b.Helper()
	tr.kill()
	took := tr.start()
	begin := time.Now()
	waitFor(b, 5*time.Minute, "the rules to have caught up", func() (bool, string) {
		lag := tr.metric(`ganlin_journal_lag_records{reader="rules"}`)
		return lag < 1000, fmt.Sprint(lag)
	})
	again := took + time.Since(begin)
	b.ReportMetric(took.Seconds(), "restart_s")
	b.ReportMetric(again.Seconds(), "rules_again_s")
	b.Logf("ready again after %s, the rules after %s", took, again)
	if took > restartTime {
		b.Errorf("the program was ready again after %s, not within %s", took, restartTime)
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
