package dashboards

import (
	"encoding/hex"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"ganlin/dashboards/words"
)

// How many bytes of a payload one page shows.
const (
	textPerPage = 16 << 10
	hexPerPage  = 4 << 10
)

// A payload is bytes of a stranger, made so that they can be looked at and do nothing.
type payload struct {
	Empty, Hex     bool
	Text           string
	Where          string // which bytes these are, where they are not all
	Previous, Next string
	Ways           []choice // as text, as hex
}

// payload shows bytes from an offset on, as text where that is what they are, or in hex.
func (s speaker) payload(data []byte, address string, hexadecimal bool, at int) payload {
	if len(data) == 0 {
		return payload{Empty: true}
	}
	to := func(hexadecimal bool, at int) string {
		v := url.Values{}
		if hexadecimal {
			v.Set("as", "hex")
		}
		if at > 0 {
			v.Set("at", strconv.Itoa(at))
		}
		if s.asked {
			v.Set("lang", string(s.language))
		}
		if len(v) == 0 {
			return address
		}
		return address + "?" + v.Encode()
	}
	textual := isText(data)
	out := payload{Hex: hexadecimal || !textual}
	if textual {
		out.Ways = []choice{
			{Text: s.text("letter.as_text", nil), Link: to(false, 0), Current: !out.Hex},
			{Text: s.text("letter.as_hex", nil), Link: to(true, 0), Current: out.Hex},
		}
	}
	size := textPerPage
	if out.Hex {
		size = hexPerPage
	}
	at = min(max(at, 0), len(data)-1) / size * size
	from, end := edge(data, at, out.Hex), edge(data, min(at+size, len(data)), out.Hex)
	if out.Hex {
		out.Text = hexDump(data[from:end], from)
	} else {
		out.Text = visibleLines(string(data[from:end]))
	}
	if len(data) > size {
		out.Where = s.text("letter.where", words.Args{"from": from + 1, "to": end, "n": len(data)})
	}
	if at > 0 {
		out.Previous = to(hexadecimal, at-size)
	}
	if at+size < len(data) {
		out.Next = to(hexadecimal, at+size)
	}
	return out
}

// edge moves an offset back to where a character begins; in hex any byte is one.
func edge(data []byte, at int, hexadecimal bool) int {
	for !hexadecimal && at > 0 && at < len(data) && !utf8.RuneStart(data[at]) {
		at--
	}
	return at
}

// isText reports whether data reads as text. What was cut may end within a character.
func isText(data []byte) bool {
	controls := 0
	for _, c := range data {
		if c < ' ' && c != '\n' && c != '\r' && c != '\t' {
			controls++
		}
	}
	for back := range min(utf8.UTFMax, len(data)) {
		if utf8.Valid(data[:len(data)-back]) {
			return controls*8 < len(data)
		}
	}
	return false
}

// visible is a text whose every character can be seen and none of which does
// anything: no control characters, none that turns the direction of writing.
func visible(text string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' {
			return ' '
		}
		return r
	}, visibleLines(text))
}

// visibleLines is visible for what has lines.
func visibleLines(text string) string {
	var b strings.Builder
	for _, r := range strings.ToValidUTF8(text, string(utf8.RuneError)) {
		switch {
		case r == '\n' || r == '\t' || r == ' ':
			b.WriteRune(r)
		case !unicode.IsPrint(r):
			fmt.Fprintf(&b, "⟨U+%04X⟩", r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// hexDump writes bytes as offset, hex and what of it is readable, 16 in a line.
func hexDump(data []byte, from int) string {
	var b strings.Builder
	for len(data) > 0 {
		line := data[:min(16, len(data))]
		data = data[len(line):]
		readable := strings.Map(func(r rune) rune {
			if r < ' ' || r > '~' {
				return '.'
			}
			return r
		}, latin(line))
		fmt.Fprintf(&b, "%06x  %-23s  %-23s  %s\n", from, pairs(line[:min(8, len(line))]), pairs(line[min(8, len(line)):]), readable)
		from += len(line)
	}
	return b.String()
}

// latin reads each byte as one character.
func latin(data []byte) string {
	all := make([]rune, len(data))
	for i, c := range data {
		all[i] = rune(c)
	}
	return string(all)
}

func pairs(data []byte) string {
	all := make([]string, len(data))
	for i := range data {
		all[i] = hex.EncodeToString(data[i : i+1])
	}
	return strings.Join(all, " ")
}
