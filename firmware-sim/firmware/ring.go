package firmware

import "ganlin/devices"

// An item is one thing a device has to say, already encoded.
type item struct {
	leaf    devices.Leaf
	payload []byte
	seq     int64
	values  int  // numbers in it
	alone   bool // never joined with others in an array
	broken  bool // cut short on purpose
	again   bool // published once more after its PUBACK, on purpose
}

// A ring is a device's memory for what it could not send yet. When it is full
// the oldest is overwritten.
type ring struct {
	items       []item
	first, n    int
	overwritten int64
}

func newRing(size int) ring { return ring{items: make([]item, size)} }

// push adds the newest item.
func (r *ring) push(it item) {
	if r.n == len(r.items) {
		r.pop()
		r.overwritten++
	}
	r.items[(r.first+r.n)%len(r.items)] = it
	r.n++
}

// pop removes the oldest item; the ring must not be empty.
func (r *ring) pop() item {
	it := r.items[r.first]
	r.items[r.first] = item{}
	r.first = (r.first + 1) % len(r.items)
	r.n--
	return it
}

// peek returns the oldest item, or nil.
func (r *ring) peek() *item {
	if r.n == 0 {
		return nil
	}
	return &r.items[r.first]
}

// giveBack puts items that were popped, oldest first, in front of all others.
// Where room is short the oldest of them are lost.
func (r *ring) giveBack(items []item) {
	if room := len(r.items) - r.n; len(items) > room {
		r.overwritten += int64(len(items) - room)
		items = items[len(items)-room:]
	}
	for i := len(items) - 1; i >= 0; i-- {
		r.first = (r.first - 1 + len(r.items)) % len(r.items)
		r.items[r.first] = items[i]
		r.n++
	}
}
