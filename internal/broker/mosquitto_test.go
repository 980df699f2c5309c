package broker_test

import (
	"bufio"
	"net"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// program returns a command of clients that are not ours.
func (h *house) program(t *testing.T, name, id, secret string, args ...string) *exec.Cmd {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatalf("%v: install mosquitto-clients", err)
	}
	host, port, err := net.SplitHostPort(h.address())
	if err != nil {
		t.Fatal(err)
	}
	args = append([]string{"-h", host, "-p", port, "-i", id, "-u", id, "-P", secret, "-V", "mqttv311"}, args...)
	return exec.CommandContext(t.Context(), path, args...)
}

func TestMosquittoPublishes(t *testing.T) {
	h := newHouse(t, setup{})
	for _, tt := range []struct {
		secret, topic, qos string
		fails              bool
	}{
		{secretOf("m1"), "ganlin/v1/m1/telemetry", "0", false},
		{secretOf("m1"), "ganlin/v1/m1/telemetry", "1", false},
		{secretOf("m1"), "ganlin/v1/m1/status", "1", false},
		{"guess", "ganlin/v1/m1/telemetry", "1", true},
		{secretOf("m1"), "ganlin/v1/m2/telemetry", "1", true},
		{secretOf("m1"), "ganlin/v1/m1/telemetry", "2", true},
	} {
		out, err := h.program(t, "mosquitto_pub", "m1", tt.secret, "-t", tt.topic, "-q", tt.qos, "-m", "hello").CombinedOutput()
		if (err != nil) != tt.fails {
			t.Errorf("%s at QoS %s: %v, %s", tt.topic, tt.qos, err, out)
		}
	}
	h.desk.wait(t, 3)
	want := []string{"ganlin/v1/m1/status 1 hello", "ganlin/v1/m1/telemetry 0 hello", "ganlin/v1/m1/telemetry 1 hello"}
	if diff := cmp.Diff(want, slices.Sorted(slices.Values(h.desk.summary()))); diff != "" {
		t.Error(diff)
	}
}

func TestMosquittoHearsCommands(t *testing.T) {
	h := newHouse(t, setup{})
	sub := h.program(t, "mosquitto_sub", "m1", secretOf("m1"), "-t", "ganlin/v1/m1/command", "-C", "1", "-v")
	out, err := sub.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := sub.Start(); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "m1 to listen", func() bool { return h.door.Publish(t.Context(), "m1", []byte(`{"id":"c1"}`)) == nil })
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || strings.TrimSpace(line) != `ganlin/v1/m1/command {"id":"c1"}` {
		t.Errorf("heard %q, %v", line, err)
	}
	if err := sub.Wait(); err != nil {
		t.Error(err)
	}
}
