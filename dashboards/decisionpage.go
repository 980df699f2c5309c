package dashboards

import (
	"cmp"
	"net/http"
	"strings"
	"time"

	"ganlin/dashboards/words"
	"ganlin/devices"
)

// A decisionScreen is what the template of a decision's page reads.
type decisionScreen struct {
	Tone, Sign, Kind string
	Sentence         string
	Plot, PlotLink   string // empty: it is about none
	Picture          *picture
	Facts, Rule      []row
	Interlock        string
	Readings         []reading
}

// A reading is one that the decision was made of.
type reading struct {
	Series, Device, Value, At, Received string
	Late                                bool // it came later than it was measured
}

func (p *Pages) decision(w http.ResponseWriter, r *http.Request) {
	q := readQuery(r)
	d, err := p.Fields.Decision(r.Context(), r.PathValue("id"))
	if err != nil {
		p.missing(w, r, err)
		return
	}
	s := p.speaker(q, d.Zone)
	screen := s.decisionScreen(d)
	p.sheet(w, r, q, sheet{
		Template: "decision", Title: screen.Kind, In: func(l words.Language) string { return "/decisions/" + d.ID + "?lang=" + string(l) },
		Styles: []string{"fields.css"}, Body: screen,
	})
}

func (s speaker) decisionScreen(d Decided) decisionScreen {
	said := s.catalogue.Explain(s.language, d.Decision, words.About{PlotName: d.PlotName, Zone: s.zone})
	out := decisionScreen{
		Kind: s.word("kind.", string(d.Kind)), Sentence: said.Sentence, Picture: s.picture(d.Decision),
		Facts: rowsOf(said.Facts), Rule: rowsOf(said.Rule), Interlock: s.interlock(d.Decision),
	}
	out.Tone, out.Sign = signOf(d.Decision)
	if d.Plot != "" {
		out.Plot, out.PlotLink = cmp.Or(d.PlotName, string(d.Plot)), s.link("/plots/"+string(d.Plot))
	}
	for _, e := range d.Evidence {
		out.Readings = append(out.Readings, s.reading(e))
	}
	return out
}

func rowsOf(lines []words.Line) []row {
	var rows []row
	for _, l := range lines {
		rows = append(rows, row{Label: l.Label, Text: l.Text})
	}
	return rows
}

// interlock says what held water back, or that nothing did; empty: nothing was to be opened.
func (s speaker) interlock(d devices.Decision) string {
	reason := d.Texts["reason"]
	switch {
	case d.Texts["by"] != "": // a person answers for what a person does
	case d.Kind == devices.IrrigationDecision && d.Outcome == "start", d.Kind == devices.CommandDecision && d.Outcome == "open":
		return s.text("decision.free", nil)
	case d.Kind == devices.IrrigationDecision && reason != "" && !strings.HasSuffix(d.Outcome, "_over"):
		return s.text("decision.held", words.Args{"why": s.word("because.", reason)})
	}
	return ""
}

func (s speaker) reading(e devices.Evidence) reading {
	out := reading{
		Series: e.Key, Device: string(e.Device), Value: words.Short(e.Value, 6),
		At: s.second(e.At), Received: s.second(e.Received), Late: e.Received.Sub(e.At) >= time.Minute,
	}
	if key, err := devices.ParseKey(e.Key); err == nil {
		out.Series = s.series(key)
		out.Value = strings.TrimSpace(s.number(Value{Key: key, Number: e.Value}) + " " + unit(key.Quantity))
	}
	return out
}
