package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ganlin/devices"
	"ganlin/firmware-sim/field"
	"ganlin/firmware-sim/firmware"
	"ganlin/firmware-sim/village"
	"ganlin/internal/records"
	"ganlin/internal/records/postgrestest"
)

// TestRecordsInPostgres lives the same days with the records in SQLite and in
// PostgreSQL. There the program is killed, and the server crashes and is away for
// a while: both go on by themselves, and what was decided is the same.
func TestRecordsInPostgres(t *testing.T) {
	o := village.Options{
		Season: field.Drought, Days: 5, Plots: 4, Seed: 3, Faults: firmware.Faults{Noise: 1}, Start: time.Date(2026, 7, 19, 16, 0, 0, 0, time.UTC),
	}
	var calm, disturbed, again string
	var all, got []devices.Decision
	t.Run("lives", func(t *testing.T) { // both at once: they wait most of the time
		t.Run("SQLite", func(t *testing.T) {
			t.Parallel()
			e := newEstate(t, o)
			e.season(nil)
			all, calm = e.decisions()
		})
		t.Run("PostgreSQL", func(t *testing.T) {
			t.Parallel()
			got, disturbed, again = livesInPostgres(t, o)
		})
	})
	if disturbed != calm || again != calm || len(all) < 20 {
		t.Errorf("%d decisions %s, decided again %s, in SQLite %d decisions %s: %s", len(got), disturbed, again, len(all), calm, firstDifference(got, all))
	}
}

// livesInPostgres returns what was decided, its digest, and that of deciding it again from the journal.
func livesInPostgres(t *testing.T, o village.Options) (all []devices.Decision, sha256, again string) {
	t.Helper()
	server, err := postgrestest.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	database := server.Database(t)
	e := layEstate(t, o, asItIs, fmt.Sprintf("records: {url: %q}\n", database))
	e.records = database
	e.serve()
	reached := func(day int) {
		t.Helper()
		at := o.Start.AddDate(0, 0, day)
		waitFor(t, 2*time.Minute, fmt.Sprint("day ", day), func() (bool, string) {
			s, err := e.status()
			return err == nil && !s.Tick.Before(at), fmt.Sprint(s.Tick, err, e.out.tail())
		})
	}
	says := func(code int, word string) {
		t.Helper()
		waitFor(t, time.Minute, fmt.Sprintf("%d and %q", code, word), func() (bool, string) {
			got, body := e.trial.get("/readyz")
			return got == code && strings.Contains(string(body), word), fmt.Sprintf("%d %s", got, body)
		})
	}
	e.season(func(context.Context) {
		reached(1)
		e.kill()
		e.serve()
		reached(3)
		if err := server.Crash(); err != nil {
			t.Fatal(err)
		}
		says(503, "PostgreSQL is out of reach")
		if err := server.Resume(); err != nil {
			t.Fatal(err)
		}
		says(200, `"ready":true`)
	})
	if log := e.out.tail(); !strings.Contains(log, "records are kept again") || strings.Contains(log, "open-sesame") {
		t.Errorf("what went wrong is not in the log, or the password is: %s", log)
	}
	e.commandsInPostgres()
	all, sha256 = e.decisions()
	var replayed struct {
		SHA256 string `json:"decisions_sha256"`
	}
	if err := json.Unmarshal(e.command("rules", "replay", "--json", "--config", e.config), &replayed); err != nil {
		t.Error(err)
	}
	return all, sha256, replayed.SHA256
}

// commandsInPostgres runs commands beside the running program, and then without it.
func (e *estate) commandsInPostgres() {
	e.t.Helper()
	explained := e.command("explain", "--lang", "en", "--config", e.config, e.anyDecision())
	if out, err := e.try("doctor", "--config", e.config); err != nil {
		e.t.Errorf("%s %v", out, err)
	}
	e.stop()
	if again := e.command("explain", "--lang", "en", "--config", e.config, e.anyDecision()); len(again) == 0 || string(again) != string(explained) {
		e.t.Errorf("explained is\n%s\nand beside the program\n%s", again, explained)
	}
	if out, err := e.try("doctor", "--config", e.config); !strings.Contains(string(out), "records    the store opens and answers") {
		e.t.Errorf("%s %v", out, err)
	}
	e.command("check", "--config", e.config)
	if out := e.command("devices", "list", "--config", e.config); !strings.Contains(string(out), "active") {
		e.t.Errorf("the devices are\n%s", out)
	}
	data := filepath.Join(e.folder, "data")
	if _, err := e.try("deadletters", "list", "--data", data); err == nil || !strings.Contains(err.Error(), "give the configuration with the records.url of it by --config") {
		e.t.Errorf("without a configuration: %v", err)
	}
	if _, err := os.Stat(filepath.Join(data, recordsFile)); !errors.Is(err, fs.ErrNotExist) {
		e.t.Errorf("%s was made: %v", recordsFile, err)
	}
	write(e.t, filepath.Join(data, recordsFile), "")
	if _, err := e.try("deadletters", "list", "--config", e.config); err == nil || !strings.Contains(err.Error(), "nothing takes them to PostgreSQL") {
		e.t.Errorf("beside records in SQLite: %v", err)
	}
	if err := os.Remove(filepath.Join(data, recordsFile)); err != nil {
		e.t.Fatal(err)
	}
}

// anyDecision returns the id of one, read beside whoever has the records.
func (e *estate) anyDecision() string {
	e.t.Helper()
	look, err := records.Look(e.records)
	if err != nil {
		e.t.Fatal(err)
	}
	defer func() { _ = look.Close() }()
	found, err := look.Decisions(e.t.Context(), records.DecisionFilter{Limit: 1})
	if err != nil || len(found) == 0 {
		e.t.Fatalf("%d decisions, %v", len(found), err)
	}
	return found[0].ID
}
