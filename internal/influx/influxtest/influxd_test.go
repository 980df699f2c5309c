package influxtest_test

import (
	"log/slog"
	"os"
	"testing"

	"ganlin/internal/influx/influxd"
)

// TestInfluxd finds the database that all tests share, or builds it and says how far it is.
func TestInfluxd(t *testing.T) {
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	binary, err := influxd.Find(t.Context(), influxd.FindOptions{Logger: log, Progress: func(p influxd.Progress) { t.Log(p) }})
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(binary); err != nil || info.Mode()&0o100 == 0 {
		t.Errorf("%s is no program: %v", binary, err)
	}
}
