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

	unsorted bool // of a control
}

func (b *buffer) add(f devices.Fact) { b.Facts = append(b.Facts, f) }

// take removes the facts up to a time and returns them in the order in which
// they count: by time, device and quantity. How they arrived plays no part.
func (b *buffer) take(until time.Time) []devices.Fact {
	later := 0
	var due []devices.Fact
	for _, f := range b.Facts {
		if f.At.After(until) {
			b.Facts[later] = f
			later++
			continue
		}
		due = append(due, f)
	}
	clear(b.Facts[later:])
	b.Facts = b.Facts[:later]
	if !b.unsorted {
		slices.SortFunc(due, compareFacts)
	}
	return due
}

// compareFacts orders facts. Two that compare equal are the same fact.
func compareFacts(a, b devices.Fact) int {
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
