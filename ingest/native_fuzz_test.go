package ingest_test

import (
	"encoding/json"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"ganlin/devices"
	"ganlin/ingest"
)

// A reporter is a test, a fuzz target or a property.
type reporter interface {
	Helper()
	Error(args ...any)
	Errorf(format string, args ...any)
}

// checkDecoded fails unless what was decoded obeys the accounting and the bounds of the contract.
func checkDecoded(tb reporter, m ingest.Message, d ingest.Decoded) {
	tb.Helper()
	good, rejected := 0, 0
	for _, r := range d.Readings {
		good += len(r.Values)
		if len(r.Values) == 0 && !r.HasSeq || r.At.Location() != time.UTC || r.At.Truncate(time.Millisecond) != r.At {
			tb.Errorf("reading %+v", r)
		}
		if r.At.Before(m.Received.Add(-30*24*time.Hour)) || r.At.After(m.Received.Add(5*time.Minute)) {
			tb.Errorf("reading at %s, received %s", r.At, m.Received)
		}
		for _, v := range r.Values {
			spec, known := v.Key.Quantity.Spec()
			if !known || spec.Check(v.Number) != nil || (v.Key.DepthCM != "" && !spec.HasDepth) {
				tb.Errorf("value %+v", v)
			}
			if key, err := devices.ParseKey(v.Key.String()); err != nil || key != v.Key {
				tb.Errorf("key %s reads back as %s, %v", v.Key, key, err)
			}
		}
	}
	for _, n := range d.Rejected {
		rejected += n
	}
	if d.Values != good+rejected {
		tb.Errorf("%d values, but %d good and %d rejected", d.Values, good, rejected)
	}
	if d.Whole != (len(d.Dead) == 1 && !d.Dead[0].Part) || (d.Whole && (d.Values != 0 || d.Readings != nil || d.Presence != nil || d.Report != nil)) {
		tb.Errorf("whole: %t, with %d values and dead letters %+v", d.Whole, d.Values, d.Dead)
	}
	if !d.Whole && d.Values == 0 && d.Presence == nil && d.Report == nil {
		tb.Error("nothing was decoded, and the message is no dead letter")
	}
	if (rejected > 0) && len(d.Dead) == 0 {
		tb.Error("values were rejected without a dead letter")
	}
	if len(d.Dead) > 6 {
		tb.Errorf("%d dead letters for one message", len(d.Dead))
	}
	for _, letter := range d.Dead {
		if letter.Reason == "" || letter.Detail == "" || len(letter.Detail) > 1000 || letter.Topic != m.Topic ||
			letter.Length != len(m.Payload) || len(letter.Payload) > ingest.MaxPayload {
			tb.Errorf("dead letter %+v", letter)
		}
		if letter.Part && !json.Valid(letter.Payload) {
			tb.Errorf("part %s cannot be replayed", letter.Payload)
		}
	}
}

func FuzzNative(f *testing.F) {
	for _, payload := range []string{
		`{"at":"2026-07-01T08:00:00Z","seq":412,"values":{"soil_moisture@20":0.231,"battery_voltage":3.61}}`,
		`[{"at":1782892800123,"values":{"rssi":-1}},{"values":{"x":1}},{"at":{},"values":{"rssi#1":1e999}},[],""]`,
		`{"seq":1,"values":{"rssi":80}}`, // nothing is left of it but that it came
		`[{"at":1782892800123,"seq":-7,"values":{}},{"at":1782892800124,"seq":1.5,"values":{"x":1}}]`,
		`{"val\u0075es":{"rssi\\":-1,"":null,"@":1,"#":1},"values":{"rssi":"\""}}`,
		`{"online":true,"firmware":"1","at":"2026-07-01T08:00:00Z","seq":1}`,
		`{"command":"c","state":"open","at":1,"seq":413,"volume_l":812.5,"reason":"clock"}`,
		`{`, `[]`, `{}`, ` `, `1`, "\xff",
	} {
		for leaf := range byte(3) {
			f.Add([]byte(payload), leaf)
		}
	}
	f.Fuzz(func(t *testing.T, payload []byte, leaf byte) {
		m := message(devices.Topic("s-001", devices.UpLeaves()[leaf%3]), string(payload))
		checkDecoded(t, m, ingest.Native{}.Decode(m, noon))
	})
}

func FuzzNativeTopic(f *testing.F) {
	for _, topic := range []string{"ganlin/v1/s-001/telemetry", "ganlin/v1//status", "ganlin/v1/+/report", "#", "ganlin/v1/s-001/telemetry/"} {
		f.Add(topic)
	}
	f.Fuzz(func(t *testing.T, topic string) {
		m := message(topic, `{"values":{"rssi":-1}}`)
		d := ingest.Native{}.Decode(m, noon)
		checkDecoded(t, m, d)
		if d.Device != "" && !strings.HasPrefix(topic, "ganlin/v1/"+string(d.Device)+"/") {
			t.Errorf("%s is taken for device %s", topic, d.Device)
		}
	})
}

// The size of what is decoded is in proportion to the message, whatever it holds.
func TestHostileMessagesStaySmall(t *testing.T) {
	const size, limit = 64 << 10, 4 << 20
	for name, part := range map[string]string{
		"values":         `"rssi":0,`,
		"unknown keys":   `"a":0,`,
		"bad keys":       `"@":0,`,
		"wrong types":    `"rssi":"",`,
		"out of bounds":  `"rssi":1,`,
		"commas in keys": `",,,,,,,,,,,,,,,,,,,,,,,":0,`,
		"escapes":        `"\u0061":0,`,
	} {
		payload := `{"values":{` + strings.TrimSuffix(strings.Repeat(part, size/len(part)), ",") + `}}`
		t.Run(name, func(t *testing.T) { checkSize(t, payload, limit) })
	}
	for name, part := range map[string]string{
		"empty readings": `{},`,
		"numbers":        `0,`,
		"no times":       `{"values":{"rssi":0}},`,
		"five problems":  `{"at":1782892800000,"values":{"a":0,"@":0,"rssi":"","snr":99}},`,
	} {
		payload := `[` + strings.TrimSuffix(strings.Repeat(part, min(1000, size/len(part))), ",") + `]`
		t.Run(name, func(t *testing.T) { checkSize(t, payload, limit) })
	}
}

func checkSize(t *testing.T, payload string, limit uint64) {
	t.Helper()
	m := telemetry(payload)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	d := ingest.Native{}.Decode(m, noon)
	runtime.ReadMemStats(&after)
	checkDecoded(t, m, d)
	if used := after.TotalAlloc - before.TotalAlloc; used > limit {
		t.Errorf("%d bytes allocated for a message of %d", used, len(payload))
	}
}

// TestAccounting compares the codec with what the test knows of the messages it makes.
func TestAccounting(t *testing.T) {
	type entry struct {
		json   string
		reason ingest.Reason // empty: good
	}
	entries := rapid.SampledFrom([]entry{
		{`"rssi":-80`, ""},
		{`"soil_moisture@20#1":0.2`, ""},
		{`"soil_moisture@10" : -0.01`, ""},
		{`"rain_total":1e12`, ""},
		{`"rssi":1`, ingest.OutOfBounds},
		{`"valve_open":2`, ingest.OutOfBounds},
		{`"rssi":null`, ingest.WrongType},
		{`"rssi":{"a":[1,{}]}`, ingest.WrongType},
		{`"rssi":1e999`, ingest.WrongType},
		{`"rssi@5":-1`, ingest.BadKey},
		{`"soil_moisture@05":0.1`, ingest.BadKey},
		{`"":1`, ingest.BadKey},
		{`"RSSI":-1`, ingest.UnknownQuantity},
		{`"a}]\"":1`, ingest.UnknownQuantity},
	})
	times := rapid.SampledFrom([]string{`"at":"2026-07-01T08:00:00Z",`, `"at":1782892800000,`, `"at":5,`, `"at":"2031-01-01T00:00:00Z",`, ``})
	rapid.Check(t, func(t *rapid.T) {
		isArray := rapid.Bool().Draw(t, "array")
		n := 1
		if isArray {
			n = rapid.IntRange(1, 5).Draw(t, "readings")
		}
		values, readable, kept, want := 0, false, 0, make(map[ingest.Reason]int)
		var readings []string
		for range n {
			at := times.Draw(t, "at")
			bad := strings.Contains(at, "2031") || isArray && (at == "" || at == `"at":5,`)
			seq := rapid.SampledFrom([]string{"", `"seq":7,`, `"seq":-1,`, `"seq":1.5,`, `"seq":"7",`}).Draw(t, "seq")
			good := seq == `"seq":7,` || seq == `"seq":-1,` // of such a reading at least its coming is kept
			var members []string
			for _, e := range rapid.SliceOfN(entries, 0, 6).Draw(t, "values") {
				members = append(members, e.json)
				values++
				switch {
				case bad:
					want[ingest.BadTime]++
				case e.reason != "":
					want[e.reason]++
				}
				readable = readable || !bad
				good = good || e.reason == ""
			}
			if good && !bad {
				kept++
			}
			space := rapid.SampledFrom([]string{"", " ", "\n\t"}).Draw(t, "space")
			readings = append(readings, space+`{`+at+seq+`"values":{`+strings.Join(members, ","+space)+space+`}}`)
		}
		payload := strings.Join(readings, ",")
		if isArray {
			payload = `[` + payload + `]`
		}
		m := telemetry(payload)
		d := ingest.Native{}.Decode(m, noon)
		checkDecoded(t, m, d)
		if d.Whole == readable {
			t.Fatalf("%s: whole is %t", payload, d.Whole)
		}
		if !readable {
			return
		}
		if d.Values != values || (len(want) > 0 && fmt.Sprint(d.Rejected) != fmt.Sprint(want)) || (len(want) == 0 && len(d.Dead) > 0 && d.Rejected != nil) {
			t.Fatalf("%s: %d values, rejected %v, want %d, %v", payload, d.Values, d.Rejected, values, want)
		}
		if len(d.Readings) != kept {
			t.Fatalf("%s: %d readings, want %d", payload, len(d.Readings), kept)
		}
	})
}
