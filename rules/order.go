package rules

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"ganlin/devices"
)

// A buffer holds facts until their time has come.
type buffer struct {
	Facts []devices.Fact

	due      []devices.Fact  // of one take at a time
	order    []*devices.Fact // in due: facts are too large to be moved about
	unsorted bool            // of a control
}

func (b *buffer) add(f devices.Fact) { b.Facts = append(b.Facts, f) }

// take removes the facts up to a time and returns them in the order in which
// they count: by time, device and quantity. How they arrived plays no part.
// They are lent until the next take.
func (b *buffer) take(until time.Time) []*devices.Fact {
	later := 0
	b.due, b.order = b.due[:0], b.order[:0]
	for _, f := range b.Facts {
		if f.At.After(until) {
			b.Facts[later] = f
			later++
			continue
		}
		b.due = append(b.due, f)
	}
	clear(b.Facts[later:])
	b.Facts = b.Facts[:later]
	for i := range b.due {
		b.order = append(b.order, &b.due[i])
	}
	if !b.unsorted {
		slices.SortFunc(b.order, compareFacts)
	}
	return b.order
}

// compareFacts orders facts. Two that compare equal are the same fact.
func compareFacts(a, b *devices.Fact) int {
	if c := a.At.Compare(b.At); c != 0 {
		return c
	}
	if c := strings.Compare(string(a.Device), string(b.Device)); c != 0 {
		return c
	}
	if c := cmp.Compare(a.Kind, b.Kind); c != 0 {
		return c
	}
	switch a.Kind {
	case devices.ReadingFact:
		if c := compareKeys(a.Key, b.Key); c != 0 {
			return c
		}
		return cmp.Compare(a.Value, b.Value)
	case devices.ReportFact:
		// What one device says at one time counts in the order in which it said it.
		if c := cmp.Compare(a.Report.Seq, b.Report.Seq); c != 0 {
			return c
		}
		if c := strings.Compare(a.Report.Command, b.Report.Command); c != 0 {
			return c
		}
		return strings.Compare(string(a.Report.State), string(b.Report.State))
	case devices.ActFact:
		return strings.Compare(a.Act.ID, b.Act.ID)
	}
	return 0
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
