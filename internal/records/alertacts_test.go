package records_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"ganlin/devices"
	"ganlin/internal/records"
)

// TestPagesOfAlertsAndDecisions reads both lists page by page: nothing is left out or seen twice,
// though many have the same time.
func TestPagesOfAlertsAndDecisions(t *testing.T) { onBoth(t, testPagesOfAlertsAndDecisions) }

func testPagesOfAlertsAndDecisions(r run) {
	t, in := r.T, r.in
	s := openStore(t, in.place(t))
	begin := time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC)
	var e records.Effects
	for i := range 60 {
		at, plot := begin.Add(time.Duration(i/7)*time.Hour), devices.PlotID(fmt.Sprintf("p-%d", i%3))
		a := records.AlertRow{ID: fmt.Sprintf("a-%02d", i), Rule: "drought", Plot: plot, RaisedAt: at, State: "firing"}
		if i%2 == 0 {
			a.ResolvedAt = at.Add(time.Hour)
		}
		e.Alerts = append(e.Alerts, a)
		e.Decisions = append(e.Decisions,
			devices.Decision{ID: fmt.Sprintf("d-%02d", i), At: at, Plot: plot, Kind: devices.LedgerDecision},
			devices.Decision{ID: fmt.Sprintf("b-%02d", i), At: at, Plot: plot, Kind: devices.BalanceDecision})
	}
	e.Progress = records.Progress{Reader: "rules"}
	if err := s.CommitEffects(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		plots           []devices.PlotID
		open            bool
		alerts, decided int
	}{
		{nil, false, 60, 60},
		{nil, true, 30, 60},
		{[]devices.PlotID{"p-1"}, false, 20, 20},
		{[]devices.PlotID{"p-1", "p-2"}, true, 20, 40},
		{[]devices.PlotID{}, false, 0, 0},
	} {
		alerts := pages(t, func(b records.Behind) (ids []string, next records.Behind) {
			page, err := s.AlertPage(t.Context(), records.AlertQuery{Plots: c.plots, Open: c.open, Behind: b, Limit: 7})
			if err != nil {
				t.Fatal(err)
			}
			for _, a := range page {
				ids, next = append(ids, a.ID), records.Behind{At: a.RaisedAt, ID: a.ID}
			}
			return ids, next
		})
		decided := pages(t, func(b records.Behind) (ids []string, next records.Behind) {
			page, err := s.DecisionPage(t.Context(), records.DecisionQuery{
				Kind: devices.LedgerDecision, Plots: c.plots, Since: begin, Until: begin.Add(24 * time.Hour), Behind: b, Limit: 7,
			})
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range page {
				ids, next = append(ids, d.ID), records.Behind{At: d.At, ID: d.ID}
			}
			return ids, next
		})
		if len(alerts) != c.alerts || len(decided) != c.decided {
			t.Errorf("of %v, open %t: %d alerts and %d decisions, want %d and %d", c.plots, c.open, len(alerts), len(decided), c.alerts, c.decided)
		}
	}
}

// pages reads a list to its end and returns what it holds.
func pages(t *testing.T, read func(records.Behind) ([]string, records.Behind)) map[string]bool {
	t.Helper()
	seen := map[string]bool{}
	var behind records.Behind
	for {
		ids, next := read(behind)
		if len(ids) == 0 {
			return seen
		}
		for _, id := range ids {
			if seen[id] {
				t.Errorf("%s is there twice", id)
			}
			seen[id] = true
		}
		behind = next
	}
}

func TestWhatIsSaidAboutAnAlertIsKeptOnce(t *testing.T) {
	onBoth(t, testWhatIsSaidAboutAnAlertIsKeptOnce)
}

func testWhatIsSaidAboutAnAlertIsKeptOnce(r run) {
	t, in := r.T, r.in
	s := openStore(t, in.place(t))
	at := time.Date(2026, 7, 1, 8, 0, 0, 0, time.UTC)
	if err := s.CommitEffects(t.Context(), records.Effects{
		Progress: records.Progress{Reader: "rules"}, Alerts: []records.AlertRow{{ID: "a-1", RaisedAt: at}},
	}); err != nil {
		t.Fatal(err)
	}
	said := records.AlertAct{ID: "x", Alert: "a-1", Act: "answered", Code: "watered", Account: "f-1", At: at, RecordedAt: at.Add(time.Minute)}
	changed := said
	changed.Code = "false_alarm"
	for _, act := range []records.AlertAct{said, changed} {
		if err := s.AddAlertAct(t.Context(), act); err != nil {
			t.Fatal(err)
		}
	}
	acts, err := s.AlertActs(t.Context(), []string{"a-1", "a-2"})
	if err != nil || len(acts) != 1 || len(acts["a-1"]) != 1 || acts["a-1"][0] != said {
		t.Errorf("kept is %+v, %v", acts, err)
	}
	if err := s.AddAlertAct(t.Context(), records.AlertAct{ID: "y", Alert: "a-2"}); err == nil {
		t.Error("something is said about an alert that is not there")
	}
	if _, err := s.Alert(t.Context(), "a-2"); !errors.Is(err, records.ErrNotFound) {
		t.Errorf("an alert that is not there: %v", err)
	}
}
