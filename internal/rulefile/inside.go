package rulefile

import (
	"bytes"
	"unicode"
	"unicode/utf8"

	"ganlin/internal/position"
)

// inside returns where a character of a text value stands in the file. YAML
// folds lines, takes indentation away and has quotes and escapes, and does not
// say where; so the value's characters but for spaces are looked for one after
// the other from where the value begins.
func (f *file) inside(at position.Position, value string, character int) position.Position {
	i := f.offset(at)
	if i < len(f.text) && (f.text[i] == '|' || f.text[i] == '>') { // the value begins in the next line
		i += bytes.IndexByte(f.text[i:], '\n') + 1
	}
	last, size := i, 0
	for _, r := range value {
		if character < 0 {
			break
		}
		character--
		if unicode.IsSpace(r) {
			continue
		}
		next := bytes.Index(f.text[i:], []byte(string(r)))
		if next < 0 {
			return at // written as an escape
		}
		last, size = i+next, utf8.RuneLen(r)
		i = last + size
	}
	if character >= 0 { // the value ends too early
		last += size
	}
	return position.At(f.name, f.text, last)
}

// offset returns the byte at which a position is.
func (f *file) offset(at position.Position) int {
	i := 0
	for range at.Line - 1 {
		i += bytes.IndexByte(f.text[i:], '\n') + 1
	}
	for range at.Column - 1 {
		_, size := utf8.DecodeRune(f.text[i:])
		i += size
	}
	return i
}
