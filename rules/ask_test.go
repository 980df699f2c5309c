package rules_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"ganlin/devices"
	"ganlin/rules"
	"ganlin/rules/condition"
)

// asks lists what a dry summer decides about one plot that needs a person.
func asks(t *testing.T, c rules.Config, plot devices.PlotID, w *world, each func(hour int, s *rules.Site)) (told []string) {
	t.Helper()
	hour := 0
	all := season(t, rules.New(c), w, someHours, nil, func(s *rules.Site) *rules.Site {
		if hour++; each != nil {
			each(hour, s)
		}
		return s
	})
	began := devices.Decision{}
	for _, d := range all {
		outcome, over := strings.CutSuffix(d.Outcome, rules.Over)
		if d.Plot != plot || outcome != rules.Advised && outcome != rules.KeptShut {
			continue
		}
		told = append(told, strings.TrimSpace(d.Outcome+" "+d.Texts["reason"]))
		switch {
		case !over:
			if began = d; d.Numbers["gross_mm"] <= d.Numbers["net_mm"] || d.Numbers["volume_l"] <= 0 || d.Rule != "water_need" {
				t.Errorf("%+v", d)
			}
		case d.Texts["episode"] != began.ID || d.Texts["raised_at"] != began.At.UTC().Format(time.RFC3339) || d.Version != began.Version:
			t.Errorf("%+v ends %+v", d, began)
		}
	}
	return told
}

// The hours of a dry summer by which every plot needs water, or has needed it for long.
const dry, soon = 25 * 24, 32 * 24

func TestAsks(t *testing.T) {
	byHand := func(c rules.Config) rules.Config { // the plot with a probe has no valve
		c.Plots = slices.Clone(c.Plots)
		c.Plots[0].Valves, c.Plots[0].Mode = nil, devices.Advise
		return c
	}
	advised := func(c rules.Config) rules.Config { // it has one that does nothing by itself
		c.Plots = slices.Clone(c.Plots)
		c.Plots[0].Mode = devices.Advise
		return c
	}
	carried := &world{}
	for name, c := range map[string]struct {
		change func(rules.Config) rules.Config
		plot   devices.PlotID
		world  *world
		each   func(int, *rules.Site)
		want   []string
	}{
		"nobody waters": {plot: "p-3", want: []string{"advise"}},
		"it rains":      {plot: "p-3", world: rains(dry), want: []string{"advise", "advise_over rained", "advise"}},
		"somebody waters by hand": {byHand, "p-1", carried, func(hour int, _ *rules.Site) {
			if hour == dry {
				carried.theta += 0.12
			}
		}, []string{"advise", "advise_over watered"}},
		"everything falls silent":  {byHand, "p-1", &world{silent: func(at time.Time) bool { return at.After(begin.Add(dry * time.Hour)) }}, nil, []string{"advise"}},
		"the season ends":          {func(c rules.Config) rules.Config { return planted(c, -115) }, "p-3", nil, nil, []string{"advise", "advise_over season_over"}},
		"nothing is planted yet":   {func(c rules.Config) rules.Config { return planted(c, 60) }, "p-3", nil, nil, nil},
		"its valve is let":         {advised, "p-1", nil, reconfigured(config(t)), []string{"advise", "advise_over changed"}},
		"the rule is taken away":   {byHand, "p-1", nil, reconfigured(ruleless(byHand(config(t)))), []string{"advise", "advise_over removed"}},
		"its valve waters it":      {plot: "p-1", want: nil},
		"all is stopped for long":  {plot: "p-1", each: stopped(soon), want: []string{"kept_shut stopped", "kept_shut_over opened"}},
		"all is stopped and stays": {plot: "p-1", each: stopped(1e6), want: []string{"kept_shut stopped"}},
		"stopped, and it rains":    {plot: "p-2", world: rains(soon), each: stopped(1e6), want: []string{"kept_shut stopped", "kept_shut_over rained", "kept_shut stopped"}},
		"stopped for half a day":   {plot: "p-1", each: halfADays, want: nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := config(t)
			if c.change != nil {
				cfg = c.change(cfg)
			}
			w := c.world
			if w == nil {
				w = &world{}
			}
			if got := asks(t, cfg, c.plot, w, c.each); !slices.Equal(got, c.want) {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

// planted plants everything so many days after the summer began.
func planted(c rules.Config, days int) rules.Config {
	c.Plots = slices.Clone(c.Plots)
	for i := range c.Plots {
		c.Plots[i].Planted = begin.AddDate(0, 0, days).Add(8 * time.Hour)
	}
	return c
}

func ruleless(c rules.Config) rules.Config {
	c.Rules = slices.DeleteFunc(slices.Clone(c.Rules), func(r condition.Rule) bool { return r.Do == condition.Irrigate })
	return c
}

// reconfigured puts another version into force once a plot needs water.
func reconfigured(c rules.Config) func(int, *rules.Site) {
	return func(hour int, s *rules.Site) {
		if hour == dry {
			s.Configure(c)
		}
	}
}

// stopped stops everything before any valve has opened, and resumes after so many hours of the summer.
func stopped(until int) func(int, *rules.Site) {
	return func(hour int, s *rules.Site) {
		switch hour {
		case 24:
			act(devices.StopAct, s)
		case until:
			act(devices.ResumeAct, s)
		}
	}
}

// halfADays stops everything every third day for twelve hours, whether it is needed or not.
func halfADays(hour int, s *rules.Site) {
	switch hour % 72 {
	case 0:
		act(devices.StopAct, s)
	case 12:
		act(devices.ResumeAct, s)
	}
}

func act(action devices.ActAction, s *rules.Site) {
	at := s.Watermark().Add(time.Minute)
	s.Add(devices.Fact{Kind: devices.ActFact, At: at, Act: &devices.Act{ID: string(action) + at.String(), At: at, Action: action, By: "operator"}})
}

// rains lets 120 mm fall in four hours.
func rains(from int) *world {
	w := &world{}
	w.bend = func(f *devices.Fact) bool {
		if f.Key.Quantity == devices.RainTotal {
			f.Value += 30 * float64(min(max(w.hour-from, 0), 4))
		}
		return true
	}
	return w
}
