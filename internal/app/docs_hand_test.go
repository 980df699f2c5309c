package app

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"ganlin/devices"
	"ganlin/internal/records"
)

// followedByHand holds the numbers of the page that follows a watering and a
// clue by hand against the season that it is about.
func followedByHand(t *testing.T, data string) {
	t.Helper()
	text, err := os.ReadFile("../../docs/followed-by-hand.md")
	if err != nil {
		t.Fatal(err)
	}
	page := strings.ReplaceAll(string(text), ",", "")
	store, err := records.Open(t.Context(), filepath.Join(data, recordsFile))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = store.Close() }()
	decisions, balances := map[string]devices.Decision{}, map[string]devices.Decision{}
	if err := store.EachDecision(t.Context(), func(d devices.Decision) error {
		decisions[d.ID] = d
		if d.Kind == devices.BalanceDecision {
			balances[d.Subject+" "+d.At.Format(time.RFC3339)] = d
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	for _, id := range regexp.MustCompile(`\b[0-9a-f]{16}\b`).FindAllString(page, -1) {
		if _, made := decisions[id]; !made {
			t.Errorf("%s was not decided", id)
		}
	}
	for _, c := range []struct {
		of      devices.Decision
		numbers map[string]int // by name, with how many decimals they are printed
	}{
		{balances["p-002 2026-07-24T16:00:00Z"], map[string]int{
			"eto_mm": 4, "etc_mm": 4, "raw_mm": 3, "taw_mm": 3, "depletion_balance_mm": 3, "depletion_probe_mm": 3, "depletion_mm": 3,
		}},
		{decisions["c8731c9e978f3f0e"], map[string]int{"depletion_mm": 3, "net_mm": 3, "gross_mm": 3, "volume_l": 1, "deficit_pct": 2, "max_duration_s": 0}},
		{decisions["8e4d97ac0d83e01b"], map[string]int{"volume_l": 2}},
		{balances["p-002 2026-07-25T16:00:00Z"], map[string]int{"irrigation_mm": 3}},
		{balances["p-011 2026-07-23T16:00:00Z"], map[string]int{"eto_mm": 4, "etc_mm": 4, "eta_mm": 4, "ks": 5, "raw_mm": 3, "taw_mm": 2}},
		{decisions["ae03011acfcfc4a3"], map[string]int{"loss_low": 4, "loss_mid": 4, "loss_high": 4, "loss_of_p-011": 4}},
	} {
		for name, decimals := range c.numbers {
			v, told := c.of.Numbers[name]
			if want := strconv.FormatFloat(v, 'f', decimals, 64); !told || !regexp.MustCompile(`(^|[^0-9.])`+regexp.QuoteMeta(want)+`($|[^0-9])`).MatchString(page) {
				t.Errorf("%s %s: the page does not have %s %s", c.of.Kind, c.of.Subject, name, want)
			}
		}
	}
}
