package dashboards

import (
	"cmp"
	"net/url"
	"slices"
	"strings"
	"time"

	"ganlin/dashboards/words"
)

// Bounds of what is named on a page that may tell of thousands.
const (
	maxNamed = 6  // subjects of one group, plots of one clue
	maxLines = 40 // alerts of one group, clues
)

// An alertGroup is all alerts of one rule that are equally grave and sure: in a
// dry summer half of the village has the same to tell.
type alertGroup struct {
	Key, Tone, Sign, Severity string
	Title, Count, Advice      string
	Doubt                     string // that it is not sure, and why
	Since                     string
	Named                     []subject
	More, MoreLines           string // that there are others
	Lines                     []alertLine
}

// A subject is whom an alert is about, and where to read on.
type subject struct{ Name, Link string }

// An alertLine is one alert with its numbers, for whoever wants them.
type alertLine struct{ Name, Since, Numbers, ID string }

// gravity sorts alerts and gives their tone.
func gravity(severity string) (rank int, tone string) {
	switch severity {
	case "critical":
		return 0, "bad"
	case "warning":
		return 1, "warn"
	}
	return 2, "note"
}

func (s speaker) alerts(b *board) []alertGroup {
	rank := func(a Alert) int {
		severity, _ := gravity(a.Severity)
		return 3*severity + slices.Index([]AlertState{AlertFiring, AlertUnknown, AlertPending}, a.State)
	}
	sorted := slices.SortedStableFunc(slices.Values(b.Alerts), func(a, b Alert) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), strings.Compare(a.Rule, b.Rule), a.Since.Compare(b.Since))
	})
	shown := map[string]bool{}
	for _, g := range slices.Concat(b.plots, b.stations) {
		shown[g.id] = true
		for _, d := range g.devices {
			shown[string(d.ID)] = true
		}
	}
	var groups []alertGroup
	for len(sorted) > 0 {
		same := slices.IndexFunc(sorted, func(a Alert) bool { return rank(a) != rank(sorted[0]) || a.Rule != sorted[0].Rule })
		if same < 0 {
			same = len(sorted)
		}
		groups = append(groups, s.alertGroup(sorted[:same], shown))
		sorted = sorted[same:]
	}
	return groups
}

// alertGroup tells of alerts of one rule, severity and state; the oldest is the first. Shown are the ids that a card shows.
func (s speaker) alertGroup(all []Alert, shown map[string]bool) alertGroup {
	first := all[0]
	_, tone := gravity(first.Severity)
	g := alertGroup{
		Key: first.Rule + " " + first.Severity + " " + string(first.State), Tone: tone, Sign: tone,
		Title: s.catalogue.RuleName(s.language, first.Rule),
	}
	g.Severity, _ = s.catalogue.Lookup(s.language, "severity."+first.Severity, nil)
	g.Advice, _ = s.catalogue.Lookup(s.language, "advice."+first.Rule, nil)
	switch first.State {
	case AlertUnknown:
		g.Doubt = s.text("alerts.unknown", nil)
	case AlertPending:
		g.Doubt, g.Tone = s.text("alerts.pending", nil), "note"
	case AlertFiring:
	}
	since := func(key string, at time.Time) string {
		if at.IsZero() {
			return ""
		}
		return s.text("alerts."+key, words.Args{"since": s.brief(at)})
	}
	g.Since = since("since", first.Since)
	if len(all) > 1 {
		g.Count = s.text("alerts.places", words.Args{"n": len(all)})
		g.Since = since("first", first.Since)
	}
	for i, a := range all {
		name := cmp.Or(a.PlotName, a.Subject)
		if i < maxNamed {
			named := subject{Name: name}
			if shown[a.Subject] {
				named.Link = s.find(a.Subject)
			}
			g.Named = append(g.Named, named)
		}
		if i < maxLines {
			g.Lines = append(g.Lines, alertLine{Name: name, Since: since("since", a.Since), Numbers: s.numbers(a.Numbers), ID: a.ID})
		}
	}
	g.More, g.MoreLines = s.more("alerts.more", len(all), maxNamed), s.more("alerts.more", len(all), maxLines)
	return g
}

// more says how many there are beyond those that are shown; empty: none.
func (s speaker) more(key string, n, shown int) string {
	if n <= shown {
		return ""
	}
	return s.text(key, words.Args{"n": n - shown})
}

// find is where a plot or device is shown, on whatever page.
func (s speaker) find(id string) string {
	return "/?" + url.Values{"lang": {string(s.language)}, "q": {id}}.Encode()
}

// numbers writes what a rule saw in one line.
func (s speaker) numbers(numbers map[string]float64) string {
	var line string
	for i, n := range s.catalogue.Numbers(s.language, numbers) {
		fact := s.text("alerts.facts", words.Args{"label": n.Label, "text": n.Text})
		if i > 0 {
			fact = s.text("alerts.and", words.Args{"first": line, "rest": fact})
		}
		line = fact
	}
	return line
}

// A clueList is what the first page tells of clues. Whose they are it does not
// tell: everybody who follows it would have read that, without a trace.
type clueList struct {
	Clues []clueLine
	More  string
}

// A clueLine is one clue. Its link is empty for whoever may not open it.
type clueLine struct{ ID, Link, Tone, Level, Loss, Range, Plots, Since, Confidence string }

// levels of clues, the gravest first.
func clueLevels() []string { return []string{"red", "orange", "yellow", "blue", "unknown"} }

func (s speaker) clues(all []Clue, linked bool) clueList {
	loss := func(c Clue) float64 {
		if c.LossMid == nil {
			return -1
		}
		return *c.LossMid
	}
	sorted := slices.SortedStableFunc(slices.Values(all), func(a, b Clue) int {
		return cmp.Or(cmp.Compare(slices.Index(clueLevels(), a.Level), slices.Index(clueLevels(), b.Level)), cmp.Compare(loss(b), loss(a)))
	})
	list := clueList{More: s.more("clues.more", len(all), maxLines)}
	for _, c := range sorted[:min(len(sorted), maxLines)] {
		line := s.clue(c)
		if linked {
			line.Link = s.clueLink(c.ID)
		}
		list.Clues = append(list.Clues, line)
	}
	return list
}

// clueLink leads to a clue's page.
func (s speaker) clueLink(id string) string { return s.link(CluesAddress + "/" + id) }

func (s speaker) clue(c Clue) clueLine {
	line := clueLine{ID: c.ID, Tone: "unknown", Level: s.word("clue_level.", c.Level)}
	if slices.Contains(clueLevels(), c.Level) {
		line.Tone = c.Level
	}
	share := func(x *float64) string {
		_, text := s.catalogue.Number(s.language, "loss_mid", *x)
		return text
	}
	line.Loss = s.text("clues.loss_unknown", nil)
	if c.LossMid != nil {
		line.Loss = s.text("clues.loss", words.Args{"mid": share(c.LossMid)})
	}
	if c.LossLow != nil && c.LossHigh != nil {
		line.Range = s.text("clues.range", words.Args{"low": share(c.LossLow), "high": share(c.LossHigh)})
	}
	args := words.Args{"n": len(c.Plots), "plots": strings.Join(c.Plots[:min(len(c.Plots), maxNamed)], s.text("clues.comma", nil))}
	switch {
	case len(c.Plots) > maxNamed:
		line.Plots = s.text("clues.plots_more", args)
	case len(c.Plots) > 0:
		line.Plots = s.text("clues.plots", args)
	}
	if !c.Since.IsZero() {
		line.Since = s.text("alerts.since", words.Args{"since": s.brief(c.Since)})
	}
	if c.Confidence != "" {
		line.Confidence = s.text("clues.confidence", words.Args{"confidence": s.word("confidence.", c.Confidence)})
	}
	return line
}
