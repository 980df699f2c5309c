package journal

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"

	"ganlin/devices"
	"ganlin/ingest"
	"ganlin/internal/journal/seen"
)

// An encoder writes the body of a record. Readings become lines of line
// protocol, which InfluxDB takes as they are; the rest are comments:
//
//	#reading s-001 1783010400123 412 device
//	soil,depth_cm=20,device=s-001,place=500119101001,plot=p-001,site=sanquan soil_moisture=0.231 1783010400000
//	#presence {…}
//	#report {…}
//	#tick {…}
//	#version {…}
//	#act {…}
//	#dead {…}
//	#decision {…}
//	balance,place=500119101001,plot=p-001,site=sanquan depletion_mm=41.2 1783010400000
//
// The comment of a reading stands before its lines and names the device, the
// receive time, the seq or -, and where the time of the lines comes from. The
// lines after a decision are what is derived: no values, and no readings.
type encoder struct {
	index *seen.Index
	room  int // of a body, bytes

	body     []byte
	counters Counters // of this record alone
	fresh    int64
	highest  []seqOf

	tags    []byte   // ,device=… of the message in hand
	names   []string // of the fields of the point in hand
	values  []value
	reading seen.Reading
}

// A seqOf is a seq that a record holds, for those who wait for it.
type seqOf struct {
	device devices.DeviceID
	seq    int64
}

// A value is one number with all that sorts it into a line.
type value struct {
	measurement devices.Measurement
	ingest.Value
}

func (e *encoder) reset() {
	e.body, e.counters, e.fresh, e.highest = e.body[:0], Counters{}, 0, e.highest[:0]
}

// message adds one message, or a piece of it.
func (e *encoder) message(ctx context.Context, d piece) error {
	switch {
	case d.rest:
	case d.Whole:
		e.counters.Received++
		e.counters.DeadLettered++
	default:
		e.counters.Received++
		e.counters.Decoded++
	}
	e.counters.Values += int64(d.Values)
	for reason, n := range d.Rejected {
		e.reject(reason, n)
	}
	for i := range d.Dead {
		e.dead(d.Decoded, d.Dead[i])
	}
	if d.Presence != nil {
		if err := e.status(ctx, d.Decoded, presenceMark, d.Presence.Seq, comment{Presence: d.Presence}); err != nil {
			return err
		}
	}
	if d.Report != nil {
		if err := e.status(ctx, d.Decoded, reportMark, d.Report.Seq, comment{Report: d.Report}); err != nil {
			return err
		}
	}
	if len(d.Readings) == 0 {
		return nil
	}
	if err := e.setTags(d.Device, d.Location); err != nil {
		e.refuse(d.Decoded, ingest.UnknownDevice, valuesOf(d.Readings), err.Error())
		return nil
	}
	tooMany := 0
	for i := range d.Readings {
		n, err := e.addReading(ctx, d.Decoded, &d.Readings[i])
		if err != nil {
			return err
		}
		tooMany += n
	}
	if tooMany > 0 {
		e.refuse(d.Decoded, ingest.TooLarge, tooMany, fmt.Sprintf("a reading has more than %d different values; send them in parts", ingest.MaxSeries))
	}
	return nil
}

// refuse rejects values that cannot be in lines, into a dead letter with the
// message as it came. Sources make sure that there are none: no device or place
// that cannot be a tag, no reading that fits into no record. If one does not,
// it shows here.
func (e *encoder) refuse(d *ingest.Decoded, reason ingest.Reason, values int, why string) {
	e.reject(reason, values)
	e.dead(d, d.Part(reason, why))
}

func (e *encoder) reject(reason ingest.Reason, n int) {
	if e.counters.Rejected == nil {
		e.counters.Rejected = map[ingest.Reason]int64{}
	}
	e.counters.Rejected[reason] += int64(n)
}

// status adds a presence or a report.
func (e *encoder) status(ctx context.Context, d *ingest.Decoded, mark string, seq int64, c comment) error {
	c.Device, c.Received, c.location = d.Device, d.Received.UnixMilli(), locationOf(d.Location)
	e.comment(mark, c)
	if seq == 0 {
		return nil
	}
	e.reading = seen.Reading{Device: d.Device, Received: c.Received, Timed: true, HasSeq: true, Seq: seq}
	_, err := e.judge(ctx)
	return err
}

// dead adds a dead letter. It lies in the record itself, so that one write makes
// the acknowledgement, the dead letter and the counters true together.
func (e *encoder) dead(d *ingest.Decoded, letter ingest.DeadLetter) {
	e.comment(deadMark, comment{Device: d.Device, Received: d.Received.UnixMilli(), Dead: deadOf(letter)})
}

// comment adds a line that InfluxDB passes over. What has no JSON, such as a
// year after 9999, becomes a dead letter: sent again it would have none either.
func (e *encoder) comment(mark string, c comment) {
	if err := e.json(mark, c); err != nil {
		_ = e.json(deadMark, comment{Device: c.Device, Received: c.Received, Dead: &deadLetter{Reason: ingest.Unparsable, Detail: err.Error(), Part: true}})
	}
}

// json adds a comment, or nothing when the content has no JSON.
func (e *encoder) json(mark string, content any) error {
	b, err := json.Marshal(content)
	if err == nil {
		e.body = append(append(append(e.body, mark...), b...), '\n')
	}
	return err
}

// setTags writes the tags that all lines of a message share. Ids hold nothing
// that would need an escape in line protocol, so there is none.
func (e *encoder) setTags(device devices.DeviceID, l devices.Location) error {
	if err := device.Validate(); err != nil {
		return err
	}
	e.tags = append(append(e.tags[:0], ",device="...), device...)
	if l.Place != "" {
		if err := l.Place.Validate(); err != nil {
			return err
		}
		e.tags = append(append(e.tags, ",place="...), l.Place...)
	}
	if l.Plot != "" {
		if err := l.Plot.Validate(); err != nil {
			return err
		}
		e.tags = append(append(e.tags, ",plot="...), l.Plot...)
	}
	if l.Site != "" {
		if err := l.Site.Validate(); err != nil {
			return err
		}
		e.tags = append(append(e.tags, ",site="...), l.Site...)
	}
	return nil
}

// addReading adds one reading: its comment, and a line for each measurement,
// depth and channel. It returns how many values do not fit, which is all or none.
func (e *encoder) addReading(ctx context.Context, d *ingest.Decoded, r *ingest.Reading) (tooMany int, err error) {
	e.sort(r.Values)
	if n := len(e.values); n > ingest.MaxSeries && len(e.body)+n*maxLine > e.room {
		return n, nil
	}
	e.reading = seen.Reading{
		Device: d.Device, Received: d.Received.UnixMilli(), At: r.At.UnixMilli(), Timed: r.Timing == ingest.DeviceTime,
		HasSeq: r.HasSeq, Seq: r.Seq, Values: e.reading.Values[:0],
	}
	for i := range e.values {
		e.reading.Values = append(e.reading.Values, seen.Value{Key: e.values[i].Key, Number: e.values[i].Number})
	}
	v, err := e.judge(ctx)
	if err != nil {
		return 0, err
	}
	if v.Unidentified {
		e.counters.Unidentified++
	}
	e.counters.Duplicate += int64(v.Duplicates)
	e.readingComment(r)
	e.lines(v.Duplicate)
	return 0, nil
}

func (e *encoder) judge(ctx context.Context) (seen.Verdict, error) {
	if e.reading.HasSeq {
		e.highest = append(e.highest, seqOf{e.reading.Device, e.reading.Seq})
	}
	return e.index.Judge(ctx, &e.reading)
}

// sort fills e.values with the values by line. It rejects what cannot be in a
// line, and counts the second of two values of one key as a duplicate.
func (e *encoder) sort(values []ingest.Value) {
	e.values = e.values[:0]
	for _, v := range values {
		spec, known := v.Key.Quantity.Spec()
		switch {
		case !known:
			e.reject(ingest.UnknownQuantity, 1)
		case math.IsNaN(v.Number) || math.IsInf(v.Number, 0):
			e.reject(ingest.OutOfBounds, 1)
		case !isDigits(v.Key.DepthCM) || !isDigits(v.Key.Channel):
			e.reject(ingest.BadKey, 1)
		default:
			e.values = append(e.values, value{spec.Measurement, v})
		}
	}
	if !slices.IsSortedFunc(e.values, byLine) {
		slices.SortStableFunc(e.values, byLine)
	}
	all := len(e.values)
	e.values = slices.CompactFunc(e.values, func(a, b value) bool { return a.Key == b.Key })
	e.counters.Duplicate += int64(all - len(e.values))
}

func byLine(a, b value) int {
	if c := cmp.Compare(a.measurement, b.measurement); c != 0 {
		return c
	}
	if c := cmp.Compare(a.Key.DepthCM, b.Key.DepthCM); c != 0 {
		return c
	}
	if c := cmp.Compare(a.Key.Channel, b.Key.Channel); c != 0 {
		return c
	}
	return cmp.Compare(a.Key.Quantity, b.Key.Quantity)
}

func isDigits(s string) bool {
	if len(s) > 9 {
		return false
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

var timings = [...]string{ingest.DeviceTime: "device", ingest.ReceiveTime: "receipt", ingest.UnsetClock: "unset"}

func (e *encoder) readingComment(r *ingest.Reading) {
	e.body = append(append(e.body, readingMark...), e.reading.Device...)
	e.body = strconv.AppendInt(append(e.body, ' '), e.reading.Received, 10)
	e.body = append(e.body, ' ')
	if r.HasSeq {
		e.body = strconv.AppendInt(e.body, r.Seq, 10)
	} else {
		e.body = append(e.body, '-')
	}
	e.body = append(append(append(e.body, ' '), timings[r.Timing]...), '\n')
}

// lines writes the values that are no duplicates.
func (e *encoder) lines(duplicate []bool) {
	var of *value // whose line is being written
	for i := range e.values {
		if duplicate[i] {
			continue
		}
		v := &e.values[i]
		if of == nil || of.measurement != v.measurement || of.Key.DepthCM != v.Key.DepthCM || of.Key.Channel != v.Key.Channel {
			e.endLine(of)
			e.startLine(v)
			of = v
		} else {
			e.body = append(e.body, ',')
		}
		e.body = append(append(e.body, v.Key.Quantity...), '=')
		e.body = strconv.AppendFloat(e.body, v.Number, 'g', -1, 64)
		if v.Flags != 0 {
			e.body = append(append(append(e.body, ','), v.Key.Quantity...), "_q="...)
			e.body = append(strconv.AppendInt(e.body, int64(v.Flags), 10), 'i')
		}
		e.fresh++
	}
	e.endLine(of)
}

func (e *encoder) startLine(v *value) {
	e.body = append(e.body, v.measurement...)
	if v.Key.Channel != "" {
		e.body = append(append(e.body, ",channel="...), v.Key.Channel...)
	}
	if v.Key.DepthCM != "" {
		e.body = append(append(e.body, ",depth_cm="...), v.Key.DepthCM...)
	}
	e.body = append(append(e.body, e.tags...), ' ')
}

func (e *encoder) endLine(of *value) {
	if of != nil {
		e.body = append(strconv.AppendInt(append(e.body, ' '), e.reading.At, 10), '\n')
	}
}
