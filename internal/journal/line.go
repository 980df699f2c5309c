package journal

import (
	"bytes"
	"iter"
	"strconv"

	"ganlin/devices"
)

// A line is one of our own lines of line protocol. There are no escapes in it.
type line struct {
	device   devices.DeviceID
	location devices.Location
	key      devices.Key // without the quantity
	fields   []byte
	at       int64 // Unix ms
}

func parseLine(b []byte) (l line) {
	b = bytes.TrimSuffix(b, []byte{'\n'})
	series, rest, _ := bytes.Cut(b, []byte{' '})
	var at []byte
	l.fields, at, _ = bytes.Cut(rest, []byte{' '})
	l.at, _ = strconv.ParseInt(string(at), 10, 64)
	_, tags, _ := bytes.Cut(series, []byte{','})
	for len(tags) > 0 {
		var tag []byte
		tag, tags, _ = bytes.Cut(tags, []byte{','})
		name, content, _ := bytes.Cut(tag, []byte{'='})
		text := interned(string(content))
		switch string(name) {
		case "device":
			l.device = devices.DeviceID(text)
		case "plot":
			l.location.Plot = devices.PlotID(text)
		case "site":
			l.location.Site = devices.SiteID(text)
		case "place":
			l.location.Place = devices.PlaceCode(text)
		case "depth_cm":
			l.key.DepthCM = text
		case "channel":
			l.key.Channel = text
		}
	}
	return l
}

// A field is one number of a line, with the flags that stand after it.
type field struct {
	name   []byte
	number float64
	flags  devices.Flags
}

// numbers yields the fields of the line.
func (l *line) numbers() iter.Seq[field] {
	return func(yield func(field) bool) {
		for rest := l.fields; len(rest) > 0; {
			var f field
			f.name, f.number, rest = cutField(rest)
			if after, ok := bytes.CutPrefix(rest, f.name); ok && bytes.HasPrefix(after, []byte("_q=")) {
				var flags float64
				_, flags, rest = cutField(rest)
				f.flags = devices.Flags(flags)
			}
			if !yield(f) {
				return
			}
		}
	}
}

// cutField takes the first field off a list of them. The i of an integer is dropped.
func cutField(fields []byte) (name []byte, number float64, rest []byte) {
	field, rest, _ := bytes.Cut(fields, []byte{','})
	name, content, _ := bytes.Cut(field, []byte{'='})
	number, _ = strconv.ParseFloat(string(bytes.TrimSuffix(content, []byte{'i'})), 64)
	return name, number, rest
}

// quantity returns the quantity of a name without making text anew.
func quantity(name []byte) devices.Quantity {
	spec, ok := devices.Quantity(name).Spec()
	if !ok {
		return devices.Quantity(interned(string(name)))
	}
	return spec.Quantity
}
