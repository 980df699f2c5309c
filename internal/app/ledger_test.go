package app

import (
	"testing"
	"time"

	"ganlin/devices"
	"ganlin/internal/auth"
	"ganlin/internal/httpapi"
	"ganlin/internal/records"
)

// TestTheLedgerHoldsWhatTheSoilGained joins an opening with what the probes said
// of it days later; of another opening, and of another valve, nobody knows.
func TestTheLedgerHoldsWhatTheSoilGained(t *testing.T) {
	s := openStill(t, t.TempDir(), nil)
	opened := time.Date(2026, 7, 1, 10, 0, 2, 0, time.UTC)
	decided := func(kind devices.DecisionKind, id, valve string, opened, at time.Time, numbers map[string]float64) devices.Decision {
		return devices.Decision{
			ID: id, At: at, Site: "sanquan", Subject: valve, Plot: "p-001", Rule: "lease", Version: "1", Kind: kind, Outcome: "lease",
			Numbers: numbers, Texts: map[string]string{"opened_at": opened.Format(time.RFC3339)},
		}
	}
	delivered := map[string]float64{"commanded_l": 100, "delivered_l": 99, "duration_s": 60}
	later := opened.Add(3 * time.Hour)
	err := s.records.CommitEffects(t.Context(), records.Effects{Decisions: []devices.Decision{
		decided(devices.LedgerDecision, "l-1", "v-001", opened, opened.Add(time.Hour), delivered),
		decided(devices.LedgerDecision, "l-2", "v-001", later, later.Add(time.Hour), delivered),
		decided(devices.LedgerDecision, "l-3", "v-002", opened, opened.Add(time.Hour), delivered),
		decided(devices.ResponseDecision, "r-1", "v-001", opened, opened.Add(36*time.Hour), map[string]float64{"response_mm": 7.5}),
	}})
	if err != nil {
		t.Fatal(err)
	}
	reach := auth.Access{Role: auth.Agronomist, Sites: []devices.SiteID{"sanquan"}}
	page, _, _, err := decisionSource{program: s.program}.Ledger(t.Context(), reach,
		httpapi.LedgerFilter{Plot: "p-001", From: opened.Add(-time.Hour), To: opened.Add(5 * time.Hour)}, nil, 10)
	if err != nil || len(page) != 3 {
		t.Fatalf("%d rows, error %v", len(page), err)
	}
	for _, row := range page {
		want := row.Decision == "l-1"
		if got := row.ResponseMM != nil; got != want || got && *row.ResponseMM != 7.5 {
			t.Errorf("%s has the response %v", row.Decision, row.ResponseMM)
		}
	}
}
