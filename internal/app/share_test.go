package app

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"ganlin/ingest"
)

// send publishes to a device's telemetry and waits for each PUBACK.
func (tr *trial) send(d loadDevice, payloads ...string) {
	tr.t.Helper()
	conn, err := dialMQTT(tr.t.Context(), tr.mqtt, d.id, d.id, d.password)
	if err != nil {
		tr.t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	acks := make(chan error, 1)
	go readAcks(conn, acks)
	for i, payload := range payloads {
		if _, err := conn.Write(publishPacket("ganlin/v1/"+d.id+"/telemetry", uint16(i+1), []byte(payload))); err != nil {
			tr.t.Fatal(err)
		}
		if err := <-acks; err != nil {
			tr.t.Fatalf("message %d, %.60q, was not acknowledged: %v", i, payload, err)
		}
	}
}

// TestOneDeviceIsHeldToItsShare lets one device send more series and more that
// nobody can read than it may: that is bounded, counted and told, also over a
// restart, what is good of it goes on, and another device loses nothing.
func TestOneDeviceIsHeldToItsShare(t *testing.T) {
	tr := newTrial(t, asItIs, 2, "")
	tr.start()
	wild, tame := tr.devices[0], tr.devices[1]
	wide := func(seq, from, n int) string {
		keys := make([]string, n)
		for i := range keys {
			keys[i] = fmt.Sprintf(`"soil_moisture@%d":0.2`, from+i)
		}
		return fmt.Sprintf(`{"seq":%d,"values":{%s}}`, seq, strings.Join(keys, ","))
	}
	tr.send(wild, wide(1, 0, ingest.MaxSeries-2))
	tr.send(tame, "{tame")
	tr.kill()
	tr.start()
	tr.send(wild, wide(2, 1000, 5), wide(3, 0, 100))
	a := tr.settled(time.Minute)
	if want := int64(ingest.MaxSeries + 100); a.Values.Stored != want || a.Values.Rejected != 3 || tr.counted() != want || !a.Conserved() {
		t.Errorf("%d values in the database, want %d and 3 rejected: %+v", tr.counted(), want, a)
	}

	const small, large = lettersEach + 100, 40
	var garbage []string
	for n := range large {
		garbage = append(garbage, fmt.Sprintf("{%d%s", n, strings.Repeat("x", ingest.MaxPayload-10)))
	}
	for n := range small {
		garbage = append(garbage, fmt.Sprintf("{%d", n))
	}
	tr.send(wild, garbage...)
	waitFor(t, time.Minute, "the letters beyond the share to go", func() (bool, string) {
		_, metrics := tr.get("/metrics")
		return bytes.Contains(metrics, fmt.Appendf(nil, "ganlin_deadletters_dropped_total{what=\"letter\"} %d\n", small+large-lettersEach)),
			string(metrics)[max(0, bytes.Index(metrics, []byte("ganlin_deadletters"))):]
	})
	_, metrics := tr.get("/metrics")
	if bytes.Contains(metrics, []byte("ganlin_deadletters_dropped_total{what=\"cut\"} 0\n")) || !bytes.Contains(metrics, fmt.Appendf(nil, "ganlin_deadletters_total{reason=\"bad_json\"} %d\n", small+large+1)) {
		t.Errorf("of %d letters, %d MiB, none was cut or not all are counted", small+large, large/4)
	}
	if b := tr.settled(time.Minute); b.Messages.DeadLettered != small+large+1 || b.Values != a.Values || !b.Conserved() {
		t.Errorf("after %d unreadable messages: %+v", small+large+1, b)
	}
	list, after := "", ""
	for range 2 { // the newest 1000, then the rest
		page := string(tr.command("deadletters", "list", "--config", tr.config, "--limit", "1000", "--after", after))
		lines := strings.Split(strings.TrimSpace(page), "\n")
		after, _, _ = strings.Cut(lines[len(lines)-1], " ")
		list += page
	}
	if n := strings.Count(list, " "+wild.id+"  "); !strings.Contains(list, tame.id) || n != lettersEach+1 || !strings.Contains(list, string(ingest.TooManySeries)) {
		t.Errorf("%d letters of the wild device are kept and %d of the tame one", n, strings.Count(list, tame.id))
	}
}
