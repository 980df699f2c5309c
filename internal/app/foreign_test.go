package app

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// publish runs mosquitto_pub and returns its error with what it printed.
func (tr *trial) publish(user, id, password, topic, message string) error {
	host, port, err := net.SplitHostPort(tr.mqtt)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(tr.t.Context(), 10*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, "mosquitto_pub", "-h", host, "-p", port, "-q", "1",
		"-u", user, "-i", id, "-P", password, "-t", topic, "-m", message).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return nil
}

func (tr *trial) get(path string) (code int, body []byte) {
	tr.t.Helper()
	req, err := http.NewRequestWithContext(tr.t.Context(), http.MethodGet, tr.ready.HTTP+path, nil)
	if err != nil {
		tr.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+tr.ready.Token)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		tr.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err = io.ReadAll(res.Body)
	if err != nil {
		tr.t.Fatal(err)
	}
	return res.StatusCode, body
}

// TestForeignClient publishes with mosquitto_pub: what is right is in the
// database and on the page, what is another's is refused.
func TestForeignClient(t *testing.T) {
	tr := newTrial(t, asItIs, 2, "")
	tr.start()
	own, other := tr.devices[0], tr.devices[1]
	topic := "ganlin/v1/" + own.id + "/telemetry"
	begin := time.Now()
	if err := tr.publish(own.id, own.id, own.password, topic, `{"seq":1,"values":{"soil_moisture@20":0.2317}}`); err != nil {
		t.Fatal(err)
	}
	waitFor(t, 10*time.Second, "the value on the page", func() (bool, string) {
		_, body := tr.get("/")
		return bytes.Contains(body, []byte("0.232")), "0.232 is not there"
	})
	waitFor(t, 10*time.Second, "the value in the database", func() (bool, string) {
		n := tr.counted()
		return n == 1, fmt.Sprintf("%d values", n)
	})
	t.Logf("in the database and on the page %d ms after mosquitto_pub began", time.Since(begin).Milliseconds())

	reading := `{"seq":9,"values":{"soil_moisture@20":0.4}}`
	for name, c := range map[string]struct{ user, id, password, topic string }{
		"another's topic":     {own.id, own.id, own.password, "ganlin/v1/" + other.id + "/telemetry"},
		"a foreign topic":     {own.id, own.id, own.password, "elsewhere"},
		"another's client id": {own.id, other.id, own.password, topic},
		"a wrong password":    {own.id, own.id, other.password, topic},
		"an unknown device":   {"nobody", "nobody", own.password, "ganlin/v1/nobody/telemetry"},
		"no name at all":      {"", "", "", topic},
	} {
		if err := tr.publish(c.user, c.id, c.password, c.topic, reading); err == nil {
			t.Errorf("%s: the broker acknowledges", name)
		}
	}
	a := tr.settled(10 * time.Second)
	if a.Messages.Received != 1 || tr.counted() != 1 {
		t.Errorf("after the refusals %+v and %d values in the database, want one message and one value", a, tr.counted())
	}
	_, metrics := tr.get("/metrics")
	for _, reason := range []string{"foreign_topic", "wrong_client_id", "wrong_secret"} {
		if !bytes.Contains(metrics, []byte(`ganlin_door_refused_total{reason="`+reason+`"}`)) {
			t.Errorf("refusals for %s are not counted", reason)
		}
	}
	if n := strings.Count(tr.out.String(), "reason=wrong_secret"); n > 1 {
		t.Errorf("a refusal was logged %d times within a minute", n)
	}
}

// TestBadInput sends what no device should: none of it stops the flow, all of
// it can be seen, and the good part of a message is kept.
func TestBadInput(t *testing.T) {
	tr := newTrial(t, asItIs, 1, "")
	tr.start()
	d := tr.devices[0]
	bad := map[string]string{
		"broken JSON":       `{"at":"2026-`,
		"a wrong type":      `{"seq":2,"values":{"soil_moisture@20":"wet","soil_temperature@20":20}}`,
		"unknown quantity":  `{"seq":3,"values":{"happiness":1,"soil_temperature@20":21}}`,
		"out of bounds":     `{"seq":4,"values":{"soil_moisture@20":7,"soil_temperature@20":22}}`,
		"an absurd time":    `{"at":"9999-01-01T00:00:00Z","seq":5,"values":{"soil_moisture@20":0.2}}`,
		"1 MiB":             `{"seq":6,"values":{"soil_moisture@20":0.2}}` + strings.Repeat(" ", 1<<20),
		"10,000 elements":   "[" + strings.Repeat(`{"at":1,"values":{}},`, 9_999) + `{"at":1,"values":{}}]`,
		"no values":         `{"seq":7}`,
		"control character": "{\"seq\":8,\"values\":{\"soil_\x01moisture\":1}}",
	}
	conn, err := dialMQTT(t.Context(), tr.mqtt, d.id, d.id, d.password)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	acks := make(chan error, len(bad)+1)
	go readAcks(conn, acks)
	id := uint16(0)
	send := func(payload string) {
		t.Helper()
		id++
		if _, err := conn.Write(publishPacket("ganlin/v1/"+d.id+"/telemetry", id, []byte(payload))); err != nil {
			t.Fatal(err)
		}
		if err := <-acks; err != nil {
			t.Fatalf("message %.60q was not acknowledged: %v", payload, err)
		}
	}
	for _, payload := range bad {
		send(payload)
	}
	send(`{"seq":99,"values":{"soil_moisture@40":0.3}}`)
	a := tr.settled(time.Minute)
	if want := int64(len(bad) + 1); a.Messages.Received != want || !a.Conserved() {
		t.Errorf("%d messages were received of %d: %+v", a.Messages.Received, want, a)
	}
	if a.Values.Stored != 4 || tr.counted() != 4 {
		t.Errorf("%d values are stored and %d in the database, want the 4 good ones", a.Values.Stored, tr.counted())
	}
	var list string
	waitFor(t, 10*time.Second, "the dead letters", func() (bool, string) {
		list = string(tr.command("deadletters", "list", "--config", tr.config))
		return strings.Count(list, "\n") > len(bad), list
	})
	for _, reason := range []string{"bad_json", "wrong_type", "unknown_quantity", "out_of_bounds", "bad_time", "too_large", "too_many", "no_values"} {
		if !strings.Contains(list, reason) {
			t.Errorf("no dead letter is %s:\n%s", reason, list)
		}
	}
	// Ids that mean something in a topic never get in.
	for _, name := range []string{"a+b", "a#b", "a.b", "a b", "a\x01b"} {
		if _, err := dialMQTT(t.Context(), tr.mqtt, name, name, "x"); err == nil {
			t.Errorf("%q was let in", name)
		}
	}
	send(`{"seq":100,"values":{"soil_moisture@40":0.31}}`)
}
