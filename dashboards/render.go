package dashboards

import (
	"bytes"
	"crypto/rand"
	"embed"
	"fmt"
	"hash/fnv"
	"html"
	"html/template"
	"regexp"
	"strconv"
	"strings"

	"ganlin/dashboards/words"
)

//go:embed pages
var pageFiles embed.FS

// A renderer turns a screen into a page made of regions.
type renderer struct {
	templates map[words.Language]*template.Template
	assets    *assets
}

func newRenderer(catalogue *words.Catalogue, a *assets) (*renderer, error) {
	r := &renderer{templates: map[words.Language]*template.Template{}, assets: a}
	for _, l := range words.Languages() {
		t, err := template.New("").Funcs(template.FuncMap{
			"t":     func(key string) string { return catalogue.Text(l, key, nil) },
			"asset": func(file string) string { return a.address[file] },
			"act":   rand.Text,
		}).ParseFS(pageFiles, "pages/*.html")
		if err != nil {
			return nil, fmt.Errorf("reading the templates: %w", err)
		}
		r.templates[l] = t
	}
	return r, nil
}

// A region is a part of the page that is updated on its own. Its slots are the
// texts of its <g-t> elements, the classes of its <g-c> elements and the widths
// of its bars, in their order; its hash is over everything else. While the hash
// stays, an update is a few slots.
type region struct {
	id, list string // list: the list that it is an item of, or empty
	html     string
	hash     string
	slots    []string
}

// rendered is a page's content as one language, search and page number show it.
type rendered struct {
	screen  screen
	regions []region
	version string // of the assets that go with the regions
}

var slotPattern = regexp.MustCompile(`<g-t>([^<]*)</g-t>|<g-c class="([^"]*)"|<rect class="fill" width="(\d+)"`)

const noHash = ` data-h=""`

func (r *renderer) render(s screen, l words.Language) (*rendered, error) {
	out := &rendered{screen: s, version: r.assets.version}
	add := func(tmpl, id, list string, data any) error {
		var b bytes.Buffer
		if err := r.templates[l].ExecuteTemplate(&b, tmpl, data); err != nil {
			return fmt.Errorf("rendering %s: %w", id, err)
		}
		out.regions = append(out.regions, newRegion(id, list, strings.TrimSpace(b.String())))
		return nil
	}
	for _, tmpl := range []string{"hero", "alerts", "head", "pager", "clues", "parts", "ledger", "letters"} {
		if err := add(tmpl, tmpl, "", s); err != nil {
			return nil, err
		}
	}
	for _, c := range s.Plots {
		if err := add("card", c.DOM, "plots", c); err != nil {
			return nil, err
		}
	}
	for _, c := range s.Stations {
		if err := add("card", c.DOM, "stations", c); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// A shell is what stands around the regions and does not change.
type shell struct {
	Name, Language       string
	Other, OtherLanguage string // the same page in the other language
	Here                 string // the address of this page
	Live                 string // the address of its updates
	Version              string
	Screen               screen
	Eyes                 []eye
	Regions              map[string]template.HTML
	Plots, Stations      []template.HTML
}

// page puts the regions into their shell.
func (r *renderer) page(content *rendered, q query, name string, eyes []eye) ([]byte, error) {
	s := shell{
		Eyes: eyes,
		Name: name, Language: string(q.language), Here: q.address("/"), Version: r.assets.version,
		Screen: content.screen, Regions: map[string]template.HTML{},
	}
	for _, region := range content.regions {
		safe := template.HTML(region.html) //nolint:gosec // our own template escaped what is in it
		switch region.list {
		case "":
			s.Regions[region.id] = safe
		case "plots":
			s.Plots = append(s.Plots, safe)
		default:
			s.Stations = append(s.Stations, safe)
		}
	}
	q.asked = true
	s.Live = q.address("/live")
	for _, l := range words.Languages() {
		if l != words.Language(s.Language) {
			q.language, s.OtherLanguage = l, string(l)
			s.Other = q.address("/")
		}
	}
	var b bytes.Buffer
	if err := r.templates[words.Language(s.Language)].ExecuteTemplate(&b, "page", s); err != nil {
		return nil, fmt.Errorf("rendering the page: %w", err)
	}
	return b.Bytes(), nil
}

func newRegion(id, list, text string) region {
	r := region{id: id, list: list}
	h := fnv.New32a()
	rest := 0
	for _, m := range slotPattern.FindAllStringSubmatchIndex(text, -1) {
		from, to := max(m[2], m[4], m[6]), max(m[3], m[5], m[7]) // of the group that matched; the others are -1
		_, _ = h.Write([]byte(text[rest:from]))
		r.slots = append(r.slots, html.UnescapeString(text[from:to]))
		rest = to
	}
	_, _ = h.Write([]byte(text[rest:]))
	r.hash = strconv.FormatUint(uint64(h.Sum32()), 36)
	r.html = strings.Replace(text, noHash, ` data-h="`+r.hash+`"`, 1)
	return r
}
