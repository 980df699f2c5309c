package dashboards

import (
	"cmp"
	"context"
	"net/http"
	"time"

	"ganlin/dashboards/words"
)

// Homes tell the farmer's page of the plots of whoever asks. Home answers from
// memory and may be called from any goroutine.
type Homes interface {
	Home(ctx context.Context) Home
}

// A Home is what one household sees of its land.
type Home struct {
	At       time.Time      // what is known up to then; zero: nothing is known yet
	Zone     *time.Location // nil: UTC
	Language words.Language // of the account; empty: as the browser asks
	CSRF     string         // what a form sends back
	Account  string
	Stopped  bool // all valves of the village were called to a stop
	Plots    []HomePlot
	News     []News // what the household should know, the newest first
	NewsLost bool   // they cannot be read now
}

// A HomePlot is one plot of a household.
type HomePlot struct {
	Field
	Taps []HomeTap
}

// A HomeTap is a valve with what a person may ask of it.
type HomeTap struct {
	Valve
	Longest   time.Duration // of one opening
	Reachable Online
}

// water is how the valves stand together: open if one is open or about to be,
// closing if one is, closed if all are, else unknown. Without a valve it is empty.
func (p *HomePlot) water() ValveState {
	all := map[ValveState]int{}
	for _, t := range p.Taps {
		switch t.State {
		case ValveRequested, ValveAccepted, ValveOpen:
			all[ValveOpen]++
		case ValveClosing, ValveClosed:
			all[t.State]++
		case ValveUnknown, "":
		}
	}
	switch {
	case len(p.Taps) == 0:
		return ""
	case all[ValveOpen] > 0:
		return ValveOpen
	case all[ValveClosing] > 0:
		return ValveClosing
	case all[ValveClosed] == len(p.Taps):
		return ValveClosed
	}
	return ValveUnknown
}

// until is when the last open valve closes by itself; zero: not known.
func (p *HomePlot) until() (last time.Time) {
	for _, t := range p.Taps {
		if t.Until.After(last) {
			last = t.Until
		}
	}
	return last
}

// What the farmer's form asks for, by the name act.
const (
	ActOpen     = "open"      // the valve named by valve, for so many minutes
	ActClose    = "close"     // the valve named by valve
	ActCloseAll = "close_all" // every valve of the household
	ActAnswer   = "answer"    // the alert named by alert is answered with the code of answer, or with AnswerSeen
)

// HomeAddress is where the farmer's page is, and where its forms go.
const HomeAddress = "/my"

func (p *Pages) home(w http.ResponseWriter, r *http.Request) {
	q := readQuery(r)
	h := p.Homes.Home(r.Context())
	if h.Language != "" && !q.asked {
		q.language = h.Language
	}
	s := p.speaker(q, h.Zone)
	body := s.homeScreen(h)
	body.Said = s.homeSaid(takeFlash(w, r))
	p.sheet(w, r, q, sheet{
		Template: "home", Title: s.text("my.title", nil), Styles: []string{"home.css"}, Scripts: []string{"home.js"}, Body: body,
		In: func(l words.Language) string { return HomeAddress + "?lang=" + string(l) },
	})
}

// homeSaid is the answer to the form that led here, by its code; nil: none did.
func (s speaker) homeSaid(code string) *said {
	text, known := s.catalogue.Lookup(s.language, "my_said."+code, nil)
	if code == "" || !known {
		return nil
	}
	tone := "bad"
	switch code {
	case "opened", "closed", "all_closed", "answered":
		tone = "ok"
	}
	return &said{Text: text, Tone: tone}
}

type said struct{ Text, Tone string }

// A homeScreen is what the template of the farmer's page reads.
type homeScreen struct {
	When    string
	CSRF    string
	Action  string // of the forms
	Said    *said
	Stopped string
	None    string
	Cards   []homeCard
	News    []newsLine
	NoNews  string // why there are none
	Wet     bool   // some valve is open, or nobody knows
}

// A homeCard is one plot: the answer first.
type homeCard struct {
	ID, Name, Crop string
	Answer, Detail string
	Tone           string
	Tank           *homeTank
	Rain, Watered  string
	Taps           []homeTap
}

// A homeTank pictures the water in the soil. Its numbers are of a drawing 100 high.
type homeTank struct {
	Level, Top int // of the water: percent, and where it begins from above
	Mark       int // where the crop begins to suffer, from above; 0: not drawn
	Low        bool
	Text       string
}

// A homeTap is one valve with its buttons.
type homeTap struct {
	ID, Name, Text, Tone string
	Open                 bool // it is stopped with one tap
	Moving               bool // it was told to open or close, and what it says of that is awaited
	Choices              []minutesChoice
	Why                  string // why there is no button to start
}

type minutesChoice struct {
	Minutes int
	Text    string
	First   bool
}

func (s speaker) homeScreen(h Home) homeScreen {
	out := homeScreen{CSRF: h.CSRF, Action: s.link(HomeAddress)}
	if h.Stopped {
		out.Stopped = s.text("my.stopped", nil)
	}
	switch {
	case len(h.Plots) == 0:
		out.None = s.text("my.none", nil)
	case h.At.IsZero():
		out.When = s.text("my.not_yet", nil)
	default:
		out.When = s.text("my.as_of", words.Args{"time": s.brief(h.At)})
	}
	for i := range h.Plots {
		c := s.homeCard(&h.Plots[i], h.Stopped)
		for _, t := range c.Taps {
			out.Wet = out.Wet || t.Open
		}
		out.Cards = append(out.Cards, c)
	}
	out.NoNews = s.text("my.no_news", nil)
	if h.NewsLost {
		out.NoNews = s.text("my.news_lost", nil)
	}
	for _, n := range h.News {
		out.News = append(out.News, s.newsLine(n))
	}
	return out
}

func (s speaker) homeCard(p *HomePlot, stopped bool) homeCard {
	c := homeCard{ID: string(p.ID), Name: cmp.Or(p.Name, string(p.ID)), Crop: s.word("crop.", p.Crop)}
	c.Answer, c.Detail, c.Tone = s.answer(p)
	c.Tank = s.homeTank(&p.Field)
	if p.RainWeekMM != nil {
		c.Rain = s.text("my.rain", words.Args{"mm": words.Decimal(*p.RainWeekMM, 0)})
	}
	if p.WateredWeekMM != nil {
		c.Watered = s.text("my.watered", words.Args{"mm": words.Decimal(*p.WateredWeekMM, 0)})
	}
	for i, t := range p.Taps {
		one := s.homeTap(p, t, stopped)
		if len(p.Taps) > 1 {
			one.Name = s.text("my.tap_n", words.Args{"n": i + 1})
		}
		c.Taps = append(c.Taps, one)
	}
	return c
}

func (s speaker) homeTank(f *Field) *homeTank {
	if f.DepletionMM == nil || f.TAWMM <= 0 {
		return nil
	}
	t := homeTank{Level: percent(1 - *f.DepletionMM/f.TAWMM)}
	t.Top, t.Mark = 100-t.Level, percent(f.RAWMM/f.TAWMM)
	t.Low = *f.DepletionMM > f.RAWMM
	t.Text = s.text("my.tank", words.Args{"pct": t.Level})
	return &t
}

func (s speaker) homeTap(p *HomePlot, t HomeTap, stopped bool) homeTap {
	one := homeTap{ID: string(t.ID)}
	state := t.State
	if t.unknown() {
		state = ValveUnknown
	}
	one.Open = state != ValveClosed
	one.Moving = state == ValveRequested || state == ValveAccepted || state == ValveClosing
	switch state {
	case ValveClosed:
		one.Text, one.Tone = s.text("my.tap_closed", nil), "note"
	case ValveOpen:
		one.Text, one.Tone = s.text("my.tap_open", nil), "water"
		if !t.Until.IsZero() {
			one.Text = s.text("my.tap_open_until", words.Args{"until": s.brief(t.Until)})
		}
	case ValveRequested, ValveAccepted:
		one.Text, one.Tone = s.text("my.tap_opening", nil), "water"
	case ValveClosing:
		one.Text, one.Tone = s.text("my.tap_closing", nil), "note"
	default:
		one.Text, one.Tone = s.text("my.tap_unknown", nil), "bad"
	}
	if t.Reachable == IsOffline {
		one.Text, one.Tone = s.text("my.tap_away", nil), "bad"
	}
	if one.Open {
		return one
	}
	switch {
	case t.Locked:
		one.Why = s.text("my.tap_locked", nil)
	case stopped:
		one.Why = s.text("my.tap_stopped", nil)
	case t.Leaking:
		one.Why = s.text("my.tap_leaking", nil)
	case t.Longest > 0:
		one.Choices = s.choices(p.Advice.Lasts, t.Longest)
		if t.Silent { // whoever stands beside it may try
			one.Why = s.text("my.tap_silent", nil)
		}
	}
	return one
}

// choices are how long a valve may be opened: as long as is advised first, then round numbers.
func (s speaker) choices(advised, longest time.Duration) (all []minutesChoice) {
	add := func(d time.Duration, key string) {
		minutes := int(d.Round(5*time.Minute) / time.Minute)
		for _, c := range all {
			if c.Minutes == minutes {
				return
			}
		}
		if minutes > 0 && time.Duration(minutes)*time.Minute <= longest {
			all = append(all, minutesChoice{Minutes: minutes, First: len(all) == 0, Text: s.text(key, words.Args{"time": s.span(time.Duration(minutes) * time.Minute)})})
		}
	}
	if advised > 0 {
		add(min(advised, longest.Truncate(5*time.Minute)), "my.for_advised")
	}
	for _, d := range []time.Duration{30 * time.Minute, time.Hour, 2 * time.Hour} {
		add(d, "my.for")
	}
	if len(all) == 0 {
		all = append(all, minutesChoice{Minutes: max(1, int(longest/time.Minute)), First: true, Text: s.text("my.for", words.Args{"time": s.span(longest)})})
	}
	return all
}
