package dashboards

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"time"

	"ganlin/dashboards/words"
)

const rowsPerPage = 50

// A column is a head of the table.
type column struct {
	Text, Unit string
	Link       string // sorts by it
	Order      string // ascending, descending or empty, as aria-sort has it
	Number     bool
}

// A fieldRow is one plot in the table.
type fieldRow struct {
	Name, ID, Link      string
	Site                string // where several are shown
	Crop, Stage         string
	Tone, Letter, Grade string
	Moisture, Days      string
	Advice, AdviceTone  string
	Watered, Rain       string
	Probe               string
	ProbeTone           string
	Tap                 string // open or unknown; else empty
	TapText             string
}

// firstDown are the columns that are sorted downwards at the first click: the worst first.
func (k sortKey) firstDown() bool { return k == "grade" || k == "probe" }

func (s speaker) columns(q fieldQuery) []column {
	var out []column
	for _, k := range sortKeys() {
		c := column{Text: s.text("table."+string(k), nil), Number: slices.Contains([]sortKey{"moisture", "stress", "watered", "rain", "probe"}, k)}
		if text, ok := s.catalogue.Lookup(s.language, "table."+string(k)+"_unit", nil); ok {
			c.Unit = text
		}
		down := k.firstDown()
		if q.sort == k {
			c.Order = map[bool]string{false: "ascending", true: "descending"}[q.down]
			down = !q.down
		}
		c.Link = q.with(func(q *fieldQuery) { q.sort, q.down = k, down }).address()
		out = append(out, c)
	}
	return out
}

// sortFields sorts by the query's column. What is not known comes last either
// way; equal plots stay as registered.
func sortFields(fields []*Field, q fieldQuery) {
	number := func(get func(*Field) *float64) func(a, b *Field) int {
		return func(a, b *Field) int {
			x, y := get(a), get(b)
			switch {
			case x == nil && y == nil:
				return 0
			case x == nil:
				return 1
			case y == nil:
				return -1
			}
			return q.turned(cmp.Compare(*x, *y))
		}
	}
	text := func(get func(*Field) string) func(a, b *Field) int {
		return func(a, b *Field) int { return q.turned(strings.Compare(get(a), get(b))) }
	}
	compare := map[sortKey]func(a, b *Field) int{
		"plot":     text(func(f *Field) string { return string(f.ID) }),
		"crop":     text(func(f *Field) string { return f.Crop + " " + f.Stage }),
		"moisture": number(func(f *Field) *float64 { return f.RSMPct }),
		"stress":   number(func(f *Field) *float64 { return f.DaysToStress }),
		"watered":  number(func(f *Field) *float64 { return f.WateredWeekMM }),
		"rain":     number(func(f *Field) *float64 { return f.RainWeekMM }),
		"advice":   func(a, b *Field) int { return q.turned(cmp.Compare(a.Advice.Code.urgency(), b.Advice.Code.urgency())) },
		"grade": number(func(f *Field) *float64 {
			if f.shown() == GradeUnknown {
				return nil
			}
			return new(float64(f.Grade.rank()))
		}),
		"probe": number(func(f *Field) *float64 {
			if f.ProbeAge == nil {
				return nil
			}
			return new(f.ProbeAge.Hours())
		}),
	}[q.sort]
	slices.SortStableFunc(fields, compare)
}

func (q fieldQuery) turned(order int) int {
	if q.down {
		return -order
	}
	return order
}

// urgency is the code's place, the most pressing first; what is not judged comes last.
func (c AdviceCode) urgency() int {
	order := []AdviceCode{AdviseWater, AdviseHeld, AdviseLook, AdviseItself, AdviseWatering, AdviseNothing}
	if i := slices.Index(order, c); i >= 0 {
		return i
	}
	return len(order)
}

func (s speaker) advice(a Advice) string {
	args := words.Args{"mm": words.Short(a.MM, 0), "why": s.word("because.", a.Why), "from": s.brief(a.From), "until": s.brief(a.Until)}
	switch a.Code {
	case AdviseWater, AdviseItself:
		return s.text("advise."+string(a.Code), args)
	case AdviseHeld:
		return s.text("advise.held", args)
	case AdviseLook:
		return s.text("advise.unknown", nil)
	case AdviseWatering:
		if a.Until.IsZero() {
			return s.text("advise.watering", nil)
		}
		return s.text("advise.watering_until", args)
	case AdviseNothing:
		switch {
		case a.Why != "":
			return args["why"].(string)
		case !a.Until.IsZero() && a.Until.Sub(s.now) < 24*time.Hour:
			return s.text("my.no_need_today", nil)
		case !a.Until.IsZero():
			args["until"] = s.day(a.Until)
			return s.text("advise.no_need_until", args)
		}
		return s.text("advise.no_need", nil)
	}
	return ""
}

func (a Advice) tone() string {
	switch a.Code {
	case AdviseWater, AdviseHeld:
		return "dry"
	case AdviseLook:
		return "warn"
	case AdviseWatering, AdviseItself:
		return "water"
	case AdviseNothing:
	}
	return "note"
}

func (s speaker) fieldRow(f *Field) fieldRow {
	g := f.shown()
	r := fieldRow{
		Name: cmp.Or(f.Name, string(f.ID)), Link: s.plotLink(f), Crop: s.word("crop.", f.Crop),
		Tone: string(g), Letter: s.text("mark."+string(g), nil), Grade: s.word("grade.", string(g)),
		Moisture: s.known(f.RSMPct, 0), Days: s.days(f),
		Advice: s.advice(f.Advice), AdviceTone: f.Advice.tone(),
		Watered: s.known(f.WateredWeekMM, 1), Rain: s.known(f.RainWeekMM, 1),
	}
	if f.Name != "" {
		r.ID = string(f.ID)
	}
	if f.Stage != "" {
		r.Stage = s.word("stage.", f.Stage)
	}
	switch {
	case len(f.Probes) == 0:
		r.Probe, r.ProbeTone = s.text("table.no_probe", nil), "note"
	case f.ProbeAge == nil:
		r.Probe, r.ProbeTone = s.text("table.unknown", nil), "bad"
	default:
		r.Probe = s.age(s.now.Add(-*f.ProbeAge))
		if *f.ProbeAge > 6*usualEvery {
			r.ProbeTone = "bad"
		}
	}
	switch f.tap() {
	case ValveOpen, ValveClosing:
		r.Tap, r.TapText = "open", s.text("map.open", nil)
	case ValveUnknown:
		r.Tap, r.TapText = "unknown", s.text("map.tap_unknown", nil)
	case ValveClosed, ValveRequested, ValveAccepted:
	}
	return r
}

// known writes a number without its unit, or that it is not known.
func (s speaker) known(x *float64, decimals int) string {
	if x == nil || math.IsNaN(*x) {
		return s.text("table.unknown", nil)
	}
	return words.Decimal(*x, decimals)
}

// none stands where there is nothing to tell.
const none = "–"

// days writes days until stress. The far future is of no use, and bare ground suffers nothing.
func (s speaker) days(f *Field) string {
	switch {
	case bare(f.Stage):
		return none
	case f.DaysToStress != nil && *f.DaysToStress > 30:
		return s.text("table.month", nil)
	}
	return s.known(f.DaysToStress, 1)
}
