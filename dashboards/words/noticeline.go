package words

import (
	"cmp"
	"slices"
	"time"
)

// A noticeWriter writes what is told to a farmer at a moment.
type noticeWriter struct {
	explainer
	now time.Time // in the zone of the plots
}

// title says in a line of a message what lines that belong together are about.
func (w noticeWriter) title(group []NoticeLine) string {
	head, args := &group[0], Args{"places": w.places(group)}
	switch {
	case head.Over && head.How == "done":
		return w.say("notice.watered", args)
	case head.Over && head.How == "opened":
		return w.say("notice.opened", args)
	case head.Over && head.asks():
		return w.say("notice.enough", args)
	case head.Over && head.Watering != "":
		return w.say("notice.stopped", args)
	case head.Over && head.How != "":
		return w.say("notice.passed", args)
	case head.Over:
		return w.say("notice.ended", args)
	case head.Advice != nil:
		return w.advice(head.Advice, head.Place, false)
	case head.Watering == "kept":
		return w.say("notice.kept", args)
	case head.Watering == "ahead":
		return w.say("notice.ahead", args)
	case head.Watering != "":
		return w.say("notice.watering", args)
	}
	args["what"] = w.rule(head.Rule)
	return w.say("notice.at", args)
}

// sentence says what to do first, and then why.
func (w noticeWriter) sentence(group []NoticeLine) string {
	head, args := &group[0], Args{"places": w.places(group)}
	switch {
	case head.Over && head.How == "done":
		return w.say("notice.watered_text", args)
	case head.Over && head.How == "opened":
		return w.say("notice.opened_text", args)
	case head.Over && head.asks():
		args["why"] = w.word("because.", head.How)
		return w.say("notice.enough_text", args)
	case head.Over && head.Watering != "":
		args["why"] = w.word("because.", head.How)
		return w.say("notice.stopped_text", args)
	case head.Over:
		args["what"], args["from"], args["until"] = w.rule(head.Rule), w.moment(head.Began), w.moment(head.Ended)
		if head.How != "" {
			return w.say("notice.passed_text", args)
		}
		return w.say("notice.over", args)
	case head.Advice != nil:
		return w.advice(head.Advice, head.Place, true)
	case head.Watering == "kept":
		args["why"] = w.word("because.", head.How)
		return w.say("notice.kept_text", args)
	case head.Watering == "ahead":
		return w.say("notice.ahead_text", args)
	case head.Watering != "":
		return w.say("notice.watering_text", args)
	}
	advice, _ := w.Lookup(w.language, "advice."+head.Rule, nil)
	return w.say("notice.advised", Args{"advice": cmp.Or(advice, w.say("notice.look", nil)), "what": w.title(group)})
}

// asks reports that a line is about a plot that needs a person.
func (n *NoticeLine) asks() bool { return n.Watering == "asked" || n.Watering == "kept" }

// advice says what to do about one plot, in the short form or the whole.
func (w noticeWriter) advice(a *NoticeAdvice, place string, whole bool) string {
	args := Args{"place": place}
	amount := Args{"mm": Decimal(a.MM, 0), "time": w.duration(a.Duration.Round(10 * time.Minute)), "m3": Short(a.CubicM, 0)}
	switch {
	case a.Duration > 0:
		args["amount"] = w.say("notice.amount_time", amount)
	case a.CubicM >= 1:
		args["amount"] = w.say("notice.amount_cubic", amount)
	default:
		args["amount"] = w.say("notice.amount", amount)
	}
	short, long := "notice.held", "notice.held_text"
	switch a.Kind {
	case "waters_itself":
		short, long = "notice.itself", "notice.itself_text"
		args["day"], args["at"] = w.day(a.From), w.clock(a.From)
	case "water":
		short, long = "notice.water", "notice.water_text"
		if args["day"], args["at"] = w.day(a.From), w.clock(a.From); !a.From.After(w.now) {
			long = "notice.water_now_text"
		}
	case "watering":
		short, long = "notice.open", "notice.open_text"
		args["at"] = w.clock(a.Until)
	case "no_need":
		short, long = "notice.no_need", "notice.no_need_text"
		args["why"] = w.word("because.", a.Reason)
	default:
		args["why"] = w.word("because.", a.Reason)
	}
	if whole {
		return w.say(long, args)
	}
	return w.say(short, args)
}

// day says when something is that lies ahead.
func (w noticeWriter) day(t time.Time) string {
	const evening, noon = 17, 12
	t = t.In(w.now.Location())
	today, that := w.now.Format(time.DateOnly), t.Format(time.DateOnly)
	switch tomorrow := w.now.AddDate(0, 0, 1).Format(time.DateOnly); {
	case !t.After(w.now):
		return w.say("notice.now", nil)
	case that == today && t.Hour() >= evening:
		return w.say("notice.tonight", nil)
	case that == today:
		return w.say("notice.today", nil)
	case that == tomorrow && t.Hour() < noon:
		return w.say("notice.morning", nil)
	case that == tomorrow:
		return w.say("notice.tomorrow", nil)
	}
	return w.moment(t)
}

func (w noticeWriter) clock(t time.Time) string { return t.In(w.now.Location()).Format("15:04") }

// moment writes a time without its year.
func (w noticeWriter) moment(t time.Time) string {
	if t = t.In(w.now.Location()); w.language == Chinese {
		return t.Format("1月2日 15:04")
	}
	return t.Format("2 January 15:04")
}

func (w noticeWriter) rule(rule string) string {
	text, _ := w.Lookup(w.language, "rule."+rule, nil)
	return cmp.Or(text, w.say("notice.unnamed", nil))
}

func (w noticeWriter) places(group []NoticeLine) (places string) {
	var named []string
	for _, line := range group {
		if slices.Contains(named, line.Place) {
			continue
		}
		if named = append(named, line.Place); len(named) > 1 {
			places += w.say("clues.comma", nil)
		}
		places += line.Place
	}
	return places
}
