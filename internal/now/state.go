// Package now keeps what is known of every device at this moment: the newest
// value of each series, who is connected, the last report of each valve. It is
// fed with the journal's facts in their order and with the broker's word on
// connections, and hands out immutable snapshots for pages.
package now

import (
	"slices"
	"strings"
	"sync"
	"time"

	"ganlin/devices"
)

// Options bound a State. A zero field takes its default.
type Options struct {
	MaxDevices int           // at this many the one not heard of for the longest makes room; default 50,000
	MaxValues  int           // of one device; at this many its oldest value makes room; default 128
	Patience   time.Duration // a subscriber with a signal untaken for longer is dropped; default 1 min
}

// A State is the present as the facts so far tell it. Its methods may be called from any goroutine.
type State struct {
	options Options
	saving  sync.Mutex // one Save at a time

	mu          sync.Mutex
	byID        map[devices.DeviceID]*entry
	sorted      []*entry // by id
	ticks       map[devices.SiteID]time.Time
	position    string
	snapshot    *Snapshot // nil when something changed since
	subscribers map[*subscriber]struct{}
}

// An entry owns a device until a snapshot shares it; the next change then goes to a copy.
type entry struct {
	device *Device
	shared bool
}

// New returns a State that knows of nothing yet.
func New(o Options) *State {
	if o.MaxDevices == 0 {
		o.MaxDevices = 50_000
	}
	if o.MaxValues == 0 {
		o.MaxValues = 128
	}
	if o.Patience == 0 {
		o.Patience = time.Minute
	}
	return &State{
		options:     o,
		byID:        map[devices.DeviceID]*entry{},
		ticks:       map[devices.SiteID]time.Time{},
		subscribers: map[*subscriber]struct{}{},
	}
}

// Apply takes over facts in the journal's order. Position is where the journal
// goes on after them; it is opaque here and is saved beside the state. Facts
// that were applied before change nothing, so a reader may start further back.
func (s *State) Apply(position string, facts []devices.Fact) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range facts {
		s.apply(&facts[i])
	}
	s.position = position
	s.changed()
}

func (s *State) apply(f *devices.Fact) {
	if f.Kind == devices.TickFact {
		if site := f.Location.Site; f.At.After(s.ticks[site]) {
			s.ticks[site] = f.At
		}
		return
	}
	d := s.edit(f.Device)
	if f.Location != (devices.Location{}) {
		d.Location = f.Location
	}
	d.Heard = later(d.Heard, f.Received)
	switch f.Kind {
	case devices.ReadingFact:
		d.At = later(d.At, f.At)
		d.put(Value{Key: f.Key, Number: f.Value, Flags: f.Flags, At: f.At, Received: f.Received}, s.options.MaxValues)
	case devices.PresenceFact:
		if f.Presence == nil {
			return
		}
		if !f.Received.Before(d.OnlineAt) {
			d.setOnline(f.Presence.Online, f.Received)
		}
		if f.Presence.Firmware != "" {
			d.Firmware = f.Presence.Firmware
		}
	case devices.ReportFact:
		if f.Report != nil && !f.At.Before(d.ReportAt) {
			report := *f.Report
			d.Report, d.ReportAt = &report, f.At
		}
	}
}

// SetOnline takes the broker's word that a device came or went. It comes in
// order and always counts, whatever the clock says: a clock that is stepped
// from outside may begin in the past. A status message of the device counts when it
// was received after that. Connections are not saved: a program whose broker
// starts empty says so of each of its devices.
func (s *State) SetOnline(id devices.DeviceID, online bool, at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.edit(id).setOnline(online, at)
	s.changed()
}

// edit returns the device to be changed, which no snapshot shares.
func (s *State) edit(id devices.DeviceID) *Device {
	e, ok := s.byID[id]
	switch {
	case !ok:
		e = s.insert(&Device{ID: id})
	case e.shared:
		d := *e.device
		d.Values = slices.Clone(d.Values)
		e.device, e.shared = &d, false
	}
	return e.device
}

func (s *State) insert(d *Device) *entry {
	if len(s.sorted) >= s.options.MaxDevices {
		s.evict()
	}
	e := &entry{device: d}
	i, _ := slices.BinarySearchFunc(s.sorted, d.ID, compareID)
	s.sorted = slices.Insert(s.sorted, i, e)
	s.byID[d.ID] = e
	return e
}

// evict forgets the device not heard of for the longest.
func (s *State) evict() {
	oldest := 0
	for i, e := range s.sorted {
		if e.device.Heard.Before(s.sorted[oldest].device.Heard) {
			oldest = i
		}
	}
	delete(s.byID, s.sorted[oldest].device.ID)
	s.sorted = slices.Delete(s.sorted, oldest, oldest+1)
}

// changed makes the next snapshot a new one and wakes the subscribers.
func (s *State) changed() {
	s.snapshot = nil
	s.notify()
}

func compareID(e *entry, id devices.DeviceID) int {
	return strings.Compare(string(e.device.ID), string(id))
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
