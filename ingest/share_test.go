package ingest_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"ganlin/devices"
	"ganlin/ingest"
)

// decoded passes messages through an intake, one by one, and returns what the
// journal got of each.
func decoded(t *testing.T, series func(devices.DeviceID) []devices.Key, messages []ingest.Message) (all []ingest.Decoded, stats ingest.IntakeStats) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		intake := ingest.NewIntake(ingest.IntakeOptions{
			Journal: appendFunc(func(batch []ingest.Decoded) error {
				all = append(all, batch...)
				return nil
			}),
			Locator: registry{}, Clock: stopped{}, Series: series, Log: slog.New(slog.DiscardHandler),
		})
		running := make(chan struct{})
		go func() {
			defer close(running)
			_ = intake.Run(t.Context())
		}()
		for _, m := range messages {
			if err := intake.Deliver(m); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		stats = intake.Stats()
		t.Cleanup(func() { <-running })
	})
	return all, stats
}

func wide(device, from, n int) ingest.Message {
	var keys []string
	for i := range n {
		keys = append(keys, fmt.Sprintf(`"soil_moisture@%d":0.2`, from+i))
	}
	payload := fmt.Sprintf(`[{"at":1782892800000,"seq":%d,"values":{%s}},{"at":1782892801000,"values":{"rssi":-80}}]`, from, strings.Join(keys, ","))
	return message(fmt.Sprintf("ganlin/v1/s-%03d/telemetry", device), payload)
}

// A device may have 512 series, those of before the start included. What would
// be one more is rejected, counted and kept as it came; what it had goes on.
func TestSeriesOfADeviceAreBounded(t *testing.T) {
	before := []devices.Key{{Quantity: devices.SoilMoisture, DepthCM: "0"}, {Quantity: devices.BatteryVoltage}}
	messages := []ingest.Message{
		wide(1, 0, 300),   // 299 new ones, and rssi
		wide(1, 300, 300), // 210 of them fit
		wide(1, 0, 300),   // as before
		wide(1, 5000, 10), // none fits
		wide(2, 0, 512),   // another device; rssi is too much
	}
	all, _ := decoded(t, func(id devices.DeviceID) []devices.Key {
		if id == "s-001" {
			return before
		}
		return nil
	}, messages)
	for i, want := range []struct{ values, rejected, readings int }{{301, 0, 2}, {301, 90, 2}, {301, 0, 2}, {11, 10, 2}, {513, 1, 1}} {
		d := all[i]
		checkDecoded(t, messages[i], d)
		if d.Values != want.values || d.Rejected[ingest.TooManySeries] != want.rejected || len(d.Readings) != want.readings {
			t.Errorf("message %d: %d values, rejected %v, %d readings, want %+v", i, d.Values, d.Rejected, len(d.Readings), want)
		}
		if want.rejected == 0 {
			if len(d.Dead) > 0 {
				t.Errorf("message %d: %+v", i, d.Dead)
			}
			continue
		}
		if l := d.Dead[0]; l.Reason != ingest.TooManySeries || !bytes.Equal(l.Payload, messages[i].Payload) || l.Topic != messages[i].Topic ||
			l.Codec != "native/1" || !l.Part || !strings.Contains(l.Detail, fmt.Sprintf("%d)", want.rejected)) {
			t.Errorf("message %d: dead letter %.200s", i, fmt.Sprintf("%+v", l))
		}
	}
	// Of a reading with a seq its coming stays, so that nobody waits for it.
	if r := all[3].Readings[0]; !r.HasSeq || r.Seq != 5000 || len(r.Values) != 0 {
		t.Errorf("the reading of which everything was refused is %+v", r)
	}
}

// A device that sends nothing but what cannot be read leaves room for others: its
// payloads are cut, and each keeps reason, length and checksum.
func TestDeadLettersOfADeviceAreCut(t *testing.T) {
	garbage := func(device string, n int, at time.Time) ingest.Message {
		m := message("ganlin/v1/"+device+"/telemetry", fmt.Sprintf("{%d%s", n, strings.Repeat("x", ingest.MaxPayload-10)))
		m.Received = at
		return m
	}
	const many = 150
	var messages []ingest.Message
	for n := range many {
		messages = append(messages, garbage("s-001", n, noon.Add(time.Duration(n)*time.Second)))
	}
	messages = append(messages,
		garbage("s-002", 0, noon.Add(time.Hour)),
		message("ganlin/v1/s-001/telemetry", `{"small`),
		garbage("s-001", 1000, noon.Add(12*time.Hour)))
	for n := range 40 { // nobody's, of many names
		messages = append(messages, garbage(fmt.Sprintf("x-%03d", n), 0, noon))
	}
	all, stats := decoded(t, nil, messages)
	kept := map[devices.DeviceID]int{}
	cut := 0
	for i, d := range all {
		l, m := d.Dead[0], messages[i]
		sum := sha256.Sum256(m.Payload)
		whole := bytes.Equal(l.Payload, m.Payload)
		if !whole {
			cut++
		}
		if l.Length != len(m.Payload) || l.Reason == "" || !whole && (l.SHA256 != hex.EncodeToString(sum[:]) || !bytes.HasPrefix(m.Payload, l.Payload)) {
			t.Errorf("letter %d has length %d, %d bytes of payload and checksum %q", i, l.Length, len(l.Payload), l.SHA256)
		}
		switch {
		case i < many:
			kept[d.Device] += len(l.Payload)
		case i < many+3 && !whole:
			t.Errorf("letter %d of device %s is cut to %d bytes", i, d.Device, len(l.Payload))
		case i >= many+3:
			kept["nobody"] += len(l.Payload)
		}
	}
	for owner, bytes := range kept {
		if bytes < 7<<20 || bytes > 9<<20 {
			t.Errorf("the letters of %s hold %d bytes, want about 8 MiB", owner, bytes)
		}
	}
	if cut < 100 || stats.Cut != uint64(cut) {
		t.Errorf("%d letters are cut, %d counted", cut, stats.Cut)
	}
}
