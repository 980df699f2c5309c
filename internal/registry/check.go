package registry

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"ganlin/devices"
	"ganlin/internal/position"
)

// DefaultMaxDurationS is the longest single opening of a valve whose entry
// does not say it, in seconds: short enough to drown nothing.
const DefaultMaxDurationS = 3600

// Bounds of what a registry may say.
const (
	maxNameLength   = 100       // characters
	maxValveSeconds = 24 * 3600 // of one opening
	maxFlowLPM      = 10_000
	minElevationM   = -500
	maxElevationM   = 9000
	maxAreaMu       = 1_000_000
	maxWater        = 0.8 // m3/m3; a peat holds no more
)

// A fault is what is wrong with one key of an entity by itself.
type fault struct{ key, message string }

// faults collects those that hold.
type faults []fault

func (f *faults) addIf(wrong bool, key, format string, args ...any) {
	if wrong {
		*f = append(*f, fault{key, fmt.Sprintf(format, args...)})
	}
}

func (f *faults) addErr(key string, err error) {
	if err != nil {
		*f = append(*f, fault{key, err.Error()})
	}
}

// position checks degrees.
func (f *faults) position(latitude, longitude float64) {
	f.addIf(!within(latitude, -90, 90), "latitude", "latitude %g is outside -90 … 90 degrees (north is positive)", latitude)
	f.addIf(!within(longitude, -180, 180), "longitude", "longitude %g is outside -180 … 180 degrees (east is positive)", longitude)
}

func checkPlace(p devices.Place) (f faults) {
	f.addErr("code", p.Code.Validate())
	f.addErr("name", checkName(p.Name))
	f.addIf(p.Name == "", "name", "name is empty")
	return f
}

func checkSite(s devices.Site) (f faults) {
	f.addErr("id", s.ID.Validate())
	if s.TimeZone != "" {
		f.addErr("timezone", checkTimeZone(s.TimeZone))
	}
	return f
}

func checkStation(s devices.Station) (f faults) {
	f.addErr("id", s.ID.Validate())
	f.position(s.Latitude, s.Longitude)
	f.addIf(!within(s.ElevationM, minElevationM, maxElevationM), "elevation_m",
		"elevation_m %g is outside %d … %d metres above the sea", s.ElevationM, minElevationM, maxElevationM)
	return f
}

func checkPlot(p devices.Plot) (f faults) {
	f.addErr("id", p.ID.Validate())
	f.addErr("name", checkName(p.Name))
	if err := p.Household.Validate(); p.Household != "" && err != nil {
		f.addErr("household", fmt.Errorf("household %w; write an opaque id such as h-001, never a name", err))
	}
	f.addIf(!within(p.AreaMu, math.SmallestNonzeroFloat64, maxAreaMu), "area_mu",
		"area_mu %g must be above 0 and at most %d (1 mu is 666.7 m2)", p.AreaMu, maxAreaMu)
	f.addErr("crop", checkCrop(p.Crop))
	f.addIf(p.Planted.IsZero(), "planted", "planted is no day; write one such as 2026-04-02")
	f.addIf(!within(p.SlopePercent, 0, 100), "slope_percent", "slope_percent %g is outside 0 … 100", p.SlopePercent)
	f.addIf(!slices.Contains([]devices.Mode{devices.Advise, devices.Auto, devices.Off}, p.Mode), "mode",
		"mode %q is none of advise (a person acts), auto (valves open by themselves), off (watch only)", shorten(string(p.Mode)))
	f.addErr("soil", checkSoil(p.Soil))
	f.position(p.Latitude, p.Longitude)
	for i, v := range p.Valves {
		f.addIf(slices.Index(p.Valves, v) < i, "valves", "valve %s stands twice; keep one", v)
	}
	return f
}

func checkDevice(d devices.Device) (f faults) {
	f.addErr("id", d.ID.Validate())
	f.addErr("model", checkName(d.Model))
	f.addIf(d.Model == "", "model", "model is empty")
	f.addIf(d.Plot == "" && d.Station == "", "", "it stands nowhere; give it a plot or a station")
	f.addIf(d.MaxDurationS < 0 || d.MaxDurationS > maxValveSeconds, "max_duration_s",
		"max_duration_s %d is outside 1 … %d seconds", d.MaxDurationS, maxValveSeconds)
	f.addIf(!within(d.MaxVolumeL, 0, math.MaxFloat64), "max_volume_l", "max_volume_l %g is not above 0 litres", d.MaxVolumeL)
	f.addIf(!within(d.FlowLPM, 0, maxFlowLPM), "flow_lpm", "flow_lpm %g is outside 0 … %d litres a minute", d.FlowLPM, maxFlowLPM)
	return f
}

func checkCrop(name string) error {
	known := crops()
	if slices.Contains(known, name) {
		return nil
	}
	near := position.DidYouMean(name, known)
	if near == "" {
		near = "; names are those of FAO-56, table 12, such as maize_grain, rice, potato, tomato"
	}
	return fmt.Errorf("crop %q is not known%s", shorten(name), near)
}

func checkSoil(s devices.Soil) error {
	if s.FieldCapacity == 0 && s.WiltingPoint == 0 {
		if slices.Contains(textures(), s.Texture) {
			return nil
		}
		return fmt.Errorf("soil %q is no texture%s; use one of %s, or {field_capacity: 0.32, wilting_point: 0.15}",
			shorten(s.Texture), position.DidYouMean(s.Texture, textures()), strings.Join(textures(), ", "))
	}
	if s.Texture != "" {
		return fmt.Errorf("soil has a texture and contents of its own; give one of the two")
	}
	if !(0 < s.WiltingPoint && s.WiltingPoint < s.FieldCapacity && s.FieldCapacity < maxWater) {
		return fmt.Errorf("wilting_point %g and field_capacity %g are not in order: 0 < wilting_point < field_capacity < %g m3/m3",
			s.WiltingPoint, s.FieldCapacity, maxWater)
	}
	return nil
}

// checkName checks text for people: one line of printable characters, without spaces around it.
func checkName(s string) error {
	switch {
	case utf8.RuneCountInString(s) > maxNameLength:
		return fmt.Errorf("%q is longer than %d characters", shorten(s), maxNameLength)
	case strings.ContainsFunc(s, func(c rune) bool { return !unicode.IsGraphic(c) }):
		return fmt.Errorf("%q holds a character that cannot be shown", shorten(s))
	case strings.TrimSpace(s) != s:
		return fmt.Errorf("%q begins or ends with a space", shorten(s))
	}
	return nil
}

// checkTimeZone accepts names of the IANA database; Local would mean another zone on every machine.
func checkTimeZone(name string) error {
	if _, err := time.LoadLocation(name); err != nil || name == "Local" {
		return fmt.Errorf("timezone %q is not in the IANA database; write one such as Asia/Shanghai", shorten(name))
	}
	return nil
}

// within is false for what is not a number.
func within(v, low, high float64) bool { return low <= v && v <= high }
