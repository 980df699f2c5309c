package devices_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"ganlin/devices"
)

func TestCommands(t *testing.T) {
	until := time.Date(2026, 7, 1, 8, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		command    devices.Command
		json, want string
	}{
		{
			devices.Command{ID: "c", Seq: 1, Action: devices.Open, MaxDurationS: 60, MaxVolumeL: 100, ExpiresAt: until},
			`{"id":"c","seq":1,"action":"open","max_duration_s":60,"max_volume_l":100,"expires_at":"2026-07-01T08:00:00Z"}`, "",
		},
		{devices.Command{ID: "c", Seq: 2, Action: devices.Close}, `{"id":"c","seq":2,"action":"close"}`, ""},
		{devices.Command{ID: "c", Seq: 3, Action: devices.Report}, `{"id":"c","seq":3,"action":"report"}`, ""},
		{devices.Command{Action: devices.Close}, "", "command has no id"},
		{devices.Command{ID: "c", Action: "ajar"}, "", `command c: action "ajar" is neither open, close nor report`},
		{devices.Command{ID: "c", Action: devices.Open, ExpiresAt: until}, "", "command c: an open needs max_duration_s above 0"},
		{devices.Command{ID: "c", Action: devices.Open, MaxDurationS: -1, ExpiresAt: until}, "", "command c: an open needs max_duration_s above 0"},
		{devices.Command{ID: "c", Action: devices.Open, MaxDurationS: 60}, "", "command c: an open needs expires_at"},
		{devices.Command{ID: "c", Action: devices.Close, MaxVolumeL: -1}, "", "command c: max_volume_l is below 0"},
	} {
		checkError(t, c.want, c.command.Validate(), c.want)
		if c.json == "" {
			continue
		}
		if got, err := json.Marshal(c.command); string(got) != c.json || err != nil {
			t.Errorf("got %s, %v, want %s", got, err, c.json)
		}
	}
}

func TestReports(t *testing.T) {
	for _, state := range []devices.CommandState{"accepted", "open", "closed", "rejected", "expired", "failed"} {
		if err := (devices.CommandReport{State: state}).Validate(); err != nil {
			t.Error(err)
		}
	}
	err := devices.CommandReport{State: devices.CommandState(strings.Repeat("x", 100000))}.Validate()
	if err == nil || len(err.Error()) > 1000 {
		t.Errorf("a state of 100,000 characters gives an error of %d", len(err.Error()))
	}
}
