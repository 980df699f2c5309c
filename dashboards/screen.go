package dashboards

import (
	"net/url"
	"slices"
	"strconv"
	"strings"

	"ganlin/dashboards/words"
)

// A query is what the address of a page asks for.
type query struct {
	language words.Language
	asked    bool   // the address names the language, so links keep it
	search   string // as typed, at most maxSearch bytes
	page     int    // from 1
	clues    bool   // whoever asks may open clues
}

const (
	maxSearch = 64
	perPage   = 48 // cards of a list on one page
)

// address returns where the query leads below path.
func (q query) address(path string) string {
	v := url.Values{}
	if q.asked {
		v.Set("lang", string(q.language))
	}
	if q.search != "" {
		v.Set("q", q.search)
	}
	if q.page > 1 {
		v.Set("page", strconv.Itoa(q.page))
	}
	if len(v) == 0 {
		return path
	}
	return path + "?" + v.Encode()
}

// A screen is what the templates of one page read.
type screen struct {
	Hero     hero
	Parts    []part
	Ledger   []equation
	Balance  equation // the worse one of the ledger
	Moving   bool     // values wait or are on their way
	Letters  []letter
	Command  string
	Head     listHead
	Alerts   []alertGroup
	Clues    clueList
	Plots    []card
	Stations []card
	Pager    *pager // nil: one page holds all
}

type hero struct {
	Tone, Headline, Detail string
	Counts                 []count
	Newest                 string
	Try                    bool // nothing has come yet, and the page tells how to send a reading
	Time, Season, Watered  string
}

type count struct{ Number, Label, Link string }

type part struct {
	Name, Tone, Word string
	Sentences        []string
}

// An equation is one line of the ledger: Total = the sum of Terms.
type equation struct {
	Name, Tone, Verdict string
	Total               count
	Terms               []count
}

type letter struct{ Reason, Count string }

type listHead struct {
	Search, All string // what was searched for; the address that shows all again
	Count       string
	Legend      string // of the bars, where a card shows them
	Lines       int    // how many marks they have
	Language    string // to be kept by the search form; empty: not named
	None        string // why there are no plots, and what to do
	Hint        string
}

type pager struct{ Text, Previous, Next string }

func (s speaker) screen(b *board, q query) screen {
	plots, stations := b.plots, b.stations
	needle := strings.ToLower(q.search)
	if needle != "" {
		plots, stations = found(plots, needle), found(stations, needle)
	}
	pages := max(1, (max(len(plots), len(stations))+perPage-1)/perPage)
	q.page = min(max(q.page, 1), pages)
	out := screen{
		Hero: s.hero(b), Ledger: s.ledger(b.Ledger),
		Letters: s.letters(b.DeadLetters), Command: b.Command,
		Alerts: s.alerts(b), Clues: s.clues(b.Clues, q.clues),
		Head:     s.listHead(q, len(plots), len(stations), len(b.plots)),
		Plots:    s.cards(plots, q.page),
		Stations: s.cards(stations, q.page),
	}
	out.Balance = out.Ledger[0]
	if out.Ledger[0].Tone == tone(ok) {
		out.Balance = out.Ledger[1]
	}
	out.Head.legend(s, out.Plots)
	for _, p := range b.Parts {
		out.Parts = append(out.Parts, s.part(p))
	}
	if pages > 1 {
		out.Pager = &pager{Text: s.text("plots.page", words.Args{"page": q.page, "pages": pages})}
		if q.page > 1 {
			previous := q
			previous.page--
			out.Pager.Previous = previous.address("/")
		}
		if q.page < pages {
			next := q
			next.page++
			out.Pager.Next = next.address("/")
		}
	}
	return out
}

func found(groups []group, needle string) []group {
	var out []group
	for _, g := range groups {
		if g.matches(needle) {
			out = append(out, g)
		}
	}
	return out
}

func (s speaker) cards(groups []group, page int) []card {
	from := min((page-1)*perPage, len(groups))
	to := min(from+perPage, len(groups))
	cards := make([]card, 0, to-from)
	for _, g := range groups[from:to] {
		cards = append(cards, s.card(g))
	}
	return cards
}

func (s speaker) listHead(q query, plots, stations, all int) listHead {
	h := listHead{Search: q.search}
	if q.asked {
		h.Language = string(q.language)
	}
	switch {
	case q.search != "" && plots+stations == 0:
		h.None = s.text("plots.not_found", words.Args{"query": q.search})
	case q.search != "":
		h.Count = s.text("plots.found", words.Args{"n": plots})
	case all == 0:
		h.None, h.Hint = s.text("plots.none", nil), s.text("plots.none_hint", nil)
	default:
		h.Count = s.text("plots.count", words.Args{"n": plots})
	}
	if q.search != "" {
		q.search, q.page = "", 1
		h.All = q.address("/")
	}
	return h
}

// legend explains the bars of cards.
func (h *listHead) legend(s speaker, cards []card) {
	if slices.ContainsFunc(cards, func(c card) bool { return c.Tank != nil }) {
		h.Legend, h.Lines = s.text("plots.legend_tank", nil), 1
		return
	}
	for _, c := range cards {
		if !c.Profile {
			continue
		}
		h.Legend = s.text("plots.legend", nil)
		if bar := c.Cells[0].Bar; bar.WiltingPoint+bar.FieldCapacity > 0 {
			h.Legend, h.Lines = s.text("plots.legend_lines", nil), 2
			return
		}
	}
}

func (s speaker) hero(b *board) hero {
	h := hero{Tone: tone(b.level)}
	headline := func(key string, n int) { h.Headline = s.text("headline."+key, words.Args{"n": n}) }
	off := max(b.Ledger.Messages.off(), b.Ledger.Values.off())
	switch {
	case b.level < bad && b.Ledger.Quiet && off > 0:
		h.Tone = tone(bad)
		headline(h.Tone, 0)
		h.Detail = s.text("ledger.broken", words.Args{"n": off})
	case b.level > ok:
		headline(h.Tone, 0)
		h.Detail = s.condition(b.worst)
	case len(b.plots) == 0 && len(b.stations) == 0:
		h.Tone = "note"
		headline("empty", 0)
	case b.newest.IsZero():
		h.Tone = "note"
		headline("waiting", 0)
	case b.look > 0:
		h.Tone = "look"
		headline("look", b.look)
	case b.urgent > 0:
		h.Tone = "look"
		headline("urgent", b.urgent)
	default:
		headline("well", 0)
	}
	counted := func(key string, n int) {
		h.Counts = append(h.Counts, count{Number: words.Integer(int64(n)), Label: s.text("hero."+key, words.Args{"n": n})})
	}
	counted("plots", len(b.plots))
	counted("devices", b.devices)
	if b.devices > 0 {
		counted("on_time", b.onTime)
	}
	if b.devices > 0 && !b.onlineUnknown {
		counted("online", b.online)
	}
	if b.Water != (Water{}) {
		h.Counts = append(h.Counts, count{Number: words.Short(b.Water.TodayL/1000, 1), Label: s.text("hero.water", nil)})
		h.Watered = s.text("hero.watered", words.Args{"m3": words.Short(b.Water.SeasonL/1000, 0), "openings": b.Water.Openings})
	}
	if n := len(b.Clues); n > 0 {
		counted("clues", n)
		h.Counts[len(h.Counts)-1].Link = "#clues"
	}
	h.Try = b.newest.IsZero() && b.Command != ""
	if !b.newest.IsZero() {
		h.Newest = s.text("hero.newest", words.Args{"age": s.age(b.newest)})
	}
	if b.Clock.Stepped {
		h.Time = s.text("hero.stepped", words.Args{"time": s.moment(b.now)})
	} else {
		h.Time = s.text("hero.as_of", words.Args{"time": s.second(b.now)})
	}
	if b.Clock.Days > 0 {
		h.Season = s.text("hero.season", words.Args{"day": b.Clock.Day, "days": b.Clock.Days})
	}
	return h
}

// tone is a level's name in the catalogue and in the style sheet.
func tone(l level) string { return [...]string{"ok", "busy", "warn", "bad"}[l] }

func (s speaker) part(p Part) part {
	out := part{Name: s.text("part."+string(p.Name), nil)}
	worst, known := ok, levels()
	for _, c := range p.Conditions {
		worst = max(worst, known[c.Kind])
		out.Sentences = append(out.Sentences, s.condition(c))
	}
	out.Tone, out.Word = tone(worst), s.text("level."+tone(worst), nil)
	return out
}

func (s speaker) condition(c Condition) string {
	key := "condition." + string(c.Kind)
	switch {
	case c.Kind == DatabaseUnreachable && !c.Since.IsZero():
		key += "_since"
	case c.Kind == DatabaseBuilding && c.Steps > 0:
		key += "_steps"
	}
	return s.text(key, words.Args{
		"since": s.moment(c.Since), "step": c.Step, "steps": c.Steps, "elapsed": s.elapsed(c.Elapsed),
		"first": strconv.FormatUint(c.First, 10), "last": strconv.FormatUint(c.Last, 10), "n": c.Count, "detail": c.Detail,
	})
}

func (s speaker) ledger(l Ledger) []equation {
	line := func(name string, total int64, totalName string, terms []count, off int64) equation {
		e := equation{
			Name: s.text("ledger."+name, nil), Tone: "ok", Verdict: s.text("ledger.balances", nil),
			Total: count{Number: words.Integer(total), Label: s.text("ledger."+totalName, nil)}, Terms: terms,
		}
		if off > 0 {
			e.Tone, e.Verdict = "busy", s.text("ledger.moving", words.Args{"n": off})
			if l.Quiet {
				e.Tone, e.Verdict = "bad", s.text("ledger.broken", words.Args{"n": off})
			}
		}
		return e
	}
	term := func(key string, n int64) count {
		return count{Number: words.Integer(n), Label: s.text("ledger."+key, nil)}
	}
	m, v := l.Messages, l.Values
	terms := []count{term("stored", v.Stored), term("duplicate", v.Duplicate), term("rejected", v.Rejected), term("waiting", v.Waiting)}
	if v.Lost > 0 {
		terms = append(terms, term("lost", v.Lost))
	}
	values := line("values", v.Decoded, "decoded", terms, v.off())
	if v.Lost > 0 && v.off() == 0 {
		values.Verdict = s.text("ledger.balances_lost", words.Args{"n": v.Lost})
	}
	return []equation{
		line("messages", m.Received, "received",
			[]count{term("decoded", m.Decoded), term("dead_lettered", m.DeadLettered)}, m.off()),
		values,
	}
}

// off is how far the messages are from balancing.
func (m MessageLedger) off() int64 { return distance(m.Received, m.Decoded+m.DeadLettered) }

// off is how far the values are from balancing.
func (v ValueLedger) off() int64 {
	return distance(v.Decoded, v.Stored+v.Duplicate+v.Rejected+v.Waiting+v.Lost)
}

func distance(a, b int64) int64 { return max(a-b, b-a) }

func (s speaker) letters(dead []DeadLetters) []letter {
	var out []letter
	for _, d := range dead {
		if d.Count == 0 {
			continue
		}
		out = append(out, letter{Reason: s.word("reason.", d.Reason), Count: words.Integer(d.Count)})
	}
	return out
}
