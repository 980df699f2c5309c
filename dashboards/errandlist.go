package dashboards

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"ganlin/dashboards/words"
)

// errandsPerPage is how many clues stand on one page of the list.
const errandsPerPage = 20

// An errandsScreen is what the template of the list reads.
type errandsScreen struct {
	Title, When string
	States      []choice
	Lines       []errandLine
	None, Hint  string // why there are none
	Pager       *pager
}

// An errandLine is one clue: what to do about it, how urgent it is and why.
type errandLine struct {
	clueLine
	Household     string
	Place         string
	Sign, Urgency string
	Todo, Mood    string
	Before, After string // of Todo, around the household
	Stage, Day    string
	Of            string   // of which day its loss is
	Doubts        []string // what is not known of it, or not so any more
}

func (p *Pages) errands(w http.ResponseWriter, r *http.Request) {
	q, _ := p.readAs(r)
	done := r.URL.Query().Get("state") == "closed"
	page := func() (ErrandList, error) {
		return p.Errands.Errands(r.Context(), done, (q.page-1)*errandsPerPage, errandsPerPage)
	}
	list, err := page()
	if pages := (list.Total + errandsPerPage - 1) / errandsPerPage; err == nil && pages > 0 && q.page > pages {
		q.page = pages
		list, err = page()
	}
	if err != nil {
		p.missing(w, r, err)
		return
	}
	s := p.speaker(q, list.Zone)
	p.sheet(w, r, q, sheet{
		Template: "errands", Title: s.text("errand.list", nil), Styles: []string{"clues.css"}, Body: s.errandsScreen(list, done, q.page),
		In: func(l words.Language) string {
			s.language, s.asked = l, true
			return s.errandsLink(done, q.page)
		},
	})
}

// errandsLink leads to a page of the list.
func (s speaker) errandsLink(done bool, page int) string {
	v := url.Values{}
	if s.asked {
		v.Set("lang", string(s.language))
	}
	if done {
		v.Set("state", "closed")
	}
	if page > 1 {
		v.Set("page", strconv.Itoa(page))
	}
	if len(v) == 0 {
		return CluesAddress
	}
	return CluesAddress + "?" + v.Encode()
}

func (s speaker) errandsScreen(list ErrandList, done bool, page int) errandsScreen {
	out := errandsScreen{Title: s.text("errand.count", words.Args{"n": list.Total})}
	if done {
		out.Title = s.text("errand.count_done", words.Args{"n": list.Total})
	}
	out.When = s.text("errand.not_yet", nil)
	if !list.At.IsZero() {
		out.When = s.text("errand.as_of", words.Args{"time": s.moment(list.At)})
	}
	for i, key := range []string{"errand.to_do", "errand.done"} {
		out.States = append(out.States, choice{Text: s.text(key, nil), Link: s.errandsLink(i == 1, 1), Current: done == (i == 1)})
	}
	for i := range list.Errands {
		out.Lines = append(out.Lines, s.errandLine(&list.Errands[i]))
	}
	switch {
	case list.Total > 0:
	case done:
		out.None = s.text("errand.none_done", nil)
	default:
		out.None, out.Hint = s.text("errand.none", nil), s.text("errand.none_hint", nil)
	}
	if pages := (list.Total + errandsPerPage - 1) / errandsPerPage; pages > 1 {
		out.Pager = &pager{Text: s.text("plots.page", words.Args{"page": page, "pages": pages})}
		if page > 1 {
			out.Pager.Previous = s.errandsLink(done, page-1)
		}
		if page < pages {
			out.Pager.Next = s.errandsLink(done, page+1)
		}
	}
	return out
}

func (s speaker) errandLine(e *Errand) errandLine {
	if e.Zone != nil {
		s.zone = e.Zone
	}
	line := errandLine{
		clueLine: s.clue(e.Clue), Household: e.Household, Place: e.Place, Sign: e.Level, Urgency: s.word("urgency.", e.Level),
		Stage: s.word("clue_stage.", e.Stage), Day: s.text("errand.since", words.Args{"day": s.errandDay(e.Since)}),
	}
	line.Link = s.clueLink(e.ID)
	withdrawn := !e.Withdrawn.IsZero()
	todo := e.Stage
	switch {
	case len(e.Steps) > 0:
		todo, line.Mood = e.Steps[0][0].Act, "todo"
	case withdrawn && e.Stage == ErrandWaiting:
		todo = "withdrawn"
	}
	line.Before, line.After, _ = strings.Cut(s.text("errand_todo."+todo, words.Args{"household": "\x00"}), "\x00")
	line.Todo = line.Before + e.Household + line.After
	if !slices.Contains(clueLevels(), e.Level) {
		line.Tone, line.Sign = "over", "ok"
	}
	doubt := func(key string, args words.Args) { line.Doubts = append(line.Doubts, s.text(key, args)) }
	if withdrawn {
		doubt("errand.withdrawn", words.Args{"day": s.errandDay(e.Withdrawn)})
		if len(e.Steps) > 0 {
			doubt("errand.withdrawn_go_on", nil)
		}
	}
	if e.Level == "unknown" {
		doubt("errand.unknown", nil)
	}
	if e.LossHigh == nil {
		doubt("errand.no_evidence", nil)
	} else {
		line.Of = s.text("errand.of", words.Args{"day": s.errandDay(e.Spoke)})
	}
	return line
}

// errandDay is a day of the site, with its year if that is another one.
func (s speaker) errandDay(t time.Time) string {
	if t.In(s.zone).Year() != s.now.In(s.zone).Year() {
		return words.Day(s.language, t.In(s.zone))
	}
	return s.day(t)
}
