package seen

import (
	"encoding/binary"
	"errors"
	"math"
	"slices"
	"strings"

	"ganlin/devices"
)

// A part is a run of readings of one device and day in the order of the
// journal. Instants and seqs are written as the difference to the one before,
// so a reading costs three to five bytes.
type part struct {
	kind   kind
	day    int64 // of the instants, or of the receive times
	id     int64 // in the file, unique
	count  int
	lo, hi int64 // of the instants, or of the seqs
	at     int64 // the last instant, or receive time
	seq    int64 // the last seq
	sets   []string
	buf    []byte

	dirty   bool  // newer than in the file
	saving  bool  // on its way to the file
	touched int64 // the group that last changed it
}

// A kind says how a part is searched.
type kind int64

const (
	byTime kind = iota // instant, set of keys
	bySeq              // seq, receive time, set of keys, values; of readings without a time of their own
)

const (
	maxPartCount = 256
	maxPartBytes = 4096
	partOverhead = 200 // bytes of memory beside the slices, about
	dayMS        = 24 * 60 * 60 * 1000
)

func dayOf(ms int64) int64 {
	day := ms / dayMS
	if ms%dayMS < 0 {
		day--
	}
	return day
}

func (p *part) full() bool { return p.count >= maxPartCount || p.size() >= maxPartBytes+partOverhead }

// size returns the bytes of memory that the part takes.
func (p *part) size() int {
	n := partOverhead + cap(p.buf)
	for _, s := range p.sets {
		n += len(s) + 16
	}
	return n
}

// set returns the number of a set of keys. A part names each set once.
func (p *part) set(keys []byte) int64 {
	for i, set := range slices.Backward(p.sets) {
		if set == string(keys) {
			return int64(i)
		}
	}
	p.sets = append(p.sets, string(keys))
	return int64(len(p.sets) - 1)
}

func (p *part) add(value int64) {
	if p.count == 0 {
		p.lo, p.hi = value, value
	}
	p.lo, p.hi = min(p.lo, value), max(p.hi, value)
	p.count++
	p.dirty = true
}

func (p *part) addTime(at int64, keys []byte) {
	p.add(at)
	p.buf = binary.AppendVarint(p.buf, at-p.at)
	p.buf = binary.AppendVarint(p.buf, p.set(keys))
	p.at = at
}

func (p *part) addSeq(seq, received int64, keys []byte, values []Value) {
	p.add(seq)
	p.buf = binary.AppendVarint(p.buf, seq-p.seq)
	p.buf = binary.AppendVarint(p.buf, received-p.at)
	p.buf = binary.AppendVarint(p.buf, p.set(keys))
	for _, v := range values {
		p.buf = binary.LittleEndian.AppendUint64(p.buf, bits(v.Number))
	}
	p.seq, p.at = seq, received
}

// keysAt calls found with each set of keys that the part holds at an instant.
func (p *part) keysAt(at int64, found func(keys string)) {
	if p.kind != byTime || at < p.lo || at > p.hi {
		return
	}
	r := reader{buf: p.buf}
	for now := int64(0); len(r.buf) > 0; {
		now += r.varint()
		set := r.varint()
		if now == at {
			found(p.sets[set])
		}
	}
}

// holds reports whether the part has a reading with this seq and these values, received within window ms.
func (p *part) holds(seq, received, window int64, keys []byte, values []Value) bool {
	if p.kind != bySeq || seq < p.lo || seq > p.hi {
		return false
	}
	r := reader{buf: p.buf}
	for s, at := int64(0), int64(0); len(r.buf) > 0; {
		s += r.varint()
		at += r.varint()
		set := p.sets[r.varint()]
		raw := r.take(8 * strings.Count(set, ","))
		if s == seq && set == string(keys) && at >= received-window && at <= received+window && equal(raw, values) {
			return true
		}
	}
	return false
}

func equal(raw []byte, values []Value) bool {
	for i, v := range values {
		if binary.LittleEndian.Uint64(raw[8*i:]) != bits(v.Number) {
			return false
		}
	}
	return true
}

func bits(f float64) uint64 {
	if f == 0 {
		f = 0 // and not -0, which equals it
	}
	return math.Float64bits(f)
}

// appendKeys writes a set of keys as text. Each key ends in a comma.
func appendKeys(dst []byte, values []Value, take func(i int) bool) []byte {
	for i := range values {
		if take == nil || take(i) {
			dst = appendKey(dst, values[i].Key)
		}
	}
	return dst
}

func appendKey(dst []byte, k devices.Key) []byte {
	dst = append(dst, k.Quantity...)
	if k.DepthCM != "" {
		dst = append(append(dst, '@'), k.DepthCM...)
	}
	if k.Channel != "" {
		dst = append(append(dst, '#'), k.Channel...)
	}
	return append(dst, ',')
}

// encode writes the part as it is kept in the file.
func (p *part) encode() []byte {
	b := make([]byte, 0, 64+p.size())
	for _, v := range []int64{int64(p.count), p.lo, p.hi, p.at, p.seq, int64(len(p.sets))} {
		b = binary.AppendVarint(b, v)
	}
	for _, s := range p.sets {
		b = binary.AppendVarint(b, int64(len(s)))
		b = append(b, s...)
	}
	return append(b, p.buf...)
}

var errBadPart = errors.New("a part of the index of duplicates is not readable")

// decode reads what encode wrote. It takes over b.
func (p *part) decode(b []byte) error {
	r := reader{buf: b}
	p.count = int(r.varint())
	p.lo, p.hi, p.at, p.seq = r.varint(), r.varint(), r.varint(), r.varint()
	for range r.varint() {
		p.sets = append(p.sets, string(r.take(int(r.varint()))))
		if r.bad {
			return errBadPart
		}
	}
	p.buf = r.buf
	return p.check()
}

// check walks the part, so that a search cannot run over its end.
func (p *part) check() error {
	r := reader{buf: p.buf}
	n := 0
	for ; len(r.buf) > 0 && !r.bad; n++ {
		r.varint()
		if p.kind == bySeq {
			r.varint()
		}
		set := r.varint()
		if set < 0 || set >= int64(len(p.sets)) {
			return errBadPart
		}
		if p.kind == bySeq {
			r.take(8 * strings.Count(p.sets[set], ","))
		}
	}
	if r.bad || n != p.count {
		return errBadPart
	}
	return nil
}

// A reader takes numbers from the front of a buffer.
type reader struct {
	buf []byte
	bad bool
}

func (r *reader) varint() int64 {
	v, n := binary.Varint(r.buf)
	if n <= 0 {
		r.buf, r.bad = nil, true
		return 0
	}
	r.buf = r.buf[n:]
	return v
}

func (r *reader) take(n int) []byte {
	if n < 0 || n > len(r.buf) {
		r.buf, r.bad = nil, true
		return nil
	}
	b := r.buf[:n:n]
	r.buf = r.buf[n:]
	return b
}
