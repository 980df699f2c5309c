package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"ganlin/firmware-sim/simtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestExitCodes(t *testing.T) {
	token := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(token, []byte("secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	b := simtest.StartBroker(t)
	const nobody = "tcp://127.0.0.1:1"
	for _, c := range []struct {
		args string
		want int
	}{
		{"--help", exitDone},
		{"", exitUsage},
		{"--broker " + nobody, exitUsage},
		{"--devices 3", exitUsage},
		{"--devices 3 --season wet --broker " + nobody, exitUsage},
		{"--season monsoon --broker " + nobody, exitUsage},
		{"--devices 3 --broker ws://127.0.0.1:1", exitUsage},
		{"--devices 3 --every 0s --broker " + nobody, exitUsage},
		{"--devices 3 --colour --broker " + nobody, exitUsage},
		{"--devices 3 --credentials /nowhere --broker " + nobody, exitUsage},
		{"--season wet --api http://127.0.0.1:1 --broker " + nobody, exitUsage},
		{"--devices 3 --api http://127.0.0.1:1 --token-file " + token + " --broker " + nobody, exitUsage},
		{"--devices 3 --broker " + nobody, exitUnreachable},
		{"--season wet --api http://127.0.0.1:1 --token-file " + token + " --broker tcp://" + b.Address, exitUnreachable},
	} {
		var out, log bytes.Buffer
		if got := run(t.Context(), strings.Fields(c.args), &out, &log); got != c.want {
			t.Errorf("firmware-sim %s: exit %d, want %d\n%s", c.args, got, c.want, log.String())
		}
		if c.want != exitDone && out.Len() > 0 {
			t.Errorf("firmware-sim %s wrote to stdout: %s", c.args, out.String())
		}
	}
}

func TestWriteRegistry(t *testing.T) {
	path := filepath.Join(t.TempDir(), "registry.yaml")
	var out, log bytes.Buffer
	if code := run(t.Context(), []string{"--season", "drought", "--plots", "4", "--write-registry", path}, &out, &log); code != exitDone {
		t.Fatal(log.String())
	}
	text, err := os.ReadFile(path)
	if err != nil || !strings.Contains(string(text), "{id: s-001, model: ganlin-soil-3, plot: p-001}") || out.Len() > 0 {
		t.Errorf("%s, %v; stdout %s", text, err, out.String())
	}
}

// counts is the end of a fleet as others read it.
type counts struct {
	Fleet struct{ Published, Acknowledged, Values, Readings, Waiting int64 }
}

func TestFleetOnTheWallClock(t *testing.T) {
	b := simtest.StartBroker(t)
	var out, log bytes.Buffer
	args := fmt.Sprintf("--broker tcp://%s --devices 20 --every 50ms --duration 500ms --json", b.Address)
	if code := run(t.Context(), strings.Fields(args), &out, &log); code != exitDone {
		t.Fatal(log.String())
	}
	var c counts
	if err := json.Unmarshal(out.Bytes(), &c); err != nil {
		t.Fatal(err)
	}
	if f := c.Fleet; f.Readings == 0 || f.Values != 7*f.Readings || f.Waiting != 0 || f.Acknowledged > f.Published {
		t.Errorf("%+v", f)
	}
}

func TestSeasonThroughTheAPI(t *testing.T) {
	b := simtest.StartBroker(t)
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	tick := time.Date(2026, 5, 1, 4, 0, 0, 0, time.UTC) // the season is twelve hours old
	first, steps := tick, 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/" && r.Header.Get("Authorization") != "Bearer secret" {
			http.Error(w, "who are you", http.StatusUnauthorized)
			return
		}
		if r.URL.Path == "/api/v1/step" {
			var in struct{ At time.Time }
			if err := json.NewDecoder(r.Body).Decode(&in); err != nil || !in.At.Equal(tick.Add(time.Hour)) {
				t.Errorf("step to %s after %s: %v", in.At, tick, err)
			}
			tick = in.At
			steps++
		}
		_ = json.NewEncoder(w).Encode(map[string]time.Time{"tick": tick, "watermark": tick})
	}))
	defer server.Close()
	defer http.DefaultClient.CloseIdleConnections()

	logins := write("credentials.json", `[{"device":"s-001","client_id":"s-001","username":"s-001","password":"x"}]`)
	common := fmt.Sprintf("--broker tcp://%s --season wet --days 2 --plots 2 --api %s/ --credentials %s --json --token-file ", b.Address, server.URL, logins)
	var out, log bytes.Buffer
	if code := run(t.Context(), strings.Fields(common+write("wrong", "guess")), &out, &log); code != exitFailed || steps > 0 {
		t.Errorf("a wrong token: exit %d after %d steps", code, steps)
	}
	if code := run(t.Context(), strings.Fields(common+write("token", "secret\n")), &out, &log); code != exitDone {
		t.Fatal(log.String())
	}
	var c counts
	if err := json.Unmarshal(out.Bytes(), &c); err != nil {
		t.Fatal(err)
	}
	// Two probes, a valve and a station in 36 hours.
	if want := int64(36 * (2*2 + 2 + 6)); c.Fleet.Readings != want || steps != 36 || tick.Sub(first) != 36*time.Hour {
		t.Errorf("%d readings, want %d, in %d steps", c.Fleet.Readings, want, steps)
	}
}

func TestReadCredentials(t *testing.T) {
	path := filepath.Join(t.TempDir(), "credentials.json")
	if err := os.WriteFile(path, []byte(`[{"device":"s-001","client_id":"s-001","username":"s-001","password":"p1"},{"device":"w-01","client_id":"w-01","username":"w-01","password":"p2"}]`), 0o600); err != nil {
		t.Fatal(err)
	}
	login, err := readCredentials(path)
	if err != nil {
		t.Fatal(err)
	}
	if name, password := login("w-01"); name != "w-01" || password != "p2" {
		t.Errorf("w-01 logs in as %s with %s", name, password)
	}
	if err := os.WriteFile(path, []byte(`{"device":1}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := readCredentials(path); err == nil || strings.Contains(err.Error(), "p1") {
		t.Errorf("nonsense was read: %v", err)
	}
}
