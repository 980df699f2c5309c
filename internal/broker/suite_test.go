package broker_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"ganlin/devices"
	"ganlin/ingest"
	"ganlin/ingest/ingesttest"
)

// The door passes what every source passes.
func TestSuite(t *testing.T) {
	ingesttest.Suite(t, func(t *testing.T) ingesttest.Harness {
		t.Helper()
		h := newHouse(t, setup{shut: true, answerTimeout: 5 * time.Second})
		return ingesttest.Harness{
			Broker: h.address(),
			Cut:    func() { h.door.Kick("s-001") }, // the client does not notice at once that its own end was closed
			Enroll: func(id devices.DeviceID) string { return secretOf(string(id)) },
			Start: func(deliver func(ingest.Message) error) func() {
				ctx, cancel := context.WithCancel(context.Background())
				ended := make(chan error, 1)
				go func() { ended <- h.door.Run(ctx, deliver) }()
				waitFor(t, "the door to open", h.door.Open)
				return func() {
					cancel()
					if err := <-ended; err != nil {
						t.Error(err)
					}
					ended <- nil // stopping twice is stopping once
				}
			},
		}
	})
	waitFor(t, "the clients to have given up", func() bool { return !strings.Contains(goroutines(), "paho") })
}
