package now

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"ganlin/devices"
)

// A Snapshot is the state at one moment. It never changes and is shared by all who ask: nobody may write to it.
type Snapshot struct {
	Position string    // of the journal's reader after the last facts; empty: none yet
	Devices  []*Device // sorted by id
	Ticks    map[devices.SiteID]time.Time
}

// A Device is what is known of one device.
type Device struct {
	ID       devices.DeviceID
	Location devices.Location
	Values   []Value   // in the order of the contract, then by depth and channel
	At       time.Time // event time of its newest reading; zero: it has sent none
	Heard    time.Time // when anything of it reached the journal last

	Online   Online
	OnlineAt time.Time // when Online was last told
	Firmware string

	Report   *devices.CommandReport // the newest; nil: none yet
	ReportAt time.Time
}

// A Value is the newest value of one series by event time.
type Value struct {
	Key      devices.Key
	Number   float64 // in the unit of the quantity
	Flags    devices.Flags
	At       time.Time
	Received time.Time
}

// Online says whether a device is connected, as far as anybody told.
type Online uint8

// What may be known of a connection.
const (
	OnlineUnknown Online = iota
	IsOnline
	IsOffline
)

// Snapshot returns the present. It costs a pointer a device when something changed since the last one, else nothing.
func (s *State) Snapshot() *Snapshot {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.snapshot == nil {
		shared := make([]*Device, len(s.sorted))
		for i, e := range s.sorted {
			e.shared = true
			shared[i] = e.device
		}
		s.snapshot = &Snapshot{Position: s.position, Devices: shared, Ticks: maps.Clone(s.ticks)}
	}
	return s.snapshot
}

// Device returns what is known of a device, and whether anything is.
func (s *Snapshot) Device(id devices.DeviceID) (*Device, bool) {
	i, ok := slices.BinarySearchFunc(s.Devices, id, func(d *Device, id devices.DeviceID) int {
		return strings.Compare(string(d.ID), string(id))
	})
	if !ok {
		return nil, false
	}
	return s.Devices[i], true
}

// put keeps v when it is newer than the value of its key. Of equal times the
// first counts, as in the database.
func (d *Device) put(v Value, limit int) {
	i := slices.IndexFunc(d.Values, func(have Value) bool { return have.Key == v.Key })
	if i >= 0 {
		if v.At.After(d.Values[i].At) {
			d.Values[i] = v
		}
		return
	}
	if len(d.Values) >= limit {
		oldest := 0
		for i := range d.Values {
			if d.Values[i].At.Before(d.Values[oldest].At) {
				oldest = i
			}
		}
		if !v.At.After(d.Values[oldest].At) {
			return
		}
		d.Values = slices.Delete(d.Values, oldest, oldest+1)
	}
	i, _ = slices.BinarySearchFunc(d.Values, v.Key, func(have Value, k devices.Key) int { return compareKeys(have.Key, k) })
	d.Values = slices.Insert(d.Values, i, v)
}

func (d *Device) setOnline(online bool, at time.Time) {
	d.Online, d.OnlineAt = IsOffline, at
	if online {
		d.Online = IsOnline
	}
}

func compareKeys(a, b devices.Key) int {
	return cmp.Or(
		cmp.Compare(rank(a.Quantity), rank(b.Quantity)),
		strings.Compare(string(a.Quantity), string(b.Quantity)),
		cmp.Compare(digits(a.DepthCM), digits(b.DepthCM)),
		cmp.Compare(digits(a.Channel), digits(b.Channel)),
	)
}

var rankOf = func() map[devices.Quantity]int {
	m := map[devices.Quantity]int{}
	for i, spec := range devices.Quantities() {
		m[spec.Quantity] = i
	}
	return m
}()

// rank is a quantity's place in the contract; an unknown one comes last.
func rank(q devices.Quantity) int {
	if i, ok := rankOf[q]; ok {
		return i
	}
	return len(rankOf)
}

// digits is the number that a depth or a channel stands for, -1 for none.
func digits(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		return -1
	}
	return n
}
