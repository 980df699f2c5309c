package dashboards

import (
	"math"
	"time"

	"ganlin/dashboards/words"
)

// A tank pictures how full the root zone is with water that the crop can use.
type tank struct {
	Unknown  string // why nobody knows; then the rest is empty
	Tone     string // how much it stands out
	Fill     int    // percent
	Mark     int    // percent; below it the crop suffers; 0: not known
	Sentence string // what that means for the crop
}

// A faucet says how a valve is.
type faucet struct {
	ID, Tone, Text, Amount string
	Look                   bool     // somebody has to look at it, and may say then that it is shut
	Acts                   *homeTap // what whoever looks may do; nil: nothing
}

// land adds what was judged of a plot to its card.
func (c *card) land(s speaker, g group) {
	p := g.plot
	switch p.Grade {
	case GradeNone:
		c.Badges = append(c.Badges, badge{Tone: "ok", Sign: "ok", Text: s.text("concern.none", nil)})
	case GradeLight:
		c.Badges = append(c.Badges, badge{Tone: "dry", Sign: "dry", Text: s.text("concern.light", nil)})
	case GradeUnknown, GradeModerate, GradeSevere, GradeExtreme, "": // a concern, or not judged
	}
	c.Tank = s.tank(p)
	if p.Held != "" {
		c.Held = s.text("land.held", words.Args{"why": s.word("because.", p.Held)})
	}
	for _, v := range p.Valves {
		c.Faucets = append(c.Faucets, s.faucet(v))
	}
	c.Land = s.land(p)
}

func (s speaker) tank(p *Plot) *tank {
	switch {
	case p.Grade == GradeUnknown:
		why := s.catalogue.Why(s.language, p.WhyUnknown, func(code string) time.Duration {
			if code != "soil_moisture" && code != "probe_silent" {
				return 0
			}
			return p.silent(s.now)
		})
		return &tank{Unknown: s.text("tank.unknown", words.Args{"why": why})}
	case p.Grade == "" || p.DepletionMM == nil || p.TAWMM == nil || *p.TAWMM <= 0:
		return nil
	}
	t := tank{Fill: percent(1 - *p.DepletionMM / *p.TAWMM)}
	switch p.Grade {
	case GradeSevere, GradeExtreme:
		t.Tone = "bad"
	case GradeModerate:
		t.Tone = "dry"
	case GradeNone, GradeLight, GradeUnknown:
	}
	if p.RAWMM != nil {
		t.Mark = percent(1 - *p.RAWMM / *p.TAWMM)
	}
	if bare(p.Stage) {
		return &t
	}
	days := math.Inf(1)
	if p.DaysToStress != nil {
		days = *p.DaysToStress
	}
	switch {
	case p.stressed():
		t.Sentence = s.text("tank.stress", nil)
	case days < 1:
		t.Sentence = s.text("tank.soon", nil)
	case days < 10:
		t.Sentence = s.text("tank.days", words.Args{"n": int(days)})
	case p.DaysToStress != nil:
		t.Sentence = s.text("tank.long", nil)
	case p.RAWMM != nil:
		t.Sentence = s.text("tank.enough", nil)
	}
	return &t
}

func percent(share float64) int { return min(max(int(math.Round(100*share)), 0), 100) }

// silent is for how long no probe of the plot was heard of; 0: one is on time, or none ever was heard of.
func (p *Plot) silent(now time.Time) time.Duration {
	var newest time.Time
	for _, d := range p.Devices {
		if !d.Valve && d.freshness(now) == fresh {
			return 0
		}
		if !d.Valve && d.At.After(newest) {
			newest = d.At
		}
	}
	if newest.IsZero() {
		return 0
	}
	return now.Sub(newest)
}

func (s speaker) faucet(v Valve) faucet {
	if v.unknown() {
		v.State = ValveUnknown
	}
	f := faucet{ID: string(v.ID), Text: s.text("faucet."+string(v.State), nil)}
	switch v.State {
	case ValveOpen:
		f.Tone = "water"
		if !v.Until.IsZero() {
			f.Text = s.text("faucet.open_until", words.Args{"until": s.brief(v.Until)})
		}
	case ValveRequested, ValveAccepted, ValveClosing:
		f.Tone = "busy"
	case ValveUnknown:
		f.Tone = "bad"
	case ValveClosed:
	}
	why := ""
	switch {
	case v.Locked:
		why = s.text("faucet.locked", nil)
	case v.Leaking:
		why = s.text("faucet.leaking", nil)
	case v.Silent:
		why = s.text("faucet.silent", nil)
	}
	if why != "" {
		f.Tone, f.Look = "bad", true
		f.Text = s.text("faucet.and", words.Args{"state": f.Text, "locked": why})
	}
	if v.DeliveredL != nil && v.wet() {
		args := words.Args{"delivered": words.Decimal(*v.DeliveredL, 0)}
		f.Amount = s.text("faucet.delivered", args)
		if v.CommandedL != nil {
			args["commanded"] = words.Decimal(*v.CommandedL, 0)
			f.Amount = s.text("faucet.delivered_of", args)
		}
	}
	return f
}

// land lists what is known of a plot itself, for whoever wants the numbers.
func (s speaker) land(p *Plot) []row {
	var rows []row
	add := func(key, text string) {
		rows = append(rows, row{Label: s.text("land."+key, nil), Text: text})
	}
	number := func(name string, x *float64) {
		if x != nil {
			label, text := s.catalogue.Number(s.language, name, *x)
			rows = append(rows, row{Label: label, Text: text, Measured: true})
		}
	}
	if p.Grade != "" {
		add("grade", s.word("grade.", string(p.Grade)))
	}
	number("depletion_mm", p.DepletionMM)
	number("raw_mm", p.RAWMM)
	number("taw_mm", p.TAWMM)
	number("rsm_pct", p.RSMPct)
	number("days_to_stress", p.DaysToStress)
	if p.Crop != "" {
		add("crop", s.word("crop.", p.Crop))
	}
	if p.Stage != "" {
		add("stage", s.word("stage.", p.Stage))
	}
	if p.AreaMu > 0 {
		number("area_mu", &p.AreaMu)
	}
	if p.Mode != "" {
		add("mode", s.word("mode.", string(p.Mode)))
	}
	for _, v := range p.Valves {
		if !v.OpenSince.IsZero() && v.wet() {
			add("opened", s.moment(v.OpenSince))
		}
	}
	return rows
}
