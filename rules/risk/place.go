package risk

import (
	"slices"
	"strings"

	"ganlin/devices"
)

// ByPlace counts clues by place, never by household. The zero value is ready.
type ByPlace struct {
	Places []PlaceCount `json:"places,omitempty"` // by code
}

// A PlaceCount is the clues of one place.
type PlaceCount struct {
	Place     devices.PlaceCode `json:"place"`
	Open      int               `json:"open"`      // now
	Raised    int               `json:"raised"`    // since counting began
	Withdrawn int               `json:"withdrawn"` // likewise
}

// Add books the transition of a household of a place and returns the place's
// counts. Unchanged brings a place in with what it has, so that 0 is said too.
func (b *ByPlace) Add(place devices.PlaceCode, transition Transition) PlaceCount {
	i, found := slices.BinarySearchFunc(b.Places, place, func(c PlaceCount, p devices.PlaceCode) int {
		return strings.Compare(string(c.Place), string(p))
	})
	if !found {
		b.Places = slices.Insert(b.Places, i, PlaceCount{Place: place})
	}
	c := &b.Places[i]
	switch transition {
	case Raised:
		c.Open++
		c.Raised++
	case Withdrawn:
		c.Open--
		c.Withdrawn++
	}
	return *c
}
