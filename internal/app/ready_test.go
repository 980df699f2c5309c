package app

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ganlin/internal/config"
)

// TestWhereTheProgramIs: what listens everywhere is named by an address that can be dialled.
func TestWhereTheProgramIs(t *testing.T) {
	files := newCertificate(t, t.TempDir(), 1)
	for _, c := range []struct {
		address string
		tls     *config.TLS
		want    string
	}{
		{"127.0.0.1:0", nil, "tcp://127.0.0.1:"}, {"0.0.0.0:0", nil, "tcp://localhost:"}, {":0", nil, "tcp://localhost:"}, {"0.0.0.0:0", files, "ssl://localhost:"},
	} {
		s := openStill(t, t.TempDir(), func(o *programOptions) { o.config.MQTT.Listen = &config.Listen{Address: c.address, TLS: c.tls} })
		said := s.readiness().MQTT
		if !strings.HasPrefix(said, c.want) {
			t.Errorf("at %s: %s, want %s…", c.address, said, c.want)
		}
		connection, err := net.Dial("tcp", said[len("tcp://"):])
		if err != nil {
			t.Errorf("at %s: %v", c.address, err)
			continue
		}
		_ = connection.Close()
	}
}

// TestAStaleReadyFile is away as soon as the program has its folder; one that does not get it touches nothing.
func TestAStaleReadyFile(t *testing.T) {
	folder, ready := t.TempDir(), filepath.Join(t.TempDir(), "ready.json")
	write(t, ready, `{"pid": 1}`)
	s := openStill(t, folder, func(o *programOptions) { o.ready = ready })
	if _, err := os.Stat(ready); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the file of an earlier run is still there (error %v)", err)
	}
	write(t, ready, fmt.Sprintf(`{"pid": %d}`, os.Getpid()))
	if _, err := openProgram(t.Context(), programOptions{config: s.o.config, ready: ready, log: s.o.log}); !errors.Is(err, errLocked) {
		t.Errorf("a second program opens: %v", err)
	}
	if _, err := os.Stat(ready); err != nil {
		t.Errorf("the second program has taken the first one's file: %v", err)
	}
}

// TestTheStatusAlwaysHasItsTimes also before the first tick.
func TestTheStatusAlwaysHasItsTimes(t *testing.T) {
	s := openStill(t, t.TempDir(), nil)
	var status map[string]any
	if err := json.Unmarshal([]byte(text(t, s.ask("GET", "/api/v1/status", bearer(s.token)))), &status); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"tick", "watermark"} {
		if status[key] != "0001-01-01T00:00:00Z" {
			t.Errorf("%s is %v", key, status[key])
		}
	}
}
