package words

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// RuleName is what people call a rule; without words it is the rule's id.
func (c *Catalogue) RuleName(l Language, rule string) string {
	if text, ok := c.Lookup(l, "rule."+rule, nil); ok {
		return text
	}
	return rule
}

// Why says what is missing, one clause a code. A code is one of the catalogue's,
// a number's or a quantity's name; anything else is shown as it is. silent says
// how long a source that keeps silent has done so; nil or 0: not known.
func (c *Catalogue) Why(l Language, codes []string, silent func(code string) time.Duration) string {
	var clauses []string
	for _, code := range codes {
		clause := ""
		if silent != nil {
			if span := silent(code); span > 0 {
				clause, _ = c.Lookup(l, "why."+code+"_since", Args{"span": c.Span(l, span)})
			}
		}
		if clause == "" {
			clause = c.lacks(l, code)
		}
		if !slices.Contains(clauses, clause) {
			clauses = append(clauses, clause)
		}
	}
	if len(clauses) == 0 {
		return c.Text(l, "why.none", nil)
	}
	text := clauses[0]
	for _, clause := range clauses[1:] {
		text = c.Text(l, "why.and", Args{"first": text, "rest": clause})
	}
	return text
}

func (c *Catalogue) lacks(l Language, code string) string {
	if text, ok := c.Lookup(l, "why."+code, nil); ok {
		return text
	}
	return c.Text(l, "why.lacks", Args{"what": c.name(l, code)})
}

// name is what people call a number, a quantity or another code; "x_of_y" is x of
// the subject y. Without words it is the code.
func (c *Catalogue) name(l Language, code string) string {
	for _, key := range []string{"estimate." + code, "fact." + code, "fact." + code + "_mm", "quantity." + code} {
		if text, ok := c.Lookup(l, key, nil); ok {
			return text
		}
	}
	if what, subject, ok := strings.Cut(code, "_of_"); ok {
		return c.Text(l, "fact.of", Args{"what": c.name(l, what), "subject": subject})
	}
	return code
}

// Span writes a time in its largest unit: 5 min, 6 h, 3 days.
func (c *Catalogue) Span(l Language, d time.Duration) string {
	switch {
	case d < time.Hour:
		return c.Text(l, "span.minutes", Args{"n": int(d / time.Minute)})
	case d < 48*time.Hour:
		return c.Text(l, "span.hours", Args{"n": int(d / time.Hour)})
	}
	return c.Text(l, "span.days", Args{"n": int(d / (24 * time.Hour))})
}

// Number writes a number of a decision: what people call it, and its value with
// the unit that ends its name. Losses are shares and are shown in percent.
func (c *Catalogue) Number(l Language, name string, value float64) (label, text string) {
	e := explainer{Catalogue: c, language: l}
	return c.name(l, name), e.withUnit(name, value)
}

func (e explainer) withUnit(name string, value float64) string {
	text := e.number(name, value)
	name, _, _ = strings.Cut(name, "_of_")
	switch {
	case name == "grade":
		return e.word("grade.", text)
	case share(name):
		return text + "%"
	case name == "days_to_stress":
		return e.say("unit.days", Args{"x": text})
	}
	if with, ok := e.Lookup(e.language, unitKey(name), Args{"x": text}); ok {
		return with
	}
	return text
}

// unitKey is the message of the unit that ends a number's name.
func unitKey(name string) string { return "unit." + name[strings.LastIndex(name, "_")+1:] }

// Numbers writes the numbers of a decision in the order in which people read them.
func (c *Catalogue) Numbers(l Language, numbers map[string]float64) []Line {
	place := func(name string) int {
		if i := slices.Index(numberNames(), name); i >= 0 {
			return i
		}
		return len(numberNames())
	}
	var out []Line
	for _, name := range slices.SortedFunc(maps.Keys(numbers), func(a, b string) int {
		return cmp.Or(cmp.Compare(place(a), place(b)), strings.Compare(a, b))
	}) {
		label, text := c.Number(l, name, numbers[name])
		out = append(out, Line{label, text})
	}
	return out
}

// numberNames are the numbers that the rules give, in the order in which people read them.
func numberNames() []string {
	return []string{
		"grade", "depletion_mm", "depletion_least_mm", "depletion_most_mm", "deficit_pct", "raw_mm", "taw_mm", "rsm_pct", "ks", "days_to_stress", "eto_mm", "etc_mm", "eta_mm", "rain_mm",
		"irrigation_mm", "drainage_mm", "rain_24h_mm", "soil_age_h", "wind_ms", "t_min_24h_c", "t_max_24h_c",
		"net_mm", "gross_mm", "efficiency_pct", "area_mu", "volume_l", "max_volume_l", "max_duration_s", "commanded_l",
		"delivered_l", "metered_l", "most_l", "duration_s", "response_mm", "loss_low", "loss_mid", "loss_high",
		"depletion_balance_mm", "depletion_probe_mm", "rain_7d_mm", "irrigation_7d_mm", "weather_age_h", "soil_t_20_c", "open_h",
		"leak_l", "flow_lpm", "silent_h", "stuck_h",
	}
}

// number writes a value as a sentence holds it: without its unit, but for a
// duration; a grade as its code.
func (e explainer) number(name string, value float64) string {
	name, _, _ = strings.Cut(name, "_of_")
	switch {
	case name == "grade":
		codes := []string{"none", "light", "moderate", "severe", "extreme"}
		if i := int(math.Round(value)); i >= 0 && i < len(codes) {
			return codes[i]
		}
		return "unknown"
	case share(name):
		return Short(100*value, 0)
	case name == "ks":
		return Short(value, 2)
	case strings.HasSuffix(name, "_s"):
		return e.duration(time.Duration(math.Round(value)) * time.Second)
	case strings.HasSuffix(name, "_l"):
		return Short(value, 0)
	case slices.Contains(numberNames(), name):
		return Short(value, 1)
	}
	return strconv.FormatFloat(value, 'g', 6, 64)
}

// share reports whether a number is a share that people read in percent.
func share(name string) bool {
	return strings.Contains(name, "loss") || strings.HasSuffix(name, "_share")
}

// duration writes hours and minutes, and leaves out what is zero.
func (e explainer) duration(d time.Duration) string {
	h, m := int(d/time.Hour), int(d/time.Minute)%60
	switch {
	case h > 0 && m > 0:
		return e.say("unit.hm", Args{"h": h, "m": m})
	case h > 0:
		return e.say("unit.h", Args{"x": strconv.Itoa(h)})
	case d >= time.Minute:
		return e.say("unit.min", Args{"x": strconv.Itoa(m)})
	}
	return e.say("unit.seconds", Args{"x": strconv.Itoa(int(d / time.Second))})
}
