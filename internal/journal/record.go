package journal

import (
	"bytes"
	"encoding/json"
	"iter"
	"strconv"
	"strings"
	"time"
	"unique"

	"ganlin/devices"
	"ganlin/ingest"
)

// A Record is one group of messages as the journal has it. It is shared by its
// readers: nobody changes it, nor the bytes that it hands out.
type Record struct {
	header
	position Position
	body     []byte
}

// newRecord reads a record whole: the header, the checksum and the hash.
func newRecord(raw []byte) (*Record, error) {
	h, body, err := decodeRecord(raw)
	if err != nil {
		return nil, err
	}
	return &Record{header: h, body: body, position: Position{h.generation, h.sequence, hashOf(raw)}}, nil
}

// Position returns where the record stands: what a reader keeps when it has done with it.
func (r *Record) Position() Position { return r.position }

// Time returns when the record was written, UTC. It never goes back from record to record.
func (r *Record) Time() time.Time { return fromMilli(r.at) }

// Counters returns the counts up to and with this record.
func (r *Record) Counters() Counters { return r.counters }

// Values counts the values that the lines of the record hold.
func (r *Record) Values() int {
	values := 0
	for _, n := range r.Lines() {
		values += n
	}
	return values
}

// Bytes returns the record's size.
func (r *Record) Bytes() int { return len(r.body) }

// Lines yields the lines for InfluxDB, each with its newline, and how many
// values each holds; flags are none.
func (r *Record) Lines() iter.Seq2[[]byte, int] {
	return func(yield func([]byte, int) bool) {
		for line := range bytes.Lines(r.body) {
			if line[0] != '#' && !yield(line, valuesIn(line)) {
				return
			}
		}
	}
}

// valuesIn counts the fields of a line that are no flags. A line that is
// derived holds none: values are numbers of readings.
func valuesIn(line []byte) int {
	if !ofReading(line) {
		return 0
	}
	fields := line[bytes.IndexByte(line, ' ')+1:]
	return bytes.Count(fields, []byte{'='}) - bytes.Count(fields, []byte("_q="))
}

// ofReading reports whether a line is of one of the measurements of readings.
func ofReading(line []byte) bool {
	measurement, _, _ := bytes.Cut(line, []byte{','})
	switch devices.Measurement(measurement) {
	case devices.SoilMeasurement, devices.WeatherMeasurement, devices.ValveMeasurement, devices.DeviceMeasurement:
		return true
	}
	return false
}

// Facts yields what the record tells the rules: readings, presence, reports,
// ticks, versions and acts, in the order in which they came. For what the rules
// themselves decided see Decisions.
func (r *Record) Facts() iter.Seq[devices.Fact] {
	return func(yield func(devices.Fact) bool) {
		var received time.Time
		for line := range bytes.Lines(r.body) {
			switch {
			case line[0] != '#':
				if ofReading(line) && !lineFacts(line, received, yield) {
					return
				}
			case bytes.HasPrefix(line, []byte(readingMark)):
				received = fromMilli(parseReading(line).received)
			default:
				if f, ok := commentFact(line); ok && !yield(f) {
					return
				}
			}
		}
	}
}

// FactsOf yields those of the facts that are of a kind other than readings.
// Where there is none it costs a look at the lines.
func (r *Record) FactsOf(kind devices.FactKind) iter.Seq[devices.Fact] {
	mark := map[devices.FactKind]string{
		devices.PresenceFact: presenceMark, devices.ReportFact: reportMark, devices.TickFact: tickMark,
		devices.VersionFact: versionMark, devices.ActFact: actMark,
	}[kind]
	return func(yield func(devices.Fact) bool) {
		for line := range bytes.Lines(r.body) {
			if !bytes.HasPrefix(line, []byte(mark)) {
				continue
			}
			if f, ok := commentFact(line); ok && !yield(f) {
				return
			}
		}
	}
}

// Decisions yields what was decided, without points. One that was put into the
// journal again after a crash comes again, with the same id.
func (r *Record) Decisions() iter.Seq[devices.Decision] {
	return func(yield func(devices.Decision) bool) {
		for line := range bytes.Lines(r.body) {
			content, ok := bytes.CutPrefix(line, []byte(decisionMark))
			if !ok {
				continue
			}
			var d devices.Decision
			if json.Unmarshal(content, &d) != nil {
				continue // not written by us: the checksum was right
			}
			if !yield(d) {
				return
			}
		}
	}
}

// A DeadLetter is a message, or a part of one, that could not be read. Its
// place among those of its record never changes.
type DeadLetter struct {
	ingest.DeadLetter
	Device   devices.DeviceID // empty when the topic named none
	Received time.Time        // UTC
}

// DeadLetters yields the dead letters of the record.
func (r *Record) DeadLetters() iter.Seq[DeadLetter] {
	return func(yield func(DeadLetter) bool) {
		for line := range bytes.Lines(r.body) {
			if !bytes.HasPrefix(line, []byte(deadMark)) {
				continue
			}
			var c comment
			if err := json.Unmarshal(line[len(deadMark):], &c); err != nil || c.Dead == nil {
				continue // not written by us: the checksum was right
			}
			if !yield(DeadLetter{ingest.DeadLetter(*c.Dead), c.Device, fromMilli(c.Received)}) {
				return
			}
		}
	}
}

func commentFact(line []byte) (devices.Fact, bool) {
	mark, content, _ := bytes.Cut(line, []byte{' '})
	f := devices.Fact{}
	switch string(mark) + " " {
	case presenceMark:
		f.Kind = devices.PresenceFact
	case reportMark:
		f.Kind = devices.ReportFact
	case tickMark:
		f.Kind = devices.TickFact
	case versionMark:
		f.Kind = devices.VersionFact
	case actMark:
		f.Kind = devices.ActFact
	default:
		return f, false
	}
	var c comment
	if json.Unmarshal(content, &c) != nil {
		return f, false // not written by us: the checksum was right
	}
	f.Device, f.Location = devices.DeviceID(interned(string(c.Device))), devices.Location(c.location)
	f.Received = fromMilli(c.Received)
	f.Presence, f.Report, f.Version, f.Act = c.Presence, c.Report, c.Version, c.Act
	switch {
	case f.Kind == devices.TickFact || f.Kind == devices.VersionFact:
		f.At = fromMilli(c.At)
	case f.Act != nil:
		f.At = f.Act.At
	case f.Report != nil && !f.Report.At.IsZero():
		f.At = f.Report.At
	case f.Presence != nil && f.Presence.Online && !f.Presence.At.IsZero():
		f.At = f.Presence.At
	default: // a will was written when its device connected
		f.At = f.Received
	}
	f.At = f.At.UTC().Truncate(time.Millisecond)
	return f, true
}

// A readingLine is the comment before the lines of a reading.
type readingLine struct {
	device   string
	received int64
	seq      int64
	hasSeq   bool
	timing   string
}

func parseReading(line []byte) (r readingLine) {
	rest := strings.TrimSuffix(string(line[len(readingMark):]), "\n")
	r.device, rest, _ = strings.Cut(rest, " ")
	received, rest, _ := strings.Cut(rest, " ")
	seq, rest, _ := strings.Cut(rest, " ")
	r.received, _ = strconv.ParseInt(received, 10, 64)
	var err error
	r.seq, err = strconv.ParseInt(seq, 10, 64)
	r.hasSeq = err == nil
	r.timing = rest
	return r
}

// lineFacts yields the values of a line, and reports whether to go on.
func lineFacts(b []byte, received time.Time, yield func(devices.Fact) bool) bool {
	l := parseLine(b)
	f := devices.Fact{Kind: devices.ReadingFact, At: fromMilli(l.at), Received: received, Device: l.device, Location: l.location, Key: l.key}
	for field := range l.numbers() {
		f.Key.Quantity, f.Value, f.Flags = quantity(field.name), field.number, field.flags
		if !yield(f) {
			return false
		}
	}
	return true
}

// interned returns s itself or an equal text that others hold already, so that
// what readers keep does not multiply.
func interned(s string) string { return unique.Make(s).Value() }
