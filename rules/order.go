package rules

import (
	"cmp"
	"encoding/binary"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"ganlin/devices"
)

// A buffer holds readings and reports until their time has come, by the moment
// of event time that they belong to. A reading takes about 7 bytes in it.
type buffer struct {
	moments map[int64]*moment       // by number since 1970
	devices names[devices.DeviceID] // that have ever said something
	size    int

	lent     devices.Fact // to fn of take
	unsorted bool         // of a control
}

// momentMS is the length of a moment. Wall time ticks every 30 s, so most moments
// are taken whole.
const momentMS = 20_000

// A moment holds what belongs to a short time: readings packed, one behind the
// other, and reports as they are.
type moment struct {
	buffer  *buffer
	keys    names[devices.Key]
	packed  [][]byte
	last    waiting // packed last: the next one is told by what differs
	reports []devices.Fact
	count   int // of both
}

// A waiting is a fact of a moment, unpacked.
type waiting struct {
	at, received int64 // Unix ms
	value        float64
	device, key  uint32        // by the names of buffer and moment
	report       *devices.Fact // nil: it is a reading
}

// reportSize is what a report counts for: as many readings as take its room, or more.
const reportSize = 32

func (b *buffer) add(f *devices.Fact) {
	if b.moments == nil {
		b.moments = map[int64]*moment{}
	}
	of := f.At.UnixMilli() / momentMS
	if b.unsorted {
		of = 0
	}
	m := b.moments[of]
	if m == nil {
		m = &moment{buffer: b}
		b.moments[of] = m
	}
	m.count++
	if f.Kind == devices.ReportFact {
		m.reports = append(m.reports, *f)
		b.size += reportSize
		return
	}
	m.pack(waiting{
		at: f.At.UnixMilli(), received: f.Received.UnixMilli(), value: f.Value,
		device: b.devices.number(f.Device), key: m.keys.number(f.Key),
	})
	b.size++
}

// take removes the facts up to a time and hands them over in the order in which
// they count: by time, device and quantity. How they arrived plays no part.
// What fn gets is lent to it.
func (b *buffer) take(until time.Time, fn func(*devices.Fact)) {
	limit := until.UnixMilli()
	for _, of := range slices.Sorted(maps.Keys(b.moments)) {
		if of*momentMS > limit {
			return
		}
		m := b.moments[of]
		delete(b.moments, of)
		due := make([]waiting, 0, m.count)
		for w := range m.all {
			if w.at > limit {
				b.add(m.fact(&w, &b.lent))
			} else {
				due = append(due, w)
			}
			b.size -= w.size()
		}
		if !b.unsorted {
			slices.SortFunc(due, m.compare)
		}
		for i := range due {
			fn(m.fact(&due[i], &b.lent))
		}
	}
}

// all yields what the moment holds, as it came.
func (m *moment) all(yield func(waiting) bool) {
	var w waiting
	for _, packed := range m.packed {
		for len(packed) > 0 {
			w, packed = unpack(w, packed)
			if !yield(w) {
				return
			}
		}
	}
	for i := range m.reports {
		f := &m.reports[i]
		if !yield(waiting{at: f.At.UnixMilli(), device: m.buffer.devices.number(f.Device), report: f}) {
			return
		}
	}
}

// The packed form of a reading: as bits what has changed since the one before and
// how the value is written, then that itself. A message of several values names
// its device and times once.
const (
	otherDevice = 1 << iota
	otherTimes
	isDecimal // the value is written as a whole number and how many decimals it has
)

// longest is the size of a reading that has changed in everything.
const longest = 1 + 4*binary.MaxVarintLen64 + 8

func (m *moment) pack(w waiting) {
	if n := len(m.packed); n == 0 || cap(m.packed[n-1])-len(m.packed[n-1]) < longest {
		m.packed = append(m.packed, make([]byte, 0, 256<<min(n, 6)))
	}
	b := &m.packed[len(m.packed)-1]
	var how byte
	if w.device != m.last.device {
		how |= otherDevice
	}
	if w.at != m.last.at || w.received != m.last.received {
		how |= otherTimes
	}
	whole, decimals, ok := decimal(w.value)
	if ok {
		how |= isDecimal
	}
	*b = append(*b, how)
	if how&otherDevice != 0 {
		*b = binary.AppendUvarint(*b, uint64(w.device))
	}
	if how&otherTimes != 0 {
		*b = binary.AppendVarint(*b, w.at-m.last.at)
		*b = binary.AppendVarint(*b, w.received-w.at)
	}
	*b = binary.AppendUvarint(*b, uint64(w.key))
	if ok {
		*b = binary.AppendVarint(*b, whole*int64(len(tens))+int64(decimals))
	} else {
		*b = binary.LittleEndian.AppendUint64(*b, math.Float64bits(w.value))
	}
	m.last = w
}

// unpack returns the next reading behind another one, and what is left.
func unpack(w waiting, packed []byte) (waiting, []byte) {
	how := packed[0]
	packed = packed[1:]
	unsigned := func() uint32 {
		v, n := binary.Uvarint(packed)
		packed = packed[n:]
		return uint32(v) //nolint:gosec // a name's number, as it was packed
	}
	signed := func() int64 {
		v, n := binary.Varint(packed)
		packed = packed[n:]
		return v
	}
	if how&otherDevice != 0 {
		w.device = unsigned()
	}
	if how&otherTimes != 0 {
		w.at += signed()
		w.received = w.at + signed()
	}
	w.key = unsigned()
	if how&isDecimal != 0 {
		v := signed()
		decimals := v % int64(len(tens))
		if decimals < 0 {
			decimals += int64(len(tens))
		}
		w.value = float64((v-decimals)/int64(len(tens))) / tens[decimals]
		return w, packed
	}
	w.value = math.Float64frombits(binary.LittleEndian.Uint64(packed))
	return w, packed[8:]
}

// tens are the powers of ten that are tried.
var tens = [...]float64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6}

// decimal returns a number as a whole one and how many decimals that has, if it is exactly that.
func decimal(v float64) (whole int64, decimals int, ok bool) {
	const most = 1 << 50
	for decimals, ten := range tens {
		if m := math.Round(v * ten); m/ten == v && math.Abs(m) < most && !(m == 0 && math.Signbit(v)) {
			return int64(m), decimals, true
		}
	}
	return 0, 0, false
}

// fact returns a fact whole. A reading is written to where there is room for it.
func (m *moment) fact(w *waiting, room *devices.Fact) *devices.Fact {
	if w.report != nil {
		return w.report
	}
	*room = devices.Fact{
		Kind: devices.ReadingFact, At: time.UnixMilli(w.at).UTC(), Received: time.UnixMilli(w.received).UTC(),
		Device: m.buffer.devices.list[w.device], Key: m.keys.list[w.key], Value: w.value,
	}
	return room
}

func (w *waiting) size() int {
	if w.report != nil {
		return reportSize
	}
	return 1
}

// compare orders the facts of a moment. Two that compare equal are the same fact.
func (m *moment) compare(a, b waiting) int {
	if c := cmp.Compare(a.at, b.at); c != 0 {
		return c
	}
	if a.device != b.device {
		return strings.Compare(string(m.buffer.devices.list[a.device]), string(m.buffer.devices.list[b.device]))
	}
	switch {
	case a.report != nil && b.report != nil:
		// What one device says at one time counts in the order in which it said it.
		x, y := a.report.Report, b.report.Report
		return cmp.Or(cmp.Compare(x.Seq, y.Seq), strings.Compare(x.Command, y.Command), strings.Compare(string(x.State), string(y.State)))
	case a.report != nil:
		return 1
	case b.report != nil:
		return -1
	case a.key != b.key:
		return compareKeys(m.keys.list[a.key], m.keys.list[b.key])
	}
	return cmp.Compare(a.value, b.value)
}

// names gives each name a number.
type names[N comparable] struct {
	list []N
	of   map[N]uint32
}

func (n *names[N]) number(name N) uint32 {
	if at, ok := n.of[name]; ok {
		return at
	}
	if n.of == nil {
		n.of = map[N]uint32{}
	}
	at := uint32(len(n.list)) //nolint:gosec // far fewer
	n.of[name] = at
	n.list = append(n.list, name)
	return at
}

func compareKeys(a, b devices.Key) int {
	if c := strings.Compare(string(a.Quantity), string(b.Quantity)); c != 0 {
		return c
	}
	if c := cmp.Compare(len(a.DepthCM), len(b.DepthCM)); c != 0 {
		return c
	}
	if c := strings.Compare(a.DepthCM, b.DepthCM); c != 0 {
		return c
	}
	return strings.Compare(a.Channel, b.Channel)
}
