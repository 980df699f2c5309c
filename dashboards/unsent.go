package dashboards

import (
	"net/http"

	"ganlin/dashboards/words"
)

// An unsentScreen is what the template of a form that was not taken reads.
type unsentScreen struct{ Title, Hint, Link, Way string }

// Unsent answers a form that was not taken, in the language of whoever sent it:
// because nobody is signed in any more, or because the page is older than the
// sign-in or not theirs. address is that of the page where the form stood.
func (p *Pages) Unsent(w http.ResponseWriter, r *http.Request, status int, address string) {
	q, _ := p.readAs(r)
	s := p.speaker(q, nil)
	screen := unsentScreen{Title: s.text("unsent.title", nil)}
	if status == http.StatusUnauthorized {
		screen.Hint, screen.Way, screen.Link = s.text("unsent.expired", nil), s.text("unsent.sign_in", nil), signInAddress(q, address)
	} else {
		screen.Hint, screen.Way, screen.Link = s.text("unsent.stale", nil), s.text("unsent.again", nil), s.link(address)
	}
	p.sheet(w, r, q, sheet{
		Template: "unsent", Title: screen.Title, Status: status, Styles: []string{"fields.css"}, Body: screen,
		In: func(l words.Language) string { return address + "?lang=" + string(l) },
	})
}
