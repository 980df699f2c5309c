package journal

import (
	"cmp"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
)

// A Position names a record. A reader keeps the position of the last record
// that it has done with, beside the effects of it. The zero Position lies
// before the first record.
type Position struct {
	Generation uint32 // raised whenever records were lost from the end
	Sequence   uint64 // counts records from 1 and is never used twice
	Hash       Hash   // of the record's bytes
}

// A Hash is the first half of a record's SHA-256. Each record names the hash of
// the one before, so that no reader can miss or mistake one.
type Hash [16]byte

// String returns the position in the form that ParsePosition reads, such as
// 1.412.9f86d081884c7d659a2feaa0c55ad015.
func (p Position) String() string {
	return fmt.Sprintf("%d.%d.%x", p.Generation, p.Sequence, p.Hash[:])
}

// ParsePosition reads what String wrote. Empty text is the zero Position.
func ParsePosition(s string) (Position, error) {
	if s == "" {
		return Position{}, nil
	}
	generation, rest, _ := strings.Cut(s, ".")
	sequence, hash, _ := strings.Cut(rest, ".")
	g, err := strconv.ParseUint(generation, 10, 32)
	if err != nil {
		return Position{}, fmt.Errorf("reading the generation of position %q: %w", s, err)
	}
	p := Position{Generation: uint32(g)}
	if p.Sequence, err = strconv.ParseUint(sequence, 10, 64); err != nil {
		return Position{}, fmt.Errorf("reading the sequence of position %q: %w", s, err)
	}
	if p.Hash, err = parseHash(hash); err != nil {
		return Position{}, fmt.Errorf("reading the hash of position %q: %w", s, err)
	}
	return p, nil
}

// Compare orders positions as the records follow each other.
func (p Position) Compare(q Position) int { return cmp.Compare(p.Sequence, q.Sequence) }

func parseHash(s string) (h Hash, err error) {
	if len(s) != hex.EncodedLen(len(h)) {
		return h, fmt.Errorf("%q is not %d hexadecimal digits", s, hex.EncodedLen(len(h)))
	}
	_, err = hex.Decode(h[:], []byte(s))
	return h, err
}
