package devices

import (
	"fmt"
	"strconv"
)

// A DeviceID names a device. It is its MQTT user name and client id too, so it
// holds nothing that means something in a topic, a subject or line protocol.
type DeviceID string

// A PlotID names a plot of land under one crop.
type PlotID string

// A SiteID names a site: a village with all its plots, the unit of the rules.
type SiteID string

// A StationID names a weather station's place.
type StationID string

// A PlaceCode is an administrative division code (GB/T 2260 and its rural extension), such as 500119101001.
type PlaceCode string

// A HouseholdID is opaque: names and everything else personal live in the records store alone.
type HouseholdID string

// MaxIDLength is the largest number of characters of an id.
const MaxIDLength = 64

// Validate reports whether the id matches ^[A-Za-z0-9_-]{1,64}$.
func (id DeviceID) Validate() error { return checkID(string(id)) }

// Validate reports whether the id matches ^[A-Za-z0-9_-]{1,64}$.
func (id PlotID) Validate() error { return checkID(string(id)) }

// Validate reports whether the id matches ^[A-Za-z0-9_-]{1,64}$.
func (id SiteID) Validate() error { return checkID(string(id)) }

// Validate reports whether the id matches ^[A-Za-z0-9_-]{1,64}$.
func (id StationID) Validate() error { return checkID(string(id)) }

// Validate reports whether the id matches ^[A-Za-z0-9_-]{1,64}$.
func (id HouseholdID) Validate() error { return checkID(string(id)) }

// Validate reports whether the code is 2 to 12 digits, as division codes are.
func (c PlaceCode) Validate() error {
	if len(c) < 2 || len(c) > 12 || !isDigits(string(c)) {
		return fmt.Errorf("place code %s is not 2 to 12 digits", quote(string(c)))
	}
	return nil
}

func checkID(s string) error {
	switch {
	case s == "":
		return fmt.Errorf("id is empty; use 1 to %d of the characters A-Z a-z 0-9 _ -", MaxIDLength)
	case len(s) > MaxIDLength:
		return fmt.Errorf("id %s has %d characters; at most %d are allowed", quote(s), len(s), MaxIDLength)
	}
	for _, c := range s {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '_', c == '-':
		default:
			return fmt.Errorf("id %q holds %q; use only A-Z a-z 0-9 _ -", s, c)
		}
	}
	return nil
}

// quote quotes a text from outside for an error: what is long is cut, what
// cannot be printed is escaped.
func quote(s string) string {
	const longest = 2 * MaxIDLength
	if len(s) > longest {
		return strconv.Quote(s[:longest]) + "…"
	}
	return strconv.Quote(s)
}

func isDigits(s string) bool {
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return false
		}
	}
	return s != ""
}
