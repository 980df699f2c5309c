package dashboards

import (
	"cmp"
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
	asked     bool // links keep the language
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
	return words.Decimal(v.Number, spec.Decimals)
}

// unit writes a unit as people read it.
func unit(q devices.Quantity) string {
	spec, _ := q.Spec()
	return words.Unit(string(spec.Unit))
}

// word is the message of a code, or the code.
func (s speaker) word(group, code string) string {
	if text, ok := s.catalogue.Lookup(s.language, group+code, nil); ok {
		return text
	}
	return code
}

func (s speaker) quantity(q devices.Quantity) string { return s.word("quantity.", string(q)) }

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
	return words.Moment(s.language, t.In(s.zone), clock)
}

// day writes a day of the site near today.
func (s speaker) day(t time.Time) string {
	return t.In(s.zone).Format(map[words.Language]string{words.Chinese: "1月2日", words.English: "2 January"}[s.language])
}

// brief writes a time of the site for somebody who knows what day it is.
func (s speaker) brief(t time.Time) string {
	t, now := t.In(s.zone), s.now.In(s.zone)
	layout := map[words.Language]string{words.Chinese: "1月2日 15:04", words.English: "2 January, 15:04"}[s.language]
	switch {
	case t.Year() != now.Year():
		return s.moment(t)
	case t.YearDay() == now.YearDay():
		layout = "15:04"
	}
	return t.Format(layout)
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
