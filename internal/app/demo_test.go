package app

import (
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// demo runs the demo on the trial's folder at full speed.
func (tr *trial) demo(more ...string) {
	tr.t.Helper()
	tr.launch(append([]string{
		"demo", "--data", filepath.Join(tr.folder, "season"), "--http", "127.0.0.1:0", "--mqtt", "127.0.0.1:0",
		"--plots", "6", "--days", "4", "--speed", "0",
	}, more...)...)
}

// reaches waits until event time has come to a day of the season.
func (tr *trial) reaches(day int) {
	tr.t.Helper()
	waitFor(tr.t, 10*time.Minute, fmt.Sprintf("day %d of the season", day), func() (bool, string) {
		s, err := tr.status()
		return err == nil && !s.Tick.Before(time.Date(2026, 4, 30+day, 16, 0, 0, 0, time.UTC)), fmt.Sprint(s.Tick, err, tr.out.tail())
	})
}

// TestDemoGoesOnWithItsSeason kills the demo in the middle of its season and
// starts it again: time goes on where it stood, nothing is lost or doubled, a
// foreign client may report beside the village, and another season is refused.
func TestDemoGoesOnWithItsSeason(t *testing.T) {
	tr := &trial{t: t, kind: asItIs, folder: t.TempDir()}
	season := filepath.Join(tr.folder, "season")
	tr.demo()
	tr.waitReady()
	tr.reaches(2)
	before, err := tr.status()
	if err != nil {
		t.Fatal(err)
	}
	tr.kill()
	tr.demo()
	tr.waitReady()
	after, err := tr.status()
	if err != nil {
		t.Fatal(err)
	}
	if after.Tick.Before(before.Tick) || after.Accounting.Messages.Received < before.Accounting.Messages.Received {
		t.Errorf("after the restart %+v, before %+v", after, before)
	}
	tr.reaches(4)

	// The season is over; time goes on at wall pace, and a foreign reading has no time of its own.
	added := strings.Fields(string(tr.command("devices", "add", "foreign", "--model", "ganlin-soil-3", "--plot", "p-001", "--data", season)))
	password := added[len(added)-1]
	tr.mqtt = strings.TrimPrefix(tr.ready.MQTT, "tcp://")
	if err := tr.publish("foreign", "foreign", password, "ganlin/v1/foreign/telemetry", `{"seq":1,"values":{"soil_moisture@20":0.231}}`); err != nil {
		t.Fatal(err)
	}
	waitFor(t, time.Minute, "the account to balance with every value stored", func() (bool, string) {
		s, err := tr.status()
		a := s.Accounting
		return err == nil && a.Conserved() && a.Values.Waiting == 0 && tr.counted() == a.Values.Stored, fmt.Sprintf("%+v", a)
	})
	if list := string(tr.command("deadletters", "list", "--data", season)); list != "" {
		t.Errorf("a village without faults has dead letters:\n%s", list)
	}
	if out, err := tr.try("doctor", "--data", season); err != nil {
		t.Errorf("the doctor finds something: %v\n%s", err, out)
	}
	tr.stop()

	_, err = tr.try("demo", "--data", season, "--http", "127.0.0.1:0", "--mqtt", "127.0.0.1:0", "--plots", "6", "--days", "4", "--seed", "2")
	var ended *exec.ExitError
	if !errors.As(err, &ended) || ended.ExitCode() != exitUsage || !strings.Contains(err.Error(), "seed 1") {
		t.Errorf("another season on the same data ends with %v, want exit code %d and which season it holds", err, exitUsage)
	}
}

// TestDemoOverAForeignBroker lives two days of a season over Mosquitto, with paho at both ends.
func TestDemoOverAForeignBroker(t *testing.T) {
	tr := &trial{t: t, kind: asItIs, folder: t.TempDir()}
	tr.demo("--broker", "tcp://"+mosquitto(t))
	tr.waitReady()
	tr.reaches(3)
	waitFor(t, time.Minute, "the account to balance", func() (bool, string) {
		s, err := tr.status()
		return err == nil && s.Accounting.Conserved() && s.Accounting.Values.Stored > 1000, fmt.Sprintf("%+v %v", s.Accounting, err)
	})
	tr.stop()
}

// TestOneProcessAtATime starts a second program on a data folder.
func TestOneProcessAtATime(t *testing.T) {
	tr := newTrial(t, asItIs, 1, "")
	tr.start()
	_, err := tr.try("serve", "--config", tr.config)
	if err == nil || !strings.Contains(err.Error(), errLocked.Error()) {
		t.Errorf("a second program on the same folder ends with %v", err)
	}
	tr.settledNothing()
}

// settledNothing checks that the first program still works.
func (tr *trial) settledNothing() {
	tr.t.Helper()
	if code, _ := tr.get("/readyz"); code != 200 {
		tr.t.Errorf("/readyz answers %d", code)
	}
}
