package dashboards

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"net/url"
	"strconv"

	"ganlin/dashboards/words"
)

const lettersPerPage = 50

// A letterLine is a dead letter in a list.
type letterLine struct{ ID, Link, When, Device, Topic, Reason, Detail string }

// A lettersScreen is what the template of all dead letters reads.
type lettersScreen struct {
	Back, None  string
	Letters     []letterLine
	First, Next string // addresses; empty: there is nothing before or after
}

// A letterScreen is what the template of one dead letter reads.
type letterScreen struct {
	Back, Reason, Detail string
	Rows                 []row
	Payload              payload
}

func (s speaker) letterLine(l Letter) letterLine {
	return letterLine{
		ID: l.ID, Link: s.link(lettersAddress + "/" + url.PathEscape(l.ID)), When: s.second(l.Received),
		Device: visible(string(l.Device)), Topic: visible(l.Topic), Reason: s.word("reason.", l.Reason), Detail: visible(l.Detail),
	}
}

func (p *Pages) letters(w http.ResponseWriter, r *http.Request) {
	q := readQuery(r)
	after := r.URL.Query().Get("after")
	all, err := p.Operations.Letters(r.Context(), after, lettersPerPage+1)
	s := p.speaker(q, p.Operations.Machine(r.Context()).Zone)
	body := lettersScreen{Back: s.link(OperationsAddress)}
	status := http.StatusOK
	switch {
	case err != nil:
		p.Log.ErrorContext(r.Context(), "dead letters not read", "error", err)
		body.None, status = s.text("op.letters_unknown", nil), http.StatusServiceUnavailable
	case len(all) == 0 && after != "":
		body.None = s.text("letters.no_older", nil)
	case len(all) == 0:
		body.None = s.text("letters.none", nil)
	}
	to := func(after string) string {
		v := url.Values{"after": {after}}
		if s.asked {
			v.Set("lang", string(s.language))
		}
		return lettersAddress + "?" + v.Encode()
	}
	if len(all) > lettersPerPage {
		all = all[:lettersPerPage]
		body.Next = to(all[lettersPerPage-1].ID)
	}
	if after != "" {
		body.First = s.link(lettersAddress)
	}
	for _, l := range all {
		body.Letters = append(body.Letters, s.letterLine(l))
	}
	p.sheet(w, r, q, sheet{
		Template: "letters_page", Title: s.text("letters.title", nil), Styles: []string{"fields.css", "operations.css"}, Body: body, Status: status,
		In: func(l words.Language) string {
			return lettersAddress + "?" + url.Values{"after": {after}, "lang": {string(l)}}.Encode()
		},
	})
}

func (p *Pages) letter(w http.ResponseWriter, r *http.Request) {
	q := readQuery(r)
	l, err := p.Operations.Letter(r.Context(), r.PathValue("id"))
	if errors.Is(err, ErrNothing) {
		p.Nothing(w, r)
		return
	}
	s := p.speaker(q, p.Operations.Machine(r.Context()).Zone)
	address := lettersAddress + "/" + url.PathEscape(r.PathValue("id"))
	page := sheet{
		Title: s.text("letter.title", nil), Styles: []string{"fields.css", "operations.css"},
		In: func(l words.Language) string { return address + "?lang=" + string(l) },
	}
	if err != nil {
		p.Log.ErrorContext(r.Context(), "a dead letter not read", "error", err)
		page.Template, page.Status, page.Body = "letters_page", http.StatusServiceUnavailable, lettersScreen{Back: s.link(OperationsAddress), None: s.text("op.letters_unknown", nil)}
		p.sheet(w, r, q, page)
		return
	}
	v := r.URL.Query()
	at, _ := strconv.Atoi(v.Get("at"))
	page.Template, page.Body = "letter", s.letterScreen(l, address, v.Get("as") == "hex", at)
	p.sheet(w, r, q, page)
}

func (s speaker) letterScreen(l Letter, address string, hexadecimal bool, at int) letterScreen {
	out := letterScreen{
		Back: s.link(lettersAddress), Reason: s.word("reason.", l.Reason), Detail: visible(l.Detail),
		Payload: s.payload(l.Payload, address, hexadecimal, at),
	}
	add := func(key, text string) {
		if text != "" {
			out.Rows = append(out.Rows, row{Label: s.text("letter."+key, nil), Text: text})
		}
	}
	add("received", s.second(l.Received))
	add("device", visible(string(l.Device)))
	add("topic", visible(l.Topic))
	add("code", l.Reason)
	add("codec", visible(l.Codec))
	add("where_kept", l.ID)
	add("length", s.text("letter.bytes", words.Args{"n": l.Length}))
	digest := sha256.Sum256(l.Payload)
	switch cut := l.SHA256 != ""; {
	case cut:
		add("kept", s.text("letter.first", words.Args{"n": len(l.Payload)}))
		add("sha256", l.SHA256)
	case l.Part:
		add("kept", s.text("letter.part", words.Args{"n": len(l.Payload)}))
	default:
		add("sha256", hex.EncodeToString(digest[:]))
	}
	return out
}
