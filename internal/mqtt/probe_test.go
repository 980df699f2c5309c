package mqtt_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ganlin/internal/mqtt"
)

// TestProbe asks real brokers that keep all, little, nothing, and that do not let it ask.
func TestProbe(t *testing.T) {
	guarded := func(rights string) string {
		name := filepath.Join(t.TempDir(), "acl")
		if err := os.WriteFile(name, []byte(rights), 0o600); err != nil {
			t.Fatal(err)
		}
		return "allow_anonymous true\nacl_file " + name + "\n"
	}
	for name, c := range map[string]struct {
		lines string
		want  mqtt.Verdict
	}{
		"keeps all":    {"", mqtt.Verdict{Session: true, Sent: 1100, Kept: 1100, Window: 20, Retained: true}},
		"keeps little": {"allow_anonymous true\nmax_queued_messages 100\nretain_available false\n", mqtt.Verdict{Session: true, Sent: 1100, Kept: 100, Window: 20}},
		"no writing":   {guarded("topic read #\n"), mqtt.Verdict{Refused: true}},
		"no reading":   {guarded("topic write #\n"), mqtt.Verdict{Refused: true}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := startMosquitto(t, c.lines)
			o := mqtt.Options{URL: "tcp://" + b.address, ClientID: "ganlin"}
			for range 2 { // and the first leaves nothing behind
				got, err := mqtt.Probe(t.Context(), o)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(c.want, got); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			}
		})
	}
}
