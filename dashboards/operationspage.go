package dashboards

import (
	"cmp"
	"net/http"
	"slices"
	"strings"

	"ganlin/dashboards/words"
)

// An operationsScreen is what the template of the operator's page reads.
type operationsScreen struct {
	When, Here   string
	Tone, Answer string
	Detail       string
	Troubles     []trouble
	Said         *said
	Halt         halt
	Ledger       []equation
	Rejected     []row
	Stages       []stage
	Sensors      sensorList
	Letters      []letterLine
	LettersNote  string // why there are none, or not all
	LettersBy    []row
	LettersLink  string // to all of them
	CSRF, Lang   string
}

// A halt is the emergency stop: what it would do, or how it stands.
type halt struct {
	On       bool
	Sentence string // how many valves there are, or since when and by whom
	Ask      string // before a stop; empty: there is nothing to stop
	Counts   []row
	Taps     []haltTap
	More     string // that others are not listed
}

// A haltTap is one valve under a stop.
type haltTap struct{ ID, Plot, Tone, Sign, Text string }

// A sensorList is the devices that somebody has to look at, or those that were searched for.
type sensorList struct {
	Search, Count, None string
	All                 string // leads back from a search
	Rows                []sensorRow
	Pager               *pager
}

type sensorRow struct {
	ID, Where, Link string // Link leads to the plot
	Badges          []badge
	Reading, Online string
}

const (
	sensorsPerPage = 20
	shownTaps      = 200 // of a stop, the worst first
)

func (p *Pages) operations(w http.ResponseWriter, r *http.Request) {
	q := readQuery(r)
	m := p.Operations.Machine(r.Context())
	s := p.speaker(q, m.Zone)
	body := s.operationsScreen(&m, q)
	body.CSRF, body.Said = p.Viewer(r.Context()).CSRF, s.haltSaid(takeFlash(w, r))
	p.sheet(w, r, q, sheet{
		Template: "operations", Title: s.text("op.title", nil), Styles: []string{"fields.css", "operations.css"}, Scripts: []string{"operations.js"}, Body: body,
		In: q.in(OperationsAddress),
	})
}

// haltSaid is the answer to the form that led here, by its code.
func (s speaker) haltSaid(code string) *said {
	text, known := s.catalogue.Lookup(s.language, "halt_said."+code, nil)
	if !known {
		return nil
	}
	if code == "stopped" || code == "told" || code == "resumed" {
		return &said{text, "ok"}
	}
	return &said{text, "bad"}
}

// in is the address of the same page in a language.
func (q query) in(path string) func(words.Language) string {
	return func(l words.Language) string {
		q.language, q.asked = l, true
		return q.address(path)
	}
}

func (s speaker) operationsScreen(m *Machine, q query) operationsScreen {
	out := operationsScreen{
		When: s.second(s.now), Here: q.address(OperationsAddress), Troubles: s.troubles(m), Halt: s.halt(&m.Valves),
		Ledger: s.ledger(m.Ledger), Rejected: s.tallies("reason.", m.Rejected), Stages: s.stages(m), Sensors: s.sensors(m.Devices, q),
		LettersBy: s.tallies("reason.", m.Letters.ByReason), LettersLink: s.link(lettersAddress),
	}
	if s.asked {
		out.Lang = string(s.language)
	}
	out.answer(s, m)
	for _, l := range m.Letters.Newest {
		out.Letters = append(out.Letters, s.letterLine(l))
	}
	switch {
	case !m.Letters.Known:
		out.LettersNote = s.text("op.letters_unknown", nil)
	case len(out.Letters) == 0:
		out.LettersNote = s.text("letters.none", nil)
	case m.Letters.Dropped > 0:
		out.LettersNote = s.text("op.letters_dropped", words.Args{"n": m.Letters.Dropped})
	}
	return out
}

// answer says first whether all is well.
func (o *operationsScreen) answer(s speaker, m *Machine) {
	bad := 0
	for _, t := range o.Troubles {
		if t.Tone == "bad" {
			bad++
		}
	}
	switch {
	case m.Valves.Stopped && bad == 0:
		o.halted(s, m.Valves.Taps)
	case bad > 0:
		o.Tone, o.Answer = "bad", s.text("op.persons", words.Args{"n": bad})
	case len(o.Troubles) > 0:
		o.Tone, o.Answer = "warn", s.text("op.look", words.Args{"n": len(o.Troubles)})
	case m.level() == busy:
		o.Tone, o.Answer, o.Detail = "busy", s.text("headline.busy", nil), s.text("op.busy_hint", nil)
	case len(m.Devices) == 0:
		o.Tone, o.Answer, o.Detail = "note", s.text("op.nothing", nil), s.text("op.nothing_hint", nil)
	default:
		o.Tone, o.Answer, o.Detail = "ok", s.text("headline.well", nil), s.text("op.well_hint", nil)
	}
}

// halted answers under an emergency stop.
func (o *operationsScreen) halted(s speaker, taps []StopTap) {
	open := 0
	for _, t := range taps {
		if t.Stop != StopClosed {
			open++
		}
	}
	o.Tone, o.Answer = "bad", s.text("op.halted_open", words.Args{"n": open})
	if open == 0 {
		o.Tone, o.Answer = "warn", s.text("op.halted", nil)
	}
}

// level is that of the worst condition of any part.
func (m *Machine) level() (worst level) {
	known := levels()
	for _, p := range m.Parts {
		for _, c := range p.Conditions {
			worst = max(worst, known[c.Kind])
		}
	}
	return worst
}

// tallies are rows of what there is some of, the most first.
func (s speaker) tallies(group string, all []Tally) (rows []row) {
	sorted := slices.SortedStableFunc(slices.Values(all), func(a, b Tally) int { return cmp.Compare(b.Count, a.Count) })
	for _, t := range sorted {
		if t.Count > 0 {
			rows = append(rows, row{Label: s.word(group, t.Code), Text: words.Integer(t.Count)})
		}
	}
	return rows
}

func (s speaker) halt(v *ValveFigures) halt {
	h := halt{On: v.Stopped}
	switch {
	case len(v.Taps) == 0 && !v.Stopped:
		h.Sentence = s.text("halt.none", nil)
		return h
	case !v.Stopped:
		running := 0
		for _, t := range v.Taps {
			if t.State != ValveClosed {
				running++
			}
		}
		h.Sentence, h.Ask = s.text("halt.would", words.Args{"n": len(v.Taps), "open": running}), s.text("halt.sure", words.Args{"n": len(v.Taps)})
		return h
	}
	h.Sentence = s.text("halt.on", nil)
	if !v.StoppedAt.IsZero() {
		h.Sentence = s.text("halt.on_since", words.Args{"since": s.second(v.StoppedAt), "by": v.StoppedBy})
	}
	states := []StopState{StopOutOfReach, StopRefused, StopOpened, StopAsked, StopClosing, StopClosed} // the worst first
	sorted := slices.SortedStableFunc(slices.Values(v.Taps), func(a, b StopTap) int {
		return cmp.Compare(slices.Index(states, a.Stop), slices.Index(states, b.Stop))
	})
	for _, state := range states {
		n := 0
		for _, t := range v.Taps {
			if t.Stop == state {
				n++
			}
		}
		if n > 0 {
			h.Counts = append(h.Counts, row{Label: s.word("halted.", string(state)), Text: words.Integer(int64(n))})
		}
	}
	if more := len(sorted) - shownTaps; more > 0 {
		h.More, sorted = s.text("alerts.more", words.Args{"n": more}), sorted[:shownTaps]
	}
	for _, t := range sorted {
		one := haltTap{ID: string(t.ID), Plot: t.Plot, Text: s.word("halted.", string(t.Stop)), Tone: "bad", Sign: "bad"}
		switch t.Stop {
		case StopClosed:
			one.Tone, one.Sign = "ok", "ok"
		case StopAsked, StopClosing:
			one.Tone, one.Sign = "warn", "busy"
		case StopOutOfReach, StopRefused, StopOpened:
		}
		h.Taps = append(h.Taps, one)
	}
	return h
}

// sensors lists the devices that need a look, the worst first, or all that a search finds.
func (s speaker) sensors(all []Sensor, q query) sensorList {
	type seen struct {
		Sensor
		concerns []concern
	}
	out := sensorList{Search: q.search}
	needle := strings.ToLower(q.search)
	var shown []seen
	for _, d := range all {
		concerns := d.concerns(s.now)
		if needle == "" && (len(concerns) == 0 || concerns[0] >= concernLate) || needle != "" && !d.matches(needle) {
			continue
		}
		shown = append(shown, seen{d, concerns})
	}
	slices.SortStableFunc(shown, func(a, b seen) int {
		return cmp.Or(slices.Compare(a.concerns, b.concerns), strings.Compare(string(a.ID), string(b.ID)))
	})
	switch {
	case needle != "":
		out.All = query{language: q.language, asked: q.asked}.address(OperationsAddress)
		out.Count = s.text("op.found", words.Args{"n": len(shown), "query": q.search})
	case len(all) == 0:
		out.None = s.text("op.no_devices", nil)
	case len(shown) == 0:
		out.None = s.text("op.devices_well", words.Args{"n": len(all)})
	default:
		out.Count = s.text("op.devices_look", words.Args{"n": len(shown), "all": len(all)})
	}
	pages := max(1, (len(shown)+sensorsPerPage-1)/sensorsPerPage)
	q.page = min(max(q.page, 1), pages)
	for _, d := range shown[(q.page-1)*sensorsPerPage : min(q.page*sensorsPerPage, len(shown))] {
		out.Rows = append(out.Rows, s.sensorRow(d.Sensor, d.concerns))
	}
	if pages > 1 {
		out.Pager = s.pager(q, pages, OperationsAddress)
	}
	return out
}

// pager leads to the pages before and after.
func (s speaker) pager(q query, pages int, path string) *pager {
	out := &pager{Text: s.text("plots.page", words.Args{"page": q.page, "pages": pages})}
	to := func(page int) string { q.page = page; return q.address(path) }
	here := q.page
	if here > 1 {
		out.Previous = to(here - 1)
	}
	if here < pages {
		out.Next = to(here + 1)
	}
	return out
}

func (d Sensor) matches(needle string) bool {
	return slices.ContainsFunc([]string{string(d.ID), string(d.Plot), d.Name, string(d.Station)}, func(text string) bool {
		return strings.Contains(strings.ToLower(text), needle)
	})
}

func (s speaker) sensorRow(d Sensor, concerns []concern) sensorRow {
	r := sensorRow{ID: string(d.ID), Where: cmp.Or(d.Name, string(d.Plot), string(d.Station)), Reading: s.text("op.never", nil)}
	if d.Plot != "" {
		r.Link = s.link("/plots/" + string(d.Plot))
	}
	for _, c := range concerns {
		r.Badges = append(r.Badges, badge{Tone: c.tone(), Sign: c.key(), Text: s.text("concern."+c.key(), nil)})
	}
	if len(concerns) == 0 {
		r.Badges = []badge{{Tone: "ok", Sign: "ok", Text: s.text("level.ok", nil)}}
	}
	if !d.At.IsZero() {
		r.Reading = s.age(d.At)
	}
	key, known := map[Online]string{IsOnline: "card.online", IsOffline: "card.offline"}[d.Online]
	switch {
	case !known:
		key = "op.online_unknown"
	case !d.OnlineAt.IsZero():
		key += "_since"
	}
	r.Online = s.text(key, words.Args{"since": s.moment(d.OnlineAt)})
	return r
}
