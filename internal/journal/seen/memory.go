package seen

import (
	"context"
	"slices"
	"strings"

	"ganlin/devices"
)

// device returns what is known of a device, from the file if it is not in memory.
func (x *Index) device(ctx context.Context, id devices.DeviceID) (*device, error) {
	if d, ok := x.devices[id]; ok {
		x.recent.MoveToFront(d.element)
		return d, nil
	}
	d := &device{id: devices.DeviceID(strings.Clone(string(id))), state: state{last: none, seq: none, complete: true}}
	found, err := x.file.device(ctx, d)
	if err != nil {
		return nil, err
	}
	if found {
		d.complete = false
		newest, err := x.file.newest(ctx, d)
		if err != nil {
			return nil, err
		}
		if newest != nil { // so that it goes on, in place of a new part at each visit
			d.parts = append(d.parts, newest)
			d.size += newest.size()
		}
	}
	d.size += deviceOverhead + len(id)
	x.size += d.size
	d.element = x.recent.PushFront(d)
	x.devices[d.id] = d
	return d, nil
}

// load brings all parts of the device's day into memory, and says whether any was missing.
func (x *Index) load(ctx context.Context, d *device, k kind, day int64) (bool, error) {
	if d.complete || slices.Contains(d.loaded, loadedDay{k, day}) {
		return false, nil
	}
	parts, err := x.file.day(ctx, d, k, day)
	if err != nil {
		return false, err
	}
	x.touch(d)
	added := false
	for _, p := range parts {
		if !slices.ContainsFunc(d.parts, func(have *part) bool { return have.id == p.id }) {
			d.parts = append(d.parts, p)
			x.grow(d, p.size())
			added = true
		}
	}
	d.loaded = append(d.loaded, loadedDay{k, day})
	return added, nil
}

// evict drops what was used least lately and is in the file, until the budget is kept.
func (x *Index) evict() {
	const most = 1000 // of one call, since none of them may be in the file yet
	element := x.recent.Back()
	for range most {
		if x.size <= x.budget || element == nil {
			break
		}
		d := element.Value.(*device)
		element = element.Prev()
		x.trim(d)
	}
	x.pressed = x.size > x.budget
}

// trim drops the parts of a device that are in the file, and the device when nothing else is left.
func (x *Index) trim(d *device) {
	kept := d.parts[:0:0]
	for _, p := range d.parts {
		if p.dirty || p.saving {
			kept = append(kept, p)
		} else {
			x.grow(d, -p.size())
		}
	}
	if len(kept) < len(d.parts) {
		d.parts, d.loaded, d.complete = kept, nil, false
	}
	if len(kept) == 0 && !d.listed && !d.saving {
		x.size -= d.size
		x.recent.Remove(d.element)
		delete(x.devices, d.id)
	}
}

// Pressed reports whether more is in memory than the budget allows because too
// much is not saved yet.
func (x *Index) Pressed() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.pressed
}

// Size returns how many bytes of memory the index takes, about.
func (x *Index) Size() int {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.size
}

func addKeys(known map[string]bool, set string) {
	for key := range strings.SplitAfterSeq(set, ",") {
		known[key] = true
	}
}
