package app

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// BenchmarkPuback measures acknowledged messages a second over 50 connections:
// Ganlin, where each acknowledgement is fsynced, beside a stock Mosquitto with
// persistence, where none is, on the same machine with the same clients. CPU is
// that of the server process. The disk's own rate is measured right before.
func BenchmarkPuback(b *testing.B) {
	for _, window := range []int{1, 20} {
		b.Run(fmt.Sprintf("ganlin/window=%d", window), func(b *testing.B) {
			tr := newTrial(b, asItIs, 50, "")
			tr.start()
			benchmarkPuback(b, tr.mqtt, tr.cmd.Process.Pid, tr.devices, window)
			stored := time.Now()
			s := tr.settled(5 * time.Minute)
			b.ReportMetric(time.Since(stored).Seconds(), "s_until_stored")
			if s.Values.Decoded != int64(b.N)*valuesPerMessage {
				b.Errorf("%d values were decoded of %d", s.Values.Decoded, b.N*valuesPerMessage)
			}
			tr.kill()
		})
		b.Run(fmt.Sprintf("mosquitto/window=%d", window), func(b *testing.B) {
			address, pid := mosquittoWith(b, "persistence true\npersistence_location "+b.TempDir()+"/\n")
			devices := make([]loadDevice, 50)
			for i := range devices {
				devices[i].id = fmt.Sprintf("s-%03d", i+1)
			}
			benchmarkPuback(b, address, pid, devices, window)
		})
	}
}

func benchmarkPuback(b *testing.B, address string, pid int, devices []loadDevice, window int) {
	b.Helper()
	fsyncs := fsyncRate(b)
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	var taken atomic.Int64
	var wrong atomic.Pointer[error]
	var all sync.WaitGroup
	cpu := cpuOf(b, pid)
	b.ResetTimer()
	for _, d := range devices {
		all.Go(func() {
			if err := blast(ctx, address, d, window, func() bool { return taken.Add(1) <= int64(b.N) }); err != nil {
				wrong.Store(&err)
			}
		})
	}
	all.Wait()
	b.StopTimer()
	if err := wrong.Load(); err != nil {
		b.Fatal(*err)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "puback/s")
	b.ReportMetric((cpuOf(b, pid)-cpu).Seconds()*1e6/float64(b.N), "cpu_us/msg")
	b.ReportMetric(fsyncs, "disk_fsync/s")
}

// blast publishes as fast as the window lets it, until more says that it is enough.
func blast(ctx context.Context, address string, d loadDevice, window int, more func() bool) error {
	conn, err := dialMQTT(ctx, address, d.id, d.id, d.password)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	r, w := bufio.NewReader(conn), bufio.NewWriter(conn)
	var ack [4]byte
	start, inFlight, id := time.Now().Add(-time.Hour).UnixMilli(), 0, uint16(0)
	for seq, done := int64(0), false; !done || inFlight > 0; {
		for !done && inFlight < window {
			if done = !more(); done {
				break
			}
			seq++
			id = id%65535 + 1
			payload := fmt.Appendf(nil, `{"at":%d,"seq":%d,"values":{"soil_moisture@20":0.2%d,"soil_temperature@20":18.5,"battery_voltage":3.6}}`, start+seq, seq, seq%10)
			if _, err := w.Write(publishPacket("ganlin/v1/"+d.id+"/telemetry", id, payload)); err != nil {
				return err
			}
			inFlight++
		}
		if err := w.Flush(); err != nil {
			return err
		}
		for read := 0; inFlight > 0 && (read == 0 || r.Buffered() >= len(ack)); read++ {
			if _, err := readFull(r, ack[:]); err != nil {
				return err
			}
			inFlight--
		}
	}
	return nil
}

func readFull(r *bufio.Reader, p []byte) (n int, err error) {
	for n < len(p) && err == nil {
		var m int
		m, err = r.Read(p[n:])
		n += m
	}
	return n, err
}

// fsyncRate measures how many small writes a second the disk keeps.
func fsyncRate(b *testing.B) float64 {
	b.Helper()
	f, err := os.Create(filepath.Join(b.TempDir(), "fsync"))
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	begin, n := time.Now(), 0
	for ; time.Since(begin) < time.Second; n++ {
		if _, err := f.Write(make([]byte, 4096)); err != nil {
			b.Fatal(err)
		}
		if err := f.Sync(); err != nil {
			b.Fatal(err)
		}
	}
	return float64(n) / time.Since(begin).Seconds()
}

// cpuOf returns the processor time that a process has used.
func cpuOf(tb testing.TB, pid int) time.Duration {
	tb.Helper()
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		tb.Fatal(err)
	}
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	ticks := 0
	for _, f := range fields[11:13] { // user and system, in hundredths of a second
		n, err := strconv.Atoi(f)
		if err != nil {
			tb.Fatal(err)
		}
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond
}

func residentMiB(tb testing.TB, pid int) float64 {
	tb.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		tb.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		if value, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kib, err := strconv.Atoi(strings.Fields(value)[0])
			if err != nil {
				tb.Fatal(err)
			}
			return float64(kib) / 1024
		}
	}
	tb.Fatal("no VmRSS")
	return 0
}

// reachable waits until something listens at an address.
func reachable(tb testing.TB, address string) {
	tb.Helper()
	waitFor(tb, 10*time.Second, "a listener at "+address, func() (bool, string) {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			return false, err.Error()
		}
		return conn.Close() == nil, ""
	})
}
