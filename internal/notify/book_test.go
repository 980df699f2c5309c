package notify_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"ganlin/internal/notify"
)

var shanghai = func() *time.Location {
	zone, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		panic(err)
	}
	return zone
}()

// at is a local time of the first days of July, such as at(1, 8, 30).
func at(day, hour, minute int) time.Time {
	return time.Date(2026, 7, day, hour, minute, 0, 0, shanghai)
}

func manners() notify.Manners {
	return notify.Manners{Zone: shanghai, Quiet: notify.Quiet{From: 21 * 60, Until: 6 * 60}, Daily: 2, Group: 10 * time.Minute}
}

func episode(id string, began time.Time) notify.Episode {
	return notify.Episode{ID: id, Plot: "p-1", Rule: "drought", Severity: "warning", Began: began}
}

func urgent(id string, began time.Time) notify.Episode {
	e := episode(id, began)
	e.Severity, e.Urgent = "critical", true
	return e
}

func critical(id string, began time.Time) notify.Episode {
	e := episode(id, began)
	e.Severity = "critical"
	return e
}

// A turn of a table: what happens at a time, and what is sent then.
type turn struct {
	at    time.Time
	begin []notify.Episode
	end   []string
	fails bool   // what is sent now does not arrive, and nobody doubts it
	want  string // the notices that leave, as tell writes them
}

func tell(n notify.Notice) (text string) {
	if n.Urgent {
		text = "!"
	}
	for _, l := range n.Lines {
		if l.Over {
			text += "-"
		}
		text += l.ID + " "
	}
	return text
}

func TestPlan(t *testing.T) {
	for name, turns := range map[string][]turn{
		"a message an episode and one when it is over": {
			{at: at(1, 9, 0), begin: []notify.Episode{episode("a", at(1, 9, 0))}},
			{at: at(1, 9, 9)},
			{at: at(1, 9, 10), want: "a "},
			{at: at(1, 12, 0), begin: []notify.Episode{episode("a", at(1, 9, 0))}},
			{at: at(1, 13, 0), end: []string{"a"}},
			{at: at(1, 13, 10), end: []string{"a"}, want: "-a "},
			{at: at(2, 13, 10), end: []string{"a", "never begun"}},
		},
		"those of one window are one message, the critical first": {
			{at: at(1, 9, 0), begin: []notify.Episode{episode("a", at(1, 9, 0))}},
			{at: at(1, 9, 5), begin: []notify.Episode{episode("b", at(1, 9, 5)), {ID: "c", Severity: "critical", Began: at(1, 9, 5)}}},
			{at: at(1, 9, 10), want: "c a b "},
		},
		"what is over before it left is not told": {
			{at: at(1, 22, 0), begin: []notify.Episode{episode("a", at(1, 22, 0)), episode("b", at(1, 22, 0))}},
			{at: at(2, 3, 0), end: []string{"a"}},
			{at: at(2, 5, 59)},
			{at: at(2, 6, 0), want: "b "},
		},
		"nor is what is over before the channel took it": {
			{at: at(1, 9, 0), begin: []notify.Episode{episode("a", at(1, 9, 0)), episode("b", at(1, 9, 0))}},
			{at: at(1, 9, 10), fails: true, want: "a b "},
			{at: at(1, 9, 20), end: []string{"a"}, want: "b "},
			{at: at(1, 9, 40)},
		},
		"at most two a day, and the rest with the first of the next": {
			{at: at(1, 9, 0), begin: []notify.Episode{episode("a", at(1, 9, 0))}},
			{at: at(1, 9, 10), want: "a "},
			{at: at(1, 10, 0), begin: []notify.Episode{episode("b", at(1, 10, 0))}},
			{at: at(1, 10, 10), want: "b "},
			{at: at(1, 11, 0), begin: []notify.Episode{episode("c", at(1, 11, 0))}, end: []string{"a"}},
			{at: at(1, 12, 0), begin: []notify.Episode{episode("d", at(1, 12, 0))}},
			{at: at(1, 20, 59)},
			{at: at(2, 0, 30)},
			{at: at(2, 6, 30), want: "c d -a "},
		},
		"a burst wakes people, its end does not": {
			{at: at(1, 23, 0), begin: []notify.Episode{urgent("a", at(1, 23, 0)), episode("b", at(1, 23, 0))}, want: "!a "},
			{at: at(2, 1, 0), end: []string{"a"}},
			{at: at(2, 6, 0), want: "b -a "},
		},
		"urgent ones do not use up the day": {
			{at: at(1, 9, 0), begin: []notify.Episode{urgent("a", at(1, 9, 0))}, want: "!a "},
			{at: at(1, 9, 30), begin: []notify.Episode{urgent("b", at(1, 9, 30))}, want: "!b "},
			{at: at(1, 10, 0), begin: []notify.Episode{episode("c", at(1, 10, 0)), urgent("d", at(1, 10, 0))}},
			{at: at(1, 10, 10), want: "c "},
			{at: at(2, 0, 0), want: "!d "},
		},
		"what is critical does not wait for tomorrow, and takes along what does": {
			{at: at(1, 9, 0), begin: []notify.Episode{episode("a", at(1, 9, 0))}},
			{at: at(1, 9, 10), want: "a "},
			{at: at(1, 10, 0), begin: []notify.Episode{episode("b", at(1, 10, 0))}},
			{at: at(1, 10, 10), want: "b "},
			{at: at(1, 11, 0), begin: []notify.Episode{episode("c", at(1, 11, 0))}},
			{at: at(1, 12, 0), begin: []notify.Episode{critical("d", at(1, 12, 0))}, want: "d c "},
			{at: at(1, 13, 0), end: []string{"d"}},
			{at: at(1, 14, 0), begin: []notify.Episode{critical("e", at(1, 14, 0))}, want: "e -d "},
			{at: at(1, 15, 0), begin: []notify.Episode{critical("f", at(1, 15, 0))}},
			{at: at(1, 16, 0)},
			{at: at(2, 6, 0), want: "f "},
		},
		"nor does it wake people": {
			{at: at(1, 22, 0), begin: []notify.Episode{critical("a", at(1, 22, 0))}},
			{at: at(2, 5, 59)},
			{at: at(2, 6, 0), want: "a "},
		},
		"a need that was rained on is news when it comes back": {
			{at: at(1, 9, 0), begin: []notify.Episode{episode("watering", at(1, 9, 0))}},
			{at: at(1, 9, 10), want: "watering "},
			{at: at(1, 18, 0), begin: []notify.Episode{episode("watering", at(1, 18, 0))}},
			{at: at(1, 19, 0)},
			{at: at(5, 9, 0), begin: []notify.Episode{episode("watering", at(5, 9, 0))}},
			{at: at(5, 9, 10), want: "watering "},
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := world{book: notify.Book{Contact: "c"}, manners: manners()}
			for _, turn := range turns {
				w.now = turn.at
				for _, e := range turn.begin {
					w.book.Begin(e, w.now)
				}
				for _, id := range turn.end {
					w.book.End(notify.Episode{ID: id, Ended: w.now}, w.now)
				}
				got := ""
				w.look(func(n *notify.Notice) string {
					got += tell(*n)
					if turn.fails {
						return "refused"
					}
					return "sent"
				})
				if got != turn.want {
					t.Errorf("%s: sent %q, want %q", turn.at.Format("2 15:04"), got, turn.want)
				}
			}
		})
	}
}

// A world is a book with an outbox around it that knows no channel.
type world struct {
	book    notify.Book
	open    []notify.Notice
	manners notify.Manners
	now     time.Time
}

// look does what an outbox does: it tries what is due. send says how a try
// ends: sent, refused, lost (nobody knows), never, or lost forever.
func (w *world) look(send func(*notify.Notice) string) {
	for n, ok := w.book.Next(w.manners, w.now); ok; n, ok = w.book.Next(w.manners, w.now) {
		w.open = append(w.open, n)
	}
	var still []notify.Notice
	for _, n := range w.open {
		if !w.book.MayLeave(&n, w.manners, w.now) {
			still = append(still, n)
			continue
		}
		if !w.book.Recall(&n) {
			continue
		}
		switch send(&n) {
		case "sent":
			w.book.Settle(&n, true, w.manners, w.now)
		case "never":
			w.book.Settle(&n, false, w.manners, w.now)
		case "lost":
			n.Doubt = true
			still = append(still, n)
		default:
			still = append(still, n)
		}
	}
	w.open = still
}

// restart keeps what a store keeps.
func (w *world) restart(t *rapid.T) {
	var book notify.Book
	text, err := json.Marshal(w.book)
	if err == nil {
		err = json.Unmarshal(text, &book)
	}
	if diff := cmp.Diff(w.book, book, cmpopts.EquateEmpty()); err != nil || diff != "" {
		t.Fatalf("a book changed when it was kept: %v %s", err, diff)
	}
	w.book = book
	for i, n := range w.open {
		same := notify.Notice{ID: n.ID, Contact: n.Contact, Channel: n.Channel, State: n.State, At: n.At}
		text, err := json.Marshal(n)
		if err == nil {
			err = json.Unmarshal(text, &same)
		}
		if diff := cmp.Diff(n, same, cmpopts.EquateEmpty()); err != nil || diff != "" {
			t.Fatalf("a notice changed when it was kept: %v %s", err, diff)
		}
		w.open[i] = same
	}
}

// TestPlanKeepsItsPromises lives random weeks: never two messages of one
// beginning or end, no end without its beginning, never more than so many a day
// (twice as many where something is critical),
// nothing by night but what is urgent, nothing that was over when it left, and
// in the end everything that still holds has been told.
func TestPlanKeepsItsPromises(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := world{book: notify.Book{Contact: "c"}, manners: manners(), now: at(1, 12, 0)}
		w.manners.Daily = rapid.IntRange(1, 4).Draw(t, "daily")
		episodes := map[string]notify.Episode{}
		over, dropped := map[string]bool{}, map[string]bool{}
		told := map[string]int{}   // by what tell says of one line
		ids := map[string]string{} // what a notice said when it may have arrived first
		days := map[string]int{}
		send := func(outcome func(*notify.Notice) string) func(*notify.Notice) string {
			return func(n *notify.Notice) string {
				local := w.now.In(shanghai)
				under := map[bool]int{}
				for _, o := range w.open {
					under[o.Urgent]++
				}
				if under[true] > 1 || under[false] > 1 {
					t.Fatalf("%d ordinary and %d urgent messages are on their way at once", under[false], under[true])
				}
				if !n.Urgent && w.manners.Quiet.Holds(local) {
					t.Fatalf("%s leaves at %s", tell(*n), local)
				}
				if said, seen := ids[n.ID]; seen && said != tell(*n) {
					t.Fatalf("notice %s said %q and now says %q", n.ID, said, tell(*n))
				}
				for _, l := range n.Lines {
					switch {
					case !l.Over && over[l.ID] && !n.Doubt:
						t.Fatalf("%s was over when it left", l.ID)
					case l.Over && told[l.ID] == 0:
						t.Fatalf("the end of %s is told and its beginning was not", l.ID)
					}
				}
				how := outcome(n)
				if how == "lost" {
					ids[n.ID] = tell(*n)
				}
				if how != "sent" && how != "never" {
					return how
				}
				for _, l := range n.Lines {
					name := l.ID
					if l.Over {
						name = "-" + name
					}
					if how == "never" {
						dropped[l.ID] = true
						continue
					}
					if told[name]++; told[name] > 1 {
						t.Fatalf("%s is told twice", name)
					}
				}
				if how == "sent" {
					day, most := fmt.Sprint(local.Format(time.DateOnly), n.Urgent), w.manners.Daily
					if !n.Urgent && slices.ContainsFunc(n.Lines, func(l notify.Line) bool { return l.Severity == "critical" && !l.Over }) {
						most *= 2
					}
					if days[day]++; days[day] > most {
						t.Fatalf("%d messages on %s, at most %d", days[day], day, most)
					}
				}
				return how
			}
		}
		t.Repeat(map[string]func(*rapid.T){
			"": func(t *rapid.T) {
				w.now = w.now.Add(time.Duration(rapid.IntRange(0, 300).Draw(t, "minutes")) * time.Minute)
			},
			"begin": func(t *rapid.T) {
				e := episode(fmt.Sprintf("e%d", len(episodes)), w.now)
				e.Urgent = rapid.IntRange(0, 3).Draw(t, "urgent") == 0
				if e.Urgent || rapid.IntRange(0, 3).Draw(t, "critical") == 0 {
					e.Severity = "critical"
				}
				episodes[e.ID] = e
				w.book.Begin(e, w.now)
			},
			"begin again": func(t *rapid.T) {
				if len(episodes) > 0 {
					id := fmt.Sprintf("e%d", rapid.IntRange(0, len(episodes)-1).Draw(t, "which"))
					if !over[id] && !dropped[id] { // an alert is decided once; a restart may read it again only before it was kept
						w.book.Begin(episodes[id], w.now)
					}
				}
			},
			"end": func(t *rapid.T) {
				if len(episodes) > 0 {
					id := fmt.Sprintf("e%d", rapid.IntRange(0, len(episodes)-1).Draw(t, "which"))
					over[id] = true
					w.book.End(notify.Episode{ID: id, Ended: w.now}, w.now)
				}
			},
			"look": func(t *rapid.T) {
				how := rapid.SampledFrom([]string{"sent", "sent", "refused", "lost", "never"})
				w.look(send(func(*notify.Notice) string { return how.Draw(t, "how") }))
			},
			"restart": func(t *rapid.T) { w.restart(t) },
		})
		for range 60 * 48 { // all goes well for some weeks
			w.now = w.now.Add(30 * time.Minute)
			w.look(send(func(*notify.Notice) string { return "sent" }))
		}
		if len(w.open) > 0 || w.book.Waiting() > 0 {
			t.Fatalf("left: %v, %d wait", w.open, w.book.Waiting())
		}
		for id := range episodes {
			switch {
			case dropped[id]:
			case !over[id] && told[id] != 1:
				t.Fatalf("%s holds and was told %d times", id, told[id])
			case over[id] && told[id] != told["-"+id]:
				t.Fatalf("%s is over: its beginning was told %d times, its end %d times", id, told[id], told["-"+id])
			}
		}
		if n := len(w.book.Entries); n > len(episodes)-len(over) {
			t.Fatalf("%d entries are kept of %d episodes that hold", n, len(episodes)-len(over))
		}
	})
}

func TestQuiet(t *testing.T) {
	for _, c := range []struct {
		text    string
		wakeful []int // hours in which one may be told
		bad     bool
	}{
		{text: "21:00-06:00", wakeful: []int{6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20}},
		{text: "12:00-14:00", wakeful: []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23}},
		{text: "none", wakeful: []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23}},
		{text: "21-6", bad: true},
		{text: "21:00", bad: true},
		{text: "21:00-25:00", bad: true},
		{text: "", bad: true},
	} {
		q, err := notify.ParseQuiet(c.text)
		if (err != nil) != c.bad {
			t.Errorf("%q: %v", c.text, err)
			continue
		}
		var got []int
		for hour := range 24 {
			if !c.bad && !q.Holds(at(1, hour, 0)) {
				got = append(got, hour)
			}
		}
		if !slices.Equal(got, c.wakeful) {
			t.Errorf("%q lets through at %v", c.text, got)
		}
	}
}
