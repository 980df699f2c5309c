package ingesttest

import (
	"context"
	"sync"
	"time"

	"ganlin/devices"
	"ganlin/ingest"
)

// A journal remembers what was appended to it.
type journal struct {
	mu   sync.Mutex
	seqs map[int64]bool  // of readings
	dead map[string]bool // payloads
}

// Append implements ingest.Journal.
func (j *journal) Append(_ context.Context, batch []ingest.Decoded) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, d := range batch {
		for _, r := range d.Readings {
			j.seqs[r.Seq] = true
		}
		for _, letter := range d.Dead {
			j.dead[string(letter.Payload)] = true
		}
	}
	return nil
}

// anywhere knows every device.
type anywhere struct{}

// Locate implements ingest.Locator.
func (anywhere) Locate(devices.DeviceID) (devices.Location, bool) { return devices.Location{}, true }

// wall is the clock of this machine.
type wall struct{}

// Now implements ingest.Clock.
func (wall) Now() time.Time { return time.Now().UTC() }

// Latest implements ingest.Clock.
func (w wall) Latest() time.Time { return w.Now() }
