package now_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"ganlin/devices"
	"ganlin/internal/now"
)

func full() *now.State {
	s := now.New(now.Options{})
	volume := 812.5
	s.Apply("g1:42:9f", []devices.Fact{
		reading("s-1", "soil_moisture@20#2", 1, 2, 0.1230000000000001), reading("s-1", "rssi", 1, 2, -97),
		{Kind: devices.PresenceFact, Device: "s-1", Received: minute(2), Presence: &devices.Presence{Online: true, Firmware: "1.4.2"}},
		{Kind: devices.ReportFact, Device: "v-1", At: minute(3), Received: minute(3), Report: &devices.CommandReport{Command: "c", State: devices.Opened, At: minute(3), VolumeL: &volume}},
		{Kind: devices.TickFact, At: minute(4), Location: devices.Location{Site: "sanquan"}},
	})
	flagged := reading("s-2", "soil_moisture@20", 5, 5, -0.01)
	flagged.Flags = devices.ProbeInAir
	s.Apply("g1:43:aa", []devices.Fact{flagged})
	return s
}

func TestARestartGoesOnAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "now.json")
	before := full()
	if err := before.Save(path); err != nil {
		t.Fatal(err)
	}
	after := now.New(now.Options{})
	signal := after.Subscribe(t.Context())
	<-signal
	position, err := after.Load(path)
	if err != nil || position != "g1:43:aa" {
		t.Fatalf("position %q, error %v", position, err)
	}
	<-signal
	got := after.Snapshot()
	if diff := cmp.Diff(before.Snapshot(), got, cmpopts.IgnoreFields(now.Device{}, "Online", "OnlineAt")); diff != "" {
		t.Errorf("(-saved +loaded):\n%s", diff)
	}
	for _, d := range got.Devices {
		if d.Online != now.OnlineUnknown || !d.OnlineAt.IsZero() {
			t.Errorf("after a restart %s is said to be connected or not", d.ID)
		}
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, error %v", info.Mode(), err)
	}
}

func TestNoFileIsABeginning(t *testing.T) {
	s := now.New(now.Options{})
	if position, err := s.Load(filepath.Join(t.TempDir(), "now.json")); position != "" || err != nil {
		t.Errorf("position %q, error %v", position, err)
	}
}

func TestADamagedFileChangesNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "now.json")
	if err := full().Save(path); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string]string{
		"empty":     "",
		"torn":      string(whole[:len(whole)/2]),
		"newer":     strings.Replace(string(whole), `"format":1`, `"format":2`, 1),
		"wrong key": strings.Replace(string(whole), `soil_moisture@20#2`, `soil_moisture@x`, 1),
		"foreign":   `{"something":"else"}`,
	} {
		t.Run(name, func(t *testing.T) {
			if err := os.WriteFile(path, []byte(data), 0o600); err != nil {
				t.Fatal(err)
			}
			s := full()
			before := s.Snapshot()
			if position, err := s.Load(path); err == nil || position != "" {
				t.Errorf("position %q, error %v; want an error", position, err)
			}
			if s.Snapshot() != before {
				t.Error("the state changed")
			}
		})
	}
}

// TestAFailedSaveLeavesTheOldFile: a folder in the place of the new file makes
// writing fail, and a torn new file of a crash does no harm.
func TestAFailedSaveLeavesTheOldFile(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "now.json")
	s := full()
	if err := s.Save(path); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(path+".new", 0o700); err != nil {
		t.Fatal(err)
	}
	s.Apply("g1:44:bb", []devices.Fact{reading("s-9", "rssi", 9, 9, -80)})
	if err := s.Save(path); err == nil {
		t.Error("saving over a folder went well")
	}
	if after, err := os.ReadFile(path); err != nil || string(after) != string(before) {
		t.Errorf("the old file changed (error %v)", err)
	}
	if err := os.Remove(path + ".new"); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path+".new", []byte(`{"torn`), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := s.Save(path); err != nil {
		t.Fatal(err)
	}
	if position, err := now.New(now.Options{}).Load(path); err != nil || position != "g1:44:bb" {
		t.Errorf("position %q, error %v", position, err)
	}
	if entries, err := os.ReadDir(folder); err != nil || len(entries) != 1 {
		t.Errorf("%d files are left, want one (error %v)", len(entries), err)
	}
}

func TestTenThousandDevicesComeBack(t *testing.T) {
	s := now.New(now.Options{})
	var facts []devices.Fact
	for d := range 10_000 {
		for _, key := range []string{"soil_moisture@20", "soil_moisture@40", "battery_voltage"} {
			facts = append(facts, reading(fmt.Sprintf("d-%05d", d), key, d%60, d%60, 0.25))
		}
	}
	s.Apply("p", facts)
	path := filepath.Join(t.TempDir(), "now.json")
	if err := s.Save(path); err != nil {
		t.Fatal(err)
	}
	again := now.New(now.Options{})
	if _, err := again.Load(path); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(s.Snapshot(), again.Snapshot()); diff != "" {
		t.Errorf("(-saved +loaded):\n%.2000s", diff)
	}
}
