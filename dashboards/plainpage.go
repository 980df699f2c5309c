package dashboards

import (
	"context"
	"net/http"
	"net/url"

	"ganlin/dashboards/words"
)

// A plainScreen is what the template of a page reads that says one thing and
// leads on: without a link to the person's own page.
type plainScreen struct{ Title, Hint, Link, Way string }

// plain answers with such a page.
func (p *Pages) plain(w http.ResponseWriter, r *http.Request, status int, say func(speaker) plainScreen) {
	q, viewer := p.readAs(r)
	s := p.speaker(q, nil)
	screen := say(s)
	if screen.Link == "" {
		screen.Link, screen.Way = s.ways(viewer.Role, "")[0].Link, s.text("nothing.back", nil)
	}
	p.sheet(w, r, q, sheet{
		Template: "plain", Title: screen.Title, Status: status, Styles: []string{"fields.css"}, Body: screen,
		In: func(l words.Language) string { return here(r, l) },
	})
}

// here is the address that was asked for, in a language; without one as it was asked.
func here(r *http.Request, l words.Language) string {
	v := r.URL.Query()
	if l != "" {
		v.Set("lang", string(l))
	}
	return (&url.URL{Path: r.URL.Path, RawPath: r.URL.EscapedPath(), RawQuery: v.Encode()}).String()
}

// Nothing answers that there is no such page, or none for this person: both look the same.
func (p *Pages) Nothing(w http.ResponseWriter, r *http.Request) {
	p.plain(w, r, http.StatusNotFound, func(s speaker) plainScreen {
		return plainScreen{Title: s.text("nothing.title", nil), Hint: s.text("nothing.hint", nil)}
	})
}

// unread answers that what the page shows cannot be read now.
func (p *Pages) unread(w http.ResponseWriter, r *http.Request, err error) {
	p.Log.ErrorContext(r.Context(), "page not read", "path", r.URL.Path, "error", err)
	w.Header().Set("Retry-After", "30")
	p.plain(w, r, http.StatusServiceUnavailable, func(s speaker) plainScreen {
		return plainScreen{s.text("unread.title", nil), s.text("unread.hint", nil), here(r, ""), s.text("unread.again", nil)}
	})
}

type brokenKey struct{}

// broken answers that a page could not be made. When this one cannot be made either, a few words have to do.
func (p *Pages) broken(w http.ResponseWriter, r *http.Request, err error) {
	p.Log.ErrorContext(r.Context(), "page not rendered", "path", r.URL.Path, "error", err)
	if r.Context().Value(brokenKey{}) != nil {
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	r = r.WithContext(context.WithValue(r.Context(), brokenKey{}, true))
	p.plain(w, r, http.StatusInternalServerError, func(s speaker) plainScreen {
		return plainScreen{s.text("broken.title", nil), s.text("broken.hint", nil), here(r, ""), s.text("unread.again", nil)}
	})
}

// Stranger answers a link of another site's page that would sign in: whoever
// followed it says so once more, here.
func (p *Pages) Stranger(w http.ResponseWriter, r *http.Request, account string) {
	p.plain(w, r, http.StatusOK, func(s speaker) plainScreen {
		return plainScreen{s.text("stranger.title", nil), s.text("stranger.hint", words.Args{"account": account}), here(r, ""), s.text("stranger.open", nil)}
	})
}
