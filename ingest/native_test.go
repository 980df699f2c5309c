package ingest_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ganlin/devices"
	"ganlin/ingest"
)

// noon is when the messages of these tests are received.
var noon = time.Date(2026, 7, 1, 12, 0, 0, 123456789, time.UTC)

func telemetry(payload string) ingest.Message {
	return ingest.Message{Topic: "ganlin/v1/s-001/telemetry", Payload: []byte(payload), QoS: 1, Received: noon}
}

// summary writes what was decoded on one line each: readings, then what is
// wrong, then the counts unless every value was good.
func summary(d ingest.Decoded) string {
	var b strings.Builder
	good := 0
	for _, r := range d.Readings {
		b.WriteString(r.At.Format("15:04:05.000"))
		b.WriteString([]string{"", " receipt", " unset"}[r.Timing])
		if r.HasSeq {
			fmt.Fprintf(&b, " seq %d", r.Seq)
		}
		for _, v := range r.Values {
			good++
			fmt.Fprintf(&b, " %s=%g", v.Key, v.Number)
			if v.Flags != 0 {
				fmt.Fprintf(&b, "(%d)", v.Flags)
			}
		}
		b.WriteByte('\n')
	}
	for _, letter := range d.Dead {
		kind := "whole"
		if letter.Part {
			kind = "part"
		}
		fmt.Fprintf(&b, "%s %s\n", kind, letter.Reason)
	}
	if d.Values != good {
		fmt.Fprintf(&b, "values %d", d.Values)
		for _, reason := range slices.Sorted(maps.Keys(d.Rejected)) {
			fmt.Fprintf(&b, " %s %d", reason, d.Rejected[reason])
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func TestTelemetry(t *testing.T) {
	for _, c := range []struct{ name, payload, want string }{
		{
			"plain", `{"at":"2026-07-01T08:00:00.1239Z","seq":412,"values":{"soil_moisture@20":0.231,"battery_voltage":3.61}}`,
			"08:00:00.123 seq 412 soil_moisture@20=0.231 battery_voltage=3.61\n",
		},
		{"offset", `{"at":"2026-07-01T16:00:00+08:00","values":{"rssi":-80}}`, "08:00:00.000 rssi=-80\n"},
		{"Unix ms", `{"at":1782892800123,"values":{"rssi":-80}}`, "08:00:00.123 rssi=-80\n"},
		{"Unix ms with a fraction", `{"at":1.7828928001239e12,"values":{"rssi":-80}}`, "08:00:00.123 rssi=-80\n"},
		{
			"channel", `{"seq":1,"values":{"soil_moisture@20#2":0.2,"rssi#3":-1}}`,
			"12:00:00.123 receipt seq 1 soil_moisture@20#2=0.2 rssi#3=-1\n",
		},
		{"no at", `{"values":{"rssi":-80}}`, "12:00:00.123 receipt rssi=-80\n"},
		{"at null", `{"at":null,"values":{"rssi":-80}}`, "12:00:00.123 receipt rssi=-80\n"},
		{"clock not set", `{"at":"1970-01-01T00:00:12Z","values":{"rssi":-80}}`, "12:00:00.123 unset rssi=-80(1)\n"},
		{"last unset second", `{"at":"2019-12-31T23:59:59Z","values":{"rssi":-80}}`, "12:00:00.123 unset rssi=-80(1)\n"},
		{"at behind the values", `{"values":{"rssi":-80},"seq":7,"at":"2026-07-01T08:00:00Z"}`, "08:00:00.000 seq 7 rssi=-80\n"},
		{
			"unknown members", `{"v":2,"at":"2026-07-01T08:00:00Z","meta":{"values":{"rssi":1},"x":[1,{"y":"}"}]},"values":{"rssi":-80}}`,
			"08:00:00.000 rssi=-80\n",
		},
		{"spaces", " {\n\t\"values\" : { \"rssi\" : -80 , \"snr\" : 7 } }\r\n ", "12:00:00.123 receipt rssi=-80 snr=7\n"},
		{"escaped names", `{"val\u0075es":{"rss\u0069":-80}}`, "12:00:00.123 receipt rssi=-80\n"},
		{"repeated key", `{"values":{"rssi":-80,"rssi":-81}}`, "12:00:00.123 receipt rssi=-80 rssi=-81\n"},
		{"repeated values", `{"values":{"rssi":-80},"values":{"snr":1}}`, "12:00:00.123 receipt rssi=-80 snr=1\n"},
		{"seq of another type", `{"seq":"412","values":{"rssi":-80}}`, "12:00:00.123 receipt rssi=-80\n"},
		{"seq too big", `{"seq":9223372036854775808,"values":{"rssi":-80}}`, "12:00:00.123 receipt rssi=-80\n"},
		{"probe in air", `{"values":{"soil_moisture@10":-0.02}}`, "12:00:00.123 receipt soil_moisture@10=-0.02(2)\n"},
		{"probe in air, clock not set", `{"at":0,"values":{"soil_moisture@10":-0.02}}`, "12:00:00.123 unset soil_moisture@10=-0.02(3)\n"},
		{
			"array", `[{"at":"2026-07-01T08:00:00Z","values":{"rssi":-80}},{"at":"2026-07-01T08:10:00Z","seq":2,"values":{"rssi":-81}}]`,
			"08:00:00.000 rssi=-80\n08:10:00.000 seq 2 rssi=-81\n",
		},

		{
			"good half of a reading", `{"values":{"rssi":-80,"soil_moisture@20":9,"air_temperature":"warm","colour":1,"rssi@20":-80,"rssi@x":-80,"snr":7}}`,
			"12:00:00.123 receipt rssi=-80 snr=7\npart out_of_bounds\npart wrong_type\npart unknown_quantity\npart bad_key\nvalues 7 bad_key 2 out_of_bounds 1 unknown_quantity 1 wrong_type 1\n",
		},
		{"no good half", `{"values":{"rssi":80}}`, "part out_of_bounds\nvalues 1 out_of_bounds 1\n"},
		{
			"good half of an array", `[{"at":"2026-07-01T08:00:00Z","values":{"rssi":-80}},{"values":{"rssi":-80,"snr":1}},7,{"at":"2026-07-01T08:10:00Z"},{"at":"2027-07-01T08:10:00Z","values":{"rssi":-81}}]`,
			"08:00:00.000 rssi=-80\npart bad_time\npart wrong_type\npart no_values\nvalues 4 bad_time 3\n",
		},
		{
			"values of another type in an array", `[{"at":"2026-07-01T08:00:00Z","values":{"rssi":-80}},{"at":"2026-07-01T08:00:00Z","values":[1]}]`,
			"08:00:00.000 rssi=-80\npart wrong_type\n",
		},

		{"too old", `{"at":"2026-06-01T12:00:00.122Z","values":{"rssi":-80}}`, "whole bad_time\n"},
		{"just young enough", `{"at":"2026-06-01T12:00:00.124Z","values":{"rssi":-80}}`, "12:00:00.124 rssi=-80\n"},
		{"too far ahead", `{"at":"2026-07-01T12:05:01Z","values":{"rssi":-80}}`, "whole bad_time\n"},
		{"just near enough", `{"at":"2026-07-01T12:05:00.123Z","values":{"rssi":-80}}`, "12:05:00.123 rssi=-80\n"},
		{"no time", `{"at":"yesterday","values":{"rssi":-80}}`, "whole bad_time\n"},
		{"local time", `{"at":"2026-07-01T08:00:00","values":{"rssi":-80}}`, "whole bad_time\n"},
		{"at of another type", `{"at":true,"values":{"rssi":-80}}`, "whole bad_time\n"},
		{"at is an object", `{"at":{"ms":1},"values":{"rssi":-80}}`, "whole bad_time\n"},
		{"at beyond any date", `{"at":1e300,"values":{"rssi":-80}}`, "whole bad_time\n"},
		{"array without times", `[{"values":{"rssi":-80}},{"at":12,"values":{"rssi":-80}}]`, "whole bad_time\n"},

		{"empty message", ``, "whole bad_json\n"},
		{"broken", `{"values":{"rssi":-80}`, "whole bad_json\n"},
		{"broken in an array", `[{"at":"2026-07-01T08:00:00Z","values":{"rssi":-80}},{"at":`, "whole bad_json\n"},
		{"NaN", `{"values":{"rssi":NaN}}`, "whole bad_json\n"},
		{"Infinity", `{"values":{"rssi":-Infinity}}`, "whole bad_json\n"},
		{"two messages", `{"values":{"rssi":-80}}{"values":{"rssi":-80}}`, "whole bad_json\n"},
		{"not UTF-8 outside texts", "{\xff}", "whole bad_json\n"},
		{"a number", `412`, "whole wrong_type\n"},
		{"a text", `"hello"`, "whole wrong_type\n"},
		{"null", `null`, "whole wrong_type\n"},
		{"an array of numbers", `[1,2]`, "whole wrong_type\n"},
		{"an empty array", `[]`, "whole no_values\n"},
		{"an empty object", `{}`, "whole no_values\n"},
		{"empty values", `{"at":"2026-07-01T08:00:00Z","values":{}}`, "whole no_values\n"},
		{"values of another type", `{"values":3}`, "whole wrong_type\n"},
		{
			"1,000 readings", "[" + strings.Repeat(`{"at":1782892800000,"values":{"rssi":1}},`, 999) + `{"at":1782892800000,"values":{"rssi":-1}}]`,
			"08:00:00.000 rssi=-1\npart out_of_bounds\nvalues 1000 out_of_bounds 999\n",
		},
		{"1,001 readings", "[" + strings.Repeat(`{"at":1782892800000,"values":{"rssi":-1}},`, 1000) + `{}]`, "whole too_many\n"},
		{"too large", strings.Repeat(" ", 256<<10) + `{}`, "whole too_large\n"},
		{"deep", strings.Repeat(`[`, 20000), "whole bad_json\n"},
		{"deep and valid", `{"x":` + strings.Repeat(`[`, 9000) + strings.Repeat(`]`, 9000) + `,"values":{"rssi":-1}}`, "12:00:00.123 receipt rssi=-1\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, summary(ingest.Decode(telemetry(c.payload), noon))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestValues(t *testing.T) {
	for value, want := range map[string]ingest.Reason{
		`-200`: "", `0`: "", `-80.5`: "", `-8.05e1`: "", `-1e-400`: "",
		`-200.001`: ingest.OutOfBounds, `0.001`: ingest.OutOfBounds, `1e308`: ingest.OutOfBounds,
		`1e999`: ingest.WrongType, `-1e999`: ingest.WrongType, `"-80"`: ingest.WrongType, `true`: ingest.WrongType,
		`null`: ingest.WrongType, `[-80]`: ingest.WrongType, `{"v":-80}`: ingest.WrongType, `"NaN"`: ingest.WrongType,
	} {
		d := ingest.Decode(telemetry(`{"values":{"rssi":`+value+`}}`), noon)
		if got := slices.Collect(maps.Keys(d.Rejected)); d.Values != 1 || (want == "") != (len(got) == 0) || (want != "" && got[0] != want) {
			t.Errorf("rssi %s: %d values, rejected %v, want %q", value, d.Values, got, want)
		}
	}
	for _, spec := range devices.Quantities() {
		for _, number := range []float64{spec.Min, min(spec.Max, 1e15)} {
			d := ingest.Decode(telemetry(fmt.Sprintf(`{"values":{"%s":%g}}`, spec.Quantity, number)), noon)
			if len(d.Readings) != 1 || d.Readings[0].Values[0].Number != number {
				t.Errorf("%s %g is not taken: %+v", spec.Quantity, number, d.Dead)
			}
		}
	}
	d := ingest.Decode(telemetry(`{"values":{"valve_open":0.5}}`), noon)
	if d.Rejected[ingest.OutOfBounds] != 1 {
		t.Errorf("valve_open 0.5: %v, want out_of_bounds", d.Rejected)
	}
}

func TestStepClock(t *testing.T) {
	at := noon.Add(23 * time.Hour).Truncate(time.Millisecond) // of a reading before the next tick
	d := ingest.Decode(telemetry(fmt.Sprintf(`{"at":%d,"values":{"rssi":-80}}`, at.UnixMilli())), noon.Add(24*time.Hour))
	if len(d.Readings) != 1 || !d.Readings[0].At.Equal(at) {
		t.Errorf("got %s, want the reading at %s", summary(d), at)
	}
}

func TestDeadLetters(t *testing.T) {
	long := strings.Repeat("x", 300)
	for _, c := range []struct{ name, payload, detail, part string }{
		{"syntax", `{"values":{"rssi":-80,}}`, "the message is not JSON: invalid character '}' looking for beginning of object key string, at byte 23 of 24", `{"values":{"rssi":-80,}}`},
		{"cut off", `{"values":`, "the message is not JSON: unexpected end of JSON input, at byte 10 of 10", `{"values":`},
		{"bounds", `{"values":{"soil_moisture@20":23.1}}`, `"soil_moisture@20": soil_moisture 23.1 m3/m3 is outside -0.05 … 0.8`, `{"values":{"soil_moisture@20":23.1}}`},
		{"type", `{"values":{"air_temperature":"21"}}`, `"air_temperature" is a text; send a number in Cel`, `{"values":{"air_temperature":"21"}}`},
		{"depth", `{"values":{"rssi@20#1":1}}`, `key "rssi@20#1" has a depth, which rssi has not; use "rssi#1"`, `{"values":{"rssi@20#1":1}}`},
		{"quantity", `{"values":{"temp":1,"hum":2,"bat":3}}`, `key "temp" names a quantity that is not in the contract (and 2 more of the kind)`, `{"values":{"temp":1,"hum":2,"bat":3}}`},
		{"long key", `{"values":{"` + long + `":1}}`, `key "` + long[:64] + `…" names a quantity that is not in the contract`, `{"values":{"` + long + `":1}}`},
		{
			"only the readings concerned", `[{"at":1782892800000,"values":{"rssi":-1}}, {"at":1782892800,"values":{"rssi":-2}} ,{"values":{"rssi":-3}}]`,
			`reading 2: "at" is 1970-01-21T15:14:52Z: the clock was not set, or Unix time was sent in seconds in place of milliseconds (and 1 more of the kind)`,
			`[{"at":1782892800,"values":{"rssi":-2}},{"values":{"rssi":-3}}]`,
		},
		{
			"once a reading", `[{"at":1782892800000,"values":{"rssi":1,"snr":99}}]`, `reading 1: "rssi": rssi 1 dBm is outside -200 … 0 (and 1 more of the kind)`,
			`[{"at":1782892800000,"values":{"rssi":1,"snr":99}}]`,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			dead := ingest.Decode(telemetry(c.payload), noon).Dead
			if len(dead) != 1 {
				t.Fatalf("%d dead letters, want 1", len(dead))
			}
			want := dead[0]
			want.Detail, want.Payload, want.Length, want.SHA256 = c.detail, []byte(c.part), len(c.payload), ""
			want.Topic, want.Codec = "ganlin/v1/s-001/telemetry", "native/1"
			if diff := cmp.Diff(want, dead[0]); diff != "" {
				t.Error(diff)
			}
		})
	}
	t.Run("too large", func(t *testing.T) {
		payload := strings.Repeat("a", 1<<20)
		d := ingest.Decode(telemetry(payload), noon)
		letter := d.Dead[0]
		if d.Device != "s-001" || len(letter.Payload) != 64<<10 || letter.Length != 1<<20 ||
			letter.SHA256 != "9bc1b2a288b26af7257a36277ae3816a7d4f16e89c1e7e77d0a5c48bad62b360" {
			t.Errorf("device %q, %d bytes kept of %d, SHA-256 %s", d.Device, len(letter.Payload), letter.Length, letter.SHA256)
		}
	})
}
