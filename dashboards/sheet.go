package dashboards

import (
	"bytes"
	"cmp"
	"net/http"

	"ganlin/dashboards/words"
)

// A sheet is a page that does not change while somebody looks at it.
type sheet struct {
	Template string
	Title    string
	Language words.Language
	In       func(words.Language) string // the address of the same page in a language
	Styles   []string                    // asset files besides page.css
	Scripts  []string
	Status   int // 0: 200
	Body     any
}

// A framed sheet is what the templates of sheets read.
type framed struct {
	sheet
	Home, Village        string
	Other, OtherLanguage string
}

// sheet answers with a page in the frame of all sheets.
func (p *Pages) sheet(w http.ResponseWriter, r *http.Request, q query, s sheet) {
	s.Language = q.language
	speaker := p.speaker(q, nil)
	page := framed{sheet: s, Home: speaker.link("/"), Village: speaker.link("/village")}
	for _, l := range words.Languages() {
		if l != s.Language {
			page.OtherLanguage, page.Other = string(l), s.In(l)
		}
	}
	var b bytes.Buffer
	if err := p.renderer.templates[s.Language].ExecuteTemplate(&b, s.Template, page); err != nil {
		p.Log.ErrorContext(r.Context(), "page not rendered", "error", err)
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	send(w, r, cmp.Or(s.Status, http.StatusOK), s.Language, b.Bytes())
}

// nothing answers that there is no such page, or none for this person: both look the same.
func (p *Pages) nothing(w http.ResponseWriter, r *http.Request) {
	q := readQuery(r)
	path := r.URL.Path
	p.sheet(w, r, q, sheet{
		Template: "nothing", Title: p.speaker(q, nil).text("nothing.title", nil), Status: http.StatusNotFound, Styles: []string{"fields.css"},
		In: func(l words.Language) string { return path + "?lang=" + string(l) },
	})
}
