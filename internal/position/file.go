package position

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"unicode/utf8"
)

// MaxFileBytes is the largest file that is read: a registry of 100,000 plots is half of it.
const MaxFileBytes = 64 << 20

// ReadFile reads a text file that a person wrote. What keeps it from being read is noted in the report.
func ReadFile(r *Report, name string) ([]byte, bool) {
	text, err := readBounded(name)
	if err != nil {
		if path, ok := errors.AsType[*os.PathError](err); ok {
			err = path.Err // the position names the file already
		}
		r.Errorf(Position{name, 1, 1}, "reading the file: %v", err)
	}
	return text, err == nil
}

// readBounded reads one byte more than may be, so that CheckText sees it.
func readBounded(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	return io.ReadAll(io.LimitReader(f, MaxFileBytes+1))
}

// CheckText reports whether the text is of a bearable size and UTF-8, and
// returns it without the mark that some spreadsheets put before it.
func CheckText(r *Report, name string, text []byte) ([]byte, bool) {
	if len(text) > MaxFileBytes {
		r.Errorf(Position{name, 1, 1}, "the file is larger than %d MiB; split it into several", MaxFileBytes>>20)
		return nil, false
	}
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	if utf8.Valid(text) {
		return text, true
	}
	bad := 0
	for {
		c, size := utf8.DecodeRune(text[bad:])
		if c == utf8.RuneError && size == 1 {
			break
		}
		bad += size
	}
	r.Errorf(At(name, text, bad), "byte %#x is not UTF-8; save the file with the encoding UTF-8 (in a spreadsheet: \"CSV UTF-8\")", text[bad])
	return nil, false
}

// At returns the position of the byte at offset.
func At(name string, text []byte, offset int) Position {
	before := text[:min(max(offset, 0), len(text))]
	start := bytes.LastIndexByte(before, '\n') + 1
	return Position{name, bytes.Count(before, []byte("\n")) + 1, utf8.RuneCount(before[start:]) + 1}
}

// quoteShort quotes what stands in a file, without letting it flood a message.
func quoteShort(s string) string {
	if utf8.RuneCountInString(s) > 40 {
		return fmt.Sprintf("%q…", string([]rune(s)[:40]))
	}
	return fmt.Sprintf("%q", s)
}
