package rules_test

import (
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"ganlin/devices"
	"ganlin/internal/rulefile"
	"ganlin/rules"
)

// besides is the village with a second rule that waters a crop, by day.
func besides(t *testing.T, crop string) rules.Config {
	t.Helper()
	text := strings.ReplaceAll(`rules:
  - id: crop_need
    about: plot
    applies: crop == "CROP"
    when: stress_share > 1
    severity: info
    do: irrigate
    params: {from_hour: 8, until_hour: 18, wind_max_ms: 30, starts_per_day: 2, season_max_mm: 0, efficiency_pct: 50}
`, "CROP", crop)
	file := filepath.Join(t.TempDir(), "crops.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	set, problems := rulefile.Load([]string{file}, true)
	if set == nil {
		t.Fatal(problems)
	}
	c := config(t)
	c.Rules = set.Rules
	return c
}

// TestAPlotIsWateredByOneRule has two rules that water, each with its own hours:
// every plot is watered, advised and accounted by the first that applies to it,
// and by nothing of the other. The control has the built-in rule alone.
func TestAPlotIsWateredByOneRule(t *testing.T) {
	t.Parallel()
	type summer struct {
		opened, byDay int
		rules         []string
		digest        string
	}
	live := func(c rules.Config) (got summer) {
		s, w := rules.New(c), &world{soaked: true}
		var all []devices.Decision
		everyTen(s, w, 25*24, w.obey, func(_ time.Time, decided []devices.Decision) {
			all = append(all, decided...)
		})
		for _, d := range all {
			if d.Kind == devices.IrrigationDecision && !slices.Contains(got.rules, d.Rule) {
				got.rules = append(got.rules, d.Rule)
			}
			if net := d.Numbers["net_mm"]; d.Kind == devices.LedgerDecision && len(got.rules) == 1 {
				if want := map[string]float64{"water_need": 0.75, "crop_need": 0.5}[got.rules[0]]; math.Abs(net/d.Numbers["delivered_l"]*2000-want) > 1e-9 {
					t.Errorf("%s takes %g L for %g mm", got.rules[0], d.Numbers["delivered_l"], net)
				}
			}
			if d.Kind == devices.CommandDecision && d.Outcome == "open" {
				if got.opened++; d.Texts["reason"] != got.rules[0] {
					t.Errorf("%s is opened by %s", d.Subject, d.Texts["reason"])
				}
				if hour := d.At.Add(8 * time.Hour).Hour(); hour >= 8 && hour < 18 {
					got.byDay++
				}
			}
		}
		for _, p := range s.View().Plots { // also of the plot without a valve
			if from := p.Advice.From; !from.IsZero() && (from.Add(8*time.Hour).Hour() == 8) != (got.byDay > 0) {
				t.Errorf("%s is to be watered from %s, by %v", p.ID, from, got.rules)
			}
		}
		got.digest = digest(t, all)
		return got
	}
	alone, other, ours := live(config(t)), live(besides(t, "rice")), live(besides(t, "maize_grain"))
	if alone.opened == 0 || alone.byDay > 0 || other.digest != alone.digest || !slices.Equal(other.rules, []string{"water_need"}) {
		t.Errorf("a rule of another crop changes %+v to %+v", alone, other)
	}
	if ours.opened == 0 || ours.byDay < ours.opened || !slices.Equal(ours.rules, []string{"crop_need"}) {
		t.Errorf("by the crop's own rule: %+v", ours)
	}
}

// TestAWateringEndsByItsRule brings a rule that comes first into force in the midst
// of a watering: the one that began it ends it, and the next is the new one's.
func TestAWateringEndsByItsRule(t *testing.T) {
	t.Parallel()
	s, w := rules.New(config(t)), &world{}
	var of []string
	everyTen(s, w, 40*24, w.obey, func(_ time.Time, decided []devices.Decision) {
		for _, d := range decided {
			if d.Kind == devices.IrrigationDecision && d.Plot == "p-1" && d.Outcome != "hold" {
				if of = append(of, d.Rule+" "+d.Outcome); len(of) == 1 {
					s.Configure(besides(t, "maize_grain"))
					text, err := s.Snapshot()
					if err == nil {
						err = s.Restore(text) // it is remembered
					}
					if err != nil {
						t.Fatal(err)
					}
				}
			}
		}
	})
	if want := []string{"water_need start", "water_need done", "crop_need start", "crop_need done"}; len(of) < 4 || !slices.Equal(of[:4], want) {
		t.Errorf("%q", of)
	}
}
