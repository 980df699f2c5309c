package dashboards

import (
	"net/http"
	"regexp"
	"strings"

	"ganlin/dashboards/words"
)

// A runbook says what to do about one alarm.
type runbook struct {
	ID, Name   string
	Paragraphs []paragraph
}

// A paragraph may be a step with its number.
type paragraph struct {
	Step string
	Text []phrase
}

// A phrase is a piece of text in one kind of writing.
type phrase struct{ Code, Bold, Link, Text string } // one of Code, Bold and Text; Link goes with Text

func (p *Pages) runbooks(w http.ResponseWriter, r *http.Request) {
	q := readQuery(r)
	s := p.speaker(q, nil)
	p.sheet(w, r, q, sheet{
		Template: "runbooks", Title: s.text("runbooks.title", nil), Styles: []string{"fields.css", "operations.css"},
		In: func(l words.Language) string { return runbooksAddress + "?lang=" + string(l) },
		Body: struct {
			Back  string
			Books []runbook
		}{s.link(OperationsAddress), readRunbooks(p.Runbooks)},
	})
}

var (
	numbered = regexp.MustCompile(`^(\d+)\. `)
	inline   = regexp.MustCompile("`([^`]+)`|\\*\\*([^*]+)\\*\\*|\\*([^*]+)\\*|\\[([^\\]]+)\\]\\(([^)]*)\\)")
)

// readRunbooks reads the little of Markdown that runbooks are written in:
// parts, paragraphs, numbered steps, code, stress and links to other parts.
func readRunbooks(markdown string) (all []runbook) {
	for line := range strings.Lines(markdown) {
		line = strings.TrimSpace(line)
		if name, ok := strings.CutPrefix(line, "## "); ok {
			all = append(all, runbook{ID: strings.ToLower(name), Name: name})
			continue
		}
		if len(all) == 0 || strings.HasPrefix(line, "# ") {
			continue
		}
		book := &all[len(all)-1]
		switch number := numbered.FindStringSubmatch(line); {
		case line == "":
			book.Paragraphs = append(book.Paragraphs, paragraph{})
		case number != nil:
			book.Paragraphs = append(book.Paragraphs, paragraph{Step: number[1], Text: readPhrases(line[len(number[0]):])})
		case len(book.Paragraphs) == 0:
			book.Paragraphs = append(book.Paragraphs, paragraph{Text: readPhrases(line)})
		default:
			last := &book.Paragraphs[len(book.Paragraphs)-1]
			if len(last.Text) > 0 {
				line = " " + line
			}
			last.Text = append(last.Text, readPhrases(line)...)
		}
	}
	return all
}

func readPhrases(line string) (phrases []phrase) {
	for line != "" {
		m := inline.FindStringSubmatchIndex(line)
		if m == nil {
			return append(phrases, phrase{Text: line})
		}
		if m[0] > 0 {
			phrases = append(phrases, phrase{Text: line[:m[0]]})
		}
		group := func(n int) string {
			if m[2*n] < 0 {
				return ""
			}
			return line[m[2*n]:m[2*n+1]]
		}
		one := phrase{Code: group(1), Bold: group(2) + group(3), Text: group(4)}
		if strings.HasPrefix(group(5), "#") {
			one.Link = group(5)
		}
		phrases, line = append(phrases, one), line[m[1]:]
	}
	return phrases
}
