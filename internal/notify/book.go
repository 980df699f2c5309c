package notify

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"ganlin/devices"
)

// An Episode is something that begins and ends and that people have to know of:
// an alert, or the watering of a plot.
type Episode struct {
	ID       string         `json:"id"`
	Site     devices.SiteID `json:"site"`
	Plot     devices.PlotID `json:"plot"`
	Subject  string         `json:"subject"`
	Rule     string         `json:"rule"`
	Severity string         `json:"severity"`
	Decision string         `json:"decision"`           // that began it, as explain takes it
	Urgent   bool           `json:"urgent,omitempty"`   // it is told at night too
	Watering Watering       `json:"watering,omitempty"` // empty: it is an alert
	Began    time.Time      `json:"began"`
	Ended    time.Time      `json:"ended,omitzero"` // zero: not yet
	How      string         `json:"how,omitempty"`  // of a watering done, or the code of a reason; why a valve stays shut, or an alert is over though nothing is mended
	Plan     *Plan          `json:"plan,omitempty"` // nil: the plot is not to be watered by a person
}

// A Watering is how far the watering of a plot has come when people are told of it.
type Watering string

// The waterings.
const (
	WateringAhead Watering = "ahead" // the valve will open
	WateringBegun Watering = "begun" // it was told to
	WateringAsked Watering = "asked" // a person should water the plot
	WateringKept  Watering = "kept"  // the valve has not opened though the plot needs it
)

// A Plan is how much a person should water a plot.
type Plan struct {
	MM        float64 `json:"mm"` // to leave the hose
	VolumeL   float64 `json:"volume_l"`
	DurationS int     `json:"duration_s,omitempty"` // 0: not known
}

// A Turn is an episode that begins or ends.
type Turn struct {
	Episode
	Household devices.HouseholdID
	Over      bool
}

// A Book is what one contact was told of and what waits to be told. All its
// times are event time. Without entries it is empty.
type Book struct {
	Contact string  `json:"contact"`
	Entries []Entry `json:"entries,omitempty"` // in the order in which they began
	Day     string  `json:"day,omitempty"`     // local date of the counts
	Sent    int     `json:"sent,omitempty"`    // of that day, without urgent ones
	Urgent  int     `json:"urgent,omitempty"`
}

// An Entry is an episode that a contact has to be told of, or was.
type Entry struct {
	Episode
	Since  time.Time `json:"since"`            // when what is to be told next came up
	Told   bool      `json:"told,omitempty"`   // that it began
	Notice string    `json:"notice,omitempty"` // that is on its way with it; empty: none
}

// waits reports whether there is something to tell that is not on its way.
func (e *Entry) waits() bool { return e.Notice == "" && (!e.Told || !e.Ended.IsZero()) }

// urgent reports whether what is told next of it is urgent: a beginning is, an end is not.
func (e *Entry) urgent() bool { return e.Urgent && !e.Told }

// critical reports whether somebody must look, however much was told that day. An end is no such thing.
func (e *Episode) critical() bool { return e.Severity == "critical" && e.Ended.IsZero() }

// Manners are how a contact wants to be told.
type Manners struct {
	Zone  *time.Location
	Quiet Quiet
	Daily int           // messages a day; as many that hold something critical, and as many urgent ones, besides
	Group time.Duration // how long a message waits for others to join it
}

// A Notice is a message to a contact, without words.
type Notice struct {
	ID      string      `json:"-"`
	Contact string      `json:"-"`
	Channel ChannelName `json:"-"`
	State   State       `json:"-"`
	At      time.Time   `json:"-"` // event time in which it was made
	Settled time.Time   `json:"-"` // event time; zero: not yet

	Urgent bool      `json:"urgent,omitempty"`
	Lines  []Line    `json:"lines"`
	Tries  int       `json:"tries,omitempty"`
	Doubt  bool      `json:"doubt,omitempty"` // a try may have reached the person
	Error  string    `json:"error,omitempty"` // of the last try
	Made   time.Time `json:"made"`            // on the wall
	Next   time.Time `json:"next,omitzero"`   // on the wall: no try before
}

// A Line is one thing that a notice tells: an episode began, or it ended.
type Line struct {
	Episode
	Over bool `json:"over,omitempty"`
}

// A State is what became of a notice.
type State string

// The states. A notice that was being sent when the program ended is sent again.
const (
	Pending  State = "pending"  // it is to be sent
	Sending  State = "sending"  // a try is under way
	Sent     State = "sent"     // the channel has taken it
	Failed   State = "failed"   // no try makes sense any more
	Obsolete State = "obsolete" // what it tells was over before it left
)

// renewed is after how long the beginning of an episode whose end was never said
// is a new one: what was to be watered one night and was rained on is news again.
const renewed = 36 * time.Hour

// Begin enters an episode. One that is there already is passed over.
func (b *Book) Begin(e Episode, now time.Time) {
	if i := b.find(e.ID); i >= 0 {
		if known := &b.Entries[i]; e.Began.Sub(known.Began) < renewed || !known.Told || known.Notice != "" || !known.Ended.IsZero() {
			return
		}
		b.Entries = slices.Delete(b.Entries, i, i+1)
	}
	b.Entries = append(b.Entries, Entry{Episode: e, Since: now})
}

// is reports whether an episode is the one of an id, or one of its parts: what is
// told of many plots is called by its id and that of the plot.
func (e *Episode) is(id string) bool { return e.ID == id || strings.HasPrefix(e.ID, id+" ") }

// End says that an episode is over. Who was not told that it began is not told that it ended.
func (b *Book) End(over Episode, now time.Time) {
	b.Entries = slices.DeleteFunc(b.Entries, func(e Entry) bool { return e.is(over.ID) && e.Ended.IsZero() && !e.Told && e.Notice == "" })
	for i := range b.Entries {
		if e := &b.Entries[i]; e.is(over.ID) && e.Ended.IsZero() {
			e.Ended, e.How, e.Since = over.Ended, over.How, now
		}
	}
}

// Drop forgets an episode as if it had never begun.
func (b *Book) Drop(id string) {
	if i := b.find(id); i >= 0 {
		b.Entries = slices.Delete(b.Entries, i, i+1)
	}
}

// Waiting counts what is to be told and not on its way.
func (b *Book) Waiting() (n int) {
	for i := range b.Entries {
		if b.Entries[i].waits() {
			n++
		}
	}
	return n
}

// Next returns the notice that is due now, if there is one, and enters that it
// is on its way. Of each kind one at a time is: the next waits until what became
// of it is known.
func (b *Book) Next(m Manners, now time.Time) (Notice, bool) {
	b.turnDay(m, now)
	if first, free := b.first(true); free && !first.IsZero() && b.mayLeave(weight{urgent: true}, m, now) {
		return b.take(true, now), true
	}
	first, free := b.first(false)
	critical := slices.ContainsFunc(b.Entries, func(e Entry) bool { return e.waits() && e.critical() && !e.urgent() })
	if !free || first.IsZero() || now.Before(first.Add(m.Group)) || !b.mayLeave(weight{critical: critical}, m, now) {
		return Notice{}, false
	}
	return b.take(false, now), true
}

// first returns since when the oldest entry of a kind waits; zero: none does.
// free reports that no notice of the kind is on its way.
func (b *Book) first(urgent bool) (since time.Time, free bool) {
	for i := range b.Entries {
		e := &b.Entries[i]
		switch {
		case e.urgent() != urgent:
		case e.Notice != "":
			return since, false
		case e.waits() && (since.IsZero() || e.Since.Before(since)):
			since = e.Since
		}
	}
	return since, true
}

// A weight is what a notice may by what it tells.
type weight struct {
	urgent   bool // leave by night
	critical bool // leave after the messages of its day
}

// MayLeave reports whether a notice may be tried now: by night only an urgent
// one may, and of all kinds only so many a day.
func (b *Book) MayLeave(n *Notice, m Manners, now time.Time) bool {
	today := *b
	today.turnDay(m, now)
	return today.mayLeave(n.weight(), m, now)
}

func (b *Book) mayLeave(w weight, m Manners, now time.Time) bool {
	switch {
	case w.urgent:
		return b.Urgent < m.Daily
	case m.Quiet.Holds(now.In(m.Zone)):
		return false
	case w.critical:
		return b.Sent < 2*m.Daily
	}
	return b.Sent < m.Daily
}

// weight is what the notice may.
func (n *Notice) weight() weight {
	return weight{n.Urgent, slices.ContainsFunc(n.Lines, func(l Line) bool { return l.critical() })}
}

func (b *Book) turnDay(m Manners, now time.Time) {
	if day := now.In(m.Zone).Format(time.DateOnly); day > b.Day {
		b.Day, b.Sent, b.Urgent = day, 0, 0
	}
}

// take puts everything of a kind that waits into one notice.
func (b *Book) take(urgent bool, now time.Time) Notice {
	n := Notice{Contact: b.Contact, State: Pending, At: now, Urgent: urgent}
	hash := sha256.New()
	_, _ = fmt.Fprintln(hash, b.Contact)
	var taken []*Entry
	for i := range b.Entries {
		if e := &b.Entries[i]; e.waits() && e.urgent() == urgent {
			n.Lines, taken = append(n.Lines, Line{e.Episode, e.Told}), append(taken, e)
			_, _ = fmt.Fprintln(hash, e.ID, e.Began.UnixMilli(), e.Told)
		}
	}
	n.ID = hex.EncodeToString(hash.Sum(nil)[:12])
	for _, e := range taken {
		e.Notice = n.ID
	}
	slices.SortStableFunc(n.Lines, func(a, b Line) int {
		return cmp.Or(cmp.Compare(a.rank(), b.rank()), a.Began.Compare(b.Began), cmp.Compare(a.ID, b.ID))
	})
	return n
}

// rank orders lines by how much they matter.
func (l *Line) rank() int {
	switch {
	case l.Over:
		return 3
	case l.Urgent:
		return 0
	case l.critical():
		return 1
	}
	return 2
}

// Recall takes out of a notice what is over, as long as nobody can have read
// of it, and reports whether anything is left to tell.
func (b *Book) Recall(n *Notice) bool {
	if n.Doubt {
		return true
	}
	n.Lines = slices.DeleteFunc(n.Lines, func(l Line) bool {
		i := b.find(l.ID)
		if i >= 0 && (l.Over || b.Entries[i].Ended.IsZero()) {
			return false
		}
		if i >= 0 {
			b.Entries = slices.Delete(b.Entries, i, i+1)
		}
		return true
	})
	return len(n.Lines) > 0
}

// Settle enters that a notice was sent, or that it never will be.
func (b *Book) Settle(n *Notice, sent bool, m Manners, now time.Time) {
	b.turnDay(m, now)
	switch {
	case sent && n.Urgent:
		b.Urgent++
	case sent:
		b.Sent++
	}
	for _, l := range n.Lines {
		i := b.find(l.ID)
		if i < 0 {
			continue
		}
		if e := &b.Entries[i]; sent && !l.Over {
			e.Told, e.Notice = true, ""
			if !e.Ended.IsZero() {
				e.Since = now
			}
			continue
		}
		b.Entries = slices.Delete(b.Entries, i, i+1)
	}
}

func (b *Book) find(episode string) int {
	return slices.IndexFunc(b.Entries, func(e Entry) bool { return e.ID == episode })
}

// clone returns a book to write in.
func (b *Book) clone() *Book {
	same := *b
	same.Entries = slices.Clone(b.Entries)
	return &same
}
