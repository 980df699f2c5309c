package dashboards

import (
	"strconv"
	"time"

	"ganlin/dashboards/words"
)

// answer says what to do about a plot's water: a sentence that stands alone,
// and one that goes on.
func (s speaker) answer(p *HomePlot) (answer, detail, tone string) {
	a := p.Advice
	switch p.water() {
	case ValveOpen:
		if a.Code != AdviseWatering {
			a = Advice{Code: AdviseWatering, Until: p.until()}
		}
	case ValveClosing:
		return s.text("my.closing", nil), s.text("my.closing_hint", nil), "warn"
	case ValveClosed:
		if a.Code == AdviseWatering {
			return s.text("my.shut", nil), s.text("my.shut_hint", nil), "ok"
		}
	}
	args := words.Args{"mm": words.Decimal(a.MM, 0), "why": s.word("because.", a.Why), "when": s.when(a.From)}
	how := func(key string) string {
		if a.Lasts > 0 {
			args["time"] = s.span(a.Lasts)
			return s.text(key+"_for", args)
		}
		return s.text(key, args)
	}
	if a.Cubic > 0 {
		detail = s.text("my.cubic", words.Args{"m3": words.Short(a.Cubic, map[bool]int{true: 0, false: 1}[a.Cubic >= 10])})
	}
	switch a.Code {
	case AdviseWatering:
		if left := a.Until.Sub(s.now); left > 0 {
			return s.text("my.watering_left", words.Args{"time": s.span(left)}), s.text("my.stops_itself", nil), "water"
		}
		return s.text("my.watering", nil), s.text("my.stops_itself", nil), "water"
	case AdviseItself:
		return how("my.itself"), s.text("my.opens_itself", nil), "water"
	case AdviseWater:
		return how("my.water"), detail, "dry"
	case AdviseHeld:
		return s.text("my.held", args), s.text("my.held_hint", nil), "warn"
	case AdviseNothing:
		switch {
		case a.Why != "":
			return s.text("my.season_over", nil), "", "ok"
		case !a.Until.IsZero() && a.Until.Sub(s.now) < 24*time.Hour:
			return s.text("my.no_need_today", nil), s.text("my.if_dry", nil), "ok"
		case !a.Until.IsZero():
			return s.text("my.no_need_until", words.Args{"day": s.dayName(a.Until)}), s.text("my.if_dry", nil), "ok"
		}
		return s.text("my.no_need", nil), "", "ok"
	case AdviseLook:
		why := s.catalogue.Why(s.language, p.WhyUnknown, func(string) time.Duration { return 0 })
		if len(p.WhyUnknown) == 0 {
			return s.text("my.unknown", nil), s.text("my.look", nil), "bad"
		}
		return s.text("my.unknown", nil), s.text("my.look_why", words.Args{"why": why}), "bad"
	}
	return s.text("my.not_judged", nil), "", "note"
}

// span writes a length of time as people say it, to five minutes.
func (s speaker) span(d time.Duration) string {
	d = max(d.Round(5*time.Minute), 5*time.Minute)
	hours, minutes := int(d/time.Hour), int(d/time.Minute)%60
	args := words.Args{"hours": hours, "minutes": minutes, "n": hours}
	switch {
	case hours == 0:
		return s.text("how_long.minutes", args)
	case minutes == 0:
		return s.text("how_long.hours", args)
	}
	return s.text("how_long.both", args)
}

// when writes a time that is near: tonight at 21:00.
func (s speaker) when(t time.Time) string {
	if !t.After(s.now) {
		return s.text("when.now", nil)
	}
	local, now := t.In(s.zone), s.now.In(s.zone)
	args := words.Args{"time": local.Format("15:04")}
	evening := local.Hour() >= 18
	switch days := daysBetween(now, local); {
	case days == 0 && evening:
		return s.text("when.tonight", args)
	case days == 0:
		return s.text("when.today", args)
	case days == 1 && evening:
		return s.text("when.tomorrow_night", args)
	case days == 1:
		return s.text("when.tomorrow", args)
	}
	return s.brief(t)
}

// dayName names a day of the next week by its weekday, a later one by its date.
func (s speaker) dayName(t time.Time) string {
	local, now := t.In(s.zone), s.now.In(s.zone)
	switch days := daysBetween(now, local); {
	case days == 1:
		return s.text("when.tomorrow_day", nil)
	case days < 7:
		return s.word("weekday.", strconv.Itoa(int(local.Weekday())))
	}
	return s.day(t)
}

func daysBetween(from, to time.Time) int {
	day := func(t time.Time) time.Time { return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC) }
	return int(day(to).Sub(day(from)) / (24 * time.Hour))
}
