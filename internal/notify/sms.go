package notify

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"text/template"
	"time"
)

// SMSOptions describe the HTTP gateway of a provider. URL, headers and body are
// templates over {{.Phone}}, {{.Text}}, {{.ID}} and {{.Secret}}; {{json .Text}}
// writes a JSON string with its quotation marks, {{query .Text}} escapes for
// addresses and forms.
type SMSOptions struct {
	URL     string
	Method  string   // empty: POST
	Headers []string // Name: value
	Body    string
	Secret  string
	Success SMSSuccess
}

// An SMSSuccess says by what an answer with a status of 2xx is told to be good.
type SMSSuccess struct {
	Field string   // of a JSON answer, such as code or data.status; empty: the whole text counts
	Is    []string // the values of success; without any every answer is good
	Again []string // values after which another try makes sense
}

// NewSMS returns the channel of text messages; phone numbers are the addresses.
func NewSMS(o SMSOptions) (Channel, error) {
	g := &gateway{o: o, client: newClient()}
	var err error
	if g.url, err = parseTemplate(o.URL); err != nil {
		return nil, fmt.Errorf("url: %w", err)
	}
	if g.body, err = parseTemplate(o.Body); err != nil {
		return nil, fmt.Errorf("body: %w", err)
	}
	for _, header := range o.Headers {
		name, value, _ := strings.Cut(header, ": ")
		t, err := parseTemplate(value)
		if err != nil {
			return nil, fmt.Errorf("header %s: %w", name, err)
		}
		g.headers = append(g.headers, headerTemplate{name, t})
	}
	odd := letterOf{Phone: "+8613800000000", Text: "a \"b\" & c=\\\n 浇水 100%", ID: "0", Secret: "s"} // what a careless template breaks at
	r, err := g.request(odd)
	if err != nil {
		return nil, err
	}
	if err := checkURL(r.address); err != nil {
		return nil, fmt.Errorf("url: %w; values in it are written such as {{query .Phone}}", err)
	}
	switch kind := r.headers.Get("Content-Type"); {
	case strings.HasPrefix(kind, "application/json") && !json.Valid([]byte(r.body)):
		return nil, errors.New("body: with a quotation mark in a message it is no JSON; write {{json .Text}}, without quotation marks around it")
	case strings.HasPrefix(kind, "application/x-www-form-urlencoded") && strings.Contains(o.Body, ".Text") && !hasValue(r.body, odd.Text):
		return nil, errors.New("body: with a & in a message it is no form; write {{query .Text}}")
	}
	return g, nil
}

func hasValue(form, value string) bool {
	values, err := url.ParseQuery(form)
	if err != nil {
		return false
	}
	for _, all := range values {
		if slices.ContainsFunc(all, func(v string) bool { return strings.Contains(v, value) }) {
			return true
		}
	}
	return false
}

type gateway struct {
	o         SMSOptions
	url, body *template.Template
	headers   []headerTemplate
	client    *http.Client
}

type headerTemplate struct {
	name  string
	value *template.Template
}

// A letterOf is what the templates see.
type letterOf struct{ Phone, Text, ID, Secret string }

// A gatewayRequest is what the templates make of it.
type gatewayRequest struct {
	address, body string
	headers       http.Header
}

func (g *gateway) request(l letterOf) (r gatewayRequest, err error) {
	if r.address, err = fill(g.url, l); err != nil {
		return r, fmt.Errorf("url: %w", err)
	}
	if r.body, err = fill(g.body, l); err != nil {
		return r, fmt.Errorf("body: %w", err)
	}
	r.headers = http.Header{}
	for _, h := range g.headers {
		value, err := fill(h.value, l)
		if err != nil {
			return r, fmt.Errorf("header %s: %w", h.name, err)
		}
		r.headers.Set(h.name, value)
	}
	return r, nil
}

func parseTemplate(text string) (*template.Template, error) {
	t, err := template.New("").Option("missingkey=error").Funcs(template.FuncMap{
		"query": url.QueryEscape,
		"json": func(s string) (string, error) {
			b, err := json.Marshal(s)
			return string(b), err
		},
	}).Parse(text)
	if err != nil {
		return nil, errors.New("the template cannot be read: write values as {{.Phone}}, {{json .Text}} or {{query .Text}}")
	}
	return t, nil
}

func fill(t *template.Template, l letterOf) (string, error) {
	var b bytes.Buffer
	if err := t.Execute(&b, l); err != nil {
		return "", errors.New("the template names a value that is not there: they are .Phone, .Text, .ID and .Secret")
	}
	return b.String(), nil
}

var phone = regexp.MustCompile(`^\+?[0-9]{5,15}$`)

func checkPhone(to Address) error {
	if !phone.MatchString(to.place) {
		return errors.New("the address must be a phone number: 5 to 15 digits, perhaps a + before them")
	}
	return nil
}

func (g *gateway) Line(Address) string { return "" }
func (g *gateway) Pace() time.Duration { return 0 }

// Send asks the gateway to send a message and reads what it says of it.
func (g *gateway) Send(ctx context.Context, m Message) error {
	text := m.Short
	if m.Link != "" {
		text += " " + m.Link
	}
	r, err := g.request(letterOf{m.To.place, text, m.ID, g.o.Secret})
	if err != nil {
		return &Error{What: err.Error()}
	}
	answer, err := post(ctx, g.client, NewAddress(m.To.place, g.o.Secret), cmp.Or(g.o.Method, http.MethodPost), r.address, r.headers, r.body)
	if err != nil {
		return err
	}
	if len(g.o.Success.Is) == 0 {
		return nil
	}
	value := g.value(answer)
	if slices.Contains(g.o.Success.Is, value) {
		return nil
	}
	e := &Error{What: "the gateway does not say that it took the message", Said: NewAddress(m.To.place, g.o.Secret).scrub(strings.TrimSpace(string(answer)))}
	if regexp.MustCompile(`^[-\w.]{1,40}$`).MatchString(value) && m.To.scrub(value) == value {
		e.What = "the gateway answers with code " + value
	}
	e.Hint = "look the code up with the provider; if it means success, name it in notify.sms.success"
	if slices.Contains(g.o.Success.Again, value) {
		e.Again, e.Shared, e.Hint = true, true, ""
	}
	return e
}

// value is what the success of an answer is told by.
func (g *gateway) value(answer []byte) string {
	if g.o.Success.Field == "" {
		return strings.TrimSpace(string(answer))
	}
	d := json.NewDecoder(bytes.NewReader(answer))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil && !errors.Is(err, io.EOF) {
		return ""
	}
	for name := range strings.SplitSeq(g.o.Success.Field, ".") {
		switch at := v.(type) {
		case map[string]any:
			v = at[name]
		case []any: // the first answer stands for the one message
			if len(at) == 0 {
				return ""
			}
			one, _ := at[0].(map[string]any)
			v = one[name]
		default:
			return ""
		}
	}
	if v == nil {
		return ""
	}
	return fmt.Sprint(v)
}
