package influxtest

import (
	"errors"
	"strconv"
	"strings"
)

// A point is one line of line protocol.
type point struct {
	series      string // measurement and tags as written
	measurement string
	fields      map[string]string
	ns          int64
}

// parse reads one line. It knows the escapes and quotes that keep a separator
// from separating, and asks for a time.
func parse(line string, unit int64) (point, error) {
	parts := split(line, ' ')
	if len(parts) != 3 {
		return point{}, errors.New("missing fields")
	}
	ticks, err := strconv.ParseInt(parts[2], 10, 64)
	if err != nil {
		return point{}, errors.New("bad timestamp")
	}
	p := point{series: parts[0], measurement: split(parts[0], ',')[0], fields: map[string]string{}, ns: ticks * unit}
	if p.measurement == "" {
		return point{}, errors.New("missing measurement")
	}
	for _, tag := range split(parts[0], ',')[1:] {
		if pair := split(tag, '='); len(pair) != 2 || pair[0] == "" || pair[1] == "" {
			return point{}, errors.New("missing tag value")
		}
	}
	for _, field := range split(parts[1], ',') {
		pair := split(field, '=')
		if len(pair) != 2 || pair[0] == "" || typeOf(pair[1]) == "" {
			return point{}, errors.New("invalid field format")
		}
		p.fields[pair[0]] = pair[1]
	}
	return p, nil
}

// split cuts at a separator that is neither escaped nor inside quotes.
func split(s string, separator byte) []string {
	var parts []string
	quoted, begin := false, 0
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\\':
			i++
		case s[i] == '"':
			quoted = !quoted
		case s[i] == separator && !quoted:
			parts = append(parts, s[begin:i])
			begin = i + 1
		}
	}
	return append(parts, s[begin:])
}

// typeOf returns the type of a field's value, empty when it is none.
func typeOf(value string) string {
	if len(value) >= 2 && value[0] == '"' && value[len(value)-1] == '"' {
		return "string"
	}
	if number, ok := strings.CutSuffix(value, "i"); ok {
		if _, err := strconv.ParseInt(number, 10, 64); err == nil {
			return "integer"
		}
		return ""
	}
	switch value {
	case "t", "T", "true", "True", "TRUE", "f", "F", "false", "False", "FALSE":
		return "boolean"
	}
	if strings.ContainsAny(value, "nNxX_") { // NaN, Inf and Go's own notations are none
		return ""
	}
	if _, err := strconv.ParseFloat(value, 64); err == nil {
		return "float"
	}
	return ""
}
