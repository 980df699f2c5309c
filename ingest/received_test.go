package ingest_test

import (
	"fmt"
	"testing"
	"time"

	"ganlin/ingest"
)

// TestNothingComesBeforeItHasHappened tells messages to a clock that stands, as
// in step mode, and to one that goes, as on the wall.
func TestNothingComesBeforeItHasHappened(t *testing.T) {
	at := time.Date(2026, 7, 1, 9, 0, 0, 0, time.UTC)
	next := at.Add(time.Hour)
	after := func(d time.Duration) string { return at.Add(d).Format(time.RFC3339) }
	reading := func(d time.Duration) string { return fmt.Sprintf(`{"at":%q,"values":{"rssi":-80}}`, after(d)) }
	const telemetry, status, report = "telemetry", "status", "report"
	for _, c := range []struct {
		name, topic, payload string
		latest               time.Time
		want                 time.Duration // after at
	}{
		{"of the coming hour", telemetry, reading(40 * time.Minute), next, 40 * time.Minute},
		{"the newest counts", telemetry, "[" + reading(10*time.Minute) + "," + reading(50*time.Minute) + "," + reading(-time.Hour) + "]", next, 50 * time.Minute},
		{"of before", telemetry, reading(-time.Minute), next, 0},
		{"a device's clock is ahead of the next tick", telemetry, reading(62 * time.Minute), next, time.Hour},
		{"a device's clock is ahead of the wall's", telemetry, reading(2 * time.Minute), at, 0},
		{"a report", report, fmt.Sprintf(`{"state":"closed","at":%q}`, after(20*time.Minute)), next, 20 * time.Minute},
		{"a status", status, fmt.Sprintf(`{"online":true,"at":%q}`, after(20*time.Minute)), next, 20 * time.Minute},
		{"a will was written long ago", status, fmt.Sprintf(`{"online":false,"at":%q}`, after(20*time.Minute)), next, 0},
		{"a dead letter", telemetry, "{", next, 0},
	} {
		d := ingest.Decode(ingest.Message{Topic: "ganlin/v1/s-1/" + c.topic, Payload: []byte(c.payload), Received: at}, c.latest)
		if got := d.Received.Sub(at); got != c.want {
			t.Errorf("%s: received %s after the clock, want %s", c.name, got, c.want)
		}
	}
}
