package records_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"ganlin/devices"
	"ganlin/internal/records"
)

// decision returns the nth of a season: each is of another hour, plot and kind.
func decision(n int) devices.Decision {
	plot := devices.PlotID(fmt.Sprintf("p-%03d", n%7))
	at := noon.Add(time.Duration(n) * time.Hour)
	d := devices.Decision{
		ID: fmt.Sprintf("%c%06d", 'a'+n%3, n), At: at, Site: "sanquan", Subject: string(plot), Plot: plot, Rule: "water-balance", Version: "0123456789ab",
		Kind: []devices.DecisionKind{devices.BalanceDecision, devices.AlertDecision}[n%2], Outcome: "balanced", Severity: "warning",
		Numbers:   map[string]float64{"depletion_mm": 0.1 + float64(n)/3, "taw_mm": math.MaxFloat64, "rain_mm": math.SmallestNonzeroFloat64},
		Texts:     map[string]string{"grade": "重旱 <&>\n\"\\"},
		Unknown:   []string{"wind"},
		Estimated: []string{"radiation"},
		Evidence:  []devices.Evidence{{Device: "s-1", Key: "soil_moisture@20", Value: 0.231, At: at.Add(-time.Minute), Received: at}},
		Points: []devices.Point{{
			Measurement: devices.BalanceMeasurement, Location: devices.Location{Plot: plot, Site: "sanquan", Place: "500119101001"}, Valve: "v-1", Rule: "r", Severity: "s",
			At: at, Numbers: map[string]float64{"depletion_mm": 41.2}, Integers: map[string]int64{"state": 1 << 62}, Texts: map[string]string{"id": "x"},
		}},
	}
	if n%2 == 1 {
		d.Command = &devices.Command{ID: d.ID, Seq: int64(n), Action: devices.Open, MaxDurationS: 5400, ExpiresAt: at.Add(time.Hour)}
		d.Points = nil
	}
	return d
}

func seasonOf(from, to int) (decisions []devices.Decision) {
	for n := from; n < to; n++ {
		decisions = append(decisions, decision(n))
	}
	return decisions
}

func effects(n int, decisions ...devices.Decision) records.Effects {
	return records.Effects{Progress: records.Progress{Reader: "rules", Position: fmt.Sprint(n)}, Decisions: decisions}
}

func commit(tb testing.TB, s *records.Store, e records.Effects) {
	tb.Helper()
	if err := s.CommitEffects(tb.Context(), e); err != nil {
		tb.Fatal(err)
	}
}

func withoutPoints(decisions []devices.Decision) []devices.Decision {
	bare := make([]devices.Decision, len(decisions))
	for i, d := range decisions {
		d.Points = nil
		bare[i] = d
	}
	return bare
}

func same(tb testing.TB, what string, want, got any, err error) {
	tb.Helper()
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); err != nil || diff != "" {
		tb.Errorf("%s: %v (-want +got):\n%s", what, err, diff)
	}
}

func TestDecisionsAreWhatWasCommitted(t *testing.T) { onBoth(t, testDecisionsAreWhatWasCommitted) }

func testDecisionsAreWhatWasCommitted(r run) {
	t, in := r.T, r.in
	s := openStore(t, in.place(t))
	all := seasonOf(0, 25)
	for _, part := range [][]devices.Decision{all[:10], all[5:25], all[3:4], nil} { // some come twice
		commit(t, s, effects(len(part), part...))
	}
	p, err := s.Progress(t.Context(), "rules")
	same(t, "progress", records.Progress{Reader: "rules", Position: "0"}, p, err)

	var published []devices.Decision
	var last int64
	for {
		page, to, err := s.UnpublishedDecisions(t.Context(), last, 10)
		if err != nil {
			t.Fatal(err)
		}
		if len(page) == 0 {
			if to != last {
				t.Errorf("nothing after %d, and yet %d", last, to)
			}
			break
		}
		published, last = append(published, page...), to
	}
	same(t, "to be published", all, published, nil)

	bare := withoutPoints(all)
	var each []devices.Decision
	err = s.EachDecision(t.Context(), func(d devices.Decision) error {
		each = append(each, d)
		return nil
	})
	same(t, "each", bare, each, err)
	enough := errors.New("enough")
	if err := s.EachDecision(t.Context(), func(devices.Decision) error { return enough }); !errors.Is(err, enough) {
		t.Errorf("a walk that was ended: %v", err)
	}
}

// Time, site, subject, rule and kind order the decisions, whenever they came.
func TestEachDecisionIsSorted(t *testing.T) { onBoth(t, testEachDecisionIsSorted) }

func testEachDecisionIsSorted(r run) {
	t, in := r.T, r.in
	s := openStore(t, in.place(t))
	var all []devices.Decision
	for i := range 32 {
		at := func(bit int, a, b string) string { return []string{a, b}[i>>bit&1] }
		all = append(all, devices.Decision{
			ID: fmt.Sprint(i), At: noon.Add(time.Duration(i>>4) * time.Millisecond), Site: devices.SiteID(at(3, "a", "b")), Subject: at(2, "P", "p"),
			Rule: at(1, "r", "r-1"), Kind: devices.DecisionKind(at(0, "alert", "balance")),
		})
	}
	for i := range all {
		commit(t, s, effects(i, all[(i*13+5)%len(all)]))
	}
	var got []devices.Decision
	err := s.EachDecision(t.Context(), func(d devices.Decision) error {
		got = append(got, d)
		return nil
	})
	same(t, "sorted", all, got, err)
}

func TestDecisionByTheBeginningOfItsID(t *testing.T) { onBoth(t, testDecisionByTheBeginningOfItsID) }

func testDecisionByTheBeginningOfItsID(r run) {
	t, in := r.T, r.in
	s := openStore(t, in.place(t))
	all := seasonOf(0, 25)
	all[24].ID = "三泉%_"
	commit(t, s, effects(1, all...))
	commit(t, s, effects(2, devices.Decision{ID: "a00"}))
	for _, c := range []struct {
		id   string
		want string
		err  error
	}{
		{"a000003", "a000003", nil},
		{"a000003x", "", records.ErrNotFound},
		{"a00", "a00", nil}, // itself, though others begin so
		{"a00002", "a000021", nil},
		{"A000021", "", records.ErrNotFound},
		{"a0", "", records.ErrAmbiguous},
		{"三泉", "三泉%_", nil},
		{"%", "", records.ErrNotFound},
		{"", "", records.ErrNotFound},
	} {
		d, err := s.Decision(t.Context(), c.id)
		if d.ID != c.want || !errors.Is(err, c.err) {
			t.Errorf("%q: %q, %v; want %q, %v", c.id, d.ID, err, c.want, c.err)
		}
	}
}

// A decision that is not there is looked for in the index: anybody may ask for one.
func TestDecisionThatIsMissingIsNoScan(t *testing.T) { onBoth(t, testDecisionThatIsMissingIsNoScan) }

func testDecisionThatIsMissingIsNoScan(r run) {
	t, in := r.T, r.in
	file := in.place(t)
	openStore(t, file)
	db := beside(t, file)
	plan := func(query string) (steps string) {
		t.Helper()
		explain := "EXPLAIN QUERY PLAN "
		if in == inPostgres {
			explain = "EXPLAIN "
			change(t, file, `INSERT INTO decision SELECT n, 'd' || n, 0, '', '', '', '', '', '', '', '', '' FROM generate_series(1, 2000) n ON CONFLICT DO NOTHING; ANALYZE decision`)
		}
		rows, err := db.QueryContext(t.Context(), explain+query, "a00", "a01")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = rows.Close() }()
		columns, err := rows.Columns()
		if err != nil {
			t.Fatal(err)
		}
		for rows.Next() {
			row := make([]any, len(columns)) // the step is the last
			for i := range row {
				row[i] = new(string)
			}
			if err := rows.Scan(row...); err != nil {
				t.Fatal(err)
			}
			steps += *row[len(row)-1].(*string) + "\n"
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
		return steps
	}
	search, scan := "SEARCH decision USING INDEX", "SCAN decision"
	if in == inPostgres {
		search, scan = "Index Scan using decision_id_key", "Seq Scan"
	}
	if got := plan(records.DecisionsBeginning); !strings.Contains(got, search) {
		t.Errorf("it is looked for by %s", got)
	}
	if got := plan(`SELECT body FROM decision WHERE SUBSTR(id, 1, 3) = $1 AND id <> $2`); !strings.Contains(got, scan) { // the control
		t.Errorf("a scan is planned as %s", got)
	}
}

func TestDecisionsFiltered(t *testing.T) { onBoth(t, testDecisionsFiltered) }

func testDecisionsFiltered(r run) {
	t, in := r.T, r.in
	s := openStore(t, in.place(t))
	all := withoutPoints(seasonOf(0, 25))
	commit(t, s, effects(1, all...))
	for name, f := range map[string]records.DecisionFilter{
		"all":     {},
		"kind":    {Kind: devices.AlertDecision},
		"subject": {Subject: "p-003"},
		"times":   {Since: noon.Add(3 * time.Hour), Until: noon.Add(9 * time.Hour)},
		"few":     {Limit: 3, Kind: devices.BalanceDecision},
		"none":    {Subject: "p-003", Kind: devices.ClueDecision},
		"before":  {Until: noon},
	} {
		var want []devices.Decision
		for _, d := range slices.Backward(all) {
			if (f.Kind == "" || d.Kind == f.Kind) && (f.Subject == "" || d.Subject == f.Subject) && !d.At.Before(f.Since) && (f.Until.IsZero() || d.At.Before(f.Until)) &&
				(f.Limit == 0 || len(want) < f.Limit) {
				want = append(want, d)
			}
		}
		got, err := s.Decisions(t.Context(), f)
		same(t, name, want, got, err)
	}
}

// What cannot be kept whole is not kept at all.
func TestImpossibleEffects(t *testing.T) { onBoth(t, testImpossibleEffects) }

func testImpossibleEffects(r run) {
	t, in := r.T, r.in
	s := openStore(t, in.place(t))
	infinite := decision(1)
	infinite.Numbers = map[string]float64{"rain_mm": math.Inf(1)}
	for name, bad := range map[string]devices.Decision{"without an id": {}, "without a number": infinite, "of no year": {ID: "x", At: time.Date(12_000, 1, 1, 0, 0, 0, 0, time.UTC)}} {
		if err := s.CommitEffects(t.Context(), effects(1, decision(0), bad)); err == nil {
			t.Errorf("a decision %s was kept", name)
		}
	}
	p, err := s.Progress(t.Context(), "rules")
	same(t, "progress", records.Progress{Reader: "rules"}, p, err)
	got, err := s.Decisions(t.Context(), records.DecisionFilter{})
	same(t, "decisions", []devices.Decision(nil), got, err)

	// A point is only stored; it holds nothing up, and its owner's map is left alone.
	d := decision(0)
	numbers := map[string]float64{"eta_mm": math.NaN(), "eto_mm": math.Inf(-1), "rain_mm": 0}
	d.Points[0].Numbers = numbers
	commit(t, s, effects(1, d))
	if len(numbers) != 3 {
		t.Error("the caller's point was changed")
	}
	want := decision(0)
	want.Points[0].Numbers = map[string]float64{"rain_mm": 0}
	unpublished, _, err := s.UnpublishedDecisions(t.Context(), 0, 10)
	same(t, "points", []devices.Decision{want}, unpublished, err)
}

func TestCommands(t *testing.T) { onBoth(t, testCommands) }

func testCommands(r run) {
	t, in := r.T, r.in
	s := openStore(t, in.place(t))
	command := func(id string, hour int) records.Command {
		at := noon.Add(time.Duration(hour) * time.Hour)
		return records.Command{ID: id, Valve: "v-1", At: at, Command: devices.Command{
			ID: id, Seq: 1783010400123, Action: devices.Open, MaxDurationS: 5400, MaxVolumeL: 12000.5, ExpiresAt: at.Add(time.Hour),
		}}
	}
	a, b, c := command("a", 2), command("b", 1), command("c", 2)
	for n, commands := range [][]records.Command{{a, b}, {b, c}} {
		commit(t, s, records.Effects{Progress: records.Progress{Reader: "rules", Position: fmt.Sprint(n)}, Commands: commands})
	}
	got, err := s.PendingCommands(t.Context())
	same(t, "pending", []records.Command{b, a, c}, got, err)
	for _, state := range []string{records.CommandExpired, records.CommandAnswered} {
		if err := s.SettleCommand(t.Context(), "a", state); err != nil {
			t.Error(err)
		}
	}
	if err := s.SettleCommand(t.Context(), "z", records.CommandAnswered); !errors.Is(err, records.ErrNotFound) {
		t.Errorf("settling nothing: %v", err)
	}
	commit(t, s, records.Effects{Commands: []records.Command{a}}) // once more, after a crash
	got, err = s.PendingCommands(t.Context())
	same(t, "still pending", []records.Command{b, c}, got, err)
}

func TestAlertsAndClues(t *testing.T) { onBoth(t, testAlertsAndClues) }

func testAlertsAndClues(r run) {
	t, in := r.T, r.in
	s := openStore(t, in.place(t))
	alert := func(id string, hour int) records.AlertRow {
		return records.AlertRow{ID: id, Rule: "drought", Subject: "p-1", Plot: "p-1", Site: "sanquan", Severity: "warning", State: "firing", RaisedAt: noon.Add(time.Duration(hour) * time.Hour)}
	}
	clue := func(household devices.HouseholdID, hour int) records.ClueRow {
		at := noon.Add(time.Duration(hour) * time.Hour)
		return records.ClueRow{
			ID: fmt.Sprint(household, hour), Household: household, Site: "sanquan", Place: "500119101001", State: "raised", Level: "yellow", Cause: "drought",
			RaisedAt: at, UpdatedAt: at, Decision: "a000001", Body: json.RawMessage(`{"loss": [0.1, 0.3]}`),
		}
	}
	a, b := alert("a", 1), alert("b", 2)
	h, k := clue("h", 1), clue("k", 2)
	k.Body = nil
	commit(t, s, records.Effects{Alerts: []records.AlertRow{a, b}, Clues: []records.ClueRow{h, k}})
	b.State, b.Severity, b.ResolvedAt = "resolved", "critical", noon.Add(5*time.Hour)
	h.State, h.Level, h.UpdatedAt, h.WithdrawnAt = "withdrawn", "", noon.Add(5*time.Hour), noon.Add(5*time.Hour)
	for range 2 {
		commit(t, s, records.Effects{Alerts: []records.AlertRow{b}, Clues: []records.ClueRow{h}})
	}
	alerts, err := s.Alerts(t.Context(), records.Selection{})
	same(t, "alerts", []records.AlertRow{b, a}, alerts, err)
	alerts, err = s.Alerts(t.Context(), records.Selection{Open: true})
	same(t, "open alerts", []records.AlertRow{a}, alerts, err)
	alerts, err = s.Alerts(t.Context(), records.Selection{Limit: 1})
	same(t, "one alert", []records.AlertRow{b}, alerts, err)
	clues, err := s.Clues(t.Context(), records.Selection{})
	same(t, "clues", []records.ClueRow{k, h}, clues, err)
	clues, err = s.Clues(t.Context(), records.Selection{Open: true, Limit: 5})
	same(t, "open clues", []records.ClueRow{k}, clues, err)

	again := clue("h", 9) // another episode of the household
	commit(t, s, records.Effects{Clues: []records.ClueRow{again}})
	clues, err = s.Clues(t.Context(), records.Selection{Open: true})
	same(t, "raised again", []records.ClueRow{again, k}, clues, err)
	one, _, err := s.ReadClue(t.Context(), reading, h.ID, everybody)
	same(t, "the episode before", h, one, err)
	if _, _, err := s.ReadClue(t.Context(), reading, "h", everybody); !errors.Is(err, records.ErrNotFound) {
		t.Errorf("a clue that was never raised: %v", err)
	}
}

func TestSnapshotsAndVersions(t *testing.T) { onBoth(t, testSnapshotsAndVersions) }

func testSnapshotsAndVersions(r run) {
	t, in := r.T, r.in
	s := openStore(t, in.place(t))
	position, state, err := s.Snapshot(t.Context(), "rules")
	if position != "" || state != nil || err != nil {
		t.Errorf("a snapshot that was never saved: %q, %q, %v", position, state, err)
	}
	for n, content := range []string{"\x00\xff", "", strings.Repeat("state", 1_000_000)} {
		if err := s.SaveSnapshot(t.Context(), "rules", fmt.Sprint(n), []byte(content)); err != nil {
			t.Fatal(err)
		}
		if position, state, err = s.Snapshot(t.Context(), "rules"); position != fmt.Sprint(n) || string(state) != content || err != nil {
			t.Errorf("snapshot %d is %d bytes of %q, %v", n, len(state), position, err)
		}
	}
	if err := s.SaveSnapshot(t.Context(), "empty", "", nil); err != nil {
		t.Error(err)
	}

	for range 2 {
		if err := s.SaveVersion(t.Context(), "rules", "abc", "规则: \n"); err != nil {
			t.Fatal(err)
		}
	}
	kind, content, err := s.Version(t.Context(), "abc")
	if kind != "rules" || content != "规则: \n" || err != nil {
		t.Errorf("%q, %q, %v", kind, content, err)
	}
	if _, _, err := s.Version(t.Context(), "abd"); !errors.Is(err, records.ErrNotFound) {
		t.Errorf("a version that is not there: %v", err)
	}
}

// BenchmarkCommitEffects measures a busy tick: 40 plots with a decision each.
func BenchmarkCommitEffects(b *testing.B) {
	s := openStore(b, inFile.place(b))
	n := 0
	for b.Loop() {
		n++
		e := effects(n, seasonOf(n*40, n*40+40)...)
		e.Commands = []records.Command{{ID: fmt.Sprint(n), Valve: "v-1", At: noon}}
		e.Alerts = []records.AlertRow{{ID: fmt.Sprint(n % 50), RaisedAt: noon}}
		e.Clues = []records.ClueRow{{ID: fmt.Sprint(n % 20), RaisedAt: noon, UpdatedAt: noon}}
		commit(b, s, e)
	}
}

// BenchmarkCommitProgress is the same without effects: the transaction and the disk alone.
func BenchmarkCommitProgress(b *testing.B) {
	s := openStore(b, inFile.place(b))
	n := 0
	for b.Loop() {
		n++
		commit(b, s, effects(n))
	}
}
