package grafana

import (
	"strconv"
	"time"
)

// A Unit is an id of Grafana's unit formats. suffix: is Grafana's way to a unit
// of one's own; it is used where its formats would turn 0.4 mm into 400 µm.
type Unit string

// The units in use.
const (
	none       Unit = "none"
	count      Unit = "locale"
	percent    Unit = "percent"
	millimetre Unit = "suffix:mm"
	moisture   Unit = "suffix:m³/m³"
	celsius    Unit = "celsius"
	humidity   Unit = "humidity"
	litre      Unit = "suffix:L"
	cubicMetre Unit = "suffix:m³"
	litreMin   Unit = "flowlpm"
	volt       Unit = "volt"
	second     Unit = "s"
	bytes      Unit = "bytes"
	perSecond  Unit = "cps"
	processors Unit = "suffix:CPU"
)

const hour = time.Hour

// The colours of the grades go from wet to dry; the worst stays visible on a dark ground.
const (
	wet      = "#5fb3a8"
	light    = "#f0e2b6"
	moderate = "#e0a030"
	severe   = "#c4581a"
	extreme  = "#9c1f16"
	good     = "green"
	watch    = "#e0a030"
	bad      = "red"
	plain    = "text"
)

// grades are the degrees of agricultural drought as the balance stores them.
// A plot whose grade is unknown has no value, and so no cell: that is not "no drought".
func grades() []Mapping {
	return words([]Word{{Text: "无旱 none", Color: wet}, {Text: "轻旱 light", Color: light}, {Text: "中旱 moderate", Color: moderate}, {Text: "重旱 severe", Color: severe}, {Text: "特旱 extreme", Color: extreme}})
}

func gradeSteps() []Step {
	return steps(wet, from(1, light), from(2, moderate), from(3, severe), from(4, extreme))
}

// alertStates are what the database keeps of an alert.
func alertStates() []Mapping {
	return words([]Word{{Text: "已解除 resolved", Color: good}, {Text: "持续中 firing", Color: bad}, {Text: "数据断了 data lost", Color: watch}})
}

func readiness() []Mapping {
	return words([]Word{{Text: "有故障 not working", Color: bad}, {Text: "正常 ok", Color: good}})
}

// words maps 0, 1, 2 … to words with colours.
func words(list []Word) []Mapping {
	m := Mapping{Type: "value", Options: map[string]Word{}}
	for i, w := range list {
		w.Index = i
		m.Options[strconv.Itoa(i)] = w
	}
	return []Mapping{m}
}

// steps makes thresholds: the colour of the lowest values, and where others begin.
func steps(lowest string, higher ...Step) []Step { return append([]Step{{Color: lowest}}, higher...) }

func from(value float64, colour string) Step { return Step{Color: colour, Value: &value} }

// column is how one column of a table is named and shown.
func column(field string, name text, unit Unit, decimals int) Override {
	return Override{Matcher: byName(field), Properties: []Property{
		{"displayName", name.line()}, {"unit", unit}, {"decimals", decimals},
	}}
}

// coloured is a column whose cells have the colour of their words or steps.
func coloured(field string, name text, unit Unit, words []Mapping, steps []Step) Override {
	return Override{Matcher: byName(field), Properties: []Property{
		{"displayName", name.line()},
		{"unit", unit},
		{"mappings", append([]Mapping{}, words...)},
		{"thresholds", Thresholds{"absolute", steps}},
		{"custom.cellOptions", CellOptions{"color-background"}},
	}}
}

func byName(field string) Matcher { return Matcher{"byName", field} }

// painted gives a series a colour that means something.
func painted(name, colour string) Override {
	return Override{Matcher: byName(name), Properties: []Property{{"color", fixedColour{"fixed", colour}}}}
}

type fixedColour struct {
	Mode       string `json:"mode"`
	FixedColor string `json:"fixedColor"`
}

// named is how one column of a table is named.
func named(field string, name text) Override {
	return Override{Matcher: byName(field), Properties: []Property{{"displayName", name.line()}}}
}

func hidden(field string) Override {
	return Override{Matcher: byName(field), Properties: []Property{{"custom.hideFrom", Hide{Legend: true, Tooltip: true, Viz: true}}}}
}
