// Package words is the message catalogue: every sentence that Ganlin says to
// people, in Chinese and in English.
package words

import (
	"embed"
	"fmt"
	"io/fs"
	"maps"

	"github.com/nicksnyder/go-i18n/v2/i18n"
	"github.com/nicksnyder/go-i18n/v2/i18n/template"
	"go.yaml.in/yaml/v3"
	"golang.org/x/text/language"
)

// A Language is one that the catalogue speaks. Its text is a BCP 47 tag, as HTML wants it.
type Language string

// The languages.
const (
	Chinese Language = "zh-CN"
	English Language = "en"
)

// Languages returns all languages, the default first.
func Languages() []Language { return []Language{Chinese, English} }

// Args are the values of a message's placeholders. Integers are grouped by
// thousands; "n" also chooses between singular and plural.
type Args map[string]any

// A Catalogue gives texts by key. It may be used from any goroutine.
type Catalogue struct {
	localizers map[Language]*i18n.Localizer
	parser     template.Parser
}

// The messages of all stand in a file of each language, those of one part beside
// them in messages/PART.LANGUAGE.yaml.
//
//go:embed zh-CN.yaml en.yaml messages/*.yaml
var files embed.FS

// New reads the catalogue that is built into the program.
func New() (*Catalogue, error) {
	bundle := i18n.NewBundle(language.Make(string(Chinese)))
	bundle.RegisterUnmarshalFunc("yaml", yaml.Unmarshal)
	c := &Catalogue{localizers: map[Language]*i18n.Localizer{}, parser: &template.TextParser{Option: "missingkey=error"}}
	for _, l := range Languages() {
		names, err := fs.Glob(files, "messages/*."+string(l)+".yaml")
		if err != nil {
			return nil, fmt.Errorf("reading the messages in %s: %w", l, err)
		}
		for _, name := range append(names, string(l)+".yaml") {
			if _, err := bundle.LoadMessageFileFS(files, name); err != nil {
				return nil, fmt.Errorf("reading the messages in %s: %w", l, err)
			}
		}
		c.localizers[l] = i18n.NewLocalizer(bundle, string(l))
	}
	return c, nil
}

// Text returns the message of key in l. A message that is missing, or misses
// an argument, gives its key: the rest of a page is worth more than a perfect one.
func (c *Catalogue) Text(l Language, key string, args Args) string {
	if text, ok := c.Lookup(l, key, args); ok {
		return text
	}
	return key
}

// Lookup returns the message of key in l, and whether there is one.
func (c *Catalogue) Lookup(l Language, key string, args Args) (string, bool) {
	config := i18n.LocalizeConfig{MessageID: key, TemplateParser: c.parser}
	if len(args) > 0 {
		data := maps.Clone(args)
		for name, value := range data {
			switch n := value.(type) {
			case int:
				data[name] = Integer(int64(n))
			case int64:
				data[name] = Integer(n)
			}
		}
		config.TemplateData, config.PluralCount = data, args["n"]
	}
	text, tag, err := c.localizers[l].LocalizeWithTag(&config)
	if err != nil && config.PluralCount != nil { // it may have one form for all numbers
		config.PluralCount = nil
		text, tag, err = c.localizers[l].LocalizeWithTag(&config)
	}
	if err != nil || tag != language.Make(string(l)) {
		return "", false
	}
	return text, true
}

// Choose returns the language to speak: the one asked for by name, such as
// "en" or "zh", else the one of ours that an Accept-Language header likes
// most, else Chinese.
func Choose(asked, acceptLanguage string) Language {
	if l, ok := match(language.Make(asked)); asked != "" && ok {
		return l
	}
	tags, weights, err := language.ParseAcceptLanguage(acceptLanguage)
	if err != nil {
		return Chinese
	}
	for i, tag := range tags { // best first
		if l, ok := match(tag); ok && weights[i] > 0 {
			return l
		}
	}
	return Chinese
}

func match(tag language.Tag) (Language, bool) {
	switch base, _ := tag.Base(); base.String() {
	case "zh":
		return Chinese, true
	case "en":
		return English, true
	}
	return "", false
}
