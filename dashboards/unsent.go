package dashboards

import "net/http"

// Unsent answers a form that was not taken, in the language of whoever sent it:
// because nobody is signed in any more, or because the page is older than the
// sign-in or not theirs. address is that of the page where the form stood.
func (p *Pages) Unsent(w http.ResponseWriter, r *http.Request, status int, address string) {
	r = r.Clone(r.Context())
	r.URL.Path, r.URL.RawPath = address, ""
	p.plain(w, r, status, func(s speaker) plainScreen {
		if status == http.StatusUnauthorized {
			return plainScreen{
				s.text("unsent.title", nil), s.text("unsent.expired", nil),
				signInAddress(query{language: s.language, asked: s.asked}, address), s.text("unsent.sign_in", nil),
			}
		}
		return plainScreen{s.text("unsent.title", nil), s.text("unsent.stale", nil), s.link(address), s.text("unsent.again", nil)}
	})
}
