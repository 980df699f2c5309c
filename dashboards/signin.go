package dashboards

import (
	"bytes"
	"fmt"
	"net/http"
	"net/url"

	"ganlin/dashboards/words"
)

// A LookAs is an account of a demo that anybody may look with: GET /as/{account} signs in.
type LookAs struct{ Account, Role string }

// An eye is a link to one of them.
type eye struct{ Account, Name string }

func (p *Pages) eyes(l words.Language) (all []eye) {
	for _, as := range p.LookAs {
		all = append(all, eye{as.Account, p.catalogue.Text(l, "role."+as.Role, nil)})
	}
	return all
}

// A SignIn is what the page of signing in shows of its moment.
type SignIn struct {
	Next        string // where to go afterwards; empty: to one's own page
	Wrong, Wait bool   // what was sent lets nobody in; too much of it was sent
	Elsewhere   bool   // it was sent from another site's page

	Account string // signed in already; empty: not
	Program bool   // it is a program's and has no page
	CSRF    string
}

// A signInScreen is what the template of signing in shows.
type signInScreen struct {
	SignIn
	Language, Other, OtherLanguage string
	Action, Problem                string
}

// SignIn answers with the page of signing in.
func (p *Pages) SignIn(w http.ResponseWriter, r *http.Request, status int, view SignIn) {
	q := readQuery(r)
	s := signInScreen{SignIn: view, Language: string(q.language), Action: signInAddress(q, "")}
	switch {
	case view.Elsewhere:
		s.Problem = p.catalogue.Text(q.language, "sign_in.elsewhere", nil)
	case view.Wait:
		s.Problem = p.catalogue.Text(q.language, "sign_in.wait", nil)
	case view.Wrong:
		s.Problem = p.catalogue.Text(q.language, "sign_in.wrong", nil)
	}
	for _, l := range words.Languages() {
		if l != q.language {
			s.OtherLanguage, s.Other = string(l), signInAddress(query{language: l, asked: true}, view.Next)
		}
	}
	var b bytes.Buffer
	if err := p.renderer.templates[q.language].ExecuteTemplate(&b, "signin", s); err != nil {
		p.broken(w, r, fmt.Errorf("rendering the page of signing in: %w", err))
		return
	}
	send(w, r, status, q.language, b.Bytes())
}

// signInAddress keeps the language that was asked for, and where to go afterwards.
func signInAddress(q query, next string) string {
	v := url.Values{}
	if q.asked {
		v.Set("lang", string(q.language))
	}
	if next != "" {
		v.Set("next", next)
	}
	if len(v) == 0 {
		return "/login"
	}
	return "/login?" + v.Encode()
}
