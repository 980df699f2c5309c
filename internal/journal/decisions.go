package journal

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"ganlin/devices"
)

// AppendDecisions puts decisions and their points on disk, in as few records
// as they fit in. After an error some may be there; appended again they are
// there twice, which their ids tell and which makes no second point.
//
// A point that cannot be a line is left out and logged: the decision counts,
// and nothing waits behind it for ever.
func (j *Journal) AppendDecisions(ctx context.Context, decisions []devices.Decision) error {
	j.writing.Lock()
	defer j.writing.Unlock()
	for rest := decisions; len(rest) > 0; {
		n, err := j.appendDecisions(ctx, rest)
		if err != nil {
			return fmt.Errorf("appending %d decisions: %w", len(decisions), err)
		}
		rest = rest[n:]
	}
	return nil
}

// appendDecisions makes one record of as many decisions as fit, and returns how many.
func (j *Journal) appendDecisions(ctx context.Context, decisions []devices.Decision) (int, error) {
	if err := j.ready(); err != nil {
		return 0, err
	}
	e := &j.encoder
	e.reset()
	n := 0
	for n < len(decisions) && len(e.body) < fullRecord {
		d, before := &decisions[n], len(e.body)
		if err := e.json(decisionMark, d); err != nil {
			return 0, fmt.Errorf("encoding decision %s: %w", d.ID, err)
		}
		for i := range d.Points {
			if err := e.point(&d.Points[i]); err != nil {
				j.log.Error("a point of a decision is left out", "decision", d.ID, "measurement", d.Points[i].Measurement, "error", err)
			}
		}
		if len(e.body) > e.room {
			if n > 0 {
				e.body = e.body[:before]
				break
			}
			return 0, fmt.Errorf("decision %s takes %d bytes; a record takes %d", d.ID, len(e.body), e.room)
		}
		n++
	}
	return n, j.commit(ctx)
}

// point adds the line of a point, or nothing when no number or text is left of
// it. It refuses what would pass for a reading or need an escape.
func (e *encoder) point(p *devices.Point) error {
	switch p.Measurement {
	case devices.BalanceMeasurement, devices.LedgerMeasurement, devices.AlertMeasurement, devices.ClueMeasurement:
	default:
		return fmt.Errorf("measurement %q is not derived", p.Measurement)
	}
	if p.Location.Place != "" {
		if err := p.Location.Place.Validate(); err != nil {
			return err
		}
	}
	e.tags = e.tags[:0]
	for _, tag := range [...]struct{ name, content string }{ // as InfluxDB sorts them
		{",place=", string(p.Location.Place)},
		{",plot=", string(p.Location.Plot)},
		{",rule=", p.Rule},
		{",severity=", p.Severity},
		{",site=", string(p.Location.Site)},
		{",valve=", string(p.Valve)},
	} {
		if tag.content == "" {
			continue
		}
		if err := plain(tag.content); err != nil {
			return err
		}
		e.tags = append(append(e.tags, tag.name...), tag.content...)
	}
	if err := e.fieldNames(p); err != nil || len(e.names) == 0 {
		return err
	}
	e.body = append(append(e.body, p.Measurement...), e.tags...)
	for i, name := range e.names {
		separator := byte(',')
		if i == 0 {
			separator = ' '
		}
		e.body = append(append(append(e.body, separator), name...), '=')
		if number, ok := p.Numbers[name]; ok {
			e.body = strconv.AppendFloat(e.body, number, 'g', -1, 64)
		} else if integer, ok := p.Integers[name]; ok {
			e.body = append(strconv.AppendInt(e.body, integer, 10), 'i')
		} else {
			e.body = appendText(e.body, p.Texts[name])
		}
	}
	e.body = append(strconv.AppendInt(append(e.body, ' '), p.At.UnixMilli(), 10), '\n')
	return nil
}

// fieldNames fills e.names with the names of the point's fields, sorted. A
// number that is not finite is none.
func (e *encoder) fieldNames(p *devices.Point) error {
	e.names = e.names[:0]
	for name, number := range p.Numbers {
		if !math.IsNaN(number) && !math.IsInf(number, 0) {
			e.names = append(e.names, name)
		}
	}
	for name := range p.Integers {
		e.names = append(e.names, name)
	}
	for name := range p.Texts {
		e.names = append(e.names, name)
	}
	slices.Sort(e.names)
	for i, name := range e.names {
		if err := plain(name); err != nil {
			return err
		}
		if i > 0 && name == e.names[i-1] {
			return fmt.Errorf("field %s is there twice", name)
		}
	}
	return nil
}

// plain reports whether a text needs no escape: tags and fields are written as ids are.
func plain(s string) error { return devices.PlotID(s).Validate() }

// appendText writes a field of text. A line has one row, so what would break it becomes a space.
func appendText(b []byte, text string) []byte {
	b = append(b, '"')
	for _, c := range strings.ToValidUTF8(text, "\uFFFD") {
		switch {
		case c == '"' || c == '\\':
			b = append(b, '\\', byte(c))
		case c < ' ':
			b = append(b, ' ')
		default:
			b = append(b, string(c)...)
		}
	}
	return append(b, '"')
}
