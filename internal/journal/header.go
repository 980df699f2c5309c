package journal

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"ganlin/ingest"
)

// A header is the first line of a record: a comment of line protocol, such as
//
//	#ganlin 1 crc=5a0e1f9c bytes=233 gen=1 seq=412 prev=9f86…d015 at=1783010400123 received=2 decoded=2 dead=0 values=6 duplicate=1 rejected=bad_key:1 unidentified=0 new=4
//
// The counters are those after the record. The checksum is a CRC-32C of all that follows it.
//
// The format stays 1 when comments or derived lines of a new kind are added: a
// reader passes over both, so a newer journal stays readable. Programs from
// before there were decisions would take a derived line for a reading; they do
// not come so far, because they refuse the records store of the same folder.
type header struct {
	bytes      int // of the record after this line
	generation uint32
	sequence   uint64
	previous   Hash
	at         int64 // when it was written, Unix ms; never goes back
	counters   Counters
	fresh      int64 // values that the lines of this record hold
	lost       gap   // of the first record of a generation: what is gone before it
	reason     string
}

// A gap is a run of sequences that are not there.
type gap struct{ first, last uint64 }

const (
	magic       = "#ganlin 1 crc="
	magicLength = len(magic) + 8 // with the checksum
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// encodeRecord writes the header and the body. It counts the bytes itself.
func encodeRecord(h header, body []byte) []byte {
	b := make([]byte, 0, 512+len(body))
	b = append(b, magic...)
	b = append(b, "00000000"...)
	number := func(name string, n int64) {
		b = append(append(b, ' '), name...)
		b = strconv.AppendInt(append(b, '='), n, 10)
	}
	number("bytes", int64(len(body)))
	number("gen", int64(h.generation))
	b = append(b, " seq="...)
	b = strconv.AppendUint(b, h.sequence, 10)
	b = append(b, " prev="...)
	b = hex.AppendEncode(b, h.previous[:])
	number("at", h.at)
	number("received", h.counters.Received)
	number("decoded", h.counters.Decoded)
	number("dead", h.counters.DeadLettered)
	number("values", h.counters.Values)
	number("duplicate", h.counters.Duplicate)
	b = append(b, " rejected="...)
	for i, reason := range slices.Sorted(maps.Keys(h.counters.Rejected)) {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(append(b, reason...), ':')
		b = strconv.AppendInt(b, h.counters.Rejected[reason], 10)
	}
	number("unidentified", h.counters.Unidentified)
	number("new", h.fresh)
	if h.lost != (gap{}) {
		b = fmt.Appendf(b, " lost=%d-%d reason=%s", h.lost.first, h.lost.last, h.reason)
	}
	b = append(b, '\n')
	b = append(b, body...)
	hex.Encode(b[len(magic):magicLength], sum(b))
	return b
}

// sum returns the checksum of a record, which covers all that follows it.
func sum(record []byte) []byte {
	return binary.BigEndian.AppendUint32(nil, crc32.Checksum(record[magicLength:], castagnoli))
}

func hashOf(record []byte) Hash {
	full := sha256.Sum256(record)
	return Hash(full[:len(Hash{})])
}

// decodeRecord reads a record and checks it whole.
func decodeRecord(record []byte) (h header, body []byte, err error) {
	line, body, _ := bytes.Cut(record, []byte{'\n'})
	if len(line) < magicLength || string(line[:len(magic)]) != magic {
		return h, nil, fmt.Errorf("the record begins with %.14q, not with %q", record, magic)
	}
	if want := hex.AppendEncode(nil, sum(record)); !bytes.Equal(want, line[len(magic):magicLength]) {
		return h, nil, fmt.Errorf("the record has the checksum %s, not %s", want, line[len(magic):magicLength])
	}
	if h, err = parseHeader(string(line[magicLength:])); err != nil {
		return h, nil, fmt.Errorf("reading the header of a record: %w", err)
	}
	if h.bytes != len(body) {
		return h, nil, fmt.Errorf("the record has %d bytes, not %d", len(body), h.bytes)
	}
	return h, body, nil
}

// parseHeader reads what follows the checksum.
func parseHeader(s string) (h header, err error) {
	fields := fields{rest: s}
	h.bytes = int(fields.number("bytes"))
	h.generation = uint32(fields.number("gen")) //nolint:gosec // a generation has 32 bits
	h.sequence = fields.sequence("seq")
	h.previous = fields.hash("prev")
	h.at = fields.number("at")
	h.counters.Received = fields.number("received")
	h.counters.Decoded = fields.number("decoded")
	h.counters.DeadLettered = fields.number("dead")
	h.counters.Values = fields.number("values")
	h.counters.Duplicate = fields.number("duplicate")
	h.counters.Rejected = fields.reasons("rejected")
	h.counters.Unidentified = fields.number("unidentified")
	h.fresh = fields.number("new")
	if fields.rest != "" {
		first, last, _ := strings.Cut(fields.text("lost"), "-")
		h.lost = gap{fields.parseSequence(first), fields.parseSequence(last)}
		h.reason = fields.text("reason")
	}
	return h, fields.err
}

// fields takes " name=value" from the front of a header.
type fields struct {
	rest string
	err  error
}

func (f *fields) text(name string) string {
	field, ok := strings.CutPrefix(f.rest, " "+name+"=")
	if !ok {
		f.fail(fmt.Errorf("%s is not at %.20q", name, f.rest))
		return ""
	}
	end := strings.IndexByte(field, ' ')
	if end < 0 {
		end = len(field)
	}
	f.rest = field[end:]
	return field[:end]
}

func (f *fields) number(name string) int64 {
	n, err := strconv.ParseInt(f.text(name), 10, 64)
	f.fail(err)
	return n
}

func (f *fields) sequence(name string) uint64 { return f.parseSequence(f.text(name)) }

func (f *fields) parseSequence(s string) uint64 {
	n, err := strconv.ParseUint(s, 10, 64)
	f.fail(err)
	return n
}

func (f *fields) hash(name string) Hash {
	h, err := parseHash(f.text(name))
	f.fail(err)
	return h
}

func (f *fields) reasons(name string) map[ingest.Reason]int64 {
	text := f.text(name)
	if text == "" {
		return nil
	}
	m := map[ingest.Reason]int64{}
	for one := range strings.SplitSeq(text, ",") {
		reason, count, _ := strings.Cut(one, ":")
		n, err := strconv.ParseInt(count, 10, 64)
		f.fail(err)
		m[ingest.Reason(reason)] = n
	}
	return m
}

func (f *fields) fail(err error) {
	if f.err == nil {
		f.err = err
	}
}

func fromMilli(ms int64) time.Time { return time.UnixMilli(ms).UTC() }
