package dashboards

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"ganlin/dashboards/words"
	"ganlin/devices"
)

// A card is a plot or a station as its template wants it.
type card struct {
	DOM, Name, ID string // ID is empty when the name says it
	Tone          string
	Badges        []badge
	Cells         []cell
	Profile       bool   // the cells are depths of soil moisture, one below the other
	Note          string // why there is nothing else
	Tank          *tank  // nil: nobody judges how much water there is; else the cells are among the details
	Held          string // why the plot gets no water although it needs some
	Faucets       []faucet
	Devices       []deviceLine
	Land          []row // of the plot itself
	Details       []detail
}

// A badge is a word with a sign and a tone.
type badge struct{ Tone, Sign, Text string }

// A cell is one of the values that a card shows large.
type cell struct {
	Label, Number, Unit string
	Old                 bool // its device is silent
	Bar                 *bar
}

// A bar pictures soil moisture in hundredths of m3/m3, of which it has barMax.
type bar struct{ Max, Fill, WiltingPoint, FieldCapacity int }

const barMax = 50

// A deviceLine names a device, its freshness and the age of its newest reading.
type deviceLine struct{ ID, Tone, Sign, Word, Age string }

// A detail holds the rest of what is known of a device.
type detail struct {
	ID   string
	Rows []row
}

type row struct {
	Label, Text string
	Measured    bool // it changes with the readings
}

// maxCells bounds what is large on a card; the rest is among its details.
const maxCells = 9

func (s speaker) card(g group) card {
	c := card{DOM: "s_" + g.id, Name: g.name}
	if g.plot != nil {
		c.DOM = "p_" + g.id
	}
	if g.id != g.name {
		c.ID = g.id
	}
	for _, k := range g.concerns {
		c.Badges = append(c.Badges, badge{Tone: k.tone(), Sign: k.key(), Text: s.text("concern."+k.key(), nil)})
	}
	if len(g.concerns) > 0 {
		c.Tone = g.worst().tone()
	}
	if g.watering() {
		c.Badges = append(c.Badges, badge{Tone: "water", Sign: "watering", Text: s.text("concern.watering", nil)})
	}
	if g.plot != nil {
		c.land(s, g)
	}
	large := largeQuantities(g)
	c.Profile = large[devices.SoilMoisture]
	sources := 0 // of large values
	for _, d := range g.devices {
		if slices.ContainsFunc(d.Values, func(v Value) bool { return large[v.Key.Quantity] }) {
			sources++
		}
	}
	for _, d := range g.devices {
		c.device(s, g, d, large, sources > 1)
	}
	if len(g.devices) == 0 {
		c.Note = s.text("card.no_devices", nil)
	}
	return c
}

// device adds a device's line, its large values and its details to the card.
// Where several devices share the large values, each names its own.
func (c *card) device(s speaker, g group, d Device, large map[devices.Quantity]bool, named bool) {
	f := d.freshness(s.now)
	line := deviceLine{ID: string(d.ID), Sign: "ok"}
	if k := f.concern(); k != noConcern {
		line.Tone, line.Sign, line.Word = k.tone(), k.key(), s.text("concern."+k.key(), nil)
	}
	if f != empty {
		line.Age = s.age(d.At)
	}
	c.Devices = append(c.Devices, line)

	detail := detail{ID: string(d.ID)}
	add := func(label, text string, measured bool) {
		detail.Rows = append(detail.Rows, row{Label: label, Text: text, Measured: measured})
	}
	for _, v := range inOrder(d.Values) {
		q := v.Key.Quantity
		if large[q] && len(c.Cells) < maxCells {
			cell := s.cell(g, v, f == silent)
			if named {
				cell.Label += " " + string(d.ID)
			}
			c.Cells = append(c.Cells, cell)
			continue
		}
		add(s.series(v.Key), strings.TrimSpace(s.number(v)+" "+unit(q)), true)
	}
	if f == late || f == silent {
		add(s.text("card.newest", nil), s.moment(d.At), true)
	}
	if d.Report != nil {
		state := s.text("state."+string(d.Report.State), nil)
		add(s.text("card.report", nil), s.text("card.report_at", words.Args{"state": state, "time": s.moment(d.ReportAt)}), false)
	}
	if d.Online != OnlineUnknown {
		key := map[Online]string{IsOnline: "card.online", IsOffline: "card.offline"}[d.Online]
		if !d.OnlineAt.IsZero() {
			key += "_since"
		}
		add(s.text("card.connection", nil), s.text(key, words.Args{"since": s.moment(d.OnlineAt)}), false)
	}
	if d.Firmware != "" {
		add(s.text("card.firmware", nil), d.Firmware, false)
	}
	if len(detail.Rows) > 0 {
		c.Details = append(c.Details, detail)
	}
}

func (s speaker) cell(g group, v Value, old bool) cell {
	out := cell{Label: s.series(v.Key), Number: s.number(v), Unit: unit(v.Key.Quantity), Old: old}
	if g.plot != nil && v.Key.Quantity == devices.SoilMoisture {
		out.Label = cmp.Or(s.place(v.Key), out.Label) // the legend says what the bars are
		out.Bar = &bar{
			Max: barMax, Fill: hundredths(v.Number),
			WiltingPoint: hundredths(g.plot.WiltingPoint), FieldCapacity: hundredths(g.plot.FieldCapacity),
		}
	}
	return out
}

func hundredths(x float64) int { return min(max(int(math.Round(x*100)), 0), barMax) }

// largeQuantities returns what a card shows large: of a plot its soil moisture
// or the next best, of a station the weather.
func largeQuantities(g group) map[devices.Quantity]bool {
	has := map[devices.Quantity]bool{}
	for _, d := range g.devices {
		for _, v := range d.Values {
			has[v.Key.Quantity] = true
		}
	}
	of := func(m devices.Measurement) map[devices.Quantity]bool {
		large := map[devices.Quantity]bool{}
		for q := range has {
			if spec, _ := q.Spec(); spec.Measurement == m {
				large[q] = true
			}
		}
		return large
	}
	if g.plot == nil {
		return of(devices.WeatherMeasurement)
	}
	for _, q := range []devices.Quantity{devices.SoilMoisture, devices.SoilMoistureRelative, devices.SoilWaterPotential} {
		if has[q] {
			return map[devices.Quantity]bool{q: true}
		}
	}
	if soil := of(devices.SoilMeasurement); len(soil) > 0 {
		return soil
	}
	return of(devices.ValveMeasurement)
}
