package words

import (
	"cmp"
	"time"
)

// A Notice is what a farmer is told, as it is written.
type Notice struct {
	Title string // one line
	Text  string // one thing a line, the most important first
	Short string // of the most important thing, for channels that count characters
}

// A NoticeLine is one thing that a farmer is told.
type NoticeLine struct {
	Rule  string
	Place string // what the plot is called
	Over  bool
	Began time.Time
	Ended time.Time // of what is over
	How   string    // a watering ended: done, or the code of a reason
	NetMM float64   // of a watering: how much the roots are to get

	// Advice says what to do about this plot now, with a full stop; empty: what
	// the rule advises everywhere.
	Advice string
}

// maxNoticeLines is how many things a message tells before it counts the rest.
const maxNoticeLines = 6

// Notice puts what a farmer is told into words, in the order of the lines. Plots
// with the same trouble share a sentence. Without lines it is a test. link is
// where to read on; empty: nowhere.
func (c *Catalogue) Notice(l Language, lines []NoticeLine, zone *time.Location, link string) Notice {
	if len(lines) == 0 {
		return Notice{c.Text(l, "notice.test", nil), c.Text(l, "notice.test_text", nil), c.Text(l, "notice.short", Args{"first": c.Text(l, "notice.test_text", nil)})}
	}
	groups := together(lines)
	first := c.noticeTitle(l, groups[0])
	n := Notice{Title: first}
	if rest := len(lines) - len(groups[0]); rest > 0 {
		n.Title = c.Text(l, "notice.and_more", Args{"first": first, "n": rest})
	}
	told := 0
	for i, g := range groups {
		if i == maxNoticeLines {
			n.Text += "\n" + c.Text(l, "notice.more", Args{"n": len(lines) - told})
			break
		}
		sentence := c.noticeSentence(l, g, zone)
		if told += len(g); i > 0 {
			n.Text += "\n"
		} else if rest := len(lines) - told; rest > 0 {
			n.Short = c.Text(l, "notice.short_more", Args{"first": sentence, "n": rest})
		} else {
			n.Short = c.Text(l, "notice.short", Args{"first": sentence})
		}
		n.Text += sentence
	}
	if link != "" {
		n.Text += "\n" + c.Text(l, "notice.footer", Args{"link": link})
	}
	return n
}

// says is the same of lines that share a sentence; empty: it stands alone.
func (n NoticeLine) says() string {
	switch {
	case n.Over && n.How != "":
		return "over " + n.How
	case n.Over, n.NetMM > 0, n.Advice != "":
		return ""
	}
	return "rule " + n.Rule
}

// together groups lines that say the same of several plots. What is advised for
// one plot alone, or was over at a time of its own, stands alone.
func together(lines []NoticeLine) (groups [][]NoticeLine) {
	for _, line := range lines {
		joined := false
		for i := range groups {
			if head := groups[i][0]; head.says() == line.says() && head.says() != "" {
				groups[i], joined = append(groups[i], line), true
			}
		}
		if !joined {
			groups = append(groups, []NoticeLine{line})
		}
	}
	return groups
}

func (c *Catalogue) noticePlaces(l Language, group []NoticeLine) (places string) {
	for i, line := range group {
		if i > 0 {
			places += c.Text(l, "clues.comma", nil)
		}
		places += line.Place
	}
	return places
}

func (c *Catalogue) noticeRule(l Language, rule string) string {
	text, _ := c.Lookup(l, "rule."+rule, nil)
	return cmp.Or(text, c.Text(l, "notice.unnamed", nil))
}

func (c *Catalogue) noticeTitle(l Language, group []NoticeLine) string {
	args := Args{"places": c.noticePlaces(l, group)}
	switch head := group[0]; {
	case head.NetMM > 0 && !head.Over:
		return c.Text(l, "notice.watering", args)
	case head.How == "done":
		return c.Text(l, "notice.watered", args)
	case head.How != "":
		return c.Text(l, "notice.water_stopped", args)
	case head.Over:
		return c.Text(l, "notice.ended", args)
	}
	args["what"] = c.noticeRule(l, group[0].Rule)
	return c.Text(l, "notice.at", args)
}

// noticeSentence says what to do first, and then why.
func (c *Catalogue) noticeSentence(l Language, group []NoticeLine, zone *time.Location) string {
	e := explainer{Catalogue: c, language: l}
	head := group[0]
	args := Args{"places": c.noticePlaces(l, group)}
	switch {
	case head.NetMM > 0 && !head.Over:
		args["mm"] = Decimal(head.NetMM, 0)
		return c.Text(l, "notice.watering_text", args)
	case head.How == "done":
		return c.Text(l, "notice.watered_text", args)
	case head.How != "":
		args["why"] = e.word("because.", head.How)
		return c.Text(l, "notice.water_stopped_text", args)
	case head.Over:
		args["what"], args["from"], args["until"] = c.noticeRule(l, head.Rule), noticeMoment(l, head.Began.In(zone)), noticeMoment(l, head.Ended.In(zone))
		return c.Text(l, "notice.over", args)
	}
	advice := head.Advice
	if advice == "" {
		text, _ := c.Lookup(l, "advice."+head.Rule, nil)
		advice = cmp.Or(text, c.Text(l, "notice.look", nil))
	}
	return c.Text(l, "notice.advised", Args{"advice": advice, "what": c.noticeTitle(l, group)})
}

// noticeMoment writes a time without its year.
func noticeMoment(l Language, t time.Time) string {
	if l == Chinese {
		return t.Format("1月2日 15:04")
	}
	return t.Format("2 January 15:04")
}
