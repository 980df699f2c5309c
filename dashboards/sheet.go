package dashboards

import (
	"bytes"
	"cmp"
	"net/http"
	"strings"

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
	Ways                 []choice // to the other pages of whoever looks
	Account, CSRF        string   // empty: nobody has signed in
	Stops, Stopped       bool     // as the Viewer's
	Drafts               bool     // their phone may hold what is not sent yet
	Back                 string   // to their own page
	Other, OtherLanguage string
}

// A Viewer is who looks at a page. The zero value is nobody.
type Viewer struct {
	Account, Role string
	CSRF          string         // what a form sends back
	Language      words.Language // of the account; empty: as the browser asks

	ReadsClues, ActsOnClues bool
	Stops, Stopped          bool // may call all valves to a stop; such a stop is in force
}

// ways are the pages of a role, the first its own. Nobody is whoever sits at the
// machine of a demo. A role without a page is told so where it signs in.
func (s speaker) ways(role, here string) (all []choice) {
	paths := map[string][]string{
		"farmer": {HomeAddress}, "grid_worker": {CluesAddress}, "agronomist": {"/village", CluesAddress, "/"}, "operator": {"/operations", "/village", CluesAddress, "/"}, "": {"/village", "/"},
	}[role]
	if len(paths) == 0 {
		return []choice{{Link: s.link("/login")}}
	}
	for _, path := range paths {
		all = append(all, choice{Text: s.word("way.", cmp.Or(strings.TrimPrefix(path, "/"), "live")), Link: s.link(path), Current: path == here})
	}
	return all
}

// sheet answers with a page in the frame of all sheets.
func (p *Pages) sheet(w http.ResponseWriter, r *http.Request, q query, s sheet) {
	s.Language = q.language
	speaker := p.speaker(q, nil)
	viewer := p.Viewer(r.Context())
	page := framed{sheet: s, Ways: speaker.ways(viewer.Role, r.URL.Path), Account: viewer.Account, CSRF: viewer.CSRF, Drafts: viewer.ActsOnClues, Stops: viewer.Stops, Stopped: viewer.Stopped}
	page.Back = page.Ways[0].Link
	if page.Drafts { // it is sent from every page, and signing out asks for it
		page.Scripts = append(page.Scripts, "clues.js")
	}
	for _, l := range words.Languages() {
		if l != s.Language {
			page.OtherLanguage, page.Other = string(l), s.In(l)
		}
	}
	var b bytes.Buffer
	if err := p.renderer.templates[s.Language].ExecuteTemplate(&b, s.Template, page); err != nil {
		p.broken(w, r, err)
		return
	}
	send(w, r, cmp.Or(s.Status, http.StatusOK), s.Language, b.Bytes())
}
