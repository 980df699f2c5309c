package firmware

import (
	"encoding/json"
	"hash/fnv"
	"math/rand/v2"
	"sync"
	"time"

	"ganlin/devices"
)

// Options describe a device.
type Options struct {
	ID         devices.DeviceID
	Every      time.Duration // between readings, in the device's time
	Channels   []Channel
	Valve      *ValveOptions // nil: no valve
	UnixMillis bool          // readings carry their time in Unix milliseconds instead of RFC 3339
	Seed       uint64
	Faults     Faults
	Boot       time.Time // the device's time at the start
	RingSize   int       // readings that fit into its memory; 0 means 4,096
}

// Version is the firmware that every virtual device says it runs.
const Version = "sim-1.0.0"

const defaultRingSize = 4096

// openEvery is how often a valve reads its meter while water runs.
const openEvery = 10 * time.Minute

// A Device is one virtual device. Its time and its readings belong to one
// goroutine, which calls Advance, Take and Wake in turn; Run is its radio.
// Everything else may be called from anywhere.
type Device struct {
	id       devices.DeviceID
	every    time.Duration
	millis   bool
	faults   Faults
	channels []instrument
	key      uint64 // of all its random draws
	pcg      rand.PCG
	rng      *rand.Rand
	topics   map[devices.Leaf]string
	wake     chan struct{}

	mu       sync.Mutex
	now      time.Time
	clockSet bool
	booted   time.Time
	taken    time.Time // the last reading's time
	seq      int64     // given last
	lastSent int64     // highest acknowledged in a message that can be read
	ring     ring
	inFlight int // items taken from the ring and not acknowledged
	late     []lateItem
	valve    *valve
	counts   Counts
	silenced bool          // SetRadio(false)
	outage   bool          // a fault of today
	quiet    chan struct{} // closed when the device is at rest; nil when nobody waits
	session  *session      // nil while there is no connection
	greeted  bool          // on the session

	rough roughness // of the radio alone
}

type lateItem struct {
	due  time.Time
	item item
}

// New returns a device that is switched on and has no connection yet. A
// channel of an unknown quantity is a mistake of the program and panics.
func New(o Options) *Device {
	if o.RingSize == 0 {
		o.RingSize = defaultRingSize
	}
	if o.Faults.LateBy == 0 {
		o.Faults.LateBy = 6 * time.Hour
	}
	h := fnv.New64a()
	_, _ = h.Write([]byte(o.ID))
	d := &Device{
		id: o.ID, every: o.Every, millis: o.UnixMillis, faults: o.Faults,
		key: h.Sum64() ^ o.Seed*0x9e3779b97f4a7c15, wake: make(chan struct{}, 1),
		now: o.Boot, clockSet: true, booted: o.Boot, ring: ring{size: o.RingSize},
		topics: map[devices.Leaf]string{},
	}
	for _, leaf := range []devices.Leaf{devices.Telemetry, devices.Status, devices.Reports, devices.Commands} {
		d.topics[leaf] = devices.Topic(o.ID, leaf)
	}
	d.rng = rand.New(&d.pcg) //nolint:gosec // seeded on purpose
	d.draw(0)
	if o.Valve != nil {
		d.valve = &valve{ValveOptions: *o.Valve, now: o.Boot}
		o.Channels = append(o.Channels, valveChannels(d.valve)...)
	}
	for _, c := range o.Channels {
		d.channels = append(d.channels, newInstrument(c, o.Faults.Noise, d.rng))
	}
	return d
}

func valveChannels(v *valve) []Channel {
	ifOpen := func(value float64) float64 {
		if v.open {
			return value
		}
		return 0
	}
	return []Channel{
		{Key: devices.Key{Quantity: devices.ValveOpen}, Read: func(time.Time) float64 { return ifOpen(1) }},
		{Key: devices.Key{Quantity: devices.Flow}, Read: func(time.Time) float64 { return ifOpen(v.FlowLPM) }, Decimals: 1},
		{Key: devices.Key{Quantity: devices.VolumeTotal}, Read: func(time.Time) float64 { return v.totalL }, Decimals: 1},
	}
}

// draw starts the device's random numbers for an instant or a day.
func (d *Device) draw(at int64) {
	d.pcg.Seed(d.key, uint64(at)*0xd1342543de82ef95) //nolint:gosec // a bit pattern
}

// ID returns the device's id.
func (d *Device) ID() devices.DeviceID { return d.id }

// Due reports whether the device takes a reading at an instant: at every whole
// multiple of its interval, and every ten minutes while water runs through it.
func (d *Device) Due(at time.Time) bool {
	if at.Equal(at.Truncate(d.every)) {
		return true
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.valve != nil && d.valve.open && at.Equal(at.Truncate(openEvery))
}

// Advance lets the device's time pass: a valve obeys and closes, readings that
// were held back come due, outages begin and end. The radio learns of it by Wake.
func (d *Device) Advance(to time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.now = to
	if d.valve != nil {
		for _, r := range d.valve.advance(to) {
			d.pushReport(r)
		}
	}
	held := d.late[:0]
	for _, l := range d.late {
		if l.due.After(to) {
			held = append(held, l)
		} else {
			d.ring.push(l.item)
		}
	}
	d.late = held
	d.outage = d.faults.Outage > 0 && d.outageAt(to)
}

// outageAt reports whether an outage of the day covers the time. It begins on a
// full hour between 00:00 and 11:00 UTC, so that it ends on the same day.
func (d *Device) outageAt(at time.Time) bool {
	day := at.Truncate(24 * time.Hour)
	d.draw(day.Unix())
	if d.rng.Float64() >= d.faults.Outage {
		return false
	}
	begin := time.Duration(d.rng.IntN(12)) * time.Hour
	length := time.Duration(1+d.rng.IntN(12)) * time.Hour
	since := at.Sub(day)
	return since > begin && since <= begin+length
}

// Take measures everything at the device's time and keeps the reading for sending.
func (d *Device) Take() {
	d.mu.Lock()
	defer d.mu.Unlock()
	instant := d.now.Truncate(time.Millisecond)
	if !instant.After(d.taken) {
		return // a second reading of one instant would be a duplicate
	}
	d.taken = instant
	d.draw(d.now.UnixMilli())
	drop, duplicate, late, cut := d.rng.Float64(), d.rng.Float64(), d.rng.Float64(), d.rng.Float64()
	if drop < d.faults.Drop {
		d.counts.Dropped++
		return
	}
	at := d.clock(d.now)
	it := item{leaf: devices.Telemetry, seq: d.nextSeq(), values: len(d.channels), alone: !d.clockSet, again: duplicate < d.faults.Duplicate}
	it.payload = appendReading(make([]byte, 0, 64+40*len(d.channels)), at, d.millis, it.seq, d.channels, d.rng)
	if cut < d.faults.Break {
		it.payload = it.payload[:len(it.payload)*2/3]
		it.alone, it.broken = true, true
	}
	if late < d.faults.Late {
		d.counts.Late++
		d.late = append(d.late, lateItem{due: d.now.Add(d.faults.LateBy), item: it})
		return
	}
	d.ring.push(it)
}

// clock returns what the device takes a time to be, to the millisecond: a
// clock that was never set starts in 1970.
func (d *Device) clock(at time.Time) time.Time {
	if !d.clockSet {
		at = time.Unix(0, 0).UTC().Add(at.Sub(d.booted))
	}
	return at.Truncate(time.Millisecond)
}

// nextSeq counts everything the device says. It follows the time, so it goes
// on growing when a later process takes the season up again.
func (d *Device) nextSeq() int64 {
	d.seq = max(d.seq+1, d.now.UnixMilli())
	return d.seq
}

func (d *Device) pushReport(r devices.CommandReport) {
	r.At = d.clock(r.At)
	r.Seq = d.nextSeq()
	d.ring.push(item{leaf: devices.Reports, payload: mustMarshal(r), seq: r.Seq, alone: true})
}

// command is called by the radio for every message on the command topic.
func (d *Device) command(payload []byte) {
	var cmd devices.Command
	err := json.Unmarshal(payload, &cmd)
	if d.valve == nil {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if err != nil && cmd.Action != devices.Close { // a close is obeyed though the rest of it is nonsense
		d.counts.Ignored++
		return
	}
	answer, ok := d.valve.receive(cmd, d.now, d.clockSet)
	if !ok {
		d.counts.Ignored++
		return
	}
	d.pushReport(answer)
	d.Wake()
}

// Wake tells the radio that there may be something to send.
func (d *Device) Wake() {
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

// LoseClock lets the device forget the time, as a power cut does: it is in 1970 until SetClock.
func (d *Device) LoseClock() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.clockSet, d.booted = false, d.now
}

// SetClock gives the device the right time again.
func (d *Device) SetClock() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.clockSet = true
}

// Drain returns the litres that ran through the valve since the last call; 0 without one.
func (d *Device) Drain() float64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.valve == nil {
		return 0
	}
	return d.valve.drain()
}

// Openings returns every opening of the valve up to now.
func (d *Device) Openings() []Opening {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.valve == nil {
		return nil
	}
	return append([]Opening(nil), d.valve.openings...)
}

// LastSeq returns the highest seq that was acknowledged in a message that can be read.
func (d *Device) LastSeq() int64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.lastSent
}

// Counts returns what the device has counted so far.
func (d *Device) Counts() Counts {
	d.mu.Lock()
	defer d.mu.Unlock()
	c := d.counts
	c.Overwritten = d.ring.overwritten
	c.Waiting = int64(d.ring.n + d.inFlight)
	c.Held = int64(len(d.late))
	return c
}
