package dashboards

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"ganlin/dashboards/words"
	"ganlin/devices"
)

// A speaker puts numbers, times and messages into one language.
type speaker struct {
	catalogue *words.Catalogue
	language  words.Language
	zone      *time.Location
	now       time.Time
}

func (s speaker) text(key string, args words.Args) string {
	return s.catalogue.Text(s.language, key, args)
}

// number writes a value as people are shown it, without its unit.
func (s speaker) number(v Value) string {
	spec, known := v.Key.Quantity.Spec()
	switch {
	case !known:
		return strconv.FormatFloat(v.Number, 'g', 6, 64)
	case v.Key.Quantity == devices.ValveOpen && v.Number == 1:
		return s.text("valve.open", nil)
	case v.Key.Quantity == devices.ValveOpen:
		return s.text("valve.closed", nil)
	}
	return decimal(v.Number, spec.Decimals)
}

// decimal writes x with a fixed number of decimals, its thousands apart and a true minus sign.
func decimal(x float64, decimals int) string {
	text := strconv.FormatFloat(math.Abs(x), 'f', decimals, 64)
	whole, part, hasPart := strings.Cut(text, ".")
	if n, err := strconv.ParseInt(whole, 10, 64); err == nil {
		whole = words.Integer(n)
	}
	if hasPart {
		whole += "." + part
	}
	if x < 0 && strings.ContainsAny(whole, "123456789") {
		whole = "−" + whole
	}
	return whole
}

// unit writes a unit as people read it.
func unit(q devices.Quantity) string {
	spec, _ := q.Spec()
	switch spec.Unit {
	case "1":
		return ""
	case "m3/m3":
		return "m³/m³"
	case "Cel":
		return "°C"
	case "deg":
		return "°"
	case "W/m2":
		return "W/m²"
	default:
		return string(spec.Unit)
	}
}

func (s speaker) quantity(q devices.Quantity) string {
	name, ok := s.catalogue.Lookup(s.language, "quantity."+string(q), nil)
	if !ok {
		return string(q)
	}
	return name
}

// place names the depth and the channel of a key; it is empty without both.
func (s speaker) place(k devices.Key) string {
	args := words.Args{"depth": k.DepthCM, "channel": k.Channel}
	switch {
	case k.DepthCM != "" && k.Channel != "":
		return s.text("card.depth_channel", args)
	case k.DepthCM != "":
		return s.text("card.depth", args)
	case k.Channel != "":
		return s.text("card.channel", args)
	}
	return ""
}

// series names a key in full.
func (s speaker) series(k devices.Key) string {
	return strings.TrimSpace(s.quantity(k.Quantity) + " " + s.place(k))
}

// age says how long ago a reading was measured.
func (s speaker) age(at time.Time) string {
	switch age := s.now.Sub(at); {
	case age < time.Minute:
		return s.text("age.now", nil)
	case age < time.Hour:
		return s.text("age.minutes", words.Args{"n": int(age / time.Minute)})
	case age < 48*time.Hour:
		return s.text("age.hours", words.Args{"n": int(age / time.Hour)})
	default:
		return s.text("age.days", words.Args{"n": int(age / (24 * time.Hour))})
	}
}

func (s speaker) elapsed(d time.Duration) string {
	seconds := int(d / time.Second)
	args := words.Args{"hours": seconds / 3600, "minutes": seconds / 60 % 60, "seconds": seconds % 60}
	switch {
	case d >= time.Hour:
		return s.text("elapsed.hours", args)
	case d >= time.Minute:
		return s.text("elapsed.minutes", args)
	}
	return s.text("elapsed.seconds", args)
}

// moment writes a time of the site to the minute.
func (s speaker) moment(t time.Time) string { return s.format(t, "15:04") }

// second writes a time of the site to the second.
func (s speaker) second(t time.Time) string { return s.format(t, "15:04:05") }

func (s speaker) format(t time.Time, clock string) string {
	day := "2 January 2006, "
	if s.language == words.Chinese {
		day = "2006年1月2日 "
	}
	return t.In(s.zone).Format(day + clock)
}

// inOrder returns values in the order of the contract, then by depth and channel.
func inOrder(values []Value) []Value {
	rank := map[devices.Quantity]int{}
	for i, spec := range devices.Quantities() {
		rank[spec.Quantity] = i + 1
	}
	place := func(q devices.Quantity) int { return cmp.Or(rank[q], len(rank)+1) }
	return slices.SortedFunc(slices.Values(values), func(a, b Value) int {
		return cmp.Or(
			cmp.Compare(place(a.Key.Quantity), place(b.Key.Quantity)),
			strings.Compare(string(a.Key.Quantity), string(b.Key.Quantity)),
			compareDigits(a.Key.DepthCM, b.Key.DepthCM),
			compareDigits(a.Key.Channel, b.Key.Channel),
		)
	})
}

// compareDigits compares numbers without leading zeros; none comes first.
func compareDigits(a, b string) int {
	return cmp.Or(cmp.Compare(len(a), len(b)), strings.Compare(a, b))
}
