package seen

import (
	"container/list"
	"context"
	"log/slog"
	"math"
	"slices"
	"sync"

	"ganlin/devices"
)

// A Reading is what the index is asked about: the values of one device at one instant.
type Reading struct {
	Device   devices.DeviceID
	Received int64 // Unix ms
	At       int64 // Unix ms; of a reading without a time of its own set by Judge
	Timed    bool  // it has a time of its own
	HasSeq   bool
	Seq      int64
	Values   []Value // each key once, always in the same order
}

// A Value is one number of one series.
type Value struct {
	Key    devices.Key
	Number float64
}

// A Verdict says what of a reading is new.
type Verdict struct {
	Duplicate    []bool // by value; valid until the next call
	Duplicates   int
	Unidentified bool // without time and seq nothing tells whether it came before
}

// sameSeqMS is how long an equal seq with equal values is the same reading.
const sameSeqMS = dayMS

// none stands for no instant and no seq.
const none = math.MinInt64

// An Index knows every value of the journal of the last 31 days. Changes belong
// to a group until Commit or Rollback; one goroutine makes them.
type Index struct {
	file   file
	budget int
	log    *slog.Logger

	mu       sync.Mutex
	devices  map[devices.DeviceID]*device
	recent   *list.List // of *device, the latest used first
	unsaved  []*device
	size     int   // bytes of memory, about
	nextPart int64 // id
	received int64 // of the latest reading
	before   int64 // received at the save before
	pressed  bool

	group     int64
	undo      []undoDevice
	undoParts []undoPart
	keys      []byte
	duplicate []bool
}

type device struct {
	id      devices.DeviceID
	element *list.Element
	touched int64 // the group that last changed it
	listed  bool  // among the unsaved
	saving  bool  // on its way to the file
	state
}

type state struct {
	last     int64 // the newest instant
	seq      int64 // the highest seq of all that it sent
	parts    []*part
	loaded   []loadedDay // the days of which every part is in memory
	complete bool        // every part of every day is
	dirty    bool
	size     int
}

type loadedDay struct {
	kind kind
	day  int64
}

type undoDevice struct {
	d *device
	state
}

type undoPart struct {
	p *part
	part
}

// deviceOverhead is the bytes of memory of a device beside its parts, about.
const deviceOverhead = 300

// Judge says which values of the reading are new, gives it an instant if it has
// none, and counts it as seen. An error means that the file cannot be read.
func (x *Index) Judge(ctx context.Context, r *Reading) (Verdict, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	d, err := x.device(ctx, r.Device)
	if err != nil {
		return Verdict{}, err
	}
	v := Verdict{Duplicate: x.blank(len(r.Values))}
	if r.Timed {
		err = x.judgeTimed(ctx, d, r, &v)
	} else {
		err = x.judgeUntimed(ctx, d, r, &v)
	}
	if err != nil {
		return Verdict{}, err
	}
	x.touch(d)
	if v.Duplicates < len(r.Values) {
		x.keys = appendKeys(x.keys[:0], r.Values, func(i int) bool { return !v.Duplicate[i] })
		x.record(d, r)
	}
	x.note(d, r)
	return v, nil
}

// Replay counts a reading of the journal as seen: its instant and its values, which are new.
func (x *Index) Replay(ctx context.Context, r *Reading) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	d, err := x.device(ctx, r.Device)
	if err != nil {
		return err
	}
	x.touch(d)
	if len(r.Values) > 0 {
		x.keys = appendKeys(x.keys[:0], r.Values, nil)
		x.record(d, r)
	}
	x.note(d, r)
	return nil
}

// judgeTimed goes by the instant alone. A reading newer than all of its device needs no search.
func (x *Index) judgeTimed(ctx context.Context, d *device, r *Reading, v *Verdict) error {
	if r.At > d.last {
		return nil
	}
	x.keys = appendKeys(x.keys[:0], r.Values, nil)
	v.mark(d, r, x.keys)
	if v.Duplicates == len(r.Values) {
		return nil
	}
	if loaded, err := x.load(ctx, d, byTime, dayOf(r.At)); err != nil || !loaded {
		return err
	}
	v.Duplicates = 0
	clear(v.Duplicate)
	v.mark(d, r, x.keys)
	return nil
}

// mark marks the values that the parts in memory hold. keys are those of the reading.
func (v *Verdict) mark(d *device, r *Reading, keys []byte) {
	var known map[string]bool
	for _, p := range d.parts {
		p.keysAt(r.At, func(set string) {
			if set == string(keys) {
				v.all()
				return
			}
			if known == nil {
				known = map[string]bool{}
			}
			addKeys(known, set)
		})
	}
	if known == nil || v.Duplicates == len(r.Values) {
		return
	}
	var one []byte
	for i, value := range r.Values {
		if one = appendKey(one[:0], value.Key); known[string(one)] {
			v.Duplicate[i] = true
			v.Duplicates++
		}
	}
}

func (v *Verdict) all() {
	for i := range v.Duplicate {
		v.Duplicate[i] = true
	}
	v.Duplicates = len(v.Duplicate)
}

// judgeUntimed goes by the seq and gives the reading an instant that is free.
func (x *Index) judgeUntimed(ctx context.Context, d *device, r *Reading, v *Verdict) error {
	v.Unidentified = !r.HasSeq && len(r.Values) > 0
	if r.HasSeq && r.Seq <= d.seq && len(r.Values) > 0 {
		for day := dayOf(r.Received - sameSeqMS); day <= dayOf(r.Received+sameSeqMS); day++ {
			if _, err := x.load(ctx, d, bySeq, day); err != nil {
				return err
			}
		}
		x.keys = appendKeys(x.keys[:0], r.Values, nil)
		for _, p := range d.parts {
			if p.holds(r.Seq, r.Received, sameSeqMS, x.keys, r.Values) {
				v.all()
				return nil
			}
		}
	}
	r.At = r.Received
	if d.last != none {
		r.At = max(r.At, d.last+1)
	}
	return nil
}

// record adds the reading with the keys in x.keys, which are those of its new values.
func (x *Index) record(d *device, r *Reading) {
	p := x.open(d, byTime, dayOf(r.At))
	before := p.size()
	p.addTime(r.At, x.keys)
	x.grow(d, p.size()-before)
	d.last = max(d.last, r.At)
	if !r.Timed && r.HasSeq {
		p = x.open(d, bySeq, dayOf(r.Received))
		before = p.size()
		p.addSeq(r.Seq, r.Received, x.keys, r.Values)
		x.grow(d, p.size()-before)
	}
}

func (x *Index) note(d *device, r *Reading) {
	if r.HasSeq {
		d.seq = max(d.seq, r.Seq)
	}
	x.received = r.Received
}

// open returns the part that a reading of that day goes to, ready to be changed.
func (x *Index) open(d *device, k kind, day int64) *part {
	for _, p := range slices.Backward(d.parts) {
		if p.kind != k || p.day != day || p.full() {
			continue
		}
		if p.touched != x.group {
			x.undoParts = append(x.undoParts, undoPart{p, *p})
			p.touched = x.group
		}
		return p
	}
	x.nextPart++
	p := &part{kind: k, day: day, id: x.nextPart, touched: x.group}
	d.parts = append(d.parts, p)
	x.grow(d, p.size())
	return p
}

func (x *Index) grow(d *device, by int) {
	d.size += by
	x.size += by
}

// touch makes the device ready to be changed.
func (x *Index) touch(d *device) {
	if d.touched != x.group {
		d.touched = x.group
		x.undo = append(x.undo, undoDevice{d, d.state})
	}
	d.dirty = true
	x.list(d)
}

// Commit keeps what was judged and replayed since the last one: it is on disk now.
func (x *Index) Commit() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.nextGroup()
	x.evict()
}

// Rollback forgets what was judged since the last Commit: it is not on disk, so
// the same readings are new when they come again.
func (x *Index) Rollback() {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, u := range x.undoParts {
		u.saving = u.p.saving
		*u.p = u.part
		u.p.dirty = true // a save may have failed meanwhile
	}
	for _, u := range x.undo {
		x.size += u.size - u.d.size
		u.d.state = u.state
		u.d.dirty = true
	}
	x.nextGroup()
}

func (x *Index) nextGroup() {
	clear(x.undo)
	clear(x.undoParts)
	x.undo, x.undoParts = x.undo[:0], x.undoParts[:0]
	x.group++
}

// HighestSeq returns the highest seq of all that the device ever sent, and
// whether there is one. What is not committed does not count.
func (x *Index) HighestSeq(ctx context.Context, id devices.DeviceID) (int64, bool, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	d, err := x.device(ctx, id)
	if err != nil {
		return 0, false, err
	}
	seq := d.seq
	for _, u := range x.undo {
		if u.d == d {
			seq = u.seq
		}
	}
	return seq, seq != none, nil
}

func (x *Index) blank(n int) []bool {
	if cap(x.duplicate) < n {
		x.duplicate = make([]bool, n)
	}
	clear(x.duplicate[:n])
	return x.duplicate[:n]
}
