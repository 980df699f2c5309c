package ingest_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ganlin/devices"
	"ganlin/ingest"
)

func message(topic, payload string) ingest.Message {
	return ingest.Message{Topic: topic, Payload: []byte(payload), QoS: 1, Received: noon}
}

func TestStatus(t *testing.T) {
	receipt := noon.Truncate(time.Millisecond)
	at := time.Date(2026, 7, 1, 8, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name, payload string
		want          devices.Presence
	}{
		{"online", `{"online":true,"firmware":"1.4.2","at":"2026-07-01T08:00:00Z","seq":411}`, devices.Presence{Online: true, Firmware: "1.4.2", At: at, Seq: 411}},
		{"online, Unix ms", `{"online":true,"at":1782892800000}`, devices.Presence{Online: true, At: at}},
		{"offline counts at receipt", `{"online":false,"at":"2026-07-01T08:00:00Z"}`, devices.Presence{At: receipt}},
		{"no time", `{"online":true}`, devices.Presence{Online: true, At: receipt}},
		{"clock not set", `{"online":true,"at":"1970-01-01T00:00:00Z"}`, devices.Presence{Online: true, At: receipt}},
		{"clock wrong", `{"online":true,"at":"2031-01-01T00:00:00Z"}`, devices.Presence{Online: true, At: receipt}},
		{
			"long firmware", `{"online":true,"firmware":"` + strings.Repeat("1", 100) + `"}`,
			devices.Presence{Online: true, Firmware: strings.Repeat("1", 64) + "…", At: receipt},
		},
		{"newer device", `{"online":true,"battery":{"v":3}}`, devices.Presence{Online: true, At: receipt}},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := message("ganlin/v1/v-001/status", c.payload)
			d := ingest.Decode(m, noon)
			want := ingest.Decoded{Device: "v-001", Received: noon, Topic: m.Topic, Payload: m.Payload, Codec: "native/1", Presence: &c.want}
			if diff := cmp.Diff(want, d); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestReport(t *testing.T) {
	receipt := noon.Truncate(time.Millisecond)
	at := time.Date(2026, 7, 1, 8, 0, 0, 0, time.UTC)
	litres := 812.5
	for _, c := range []struct {
		name, payload string
		want          devices.CommandReport
	}{
		{
			"closed", `{"command":"c-1","state":"closed","at":"2026-07-01T16:00:00+08:00","seq":413,"volume_l":812.5}`,
			devices.CommandReport{Command: "c-1", State: devices.Closed, At: at, Seq: 413, VolumeL: &litres},
		},
		{"by hand", `{"command":"","state":"open","at":1782892800000,"seq":1}`, devices.CommandReport{State: devices.Opened, At: at, Seq: 1}},
		{
			"rejected, clock not set", `{"command":"c-1","state":"rejected","at":"1970-01-01T00:00:00Z","seq":2,"reason":"clock"}`,
			devices.CommandReport{Command: "c-1", State: devices.Rejected, At: receipt, Seq: 2, Reason: "clock"},
		},
		{"clock wrong", `{"state":"closed","at":"2031-01-01T00:00:00Z"}`, devices.CommandReport{State: devices.Closed, At: receipt}},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := message("ganlin/v1/v-001/report", c.payload)
			d := ingest.Decode(m, noon)
			want := ingest.Decoded{Device: "v-001", Received: noon, Topic: m.Topic, Payload: m.Payload, Codec: "native/1", Report: &c.want}
			if diff := cmp.Diff(want, d); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Where a valve stands counts whatever its clock says: a time that cannot be
// read costs only itself.
func TestUnreadableTimesOfReports(t *testing.T) {
	receipt := noon.Truncate(time.Millisecond)
	for _, c := range []struct {
		topic, payload string
		want           ingest.Decoded
	}{
		{"ganlin/v1/v-001/report", `{"state":"open","at":false}`, ingest.Decoded{Report: &devices.CommandReport{State: devices.Opened, At: receipt}}},
		{"ganlin/v1/v-001/report", `{"command":"c-1","state":"closed","at":"32.7.","seq":3}`, ingest.Decoded{Report: &devices.CommandReport{Command: "c-1", State: devices.Closed, At: receipt, Seq: 3}}},
		{"ganlin/v1/v-001/status", `{"online":true,"at":"noon"}`, ingest.Decoded{Presence: &devices.Presence{Online: true, At: receipt}}},
		{"ganlin/v1/v-001/status", `{"online":false,"at":{}}`, ingest.Decoded{Presence: &devices.Presence{At: receipt}}},
	} {
		m := message(c.topic, c.payload)
		d := ingest.Decode(m, noon)
		checkDecoded(t, m, d)
		if len(d.Dead) != 1 || d.Dead[0].Reason != ingest.BadTime || !d.Dead[0].Part || string(d.Dead[0].Payload) != c.payload || !strings.Contains(d.Dead[0].Detail, "at its receipt") {
			t.Errorf("%s: dead letters %+v, want the part bad_time", c.payload, d.Dead)
		}
		if got := (ingest.Decoded{Report: d.Report, Presence: d.Presence}); cmp.Diff(c.want, got) != "" {
			t.Errorf("%s: %s", c.payload, cmp.Diff(c.want, got))
		}
	}
}

func TestBadTopicsAndReports(t *testing.T) {
	const good = `{"values":{"rssi":-1}}`
	for _, c := range []struct {
		topic, payload string
		device         devices.DeviceID
		want           ingest.Reason
	}{
		{"ganlin/v2/s-001/telemetry", good, "", ingest.BadTopic},
		{"ganlin/v1/s-001", good, "", ingest.BadTopic},
		{"ganlin/v1/s-001/telemetry/x", good, "", ingest.BadTopic},
		{"ganlin/v1/s-001/command", good, "", ingest.BadTopic},
		{"ganlin/v1/s.001/telemetry", good, "", ingest.BadTopic},
		{"ganlin/v1/" + strings.Repeat("s", 65) + "/telemetry", good, "", ingest.BadTopic},
		{"", good, "", ingest.BadTopic},
		{"ganlin/v1/v-001/status", ``, "v-001", ingest.BadJSON},
		{"ganlin/v1/v-001/status", `online`, "v-001", ingest.BadJSON},
		{"ganlin/v1/v-001/status", `{}`, "v-001", ingest.WrongType},
		{"ganlin/v1/v-001/status", `{"online":"yes"}`, "v-001", ingest.WrongType},
		{"ganlin/v1/v-001/status", `[]`, "v-001", ingest.WrongType},
		{"ganlin/v1/v-001/report", `{"state":"ajar"}`, "v-001", ingest.WrongType},
		{"ganlin/v1/v-001/report", `{"command":"c-1"}`, "v-001", ingest.WrongType},
		{"ganlin/v1/v-001/report", `{"state":"open","seq":"x"}`, "v-001", ingest.WrongType},
		{"ganlin/v1/v-001/report", `{"state":"open","volume_l":1e999}`, "v-001", ingest.WrongType},
	} {
		d := ingest.Decode(message(c.topic, c.payload), noon)
		if !d.Whole || d.Values != 0 || len(d.Dead) != 1 || d.Dead[0].Reason != c.want || d.Device != c.device || d.Presence != nil || d.Report != nil {
			t.Errorf("%s %s: %+v, want whole %s", c.topic, c.payload, d, c.want)
		}
	}
}

// A panicking codec stands for a fault of the program that no test has found.
type panicking struct{ ingest.Native }

func (panicking) Decode(ingest.Message, time.Time) ingest.Decoded { panic("index out of range") }

func TestPanicCostsOneMessage(t *testing.T) {
	m := telemetry(`{"values":{"rssi":-1}}`)
	m.Codec = panicking{}
	d := ingest.Decode(m, noon)
	if !d.Whole || d.Dead[0].Reason != ingest.Unparsable || !strings.Contains(d.Dead[0].Detail, "index out of range") {
		t.Errorf("got %+v", d)
	}
}
