package journal_test

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"ganlin/devices"
	"ganlin/ingest"
)

// A point is a line of line protocol as an InfluxDB would read it.
type point struct {
	measurement string
	tags        map[string]string
	fields      map[string]string
	at          int64
}

// parsePoint reads one line after the reference of InfluxDB 1.8, with escapes,
// and knows nothing of how the journal writes. It is as strict as can be.
func parsePoint(line string) (p point, err error) {
	p.tags, p.fields = map[string]string{}, map[string]string{}
	next := func(stops string) (text string, stop byte) {
		var b strings.Builder
		for i := 0; i < len(line); i++ {
			c := line[i]
			switch {
			case c == '\\' && i+1 < len(line):
				i++
				b.WriteByte(line[i])
			case strings.IndexByte(stops, c) >= 0:
				line = line[i+1:]
				return b.String(), c
			default:
				b.WriteByte(c)
			}
		}
		line = ""
		return b.String(), 0
	}
	var stop byte
	p.measurement, stop = next(", ")
	last := ""
	for stop == ',' {
		name, equal := next("=, ")
		if equal != '=' || name <= last {
			return p, fmt.Errorf("tag %q out of order or without a value", name)
		}
		last = name
		if p.tags[name], stop = next(", "); p.tags[name] == "" {
			return p, fmt.Errorf("tag %s is empty", name)
		}
	}
	if stop != ' ' || p.measurement == "" {
		return p, errors.New("no fields")
	}
	for stop = ','; stop == ','; {
		name, equal := next("=, ")
		if equal != '=' || p.fields[name] != "" {
			return p, fmt.Errorf("field %q is double or without a value", name)
		}
		p.fields[name], stop = next(", ")
		number, integer := strings.CutSuffix(p.fields[name], "i")
		if integer {
			_, err = strconv.ParseInt(number, 10, 64)
		} else {
			var f float64
			if f, err = strconv.ParseFloat(number, 64); math.IsInf(f, 0) || math.IsNaN(f) {
				err = errors.New("not finite")
			}
		}
		if err != nil {
			return p, err
		}
	}
	p.at, err = strconv.ParseInt(strings.TrimSuffix(line, "\n"), 10, 64)
	if err == nil && !strings.HasSuffix(line, "\n") {
		err = errors.New("no newline")
	}
	return p, err
}

var drawKey = rapid.Custom(func(t *rapid.T) devices.Key {
	spec := rapid.SampledFrom(devices.Quantities()).Draw(t, "quantity")
	k := devices.Key{Quantity: spec.Quantity}
	if spec.HasDepth {
		k.DepthCM = rapid.SampledFrom([]string{"", "20", "40"}).Draw(t, "depth")
	}
	k.Channel = rapid.SampledFrom([]string{"", "", "2", "17"}).Draw(t, "channel")
	return k
})

func drawMessage(t *rapid.T, prefix string) ingest.Decoded {
	at := start.Add(time.Duration(rapid.Int64Range(-1000, 1000).Draw(t, "at")) * time.Millisecond)
	d := ingest.Decoded{
		Device:   devices.DeviceID(prefix + rapid.SampledFrom([]string{"a", "b_-9", "C"}).Draw(t, "device")),
		Received: at.Add(time.Duration(rapid.Int64Range(0, 1e9).Draw(t, "later"))),
		Location: devices.Location{
			Plot:  devices.PlotID(rapid.SampledFrom([]string{"", "p-1"}).Draw(t, "plot")),
			Site:  devices.SiteID(rapid.SampledFrom([]string{"", "s_1"}).Draw(t, "site")),
			Place: devices.PlaceCode(rapid.SampledFrom([]string{"", "500119101001"}).Draw(t, "place")),
		},
	}
	for range rapid.IntRange(0, 3).Draw(t, "readings") {
		r := ingest.Reading{At: d.Received.Add(time.Duration(rapid.IntRange(-3, 3).Draw(t, "reading at")) * time.Second).Truncate(time.Millisecond)}
		r.Timing = rapid.SampledFrom([]ingest.Timing{ingest.DeviceTime, ingest.DeviceTime, ingest.ReceiveTime, ingest.UnsetClock}).Draw(t, "timing")
		if r.HasSeq = rapid.Bool().Draw(t, "has seq"); r.HasSeq {
			r.Seq = rapid.Int64Range(-2, 4).Draw(t, "seq")
		}
		for range rapid.IntRange(0, 6).Draw(t, "values") {
			r.Values = append(r.Values, ingest.Value{
				Key:    drawKey.Draw(t, "key"),
				Number: rapid.Float64().Draw(t, "number"),
				Flags:  devices.Flags(rapid.SampledFrom([]uint8{0, 0, 1, 2, 3, 255}).Draw(t, "flags")),
			})
			d.Values++
		}
		d.Readings = append(d.Readings, r)
	}
	if rapid.Bool().Draw(t, "rejected") {
		d.Values++
		d.Rejected = map[ingest.Reason]int{ingest.OutOfBounds: 1}
		d.Dead = []ingest.DeadLetter{{
			Reason: ingest.OutOfBounds, Detail: rapid.String().Draw(t, "detail"), Topic: rapid.String().Draw(t, "topic"),
			Payload: rapid.SliceOf(rapid.Byte()).Draw(t, "payload"), Part: true,
		}}
	}
	return d
}

// Every value that is accepted is, exactly once, a fact and a field of a line
// that any InfluxDB takes; every other one is counted as what it is.
func TestEveryValueIsOneFactAndOneField(t *testing.T) {
	n := newNode(t, t.TempDir(), nil)
	run := 0
	rapid.Check(t, func(t *rapid.T) {
		run++
		batch := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) ingest.Decoded { return drawMessage(t, fmt.Sprint("r", run)) }), 1, 6).Draw(t, "batch")
		before, counters := n.journal.State().End, n.journal.Counters()
		if err := n.journal.Append(t.Context(), batch); err != nil {
			t.Fatal(err)
		}
		records, err := n.journal.Read(t.Context(), before)
		if err != nil {
			t.Fatal(err)
		}
		if len(records) != 1 {
			t.Fatalf("got %d records, want 1", len(records))
		}
		r := records[0]
		after := n.journal.Counters()
		values := after.Values - counters.Values
		accepted := values - (after.Duplicate - counters.Duplicate) - (after.Rejected[ingest.OutOfBounds] - counters.Rejected[ingest.OutOfBounds])

		type one struct {
			device devices.DeviceID
			key    devices.Key
			at     int64
		}
		fields := map[one]string{}
		flags := map[one]string{}
		for line := range r.Lines() {
			p, err := parsePoint(string(line))
			if err != nil {
				t.Fatalf("%s: %v", line, err)
			}
			for name, number := range p.fields {
				quantity, isFlag := strings.CutSuffix(name, "_q")
				o := one{devices.DeviceID(p.tags["device"]), devices.Key{Quantity: devices.Quantity(quantity), DepthCM: p.tags["depth_cm"], Channel: p.tags["channel"]}, p.at}
				into := fields
				if isFlag {
					into = flags
				}
				if into[o] != "" {
					t.Fatalf("%v is there twice", o)
				}
				into[o] = number
				if spec, _ := o.key.Quantity.Spec(); string(spec.Measurement) != p.measurement {
					t.Fatalf("%s is in %s", quantity, p.measurement)
				}
			}
		}
		if int64(len(fields)) != accepted || int64(r.Values()) != accepted {
			t.Fatalf("%d fields, %d values of the record, %d accepted", len(fields), r.Values(), accepted)
		}
		facts := 0
		for f := range r.Facts() {
			facts++
			o := one{f.Device, f.Key, f.At.UnixMilli()}
			if number, err := strconv.ParseFloat(fields[o], 64); err != nil || number != f.Value {
				t.Fatalf("fact %+v is not the field %q", f, fields[o])
			}
			if got := strings.TrimSuffix(flags[o], "i"); f.Flags != 0 && got != strconv.Itoa(int(f.Flags)) || f.Flags == 0 && got != "" {
				t.Fatalf("fact %+v has the flags %q", f, got)
			}
			if !comesFrom(f, batch) {
				t.Fatalf("fact %+v comes from nowhere", f)
			}
		}
		if int64(facts) != accepted {
			t.Fatalf("%d facts, %d accepted", facts, accepted)
		}
		var dead, want []ingest.DeadLetter
		for d := range r.DeadLetters() {
			dead = append(dead, d.DeadLetter)
		}
		for _, d := range batch {
			for _, l := range d.Dead {
				l.Detail, l.Topic = strings.ToValidUTF8(l.Detail, "\ufffd"), strings.ToValidUTF8(l.Topic, "\ufffd")
				want = append(want, l)
			}
		}
		if diff := cmp.Diff(want, dead, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("dead letters: (-want +got)\n%s", diff)
		}
	})
	n.close(t)
	n.start(t)
	if losses := n.journal.State().Losses; len(losses) != 0 {
		t.Errorf("losses %v", losses)
	}
}

func comesFrom(f devices.Fact, batch []ingest.Decoded) bool {
	for _, d := range batch {
		if d.Device != f.Device || d.Location != f.Location || d.Received.UnixMilli() != f.Received.UnixMilli() {
			continue
		}
		for _, r := range d.Readings {
			for _, v := range r.Values {
				if v.Key == f.Key && v.Number == f.Value && v.Flags == f.Flags && (r.Timing != ingest.DeviceTime || r.At.Equal(f.At)) {
					return true
				}
			}
		}
	}
	return false
}

// What was a duplicate stays one, whether the index was saved, replayed or made anew.
func TestDuplicatesDoNotDependOnTheIndexFile(t *testing.T) {
	n := newNode(t, t.TempDir(), nil)
	var sent []ingest.Decoded
	for s := range 20 {
		clockless := message("c", s, devices.RSSI)
		clockless.Readings[0].Timing = ingest.ReceiveTime
		sent = append(sent, message("a", s), message("b", 20-s, devices.Flow, devices.VolumeTotal), clockless)
		n.append(t, sent[3*s:]...)
		if s == 9 {
			n.close(t) // saves the index
			n.start(t)
		}
	}
	for name, change := range map[string]func(dir string){
		"replayed": func(string) {},
		"anew":     func(dir string) { removeAll(t, dir, "journal/seen.db", "journal/seen.db-wal", "journal/seen.db-shm") },
	} {
		dir := n.killed(t)
		change(dir)
		c := at(dir)
		defer c.stopServer()
		c.start(t)
		partly := message("b", 5, devices.Flow, devices.PipePressure)
		c.append(t, append([]ingest.Decoded{partly}, sent...)...)
		if got, want := c.journal.Counters().Duplicate, int64(20+40+20+1); got != want {
			t.Errorf("%s: %d duplicates, want %d", name, got, want)
		}
		c.close(t)
	}
}
