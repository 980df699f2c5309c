package broker_test

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"ganlin/ingest"

	"golang.org/x/sys/unix"
)

// BenchmarkDoor measures PUBACKs for messages of a soil probe at 50 connections.
// CPU is that of the whole process: server, door and the clients of the benchmark.
func BenchmarkDoor(b *testing.B) {
	for _, window := range []int{1, 20} {
		b.Run(fmt.Sprintf("journal=none/window=%d", window), func(b *testing.B) { benchmarkDoor(b, 50, window, nil) })
		b.Run(fmt.Sprintf("journal=fsync/window=%d", window), func(b *testing.B) { benchmarkDoor(b, 50, window, newGroups(b)) })
	}
}

// groups commits whatever waits with one write and one fsync, as the journal does.
type groups struct {
	file   *os.File
	wake   chan struct{}
	mu     sync.Mutex
	wait   []ingest.Message
	fsyncs int
}

func newGroups(b *testing.B) *groups {
	b.Helper()
	f, err := os.Create(filepath.Join(b.TempDir(), "journal"))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { f.Close() })
	return &groups{file: f, wake: make(chan struct{}, 1)}
}

func (g *groups) deliver(m ingest.Message) error {
	g.mu.Lock()
	g.wait = append(g.wait, m)
	g.mu.Unlock()
	select {
	case g.wake <- struct{}{}:
	default:
	}
	return nil
}

func (g *groups) run(stop <-chan struct{}) {
	for {
		select {
		case <-stop:
			return
		case <-g.wake:
		}
		g.mu.Lock()
		group := g.wait
		g.wait = nil
		g.mu.Unlock()
		var record []byte
		for _, m := range group {
			record = append(record, m.Payload...)
		}
		_, err := g.file.Write(record)
		if err == nil {
			err = g.file.Sync()
		}
		g.fsyncs++
		for _, m := range group {
			m.Settle(err)
		}
	}
}

func benchmarkDoor(b *testing.B, connections, window int, g *groups) {
	b.Helper()
	h := newHouse(b, setup{})
	stop := make(chan struct{})
	var running sync.WaitGroup
	h.desk.forget()
	if g != nil {
		h.desk.setRule(g.deliver)
		running.Go(func() { g.run(stop) })
	}
	payload := []byte(`{"at":"2026-07-01T08:00:00Z","seq":412,"values":{"soil_moisture@20":0.231,"soil_temperature@20":21.4,"battery_voltage":3.61}}`)
	clients := make([]*client, connections)
	for i := range clients {
		clients[i] = login(b, h.address(), fmt.Sprintf("d%d", i))
		clients[i].SetDeadline(time.Time{})
	}
	var left atomic.Int64
	left.Store(int64(b.N))
	b.ResetTimer()
	start, cpu := time.Now(), cpuTime(b)
	var wg sync.WaitGroup
	for i, c := range clients {
		wg.Go(func() { c.pump(b, fmt.Sprintf("ganlin/v1/d%d/telemetry", i), payload, window, &left) })
	}
	wg.Wait()
	b.StopTimer()
	elapsed, used := time.Since(start), cpuTime(b)-cpu
	b.ReportMetric(float64(b.N)/elapsed.Seconds(), "PUBACK/s")
	b.ReportMetric(float64(used.Microseconds())/float64(b.N), "cpu-µs/message")
	if g != nil {
		b.ReportMetric(float64(b.N)/float64(max(1, g.fsyncs)), "messages/fsync")
	}
	close(stop)
	running.Wait()
}

// pump keeps window messages in flight until none is left.
func (c *client) pump(b *testing.B, topic string, payload []byte, window int, left *atomic.Int64) {
	b.Helper()
	m := message{topic: topic, payload: payload, qos: 1, id: 1}.packet()
	burst := make([]byte, 0, window*len(m))
	acks := make([]byte, 4*window)
	for due := window; due > 0; {
		burst = burst[:0]
		for range due {
			if left.Add(-1) < 0 {
				break
			}
			burst = append(burst, m...)
		}
		n := len(burst) / len(m)
		if _, err := c.Write(burst); err != nil {
			b.Error(err)
			return
		}
		// Wait for all of the last burst: what the window allows, at the least cost to the client.
		if _, err := io.ReadFull(c.in, acks[:4*n]); err != nil {
			b.Error(err)
			return
		}
		due = n
	}
}

func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var r unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &r); err != nil {
		b.Fatal(err)
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}
