package rules_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"ganlin/devices"
	"ganlin/rules"
)

// TestBadInputIsNamed bends what comes from day 20 on. What follows has to be
// unknown or a fallback with a name. The control of each is the season as it
// is, in which the same must not be found.
func TestBadInputIsNamed(t *testing.T) {
	from := begin.Add(20 * 24 * time.Hour)
	is := func(f *devices.Fact, d devices.DeviceID, q devices.Quantity) bool {
		return f.At.After(from) && f.Device == d && (q == "" || f.Key.Quantity == q)
	}
	drop := func(d devices.DeviceID, q devices.Quantity) func(*devices.Fact) bool {
		return func(f *devices.Fact) bool { return !is(f, d, q) }
	}
	counter := func(at time.Duration, total func(float64) float64) func(*devices.Fact) bool {
		return func(f *devices.Fact) bool {
			if f.Key.Quantity == devices.RainTotal && !f.At.Before(from.Add(at)) {
				f.Value = total(f.Value)
			}
			return true
		}
	}
	for name, c := range map[string]struct {
		bend  func(*devices.Fact) bool
		named []func(seen) string // each returns what is missing
	}{
		"the station says nothing": {
			drop("w-01", ""),
			[]func(seen) string{
				fires("station_silent", from.Add(4*time.Hour)), nothingOpens(from.Add(6 * time.Hour)),
				balance("p-2", from.Add(48*time.Hour), "unknown", "rain", ""), balance("p-1", from.Add(48*time.Hour), "closed", "", "eto_of_last_known_day"),
			},
		},
		"there is no temperature": {
			drop("w-01", devices.AirTemperature),
			[]func(seen) string{
				nothingOpens(from.Add(7 * time.Hour)),
				balance("p-2", from.Add(48*time.Hour), "closed", "", "eto_of_last_known_day"), balance("p-2", from.Add(7*24*time.Hour), "unknown", "eto", ""),
			},
		},
		"the probe says nothing": {
			drop("s-1", ""), []func(seen) string{fires("probe_silent", from.Add(8*time.Hour)), estimated("p-1", from.Add(8*time.Hour), "balance_only")},
		},
		"the probe is stuck": {
			func(f *devices.Fact) bool {
				if is(f, "s-1", "") {
					f.Value = 0.2
				}
				return true
			},
			[]func(seen) string{fires("probe_stuck", from.Add(50*time.Hour)), estimated("p-1", from.Add(50*time.Hour), "balance_only")},
		},
		"the probe hangs in the air": {
			func(f *devices.Fact) bool {
				if is(f, "s-1", "") {
					f.Value = -0.01
				}
				return true
			},
			[]func(seen) string{fires("probe_implausible", from.Add(8*time.Hour)), estimated("p-1", from.Add(8*time.Hour), "balance_only")},
		},
		"the probe's clock is a year ahead": {
			func(f *devices.Fact) bool {
				if is(f, "s-1", "") {
					f.At = f.At.AddDate(1, 0, 0)
				}
				return true
			},
			[]func(seen) string{fires("probe_silent", from.Add(8*time.Hour)), estimated("p-1", from.Add(8*time.Hour), "balance_only")},
		},
		"the probe's clock is a year behind": {
			func(f *devices.Fact) bool {
				if is(f, "s-1", "") {
					f.At = f.At.AddDate(-1, 0, 0)
				}
				return true
			},
			[]func(seen) string{
				fires("probe_silent", from.Add(8*time.Hour)), estimated("p-1", from.Add(8*time.Hour), "balance_only"),
				func(s seen) string {
					if n := s.site.Late(); n != 10*24*3-3 && n != 10*24*3 {
						return fmt.Sprintf("%d late facts", n)
					}
					return ""
				},
			},
		},
		"the counter goes back": {
			counter(5*time.Hour, func(v float64) float64 { return v - 0.2 }),
			[]func(seen) string{rain(from.Add(24*time.Hour), 0, "rain_counter_jumped")},
		},
		"the counter begins again": {
			counter(5*time.Hour, func(float64) float64 { return 3 }),
			[]func(seen) string{rain(from.Add(24*time.Hour), 3, "rain_counter_jumped")},
		},
		"the counter leaps": {
			counter(5*time.Hour, func(v float64) float64 { return v + 4000 }),
			[]func(seen) string{rain(from.Add(24*time.Hour), 0, "rain_counter_jumped")},
		},
		"the gauge falls silent in the day": {
			func(f *devices.Fact) bool {
				return f.Key.Quantity != devices.RainTotal || f.At.Before(from.Add(5*time.Hour))
			},
			[]func(seen) string{rain(from.Add(24*time.Hour), 0, "rain_of_part_of_the_day"), balance("p-2", from.Add(48*time.Hour), "unknown", "rain", "")},
		},
	} {
		t.Run(name, func(t *testing.T) {
			live := func(bend func(*devices.Fact) bool) seen {
				s := rules.New(config(t))
				all := season(t, s, &world{soaked: true, bend: bend}, 30*24, nil, nil)
				return seen{s, all}
			}
			bent, straight := live(c.bend), live(nil)
			for _, named := range c.named {
				if missing := named(bent); missing != "" {
					t.Error(missing)
				}
				if named(straight) == "" {
					t.Error("it is found in the season as it is, too")
				}
			}
		})
	}
}

// seen is what a season came to.
type seen struct {
	site *rules.Site
	all  []devices.Decision
}

func fires(rule string, until time.Time) func(seen) string {
	return func(s seen) string {
		for _, d := range s.all {
			if d.Kind == devices.AlertDecision && d.Rule == rule && d.Outcome == "firing" && !d.At.After(until) {
				return ""
			}
		}
		return fmt.Sprintf("%s does not fire until %s", rule, until)
	}
}

func nothingOpens(from time.Time) func(seen) string {
	return func(s seen) string {
		for _, d := range s.all {
			if d.Kind == devices.CommandDecision && d.Outcome == "open" && d.At.After(from) {
				return fmt.Sprintf("%s is opened at %s", d.Subject, d.At)
			}
		}
		return ""
	}
}

// balance looks for the balance of a day by its end.
func (s seen) balance(plot string, end time.Time) devices.Decision {
	i := slices.IndexFunc(s.all, func(d devices.Decision) bool {
		return d.Kind == devices.BalanceDecision && d.Subject == plot && d.At.Equal(end)
	})
	if i < 0 {
		return devices.Decision{}
	}
	return s.all[i]
}

func balance(plot string, end time.Time, outcome, unknown, estimated string) func(seen) string {
	return func(s seen) string {
		d := s.balance(plot, end)
		if d.Outcome != outcome || unknown != "" && !slices.Contains(d.Unknown, unknown) || estimated != "" && !slices.Contains(d.Estimated, estimated) {
			return fmt.Sprintf("the balance of %s at %s is %s, unknown %v, estimated %v", plot, end, d.Outcome, d.Unknown, d.Estimated)
		}
		return ""
	}
}

func rain(end time.Time, mm float64, estimated string) func(seen) string {
	return func(s seen) string {
		d := s.balance("p-2", end)
		if got := d.Numbers["rain_mm"]; d.Outcome != "closed" || got != mm || !slices.Contains(d.Estimated, estimated) {
			return fmt.Sprintf("the day has %v mm of rain, outcome %s, estimated %v", got, d.Outcome, d.Estimated)
		}
		return ""
	}
}

// estimated expects that whatever is decided about the soil of a plot from then on names what it stands on.
func estimated(plot string, from time.Time, name string) func(seen) string {
	return func(s seen) string {
		n := 0
		for _, d := range s.all {
			if d.Kind != devices.IrrigationDecision || d.Subject != plot || d.At.Before(from) {
				continue
			}
			if n++; !slices.Contains(d.Estimated, name) {
				return fmt.Sprintf("%s at %s is estimated %v, not %s", d.Outcome, d.At, d.Estimated, name)
			}
		}
		if n == 0 {
			return "nothing was decided about " + plot
		}
		return ""
	}
}
