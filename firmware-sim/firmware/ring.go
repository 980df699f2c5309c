package firmware

import (
	"slices"

	"ganlin/devices"
)

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

// A ring is a device's memory for what it could not send yet. It grows up to
// its size; when that is full the oldest is overwritten.
type ring struct {
	size        int
	items       []item
	first, n    int
	overwritten int64
}

// push adds the newest item.
func (r *ring) push(it item) {
	r.makeRoom(1)
	if r.n == len(r.items) {
		r.pop()
		r.overwritten++
	}
	r.items[(r.first+r.n)%len(r.items)] = it
	r.n++
}

// makeRoom grows the ring for that many items more, as far as it may.
func (r *ring) makeRoom(more int) {
	if r.n+more <= len(r.items) || len(r.items) == r.size {
		return
	}
	grown := make([]item, min(max(2*len(r.items), r.n+more, 8), r.size))
	for i := range r.n {
		grown[i] = r.items[(r.first+i)%len(r.items)]
	}
	r.items, r.first = grown, 0
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
	r.makeRoom(len(items))
	if room := len(r.items) - r.n; len(items) > room {
		r.overwritten += int64(len(items) - room)
		items = items[len(items)-room:]
	}
	for _, it := range slices.Backward(items) {
		r.first = (r.first - 1 + len(r.items)) % len(r.items)
		r.items[r.first] = it
		r.n++
	}
}
