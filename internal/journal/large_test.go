package journal_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"ganlin/devices"
	"ganlin/ingest"
	"ganlin/internal/journal"
)

// A message that the encoding makes large, and many of them, fit all the same. A
// reading that no device can send is kept as it came.
func TestLargeMessages(t *testing.T) {
	n := newNode(t, t.TempDir(), nil)
	large := message("a", 1)
	large.Dead = []ingest.DeadLetter{{Reason: ingest.TooLarge, Payload: make([]byte, 256<<10), Part: true}}
	batch := []ingest.Decoded{large, message("b", 1)}
	for range 40 {
		batch = append(batch, large)
	}
	n.append(t, batch...)
	if c := n.journal.Counters(); c.Received != 42 || c.Duplicate != 40 {
		t.Errorf("counters %+v", c)
	}
	dead := 0
	records := n.read(t, journal.Position{})
	for _, r := range records {
		for d := range r.DeadLetters() {
			dead += len(d.Payload) >> 18
		}
	}
	if dead != 41 || len(records) < 5 {
		t.Errorf("%d dead letters in %d records", dead, len(records))
	}

	flood := message("f", 1)
	for i := range 20_000 {
		v := flood.Readings[0].Values[0]
		v.Key.Channel = string(append([]byte(nil), byte('1'+i%9), byte('0'+i/9%10), byte('0'+i/90%10), byte('0'+i/900%10), byte('0'+i/9000%10)))
		flood.Readings[0].Values = append(flood.Readings[0].Values, v)
	}
	flood.Values = len(flood.Readings[0].Values)
	flood.Topic, flood.Payload, flood.Codec = "ganlin/v1/f/telemetry", []byte("as it came"), "native/1"
	end := n.journal.State().End
	n.append(t, flood, message("f", 2))
	c := n.journal.Counters()
	if c.Rejected[ingest.TooLarge] != 20_001 || c.Received != 44 {
		t.Errorf("counters %+v, want the flood rejected as too large", c)
	}
	for _, r := range n.read(t, end) {
		for d := range r.DeadLetters() {
			if d.Topic != flood.Topic || string(d.Payload) != "as it came" || d.Length != 10 || d.Codec != flood.Codec || !d.Part {
				t.Errorf("the dead letter of the flood is %+v", d)
			}
			dead++
		}
	}
	if dead != 42 {
		t.Error("the flood left no dead letter")
	}
}

// What cannot be a tag is kept as it came, once for all its readings.
func TestIDsThatAreNoTags(t *testing.T) {
	n := newNode(t, t.TempDir(), nil)
	odd := message("a b", 1)
	odd.Readings = append(odd.Readings, message("a b", 2, probeQuantities...).Readings...)
	odd.Values, odd.Topic, odd.Payload, odd.Codec = 1+len(probeQuantities), "some/topic", []byte("as it came"), "other/1"
	n.append(t, odd, message("a", 1))
	if lines := n.balance(t); lines != 1 {
		t.Errorf("%d lines, want that of the good one", lines)
	}
	var letters []journal.DeadLetter
	for _, r := range n.read(t, journal.Position{}) {
		letters = slices.AppendSeq(letters, r.DeadLetters())
	}
	if len(letters) != 1 || letters[0].Reason != ingest.UnknownDevice || letters[0].Topic != odd.Topic || string(letters[0].Payload) != "as it came" || letters[0].Codec != odd.Codec {
		t.Errorf("dead letters %+v", letters)
	}
}

// widest is the legal message that takes the most room in the journal: as many
// values as 256 KiB hold, each with a line of its own, and the longest ids.
func widest(t *testing.T) ingest.Decoded {
	t.Helper()
	id := strings.Repeat("s", 64)
	var b strings.Builder
	for n := 0; b.Len() < ingest.MaxPayload-4000; n++ {
		fmt.Fprintf(&b, `,{"at":%d,"seq":%d,"values":{`, start.Add(time.Duration(n)*time.Second).UnixMilli(), n)
		for channel := range 100 {
			for i, quantity := range []string{"snr", "flow", "rain"} {
				if channel+i > 0 {
					b.WriteByte(',')
				}
				fmt.Fprintf(&b, `"%s#%d":0`, quantity, channel)
			}
		}
		b.WriteString("}}")
	}
	m := ingest.Message{Topic: devices.Topic(devices.DeviceID(id), devices.Telemetry), Payload: []byte("[" + b.String()[1:] + "]"), Received: start.Add(time.Hour)}
	d := ingest.Decode(m, m.Received)
	d.Location = devices.Location{Plot: devices.PlotID(strings.Repeat("p", 64)), Site: devices.SiteID(strings.Repeat("v", 64)), Place: "500119101001"}
	if len(m.Payload) > ingest.MaxPayload || len(d.Dead) > 0 || d.Values < 20_000 {
		t.Fatalf("%d values in %d bytes, %d dead letters", d.Values, len(m.Payload), len(d.Dead))
	}
	return d
}

// balance fails unless each value is a line, a duplicate or rejected.
func (n *node) balance(t *testing.T) (lines int64) {
	t.Helper()
	for _, r := range n.read(t, journal.Position{}) {
		lines += int64(r.Values())
	}
	c := n.journal.Counters()
	sum := lines + c.Duplicate
	for _, rejected := range c.Rejected {
		sum += rejected
	}
	if c.Values != sum {
		t.Errorf("%d values of which %d are lines, %d duplicates and %v rejected", c.Values, lines, c.Duplicate, c.Rejected)
	}
	return lines
}

// Every message within the contract's limits fits, over several records if need be.
func TestEveryLegalMessageFits(t *testing.T) {
	n := newNode(t, t.TempDir(), nil)
	d := widest(t)
	n.append(t, message("a", 1), d, message("b", 1))
	if lines := n.balance(t); lines != int64(d.Values)+2 {
		t.Errorf("%d of %d values are in lines", lines, d.Values+2)
	}
	if c := n.journal.Counters(); c.Received != 3 || c.Decoded != 3 || len(c.Rejected) > 0 || n.journal.State().End.Sequence < 2 {
		t.Errorf("counters %+v in %d records", c, n.journal.State().End.Sequence)
	}
	t.Logf("%d values of one message of %d bytes, in %d records", d.Values, len(d.Payload), n.journal.State().End.Sequence)
	n.append(t, d)
	if c := n.journal.Counters(); c.Duplicate != int64(d.Values) {
		t.Errorf("%d duplicates of %d values that came again", c.Duplicate, d.Values)
	}

	same := strings.Repeat(`,"rssi":-1`, 26_000)[1:]
	repeated := ingest.Decode(ingest.Message{Topic: "ganlin/v1/c/telemetry", Payload: []byte(`{"seq":1,"values":{` + same + `}}`), Received: start}, start)
	before := n.journal.Counters().Duplicate
	n.append(t, repeated)
	if c := n.journal.Counters(); c.Duplicate != before+25_999 || len(c.Rejected) > 0 {
		t.Errorf("counters %+v of one value that is there 26,000 times", c)
	}
	n.balance(t)
}

// The journal breaks off between two records of one message: what is there is
// counted, the rest is not, and all of it is there once when the message comes again.
func TestLargeMessageCutShort(t *testing.T) {
	now, looks := start, 0
	n := newNode(t, t.TempDir(), func(o *journal.Options) {
		o.MinFree = 1
		o.Now = func() time.Time { // every look at the room is due
			now = now.Add(time.Minute)
			return now
		}
		o.FreeBytes = func() (int64, error) {
			looks++
			return int64(2 - looks), nil // room for one record
		}
	})
	d := widest(t)
	if err := n.journal.Append(t.Context(), []ingest.Decoded{d}); !errors.Is(err, ingest.ErrRefused) {
		t.Fatalf("got %v, want a refusal between the records", err)
	}
	there := n.balance(t)
	if c := n.journal.Counters(); there == 0 || there == int64(d.Values) || c.Received != 1 || c.Values != there {
		t.Errorf("%d of %d values are there, counters %+v", there, d.Values, c)
	}
	looks = -1000
	n.append(t, d)
	if lines := n.balance(t); lines != int64(d.Values) {
		t.Errorf("%d of %d values are in lines", lines, d.Values)
	}
	if c := n.journal.Counters(); c.Received != 2 || c.Duplicate != there {
		t.Errorf("counters %+v, want the %d values of before as duplicates", c, there)
	}
}
