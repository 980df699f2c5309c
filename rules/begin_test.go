package rules_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"ganlin/devices"
	"ganlin/rules"
	"ganlin/rules/drought"
	"ganlin/rules/water"
)

// lived is season from any time on, with ticks every ten minutes.
func lived(t *testing.T, s *rules.Site, w *world, from time.Time, hours int) (all []devices.Decision) {
	t.Helper()
	if w.theta == 0 {
		w.theta = 0.2
	}
	s.Tick(from)
	late := w.hello(from.Add(time.Millisecond))
	for at := from.Add(10 * time.Minute); !at.After(from.Add(time.Duration(hours) * time.Hour)); at = at.Add(10 * time.Minute) {
		if at.Sub(from)%time.Hour == 0 {
			late = append(late, w.live(at)...)
		}
		for _, f := range late {
			s.Add(f)
		}
		late = nil
		for _, d := range s.Tick(at) {
			if d.Command != nil {
				late = append(late, w.obey(d)...)
			}
			all = append(all, d)
		}
	}
	return all
}

// TestAProgramMayStartAtAnyHour starts in the middle of a day, with facts that
// may be late, as every program does that is no demo. A plot without a probe is
// unknown at first, says why, and does not stay so; nobody is alarmed about it.
func TestAProgramMayStartAtAnyHour(t *testing.T) {
	for _, c := range []struct {
		name  string
		start time.Duration // after local midnight
		rains bool
		days  int // at the most that a plot is unknown
	}{
		{"at midnight", 0, false, 16},
		{"at 3", 3 * time.Hour, false, 16},
		{"at 14", 14 * time.Hour, false, 16},
		{"at 20", 20 * time.Hour, false, 16},
		{"at 14, and it rains", 14 * time.Hour, true, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			of := config(t)
			of.Lateness = 10 * time.Minute
			s := rules.New(of)
			w := &world{soaked: c.rains}
			if c.rains {
				w.theta = 0.25
			}
			from := begin.Add(c.start)
			unknown, known := map[string]int{}, map[string]int{}
			opened := false
			for _, d := range lived(t, s, w, from, 40*24) {
				switch {
				case d.Kind == devices.BalanceDecision && d.Outcome == "unknown":
					if unknown[d.Subject]++; known[d.Subject] > 0 {
						t.Errorf("%s: %s was known and is not any more: %v", d.At, d.Subject, d.Unknown)
					}
					if len(d.Unknown) == 0 || d.Numbers["depletion_mm"] != 0 {
						t.Errorf("%s: %s is unknown and says %v, %v", d.At, d.Subject, d.Unknown, d.Numbers)
					}
				case d.Kind == devices.BalanceDecision:
					known[d.Subject]++
				case d.Rule == "soil_unknown":
					t.Errorf("%s: an alert about %s", d.At, d.Subject)
				case d.Kind == devices.CommandDecision && d.Outcome == "open" && d.Subject == "v-2":
					opened = true
					if known["p-2"] == 0 {
						t.Error("a plot is watered that nobody knows of")
					}
				}
			}
			if unknown["p-1"] > 2 || unknown["p-2"] == 0 && !c.rains || unknown["p-2"] > c.days || unknown["p-3"] > c.days || !opened {
				t.Errorf("unknown for %v days, known for %v, watered: %v", unknown, known, opened)
			}
		})
	}
}

// TestWhatABeginningIsSaid looks at a plot without a probe on its first days.
func TestWhatABeginningIsSaid(t *testing.T) {
	of := config(t)
	of.Lateness = 10 * time.Minute
	s := rules.New(of)
	all := lived(t, s, &world{}, begin.Add(14*time.Hour), 80)
	view := s.View().Plots[2]
	if view.DepletionMM != nil || view.Grade != drought.Unknown || view.Advice.Kind != rules.AdviceUnknown || !slices.Equal(view.WhyUnknown, []string{water.MoistureDoubt}) {
		t.Errorf("it is %+v", view)
	}
	var said []string
	for _, d := range all {
		if d.Kind == devices.BalanceDecision && d.Subject == "p-3" {
			said = append(said, fmt.Sprint(d.Unknown))
		}
	}
	if want := []string{"[initial_moisture]", "[initial_moisture]", "[initial_moisture]"}; !slices.Equal(said, want) {
		t.Errorf("its balances lack %v, want %v", said, want)
	}
}

// TestACounterClosesItsGap loses the rain gauge from noon to the evening of the
// day after. Overnight nobody knows how wet a dry plot without a probe is. What
// was counted meanwhile is in the next reading, so it is known again at once.
// The control comes back with another gauge, which tells of no time before.
func TestACounterClosesItsGap(t *testing.T) {
	const day = 24 * time.Hour
	from, to := begin.Add(9*day+12*time.Hour), begin.Add(10*day+18*time.Hour)
	for _, replaced := range []bool{false, true} {
		w := &world{soaked: true, theta: 0.25}
		w.bend = func(f *devices.Fact) bool {
			if f.Key.Quantity != devices.RainTotal || !f.At.After(from) {
				return true
			}
			if f.Value += 8; replaced {
				f.Value -= 160
			}
			return f.At.After(to)
		}
		s := rules.New(config(t))
		got := map[int]devices.Decision{}
		all := season(t, s, w, 13*24, nil, func(s *rules.Site) *rules.Site {
			at, known := s.Watermark(), s.View().Plots[2].DepletionMM != nil
			switch gap := !at.Before(from.Add(12*time.Hour)) && !at.After(to); {
			case gap && known, !gap && !known && !replaced && at.After(begin.Add(day)):
				t.Errorf("%s: known: %v, replaced: %v", at, known, replaced)
			}
			return s
		})
		for _, d := range all {
			if d.Kind == devices.BalanceDecision && d.Subject == "p-3" {
				got[int(d.At.Sub(begin)/day)] = d
			}
		}
		if night := got[10]; night.Outcome != "unknown" || !slices.Contains(night.Unknown, water.RainDoubt) {
			t.Errorf("the day in which it falls silent: %s, %v", night.Outcome, night.Unknown)
		}
		back := got[11]
		switch {
		case replaced && (back.Outcome != "unknown" || !slices.Contains(back.Unknown, water.RainDoubt)):
			t.Errorf("another gauge: %s, %v, %v", back.Outcome, back.Unknown, back.Numbers)
		case !replaced && (back.Outcome != "closed" || back.Numbers["rain_mm"] != 8):
			t.Errorf("the day in which it is back: %s, %v, %v", back.Outcome, back.Unknown, back.Numbers)
		}
	}
}

// TestAPerennialOutlivesItsYear compares tea of this year with tea of the year before.
func TestAPerennialOutlivesItsYear(t *testing.T) {
	live := func(planted time.Time) ([]devices.Decision, string) {
		of := config(t)
		for i := range of.Plots {
			of.Plots[i].Crop, of.Plots[i].Planted = "tea", planted
		}
		all := season(t, rules.New(of), &world{soaked: true, theta: 0.25}, someHours, nil, nil)
		return all, digest(t, all)
	}
	young, want := live(time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC))
	if _, got := live(time.Date(2025, 2, 1, 0, 0, 0, 0, time.UTC)); got != want {
		t.Error("a year makes a difference")
	}
	old, _ := live(time.Date(2024, 7, 20, 0, 0, 0, 0, time.UTC)) // its year ends in the middle
	for name, all := range map[string][]devices.Decision{"young": young, "old": old} {
		count := map[string]int{}
		for _, d := range all {
			count[d.Rule+" "+d.Outcome]++
			if d.Texts["reason"] == "season_over" {
				t.Errorf("%s tea: its season is over", name)
			}
		}
		if count["water_need start"] < 3 || count["drought firing"] == 0 || count["household_exposure raised"] == 0 {
			t.Errorf("%s tea: %v", name, count)
		}
	}
}

// TestDroughtIsNoReasonToWaterAnyMore lives to the harvest of a plot that has no
// valve: as long as its drought is an alert its advice is to water, and when
// water is of no more use the alert says so; that the plot is dry and what it
// loses are told to the end.
func TestDroughtIsNoReasonToWaterAnyMore(t *testing.T) {
	s := rules.New(config(t))
	const p3 = 2
	last := begin.Add(75 * 24 * time.Hour) // of the crop: day 136 of 150
	firing := false
	season(t, s, &world{soaked: true, theta: 0.25}, 85*24, nil, func(s *rules.Site) *rules.Site {
		v := s.View()
		firing = slices.ContainsFunc(v.Alerts, func(a rules.AlertView) bool { return a.Rule == "drought" && a.Subject == "p-3" && a.ID != "" })
		if advice := v.Plots[p3].Advice; firing && advice.Kind != rules.AdviceWater || firing && v.Watermark.After(last) || v.Watermark.After(last) && advice.Reason != "season_over" {
			t.Errorf("%s: alert %v, advice %+v", v.Watermark, firing, advice)
		}
		if v.Watermark.After(last) && (v.Plots[p3].Grade < drought.Severe || v.Plots[p3].Loss == nil || *v.Plots[p3].Loss < 0.3) {
			t.Errorf("%s: %s, loss %v", v.Watermark, v.Plots[p3].Grade, v.Plots[p3].Loss)
		}
		return s
	})
}

// TestEveryGradeIsReached lets a field without probe, valve and rain dry on every texture.
func TestEveryGradeIsReached(t *testing.T) {
	for _, texture := range []string{
		"sand", "loamy_sand", "sandy_loam", "loam", "silt_loam", "silt", "sandy_clay_loam", "clay_loam", "silt_clay_loam", "sandy_clay", "silty_clay", "clay",
	} {
		of := config(t)
		of.Plots[2].Soil = devices.Soil{Texture: texture}
		seen := map[drought.Grade]bool{}
		driest := drought.Unknown
		season(t, rules.New(of), &world{soaked: true, theta: 0.25}, 70*24, nil, func(s *rules.Site) *rules.Site {
			if p := s.View().Plots[2]; p.Grade != drought.Unknown {
				if p.Grade < driest-1 {
					t.Errorf("%s: it dries, and goes from %s to %s", texture, driest, p.Grade)
				}
				seen[p.Grade], driest = true, max(driest, p.Grade)
			}
			return s
		})
		if len(seen) != 5 {
			t.Errorf("%s: the grades are %v", texture, seen)
		}
	}
}
