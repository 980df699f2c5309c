package dashboards

import (
	"cmp"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"ganlin/dashboards/words"
	"ganlin/devices"
)

// A span is how far back a plot's page looks, and how closely.
type span struct {
	name        string
	days        int // 0: since the crop was planted
	every       time.Duration
	longestDays int
}

// spans are those to choose from; the first is the usual one.
func spans() []span {
	return []span{
		{name: "7d", days: 7, every: 30 * time.Minute},
		{name: "30d", days: 30, every: 2 * time.Hour},
		{name: "season", every: 6 * time.Hour, longestDays: 250},
	}
}

// since is where the span begins for a plot: at a local midnight.
func (sp span) since(f *Field, now time.Time, zone *time.Location) time.Time {
	local := now.In(zone)
	midnight := time.Date(local.Year(), local.Month(), local.Day(), 0, 0, 0, 0, zone)
	if sp.days > 0 {
		return midnight.AddDate(0, 0, 1-sp.days)
	}
	planted := time.Date(f.Planted.Year(), f.Planted.Month(), f.Planted.Day(), 0, 0, 0, 0, zone)
	if earliest := midnight.AddDate(0, 0, -sp.longestDays); planted.Before(earliest) || planted.After(midnight) {
		return earliest
	}
	return planted
}

// A plotScreen is what the template of a plot's page reads.
type plotScreen struct {
	Plot                devices.PlotID
	Said                *said // the answer to the form that led here
	Name, ID, Where     string
	Tone, Letter, Grade string
	Unknown             string // why nobody knows the grade
	Advice, AdviceTone  string
	Numbers             []cell
	Tank                *picture
	Taps                []faucet
	Land                []row
	Spans               []choice
	Chart               *chart // nil: there is nothing to draw
	Notes               []note
	Decisions           []decisionLine
	NoDecisions         string
	Heads               []column // of the table of days
	Days                []dayRow
}

// A note is a sentence below the charts.
type note struct{ Tone, Sign, Text string }

// A decisionLine is one decision in the list of a plot.
type decisionLine struct{ ID, Link, Tone, Sign, Text string }

// A dayRow is one day of all charts in numbers.
type dayRow struct {
	Day   string
	Cells []string
}

func (p *Pages) plot(w http.ResponseWriter, r *http.Request) {
	q := readQuery(r)
	f, err := p.Fields.Field(r.Context(), devices.PlotID(r.PathValue("id")))
	if err != nil {
		p.missing(w, r, err)
		return
	}
	land := p.Fields.Land(r.Context())
	site := Village{}
	if i := slices.IndexFunc(land.Sites, func(v Village) bool { return v.ID == f.Site }); i >= 0 {
		site = land.Sites[i]
	}
	chosen := spans()[0]
	for _, sp := range spans() {
		if sp.name == r.URL.Query().Get("range") {
			chosen = sp
		}
	}
	s := p.speaker(q, site.Zone)
	since := chosen.since(&f, s.now, s.zone)
	past := p.Fields.Past(r.Context(), f, since, chosen.every)
	if past.NoSeries != nil {
		p.Log.WarnContext(r.Context(), "history not read", "plot", f.ID, "error", past.NoSeries)
	}
	if past.NoDecisions != nil {
		p.Log.WarnContext(r.Context(), "decisions not read", "plot", f.ID, "error", past.NoDecisions)
	}
	body := s.plotScreen(&f, site, past, chosen, since, p.Viewer(r.Context()).Stopped)
	body.Said = s.plotSaid(takeFlash(w, r))
	p.sheet(w, r, q, sheet{
		Template: "plot", Title: cmp.Or(f.Name, string(f.ID)),
		In:     func(l words.Language) string { return plotAddress(f.ID, chosen, l, true) },
		Styles: []string{"fields.css", "uPlot.min.css"}, Scripts: []string{"uPlot.iife.min.js", "charts.js"},
		Body: body,
	})
}

// WaterAnswer begins the code of an answer to a form that opens or closes a valve.
const WaterAnswer = "water."

// plotSaid is the answer to a form of the page: that a person says that a valve is shut, or opens or closes it.
func (s speaker) plotSaid(code string) *said {
	if water, ok := strings.CutPrefix(code, WaterAnswer); ok {
		return s.homeSaid(water)
	}
	text, known := s.catalogue.Lookup(s.language, "looked."+code, nil)
	tone, ok := map[string]string{"done": "ok", "nothing": "note", "trouble": "bad"}[code]
	if !known || !ok {
		return nil
	}
	return &said{Text: text, Tone: tone}
}

// missing answers for what does not exist or cannot be read.
func (p *Pages) missing(w http.ResponseWriter, r *http.Request, err error) {
	if errors.Is(err, ErrNothing) {
		p.Nothing(w, r)
		return
	}
	p.unread(w, r, err)
}

func plotAddress(id devices.PlotID, sp span, l words.Language, asked bool) string {
	v := url.Values{}
	if asked {
		v.Set("lang", string(l))
	}
	if sp.name != spans()[0].name {
		v.Set("range", sp.name)
	}
	address := "/plots/" + string(id)
	if len(v) > 0 {
		address += "?" + v.Encode()
	}
	return address
}

func (s speaker) plotScreen(f *Field, site Village, past Past, chosen span, since time.Time, stopped bool) plotScreen {
	row := s.fieldRow(f)
	out := plotScreen{
		Plot: f.ID,
		Name: row.Name, ID: row.ID, Where: cmp.Or(site.Name, string(site.ID)),
		Tone: row.Tone, Letter: row.Letter, Grade: row.Grade, Advice: row.Advice, AdviceTone: row.AdviceTone,
		Numbers: s.fieldNumbers(f, row), Land: s.fieldLand(f),
	}
	if f.shown() == GradeUnknown {
		out.Unknown = s.text("tank.unknown", words.Args{"why": s.catalogue.Why(s.language, f.WhyUnknown, func(code string) time.Duration {
			if f.ProbeAge == nil || code != "soil_moisture" && code != "probe_silent" {
				return 0
			}
			return *f.ProbeAge
		})})
	}
	if f.DepletionMM != nil {
		out.Tank = s.soilPicture(*f.DepletionMM, f.RAWMM, f.TAWMM)
	}
	for i, v := range f.Taps {
		one := s.faucet(v)
		if len(f.Acts) > i {
			one.Acts = new(s.homeTap(&HomePlot{Field: *f}, f.Acts[i], stopped))
		}
		out.Taps = append(out.Taps, one)
	}
	for _, sp := range spans() {
		out.Spans = append(out.Spans, choice{Text: s.word("range.", sp.name), Link: plotAddress(f.ID, sp, s.language, s.asked), Current: sp.name == chosen.name})
	}
	out.past(s, f, past, chosen, since)
	return out
}

// fieldNumbers are the numbers that a plot's page shows large.
func (s speaker) fieldNumbers(f *Field, row fieldRow) []cell {
	mm := s.text("table.mm", nil)
	cells := []cell{{Label: s.text("table.moisture", nil), Number: row.Moisture, Unit: "%"}}
	if f.DepletionMM != nil {
		cells = append(cells, cell{Label: s.text("chart.depletion", nil), Number: words.Decimal(*f.DepletionMM, 1), Unit: mm})
	}
	cells = append(cells,
		cell{Label: s.text("table.stress", nil), Number: row.Days, Unit: s.text("table.stress_unit", nil)},
		cell{Label: s.text("table.watered", nil), Number: row.Watered, Unit: mm},
		cell{Label: s.text("table.rain", nil), Number: row.Rain, Unit: mm},
		cell{Label: s.text("table.probe", nil), Number: row.Probe, Old: row.ProbeTone != ""},
	)
	for i := range cells {
		if !strings.ContainsAny(cells[i].Number, "0123456789") {
			cells[i].Unit = ""
		}
	}
	return cells
}

// fieldLand lists what the registry says of a plot, and the water contents that the rules take for it.
func (s speaker) fieldLand(f *Field) []row {
	var rows []row
	add := func(key, text string) {
		if text != "" {
			rows = append(rows, row{Label: s.text("land."+key, nil), Text: text})
		}
	}
	water := func(key string, x float64) {
		if x > 0 {
			rows = append(rows, row{Label: s.text("chart."+key, nil), Text: words.Decimal(x, 3) + " " + words.Unit("m3/m3"), Measured: true})
		}
	}
	add("crop", s.word("crop.", f.Crop))
	if f.Stage != "" {
		add("stage", s.text("plot.stage_day", words.Args{"stage": s.word("stage.", f.Stage), "day": f.CropDay}))
	}
	add("planted", words.Day(s.language, f.Planted))
	_, area := s.catalogue.Number(s.language, "area_mu", f.AreaMu)
	add("area", area)
	add("mode", s.word("mode.", string(f.Mode)))
	water("field_capacity", f.FieldCapacity)
	water("wilting_point", f.WiltingPoint)
	return rows
}

// past adds what was measured and decided.
func (v *plotScreen) past(s speaker, f *Field, past Past, chosen span, since time.Time) {
	until := s.now
	gaps := findGaps(past, chosen.every, until)
	days := s.daysOf(f, past, since, until)
	if past.NoSeries == nil && len(past.Moisture)+len(past.Days)+len(past.Openings) > 0 {
		v.Chart = s.chart(f, past, days, chosen, since)
		v.Heads, v.Days = s.dayTable(past, days)
	}
	v.Notes = s.notes(f, past, gaps)
	for _, d := range past.Decisions {
		v.Decisions = append(v.Decisions, s.decisionLine(d, f.Name))
	}
	switch {
	case past.NoDecisions != nil:
		v.NoDecisions = s.text("plot.decisions_unread", nil)
	case len(past.Decisions) == 0:
		v.NoDecisions = s.text("plot.decisions_none", nil)
	}
}

// notes say what is missing in the charts.
func (s speaker) notes(f *Field, past Past, gaps []gap) []note {
	switch {
	case past.NoSeries != nil:
		return []note{{Tone: "warn", Sign: "warn", Text: s.text("plot.series_unread", nil)}}
	case len(f.Probes) == 0 && len(past.Days) == 0, len(past.Moisture)+len(past.Days)+len(past.Openings) == 0:
		return []note{{Tone: "note", Sign: "empty", Text: s.text("plot.nothing_measured", nil)}}
	}
	var out []note
	if len(f.Probes) == 0 {
		out = append(out, note{Tone: "note", Sign: "note", Text: s.text("plot.no_probe", nil)})
	}
	for i, g := range gaps {
		if i == maxGapNotes {
			return append(out, note{Tone: "note", Sign: "silent", Text: s.text("plot.more_gaps", words.Args{"n": len(gaps) - i})})
		}
		out = append(out, s.gapNote(g))
	}
	return out
}

// maxGapNotes bounds the notes; the longest gaps come first.
const maxGapNotes = 8

func (s speaker) gapNote(g gap) note {
	args := words.Args{"what": string(g.device), "from": s.moment(g.from), "to": s.moment(g.to), "span": s.catalogue.Span(s.language, g.to.Sub(g.from))}
	key := "plot.gap"
	if g.device == "" {
		args["from"], key = words.Day(s.language, g.from.In(s.zone)), "plot.gap_balance"
		args["n"] = int(g.to.Sub(g.from).Hours()+12) / 24
	} else if g.open {
		key = "plot.gap_open"
	}
	return note{Tone: map[bool]string{false: "note", true: "bad"}[g.open], Sign: "silent", Text: s.text(key, args)}
}

// decisionLine writes a decision as its sentence.
func (s speaker) decisionLine(d devices.Decision, plotName string) decisionLine {
	tone, sign := signOf(d)
	return decisionLine{
		ID: d.ID, Link: s.link("/decisions/" + d.ID), Tone: tone, Sign: sign,
		Text: s.catalogue.Explain(s.language, d, words.About{PlotName: plotName, Zone: s.zone}).Sentence,
	}
}

// signOf is how a decision is marked.
func signOf(d devices.Decision) (tone, sign string) {
	switch {
	case d.Kind == devices.IrrigationDecision && d.Outcome == "start", d.Kind == devices.LedgerDecision:
		return "water", "watering"
	case d.Kind == devices.AlertDecision && d.Outcome == "firing" && d.Severity == "critical":
		return "bad", "bad"
	case d.Kind == devices.AlertDecision && d.Outcome == "firing":
		return "warn", "warn"
	case d.Kind == devices.AlertDecision && d.Outcome == "unknown":
		return "note", "unknown"
	case d.Kind == devices.AlertDecision:
		return "ok", "ok"
	case d.Kind == devices.ValveDecision && slices.Contains([]string{"found_open", "late", "leak", "failed"}, d.Outcome):
		return "bad", "bad"
	case d.Kind == devices.ActDecision && d.Outcome == string(devices.StopAct):
		return "warn", "warn"
	case d.Kind == devices.ValveDecision && d.Outcome == "by_hand", d.Kind == devices.CommandDecision && d.Outcome == string(devices.Open):
		return "water", "watering"
	}
	return "note", "note"
}
