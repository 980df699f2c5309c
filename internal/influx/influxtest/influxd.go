package influxtest

import (
	"context"
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"ganlin/internal/influx"
	"ganlin/internal/influx/influxd"
)

// Start runs a real InfluxDB 1.8.10 in a folder of the test and returns where
// it is once it is ready. It ends with the test. The program is built at the
// first use on a machine, which takes minutes.
func Start(tb testing.TB) influx.Endpoint {
	tb.Helper()
	return StartIn(tb, tb.TempDir()).Endpoint()
}

// StartIn is Start in a given folder; it returns the child.
func StartIn(tb testing.TB, dir string) *influxd.Child {
	tb.Helper()
	logger := slog.New(slog.NewTextHandler(testWriter{tb}, nil))
	ready := make(chan struct{})
	var once sync.Once
	child := influxd.New(influxd.Options{Dir: dir, Logger: logger, Changed: func(s influxd.State) {
		if s.Phase == influxd.Ready {
			once.Do(func() { close(ready) })
		}
	}})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- child.Run(ctx) }()
	tb.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			tb.Errorf("running influxd: %v", err)
		}
	})
	select {
	case <-ready:
	case err := <-done:
		done <- nil
		tb.Fatalf("running influxd: %v", err)
	case <-time.After(10 * time.Minute):
		tb.Fatalf("influxd is not ready after 10 minutes: %s", child.State().Why)
	}
	return child
}

// PID returns the process of the child that runs in a folder.
func PID(tb testing.TB, dir string) int {
	tb.Helper()
	raw, err := os.ReadFile(filepath.Join(dir, "child.json"))
	if err != nil {
		tb.Fatal(err)
	}
	var record struct {
		PID int `json:"pid"`
	}
	if err := json.Unmarshal(raw, &record); err != nil {
		tb.Fatal(err)
	}
	return record.PID
}

// A testWriter puts log lines into the log of a test.
type testWriter struct{ tb testing.TB }

func (w testWriter) Write(p []byte) (int, error) {
	w.tb.Helper()
	w.tb.Logf("%s", p)
	return len(p), nil
}
