package dashboards

import (
	"cmp"
	"crypto/rand"
	"slices"

	"ganlin/dashboards/words"
)

// An errandScreen is what the template of a clue's page reads.
type errandScreen struct {
	errandLine
	CSRF, Action, Back string
	Said               *said
	Found              bool       // there is a finding
	Cards              []stepCard // what may be done now, then what may follow it
	Kept               string     // what was typed for a step that is over
	MaxNote            int
	NoNotes            bool

	Sentence, Means string
	Parcels         []parcelLine
	Deeds           []deedLine
	Reference       string // of the decision
}

// A stepCard is a form for one step.
type stepCard struct {
	Number  int    // how many steps came before it: the version that it is based on
	ID      string // of the act, made here: sent twice it counts once
	Title   string
	Choice  string // of a step that needs no reason
	Groups  []findingGroup
	Note    string
	Button  string
	Follows bool // another step has to come first
}

// A findingGroup is the reasons of one act.
type findingGroup struct {
	Title    string
	Findings []finding
}

type finding struct {
	Value, Text string
	Chosen      bool
}

// A parcelLine is one plot of the evidence.
type parcelLine struct {
	Name, About, Loss string
	Told              []string
	Unknown           bool // its loss
}

type deedLine struct {
	What, Who, When, Reason, Note string
	Unreadable                    bool // the note
}

func (s speaker) errandScreen(e *Errand, u Untaken) errandScreen {
	out := errandScreen{errandLine: s.errandLine(e), Back: s.errandsLink(false, 1), MaxNote: MaxNote, NoNotes: e.NoNotes}
	out.Action, out.Found = out.Link, e.Stage == "verified" || e.Stage == "dismissed"
	for i, steps := range e.Steps {
		out.Cards = append(out.Cards, s.stepCard(e.Version+i, steps, i > 0))
	}
	if u.Why != "" {
		out.Said = s.errandSaid(u.Why, "bad")
		out.again(u)
	}
	if e.Confidence != "" {
		out.Means = s.word("confidence_means.", e.Confidence)
	}
	if e.Decided != nil {
		out.Sentence = s.catalogue.Explain(s.language, *e.Decided, words.About{Zone: s.zone}).Sentence
		out.Reference = e.Decided.ID
	}
	for i := range e.Parcels {
		out.Parcels = append(out.Parcels, s.parcelLine(&e.Parcels[i]))
	}
	for _, d := range e.Deeds {
		line := deedLine{What: s.word("deed.", d.Stage), Who: d.Account, When: s.moment(d.At), Note: d.Note, Unreadable: d.Unreadable}
		if d.Reason != "" {
			line.Reason = s.finding(d.Reason)
		}
		out.Deeds = append(out.Deeds, line)
	}
	return out
}

// again fills in what was typed already: where it still fits, else beside it.
func (e *errandScreen) again(u Untaken) {
	if len(e.Cards) == 0 {
		e.Kept = u.Note
		return
	}
	card := &e.Cards[0]
	card.Note = u.Note
	for _, g := range card.Groups {
		for i := range g.Findings {
			g.Findings[i].Chosen = g.Findings[i].Value == u.Choice
		}
	}
}

func (s speaker) stepCard(number int, steps []Step, follows bool) stepCard {
	card := stepCard{Number: number, ID: rand.Text(), Follows: follows}
	name := steps[0].Act
	if len(steps) == 1 && len(steps[0].Reasons) == 0 {
		card.Choice = name
	} else {
		name = "finding"
	}
	card.Title, card.Button = s.text("step."+name, nil), s.text("step_button."+name, nil)
	for _, step := range steps {
		group := findingGroup{Title: s.word("finding_group.", step.Act)}
		for _, reason := range step.Reasons {
			group.Findings = append(group.Findings, finding{Value: step.Act + "." + reason, Text: s.finding(reason)})
		}
		if len(group.Findings) > 0 {
			card.Groups = append(card.Groups, group)
		}
	}
	return card
}

// finding is a reason in words. A message cannot be called "other": that is a plural.
func (s speaker) finding(reason string) string {
	if reason == "other" {
		return s.text("finding.else", nil)
	}
	return s.word("finding.", reason)
}

func (s speaker) parcelLine(p *Parcel) parcelLine {
	line := parcelLine{Name: cmp.Or(p.Name, string(p.ID)), Loss: s.text("clues.loss_unknown", nil), Unknown: p.Loss == nil}
	_, area := s.catalogue.Number(s.language, "area_mu", p.AreaMu)
	line.About = area
	if p.Crop != "" {
		line.About = s.text("errand.crop_area", words.Args{"crop": s.word("crop.", p.Crop), "area": area})
	}
	if p.Loss != nil {
		_, share := s.catalogue.Number(s.language, "loss_mid", *p.Loss)
		line.Loss = s.text("clues.loss", words.Args{"mid": share})
	}
	tell := func(key string, args words.Args) { line.Told = append(line.Told, s.text(key, args)) }
	switch {
	case p.Known == 0:
		tell("errand.dry_unknown", nil)
	case p.Known < ParcelDays:
		tell("errand.dry_of_known", words.Args{"n": p.Dry, "known": p.Known, "days": ParcelDays})
	default:
		tell("errand.dry", words.Args{"n": p.Dry, "days": ParcelDays})
	}
	if p.LossNow != nil {
		_, share := s.catalogue.Number(s.language, "loss_mid", *p.LossNow)
		tell("errand.loss_now", words.Args{"mid": share})
	}
	grade := func(g Grade) string { return s.word("grade.", string(cmp.Or(g, GradeUnknown))) }
	tell("errand.grade", words.Args{"then": grade(p.Grade), "now": grade(p.Now)})
	return line
}

// errandSaid is the answer to a form; nil: there is none.
func (s speaker) errandSaid(code, tone string) *said {
	text, known := s.catalogue.Lookup(s.language, "errand_said."+code, nil)
	if code == "" || !known || (tone == "ok") != slices.Contains([]string{"dispatch", "visit", "verify", "dismiss"}, code) {
		return nil
	}
	return &said{Text: text, Tone: tone}
}
