package words

import (
	"cmp"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"ganlin/devices"
)

// A Line is a name and what is to be said under it.
type Line struct{ Label, Text string }

// An Explanation says why a decision was made: in one sentence, then with all that it was made of.
type Explanation struct {
	Sentence string
	Facts    []Line // what the rule saw and what it did not know, with units
	Rule     []Line // which rule in which version, and the decision's id
	Evidence []Line // the readings behind the facts
}

// About is what an explanation needs and a decision does not hold.
type About struct {
	PlotName string         // of the decision's plot; empty: its id stands for it
	Zone     *time.Location // in which times are shown; nil: UTC
}

// Explain puts a decision into words. What it does not know, such as a number of
// a later version, it shows under its bare name.
func (c *Catalogue) Explain(l Language, d devices.Decision, a About) Explanation {
	if a.Zone == nil {
		a.Zone = time.UTC
	}
	e := explainer{Catalogue: c, language: l, about: a, decision: d}
	sentence := e.say("explain.sentence", Args{"time": e.moment(d.At), "what": e.sentence()})
	return Explanation{
		Sentence: looseSpace.ReplaceAllString(sentence, "$1$2"),
		Facts:    e.facts(), Rule: e.rule(), Evidence: e.evidence(),
	}
}

// looseSpace is a space that a name in Chinese leaves where one in letters needs it.
var looseSpace = regexp.MustCompile(`([\p{Han}）]) ([\p{Han}])`)

// An explainer explains one decision in one language.
type explainer struct {
	*Catalogue
	language Language
	about    About
	decision devices.Decision
}

func (e explainer) say(key string, args Args) string { return e.Text(e.language, key, args) }

func (e explainer) moment(t time.Time) string {
	return Moment(e.language, t.In(e.about.Zone), "15:04")
}

// sentence says what was decided with as much of the reason as is known: the
// fullest message whose numbers are all there.
func (e explainer) sentence() string {
	d := e.decision
	base := "decided." + string(d.Kind)
	bases := []string{base + "_" + d.Outcome, base}
	if reason := d.Texts["reason"]; reason != "" {
		bases = slices.Insert(bases, 0, base+"_"+d.Outcome+"_"+reason)
	}
	if d.Texts["by"] != "" {
		bases = slices.Insert(bases, 0, base+"_"+d.Outcome+"_by")
	}
	if d.Kind == devices.AlertDecision && d.Outcome == "firing" {
		bases = slices.Insert(bases, 0, "firing."+d.Rule)
	}
	args := e.args()
	for _, base := range bases {
		for _, detail := range []string{"_full", "_most", "_some", ""} {
			if text, ok := e.Lookup(e.language, base+detail, args); ok {
				return text
			}
		}
	}
	return e.say("explain.plain", args)
}

// args are the values that a sentence may use. A number that nobody knows is not among them.
func (e explainer) args() Args {
	d := e.decision
	valve := d.Texts["valve"]
	plot := string(d.Plot)
	switch d.Kind {
	case devices.CommandDecision, devices.LedgerDecision, devices.ResponseDecision, devices.ValveDecision, devices.ActDecision:
		valve = d.Subject
	case devices.IrrigationDecision, devices.BalanceDecision:
		plot = cmp.Or(plot, d.Subject)
	case devices.AlertDecision, devices.ClueDecision:
	}
	if e.about.PlotName != "" && plot != "" {
		plot = e.say("explain.plot", Args{"name": e.about.PlotName, "id": plot})
	}
	args := Args{
		"subject": d.Subject, "rule": e.RuleName(e.language, d.Rule), "lacks": e.Why(e.language, d.Unknown, nil),
		"kind": string(d.Kind), "outcome": d.Outcome,
	}
	if d.Subject == string(d.Plot) {
		args["subject"] = plot
	}
	for name, text := range d.Texts {
		args[name] = text
	}
	if d.Kind == devices.ClueDecision {
		args["level"] = e.word("clue_level.", d.Severity)
	}
	if plot != "" {
		args["plot"] = plot
	}
	if valve != "" {
		args["valve"] = valve
	}
	if reason := d.Texts["reason"]; reason != "" {
		args["reason"] = e.word("because.", reason)
	}
	if c := d.Command; c != nil && c.Action == devices.Open {
		args["max_duration_s"] = e.number("max_duration_s", float64(c.MaxDurationS))
		if c.MaxVolumeL > 0 {
			args["volume_l"] = e.number("volume_l", c.MaxVolumeL)
		}
	}
	for name, number := range d.Numbers {
		args[name] = e.number(name, number)
	}
	for _, limit := range []string{"volume_l", "commanded_l"} {
		if x, ok := d.Numbers[limit]; ok && x == 0 { // of a command: no limit
			delete(args, limit)
		}
	}
	if grade, ok := args["grade"].(string); ok {
		args["grade"] = e.word("grade.", grade)
	}
	return args
}

// word is the message of a code, or the code.
func (e explainer) word(group, code string) string {
	text, _ := e.Lookup(e.language, group+code, nil)
	return cmp.Or(text, code)
}

func (e explainer) facts() []Line {
	d := e.decision
	out := e.Numbers(e.language, d.Numbers)
	add := func(label, text string) { out = append(out, Line{label, text}) }
	groups := map[string]string{
		"reason": "because.", "grade": "grade.", "stage": "stage.", "crop": "crop.", "mode": "mode.", "level": "clue_level.", "confidence": "confidence.",
		"cause": "cause.",
	}
	for _, name := range slices.Sorted(maps.Keys(d.Texts)) {
		text := d.Texts[name]
		if group := groups[name]; group != "" {
			text = e.word(group, text)
		}
		if at, err := time.Parse(time.RFC3339, text); err == nil {
			text = e.moment(at)
		}
		add(e.word("fact.", name), text)
	}
	if c := d.Command; c != nil {
		add(e.say("fact.command", nil), c.ID)
		if c.MaxVolumeL > 0 {
			add(e.Number(e.language, "max_volume_l", c.MaxVolumeL))
		}
		if c.MaxDurationS > 0 {
			add(e.Number(e.language, "max_duration_s", float64(c.MaxDurationS)))
		}
		if !c.ExpiresAt.IsZero() {
			add(e.say("fact.expires", nil), e.moment(c.ExpiresAt))
		}
	}
	for _, code := range d.Unknown {
		text, ok := e.Lookup(e.language, "why."+code, nil)
		if !ok {
			text = e.name(e.language, code)
		}
		add(e.say("explain.unknown", nil), text)
	}
	for _, name := range d.Estimated {
		add(e.say("explain.estimated", nil), e.name(e.language, name))
	}
	return out
}

func (e explainer) rule() []Line {
	d := e.decision
	name := d.Rule
	if text := e.RuleName(e.language, d.Rule); text != d.Rule {
		name = e.say("explain.named", Args{"name": text, "id": d.Rule})
	}
	return []Line{
		{e.say("explain.rule", nil), name},
		{e.say("explain.version", nil), d.Version},
		{e.say("explain.decision", nil), d.ID},
	}
}

func (e explainer) evidence() []Line {
	var out []Line
	for _, r := range e.decision.Evidence {
		label, text := r.Key, strconv.FormatFloat(r.Value, 'g', 6, 64)
		if key, err := devices.ParseKey(r.Key); err == nil {
			if spec, known := key.Quantity.Spec(); known {
				label = e.word("quantity.", string(key.Quantity))
				text = strings.TrimSpace(Decimal(r.Value, spec.Decimals) + " " + Unit(string(spec.Unit)))
			}
			if key.DepthCM != "" {
				label += " " + key.DepthCM + " cm"
			}
			if key.Channel != "" {
				label += " #" + key.Channel
			}
		}
		args := Args{"value": text, "at": Moment(e.language, r.At.In(e.about.Zone), "15:04:05"), "device": string(r.Device)}
		out = append(out, Line{e.say("explain.device", Args{"device": string(r.Device), "series": label}), e.reading(r, args)})
	}
	return out
}

// reading adds when a reading arrived, where that was later than it was measured.
func (e explainer) reading(r devices.Evidence, args Args) string {
	if r.Received.Sub(r.At) < time.Minute {
		return e.say("explain.reading", args)
	}
	args["received"] = Moment(e.language, r.Received.In(e.about.Zone), "15:04:05")
	return e.say("explain.reading_late", args)
}
