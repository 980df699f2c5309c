package words

import "time"

// A Notice is what a farmer is told, as it is written.
type Notice struct {
	Title string // one line
	Text  string // one thing a line, the most important first
	Short string // of the most important thing, for channels that count characters
}

// A NoticeLine is one thing that a farmer is told.
type NoticeLine struct {
	Rule     string
	Place    string // what the plot is called
	Watering string // ahead, begun, asked or kept: it is about watering the plot; empty: about an alert
	Over     bool
	Began    time.Time
	Ended    time.Time     // of what is over
	How      string        // of a watering done, or the code of a reason; why a valve stays shut, or an alert is over though nothing is mended
	Advice   *NoticeAdvice // nil: what the rule advises everywhere
}

// A NoticeAdvice says what to do about one plot's water.
type NoticeAdvice struct {
	Kind     string        // waters_itself, water, watering, held or no_need
	From     time.Time     // when watering may begin
	Until    time.Time     // when it ends at the latest
	MM       float64       // to leave valve or hose
	CubicM   float64       // the same on the whole plot, in m3; 0: not known
	Duration time.Duration // of all of it; 0: not known
	Reason   string        // of held and no_need
}

// maxNoticeLines is how many things a message tells before it counts the rest.
const maxNoticeLines = 6

// Notice puts what a farmer is told into words, in the order of the lines. Plots
// with the same trouble share a sentence. Without lines it is a test. link is
// where to read on; empty: nowhere. now is in the zone of the plots.
func (c *Catalogue) Notice(l Language, lines []NoticeLine, now time.Time, link string) Notice {
	w := noticeWriter{explainer{Catalogue: c, language: l}, now}
	if len(lines) == 0 {
		return Notice{c.Text(l, "notice.test", nil), c.Text(l, "notice.test_text", nil), c.Text(l, "notice.short", Args{"first": c.Text(l, "notice.test_text", nil)})}
	}
	groups := together(lines)
	first := w.title(groups[0])
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
		sentence := w.sentence(g)
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
func (n *NoticeLine) says() string {
	switch {
	case n.Over && n.Watering == "":
		return ""
	case n.Over:
		return n.How
	case n.Advice != nil: // an alert and a watering may lead to one advice
		return "advice " + n.Place
	case n.Watering != "":
		return "watering " + n.Watering + " " + n.How
	}
	return "rule " + n.Rule
}

// together groups lines that say the same.
func together(lines []NoticeLine) (groups [][]NoticeLine) {
	for _, line := range lines {
		joined := false
		for i := range groups {
			if head := &groups[i][0]; head.Over == line.Over && head.says() == line.says() && head.says() != "" {
				groups[i], joined = append(groups[i], line), true
			}
		}
		if !joined {
			groups = append(groups, []NoticeLine{line})
		}
	}
	return groups
}
