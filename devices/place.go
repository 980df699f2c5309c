package devices

import (
	"strings"
	"time"
)

// A Place is an administrative division: a village or above.
type Place struct {
	Code PlaceCode
	Name string
}

// Within reports whether the code is the outer one or lies within it. Zeros that
// stand for "all of it" are ignored: a county is 500119 or 500119000000.
func (c PlaceCode) Within(outer PlaceCode) bool {
	return outer != "" && (c == outer || strings.HasPrefix(string(c), outer.division()))
}

// division is a code without its zeros. Only whole levels are cut (GB/T 2260,
// GB/T 10114: 2, 4, 6, 9 and 12 digits), for 010 is a village's number and not all of 01.
func (c PlaceCode) division() string {
	s := string(c)
	for _, level := range []struct {
		digits int
		zeros  string
	}{{12, "000"}, {9, "000"}, {6, "00"}, {4, "00"}} {
		if len(s) == level.digits {
			s = strings.TrimSuffix(s, level.zeros)
		}
	}
	return s
}

// A Site is a village: the unit in which rules are applied and days are counted.
type Site struct {
	ID       SiteID
	Place    PlaceCode
	TimeZone string // IANA name; a day is local midnight to midnight
}

// A Station is where the weather of plots is measured.
type Station struct {
	ID                  StationID
	Latitude, Longitude float64 // degrees, north and east positive
	ElevationM          float64
}

// A Soil is a texture class by name, or its own measured water contents.
type Soil struct {
	Texture       string  // such as silt_loam; empty when the contents are given
	FieldCapacity float64 // m3/m3; 0 when the texture decides
	WiltingPoint  float64 // m3/m3; 0 when the texture decides
}

// A Mode says how far Ganlin may act on a plot's valves.
type Mode string

// The modes of a plot.
const (
	Advise Mode = "advise" // say what to do; a person acts
	Auto   Mode = "auto"   // open by lease when the rules say so
	Off    Mode = "off"    // watch only
)

// A Plot is a piece of land under one crop. It knows its household by an opaque id only.
type Plot struct {
	ID           PlotID
	Name         string
	Place        PlaceCode
	Site         SiteID
	Station      StationID
	Household    HouseholdID
	AreaMu       float64 // 1 mu is 666.7 m2
	Crop         string
	Planted      time.Time // the day, in UTC at midnight
	Soil         Soil
	SlopePercent float64
	Valves       []DeviceID
	Mode         Mode

	Latitude  float64 `json:",omitzero"` // of its middle, degrees, north positive; it and Longitude 0: not given
	Longitude float64 `json:",omitzero"` // degrees, east positive
}

// Placed reports whether the plot's position is known.
func (p Plot) Placed() bool { return p.Latitude != 0 || p.Longitude != 0 }

// A Device is one thing that speaks: a probe, a weather station or a valve.
// It stands on a plot or at a station.
type Device struct {
	ID      DeviceID
	Model   string
	Plot    PlotID
	Station StationID

	MaxDurationS int     // of a valve: longest single opening, seconds
	MaxVolumeL   float64 // of a valve with a meter: most water of one opening, litres
	FlowLPM      float64 // of a valve: what runs through it while it is open, litres a minute; 0: its meter will tell
}

// A Location is where a device's readings belong: the tags of its series. A
// device at a station that several plots share has no plot.
type Location struct {
	Plot  PlotID
	Site  SiteID
	Place PlaceCode
}
