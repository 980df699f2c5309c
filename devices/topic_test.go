package devices_test

import (
	"strings"
	"testing"

	"ganlin/devices"
)

func TestTopics(t *testing.T) {
	for _, leaf := range devices.UpLeaves() {
		topic := devices.Topic("s-001", leaf)
		if want := "ganlin/v1/s-001/" + string(leaf); topic != want {
			t.Errorf("got %s, want %s", topic, want)
		}
		id, got, err := devices.ParseTopic(topic)
		if id != "s-001" || got != leaf || err != nil {
			t.Errorf("%s reads back as %q, %q, %v", topic, id, got, err)
		}
	}
	for topic, want := range map[string]string{
		"":                              `topic "" does not begin with ganlin/v1/`,
		"ganlin/v1":                     `topic "ganlin/v1" does not begin with ganlin/v1/`,
		"ganlin/v2/s-001/telemetry":     `topic "ganlin/v2/s-001/telemetry" does not begin with ganlin/v1/`,
		"/ganlin/v1/s-001/telemetry":    `topic "/ganlin/v1/s-001/telemetry" does not begin with ganlin/v1/`,
		"Ganlin/v1/s-001/telemetry":     `topic "Ganlin/v1/s-001/telemetry" does not begin with ganlin/v1/`,
		"ganlin/v1/s-001":               `topic "ganlin/v1/s-001" has no part after the device`,
		"ganlin/v1//telemetry":          `reading topic "ganlin/v1//telemetry": id is empty; use 1 to 64 of the characters A-Z a-z 0-9 _ -`,
		"ganlin/v1/+/telemetry":         `reading topic "ganlin/v1/+/telemetry": id "+" holds '+'; use only A-Z a-z 0-9 _ -`,
		"ganlin/v1/s-001/":              `topic "ganlin/v1/s-001/" ends in neither telemetry, status nor report`,
		"ganlin/v1/s-001/Telemetry":     `topic "ganlin/v1/s-001/Telemetry" ends in neither telemetry, status nor report`,
		"ganlin/v1/s-001/telemetry/":    `topic "ganlin/v1/s-001/telemetry/" ends in neither telemetry, status nor report`,
		"ganlin/v1/s-001/telemetry/raw": `topic "ganlin/v1/s-001/telemetry/raw" ends in neither telemetry, status nor report`,
		"ganlin/v1/s-001/command":       `topic "ganlin/v1/s-001/command" ends in neither telemetry, status nor report`,
	} {
		_, _, err := devices.ParseTopic(topic)
		checkError(t, topic, err, want)
	}
}

func FuzzParseTopic(f *testing.F) {
	for _, topic := range []string{"ganlin/v1/s-001/telemetry", "ganlin/v1/s-001/command", "ganlin/v1/a/b/status", "#", strings.Repeat("x", 500)} {
		f.Add(topic)
	}
	f.Fuzz(func(t *testing.T, topic string) {
		id, leaf, err := devices.ParseTopic(topic)
		switch {
		case err != nil:
			if len(err.Error()) > 1500 {
				t.Errorf("the error has %d characters", len(err.Error()))
			}
		case id.Validate() != nil || leaf == devices.Commands || devices.Topic(id, leaf) != topic:
			t.Errorf("%q is taken for %q, %q", topic, id, leaf)
		}
	})
}
