package app

import (
	"strings"
	"testing"
	"time"

	"ganlin/devices"
	"ganlin/internal/auth"
	"ganlin/internal/registry"
)

// TestFrostIsToldToWhoseCropsGrow has one alert for a station: each household
// with a growing crop there is told of its plots, and when it is over. A silent
// station is no news for farmers, and nobody hears of the weather elsewhere.
func TestFrostIsToldToWhoseCropsGrow(t *testing.T) {
	s := openStill(t, t.TempDir(), func(o *programOptions) {
		o.files = []*registry.File{registry.Read("registry.yaml", []byte(twoHouseholds+
			`  - {id: p-003, place: "500119101001", station: w-01, household: h-001, area_mu: 1, crop: maize_grain, planted: 2025-04-02, soil: silt_loam}
  - {id: p-004, place: "500119101001", station: w-01, area_mu: 1, crop: maize_grain, planted: 2026-04-02, soil: silt_loam}
`))}
	})
	at := time.Date(2026, 4, 20, 20, 0, 0, 0, time.UTC)
	alert := func(rule, subject, outcome string, numbers map[string]float64) devices.Decision {
		return devices.Decision{
			ID: "d-" + outcome, At: at, Site: "sanquan", Subject: subject, Rule: rule, Kind: devices.AlertDecision, Outcome: outcome, Severity: "warning",
			Numbers: numbers, Texts: map[string]string{"alert": "a-1", "raised_at": at.Format(time.RFC3339)},
		}
	}
	told := func(d devices.Decision) (plots map[devices.PlotID]devices.HouseholdID, ids map[string]bool) {
		plots, ids = map[devices.PlotID]devices.HouseholdID{}, map[string]bool{}
		for _, turn := range s.notices.turns(d) {
			plots[turn.Plot] = turn.Household
			ids[turn.ID] = true
			if turn.Over != (d.Outcome == "resolved") {
				t.Errorf("%s is told as over: %v", d.Outcome, turn.Over)
			}
		}
		return plots, ids
	}
	frost := map[string]float64{"t_min_24h_c": 1.5, "plots_growing": 2}
	began, episodes := told(alert("frost", "w-01", "firing", frost))
	if len(began) != 2 || began["p-001"] != "h-001" || began["p-002"] != "h-002" || len(episodes) != 2 {
		t.Errorf("frost is told of %v in %v", began, episodes)
	}
	over, ended := told(alert("frost", "w-01", "resolved", frost))
	if !ended["a-1"] || len(over) != 1 { // for all who were told of it, by the beginning of the episode's id
		t.Errorf("%v are told to be over: %v", ended, over)
	}
	for id := range episodes {
		if !strings.HasPrefix(id, "a-1 ") {
			t.Errorf("nobody is told that %s is over", id)
		}
	}
	for _, d := range []devices.Decision{
		alert("frost", "w-02", "firing", frost),
		alert("station_silent", "w-01", "firing", map[string]float64{"weather_age_h": 7}),
	} {
		if plots, _ := told(d); len(plots) > 0 {
			t.Errorf("%s of %s is told of %v", d.Rule, d.Subject, plots)
		}
	}

	// The farmer may look at what was told; nobody else's alerts come with it.
	farmer := auth.Access{Role: auth.Farmer, Household: "h-001", Sites: []devices.SiteID{"sanquan"}}
	stranger := auth.Access{Role: auth.Farmer, Household: "h-009", Sites: []devices.SiteID{"sanquan"}}
	land := newLand(s.registry.Load())
	if !land.sees(farmer, "", "w-01", "sanquan") || land.sees(farmer, "", "w-02", "sanquan") || land.sees(farmer, "p-002", "p-002", "sanquan") {
		t.Error("a farmer sees the wrong alerts")
	}
	if land.sees(stranger, "", "w-01", "sanquan") {
		t.Error("a farmer without a plot there sees them too")
	}
}
