package influxd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"ganlin/internal/file"
)

// A record is what the folder keeps of its child, so that the next start finds
// an orphan and the old ports.
type record struct {
	PID     int    `json:"pid"`
	Started string `json:"started"` // as the system tells it; with PID it names one process for ever
	ports
}

func recordPath(dir string) string { return filepath.Join(dir, "child.json") }

// save keeps the record of a child that has just been started.
func (r record) save(dir string) error {
	raw, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("keeping the record of influxd: %w", err)
	}
	if err := file.Replace(recordPath(dir), raw); err != nil {
		return fmt.Errorf("keeping the record of influxd: %w", err)
	}
	return nil
}

// readRecord returns the record of the last child, empty when there is none.
func readRecord(dir string) (record, error) {
	raw, err := os.ReadFile(recordPath(dir))
	if errors.Is(err, fs.ErrNotExist) {
		return record{}, nil
	}
	if err != nil {
		return record{}, fmt.Errorf("reading the record of influxd: %w", err)
	}
	var r record
	if err := json.Unmarshal(raw, &r); err != nil {
		return record{}, fmt.Errorf("reading the record of influxd %s: %w", recordPath(dir), err)
	}
	return r, nil
}

// How long an orphan has to end.
const (
	orphanTerm = 20 * time.Second // after SIGTERM
	orphanKill = 20 * time.Second // after SIGKILL, then the start is refused
)

// endOrphan ends the child of a program that was killed, if it still runs: two
// influxd on one folder both acknowledge writes and lose each other's. It acts
// only on the very process of the record.
func (r record) endOrphan(ctx context.Context, logger *slog.Logger) error {
	if r.PID == 0 {
		return nil
	}
	process, err := os.FindProcess(r.PID) // holds on to this process where the system can
	if err != nil {                       // there is no such process
		return nil
	}
	defer func() { _ = process.Release() }()
	if !r.alive() {
		return nil
	}
	logger.Warn("ending an influxd that outlived its program", "pid", r.PID)
	for _, try := range []struct {
		signal syscall.Signal
		bound  time.Duration
	}{{syscall.SIGTERM, orphanTerm}, {syscall.SIGKILL, orphanKill}} {
		_ = process.Signal(try.signal) // if it fails, the waiting tells
		for begun := time.Now(); time.Since(begun) < try.bound; {
			if !r.alive() {
				return nil
			}
			select {
			case <-ctx.Done():
				return fmt.Errorf("ending the old influxd: %w", ctx.Err())
			case <-time.After(20 * time.Millisecond):
			}
		}
	}
	return fmt.Errorf("ending the old influxd, process %d: it does not end", r.PID)
}

// alive reports whether the recorded process still runs.
func (r record) alive() bool {
	name, started, ok := look(r.PID)
	return ok && name == "influxd" && started == r.Started
}
