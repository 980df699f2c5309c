package dashboards

import (
	"slices"
	"time"

	"ganlin/dashboards/words"
)

// News is an alert about a plot of the household, or the end of one.
type News struct {
	ID, Rule string
	Plot     string     // its name
	Advice   AdviceCode // what to do about its water
	Since    time.Time
	Over     time.Time // zero: it is not over
	Answer   string    // the last that somebody said about it: a code of the API, or AnswerSeen; empty: nothing
	Answered time.Time
}

// AnswerSeen says that somebody has seen an alert, and no more.
const AnswerSeen = "seen"

// A newsLine is one message of the farmer's page.
type newsLine struct {
	ID, Text, Hint, When, Tone string
	Answer                     string
	Choices                    []choiceOf // of answers; the first is the likely one
}

type choiceOf struct{ Code, Text string }

func (s speaker) newsLine(n News) newsLine {
	line := newsLine{ID: n.ID, When: s.brief(n.Since), Tone: "warn"}
	line.Text = s.text("my.news", words.Args{"plot": n.Plot, "what": s.word("told.", n.Rule)})
	if n.Answer != "" {
		line.Answer = s.text("my.answered", words.Args{"what": s.word("answer.", n.Answer), "when": s.brief(n.Answered)})
	}
	if !n.Over.IsZero() {
		line.Tone = "ok"
		line.When, line.Text = s.brief(n.Over), s.text("my.news_over", words.Args{"plot": n.Plot, "what": s.word("told.", n.Rule)})
		return line
	}
	if !n.dry() || n.Advice == AdviseWater || n.Advice == AdviseLook || n.Advice == "" {
		line.Hint, _ = s.catalogue.Lookup(s.language, "told_hint."+n.Rule, nil) // else the card says what to do
	}
	for _, code := range n.answers() {
		line.Choices = append(line.Choices, choiceOf{code, s.word("answer.", code)})
	}
	return line
}

// dry reports whether it tells of a plot that lacks water.
func (n *News) dry() bool {
	return slices.Contains([]string{"drought", "drought_severe", "water_need"}, n.Rule)
}

// answers are what somebody may still say about it. What is done, or is not so, needs no further word.
func (n *News) answers() []string {
	all := []string{AnswerSeen, "repaired", "false_alarm"}
	if n.dry() {
		all = []string{"will_water", "watered", "false_alarm"}
	}
	switch n.Answer {
	case "":
		return all
	case AnswerSeen, "will_water":
		return slices.DeleteFunc(all, func(code string) bool { return code == n.Answer })
	}
	return nil
}
