package dashboards

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
	"time"

	"ganlin/dashboards/words"
	"ganlin/devices"
)

// A villageScreen is what the template of the village page reads.
type villageScreen struct {
	Said     *said // the answer to the form that led here
	When     string
	Sites    []choice    // to choose from; empty: there is one
	Overview []siteShare // of all sites, when none is chosen
	Map      *landMap    // nil: there is nothing to draw
	Whole    string      // leads out of a part of the map; empty: all is shown
	Legend   []legendLine
	Keep     []keep // what the form hands on
	Search   string
	Orders   []choice // in which the table may be sorted
	Taps     choice   // only plots with an open valve, or all
	Filters  []choice // what narrows the page, each leading out of it
	Count    string
	Columns  []column
	ShowSite bool
	Rows     []fieldRow
	Pager    *pager
	None     string // why there is nothing to show
	Hint     string
}

// A choice is a link or an option of a form.
type choice struct {
	Text, Link, Value string
	Current           bool
}

type keep struct{ Name, Value string }

// A siteShare is one site with its grades.
type siteShare struct {
	Name, Link, Count, Title string
	Parts                    []mapPart
}

// A legendLine is one grade: how it is drawn, how many there are, and a link that shows them alone.
type legendLine struct {
	Tone, Letter, Text, Count, Link string
	Current                         bool
}

func (p *Pages) village(w http.ResponseWriter, r *http.Request) {
	q := readFieldQuery(r)
	land := p.Fields.Land(r.Context())
	zone := time.UTC
	if len(land.Sites) > 0 && land.Sites[0].Zone != nil {
		zone = land.Sites[0].Zone
	}
	s := p.speaker(q.query, zone)
	body := s.villageScreen(land, q)
	body.Said = s.haltSaid(takeFlash(w, r))
	p.sheet(w, r, q.query, sheet{
		Template: "village", Title: s.text("village.title", nil), In: q.in, Styles: []string{"fields.css"}, Body: body,
	})
}

// speaker speaks of the present as a query asks.
func (p *Pages) speaker(q query, zone *time.Location) speaker {
	if zone == nil {
		zone = time.UTC
	}
	return speaker{catalogue: p.catalogue, language: q.language, asked: q.asked, zone: zone, now: p.Now()}
}

func (s speaker) villageScreen(land Land, q fieldQuery) villageScreen {
	if !slices.ContainsFunc(land.Sites, func(v Village) bool { return v.ID == q.site }) {
		q.site = ""
	}
	whole := fieldQuery{site: q.site, box: q.box} // on the map, what the table leaves out is only faded
	needle := strings.ToLower(q.search)
	var shown, drawn []*Field
	for _, f := range land.Fields {
		if q.shows(f, needle) {
			shown = append(shown, f)
		}
		if whole.shows(f, "") {
			drawn = append(drawn, f)
		}
	}
	out := villageScreen{Search: q.search, ShowSite: len(land.Sites) > 1 && q.site == ""}
	switch {
	case len(land.Fields) == 0:
		out.None, out.Hint = s.text("village.none", nil), s.text("village.none_hint", nil)
		return out
	case land.At.IsZero():
		out.When = s.text("village.not_yet", nil)
	default:
		out.When = s.text("village.as_of", words.Args{"time": s.moment(land.At)})
	}
	out.sites(s, land, q)
	if !out.ShowSite {
		out.Map = s.drawMap(q, land.Stations, drawn)
		if !q.box.zero() {
			out.Whole = q.with(func(q *fieldQuery) { q.box = box{} }).address()
		}
	}
	out.legend(s, q, countGrades(drawn))
	out.form(s, q)
	sortFields(shown, q)
	out.table(s, land, q, shown)
	return out
}

// sites lists what there is to choose from, where there are several.
func (v *villageScreen) sites(s speaker, land Land, q fieldQuery) {
	if len(land.Sites) < 2 {
		return
	}
	to := func(id devices.SiteID) string {
		return q.with(func(q *fieldQuery) { q.site, q.box = id, box{} }).address()
	}
	v.Sites = append(v.Sites, choice{Text: s.text("village.all_sites", nil), Link: to(""), Current: q.site == ""})
	of := map[devices.SiteID][]*Field{}
	for _, f := range land.Fields {
		of[f.Site] = append(of[f.Site], f)
	}
	for _, site := range land.Sites {
		name := cmp.Or(site.Name, string(site.ID))
		v.Sites = append(v.Sites, choice{Text: name, Link: to(site.ID), Value: string(site.ID), Current: q.site == site.ID})
		if q.site == "" && len(of[site.ID]) > 0 {
			counts := countGrades(of[site.ID])
			v.Overview = append(v.Overview, siteShare{
				Name: name, Link: to(site.ID), Count: s.text("table.count", words.Args{"n": len(of[site.ID])}),
				Title: s.listGrades(counts), Parts: bar44(counts, len(of[site.ID])),
			})
		}
	}
}

func (v *villageScreen) legend(s speaker, q fieldQuery, counts map[Grade]int) {
	for _, g := range grades() {
		line := legendLine{
			Tone: string(g), Letter: s.text("mark."+string(g), nil), Text: s.word("grade.", string(g)),
			Count: words.Integer(int64(counts[g])), Current: q.grade == g,
		}
		line.Link = q.with(func(q *fieldQuery) {
			if q.grade == g {
				q.grade = ""
			} else {
				q.grade = g
			}
		}).address()
		v.Legend = append(v.Legend, line)
	}
}

// form prepares the search, the order, and the ways out of what narrows the page.
func (v *villageScreen) form(s speaker, q fieldQuery) {
	add := func(name, value string) {
		if value != "" {
			v.Keep = append(v.Keep, keep{name, value})
		}
	}
	if q.asked {
		add("lang", string(q.language))
	}
	add("site", string(q.site))
	add("grade", string(q.grade))
	add("box", q.box.String())
	for _, k := range sortKeys() {
		for _, down := range []bool{k.firstDown(), !k.firstDown()} {
			one := q.with(func(q *fieldQuery) { q.sort, q.down = k, down })
			direction := map[bool]string{false: "up", true: "down"}[down]
			v.Orders = append(v.Orders, choice{
				Text:  s.text("table.order", words.Args{"column": s.text("table."+string(k), nil), "direction": s.text("table."+direction, nil)}),
				Value: one.sortText(), Current: q.sort == k && q.down == down,
			})
		}
	}
	v.Taps = choice{Value: "open", Current: q.open}
	without := func(text string, change func(*fieldQuery)) {
		v.Filters = append(v.Filters, choice{Text: text, Link: q.with(change).address()})
	}
	if q.search != "" {
		without(s.text("village.searched", words.Args{"text": q.search}), func(q *fieldQuery) { q.search = "" })
	}
	if q.grade != "" {
		without(s.word("grade.", string(q.grade)), func(q *fieldQuery) { q.grade = "" })
	}
	if q.open {
		without(s.text("map.open", nil), func(q *fieldQuery) { q.open = false })
	}
	if !q.box.zero() {
		without(s.text("village.part", nil), func(q *fieldQuery) { q.box = box{} })
	}
}

func (v *villageScreen) table(s speaker, land Land, q fieldQuery, shown []*Field) {
	names := map[devices.SiteID]string{}
	for _, site := range land.Sites {
		names[site.ID] = cmp.Or(site.Name, string(site.ID))
	}
	v.Count = s.text("table.count", words.Args{"n": len(shown)})
	v.Columns = s.columns(q)
	if len(shown) == 0 {
		v.None, v.Hint = s.text("village.not_found", nil), s.text("village.not_found_hint", nil)
		return
	}
	pages := (len(shown) + rowsPerPage - 1) / rowsPerPage
	q.page = min(max(q.page, 1), pages)
	for _, f := range shown[(q.page-1)*rowsPerPage : min(q.page*rowsPerPage, len(shown))] {
		row := s.fieldRow(f)
		if v.ShowSite {
			row.Site = names[f.Site]
		}
		v.Rows = append(v.Rows, row)
	}
	if pages == 1 {
		return
	}
	v.Pager = &pager{Text: s.text("plots.page", words.Args{"page": q.page, "pages": pages})}
	to := func(page int) string { q.page = page; return q.address() }
	here := q.page
	if here > 1 {
		v.Pager.Previous = to(here - 1)
	}
	if here < pages {
		v.Pager.Next = to(here + 1)
	}
}

// plotLink leads to a plot's page in the language of this one.
func (s speaker) plotLink(f *Field) string { return s.link("/plots/" + string(f.ID)) }

func (s speaker) link(path string) string {
	if !s.asked {
		return path
	}
	return path + "?lang=" + string(s.language)
}
