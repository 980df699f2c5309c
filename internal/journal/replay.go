package journal

import (
	"bytes"
	"context"
	"fmt"
	"iter"

	"ganlin/devices"
	"ganlin/ingest"
	"ganlin/internal/journal/seen"
)

// catchUp brings the index up to the end of the journal. covered is the
// position that it covers; when that is not in the journal, or empty, it starts anew.
func (j *Journal) catchUp(ctx context.Context, covered string) error {
	from, err := ParsePosition(covered)
	at := uint64(0)
	if err == nil && from.Sequence > 0 {
		var r *Record
		if r, at, err = j.stream.find(ctx, from.Sequence); err != nil {
			return err
		}
		if r == nil || r.position != from {
			err = fmt.Errorf("record %s is not in the journal", from)
		}
	}
	c := chain{last: from, kept: unknownValues}
	if err != nil || from.Sequence == 0 {
		if err != nil {
			j.log.Warn("index of duplicates is made anew from the journal", "because", err)
		}
		if err := j.index.Reset(ctx); err != nil {
			return err
		}
		c, at = chain{}, 0
	}
	for at < j.streamAt {
		got, err := j.stream.fetch(ctx, at+1, fetchBytes)
		if err != nil {
			return err
		}
		if len(got) == 0 {
			break
		}
		for _, s := range got {
			if r, err := newRecord(s.data); err == nil {
				if loss, ok := c.next(r); !ok {
					j.lose(loss)
				}
				if err := j.replay(ctx, r); err != nil {
					return err
				}
			}
		}
		at = got[len(got)-1].at
	}
	return nil
}

func (j *Journal) replay(ctx context.Context, r *Record) error {
	for reading := range r.readings() {
		if err := j.index.Replay(ctx, reading); err != nil {
			return err
		}
	}
	j.index.Commit()
	if j.index.Pressed() {
		return j.save(ctx, j.index.Snapshot(r.position.String()))
	}
	return nil
}

// readings yields what the index is to know of a record. It reuses what it yields.
func (r *Record) readings() iter.Seq[*seen.Reading] {
	return func(yield func(*seen.Reading) bool) {
		var reading seen.Reading
		pending := false
		for line := range bytes.Lines(r.body) {
			if line[0] != '#' {
				if !ofReading(line) {
					continue
				}
				l := parseLine(line)
				reading.At = l.at
				for f := range l.numbers() {
					key := l.key
					key.Quantity = quantity(f.name)
					reading.Values = append(reading.Values, seen.Value{Key: key, Number: f.number})
				}
				continue
			}
			if pending && !yield(&reading) {
				return
			}
			reading, pending = startReading(line, reading.Values[:0])
		}
		if pending {
			yield(&reading)
		}
	}
}

// startReading returns what a comment says of the reading after it, if anything.
func startReading(line []byte, values []seen.Value) (seen.Reading, bool) {
	if bytes.HasPrefix(line, []byte(readingMark)) {
		c := parseReading(line)
		return seen.Reading{
			Device: devices.DeviceID(c.device), Received: c.received, Timed: c.timing == timings[ingest.DeviceTime],
			HasSeq: c.hasSeq, Seq: c.seq, Values: values,
		}, true
	}
	f, _ := commentFact(line)
	r := seen.Reading{Device: f.Device, Received: f.Received.UnixMilli(), Timed: true, HasSeq: true, Values: values}
	switch {
	case f.Presence != nil:
		r.Seq = f.Presence.Seq
	case f.Report != nil:
		r.Seq = f.Report.Seq
	}
	return r, r.Seq != 0
}
