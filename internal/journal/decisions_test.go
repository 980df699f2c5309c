package journal_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"math"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"ganlin/devices"
	"ganlin/internal/journal"
)

var (
	plotOne = devices.Location{Plot: "p-001", Site: "sanquan", Place: "500119101001"}
	hourly  = start.Add(time.Hour)
)

// balance returns a plot's decision of one day, with its point.
func balance(n int) devices.Decision {
	return devices.Decision{
		ID: fmt.Sprintf("balance-%d", n), At: hourly, Site: "sanquan", Subject: "p-001", Plot: "p-001", Rule: "water", Version: "0123456789ab",
		Kind: devices.BalanceDecision, Outcome: "balanced", Numbers: map[string]float64{"depletion_mm": 41.2}, Unknown: []string{"wind"},
		Evidence: []devices.Evidence{{Device: "s-001", Key: "soil_moisture@20", Value: 0.1, At: start, Received: start.Add(time.Second)}},
		Points: []devices.Point{{
			Measurement: devices.BalanceMeasurement, Location: plotOne, At: hourly, Numbers: map[string]float64{"raw_mm": 60, "depletion_mm": 41.2 + float64(n)},
		}},
	}
}

func (n *node) appendDecisions(tb testing.TB, decisions ...devices.Decision) {
	tb.Helper()
	if err := n.journal.AppendDecisions(tb.Context(), decisions); err != nil {
		tb.Fatal(err)
	}
}

func decisionsOf(records []*journal.Record) (decisions []devices.Decision) {
	for _, r := range records {
		for d := range r.Decisions() {
			decisions = append(decisions, d)
		}
	}
	return decisions
}

func withoutPoints(decisions ...devices.Decision) (bare []devices.Decision) {
	for _, d := range decisions {
		d.Points = nil
		bare = append(bare, d)
	}
	return bare
}

func linesOf(tb testing.TB, r *journal.Record) string {
	tb.Helper()
	var b strings.Builder
	for line, values := range r.Lines() {
		if values != 0 {
			tb.Errorf("%d values in %s", values, line)
		}
		b.Write(line)
	}
	return b.String()
}

func TestDecisionsAndTheirLines(t *testing.T) {
	n := newNode(t, t.TempDir(), nil)
	water := balance(0)
	command := devices.Decision{
		ID: "command-1", At: hourly, Site: "sanquan", Subject: "v-001", Plot: "p-001", Rule: "water", Kind: devices.CommandDecision, Outcome: "open",
		Command: &devices.Command{ID: "c-1", Seq: 1783010400123, Action: devices.Open, MaxDurationS: 5400, ExpiresAt: hourly.Add(time.Hour)},
	}
	others := devices.Decision{ID: "others", At: hourly, Points: []devices.Point{
		{Measurement: devices.LedgerMeasurement, Location: plotOne, Valve: "v-001", At: hourly, Numbers: map[string]float64{"commanded_l": 1e7, "delivered_l": 812.5}},
		{
			Measurement: devices.AlertMeasurement, Location: plotOne, Rule: "drought", Severity: "critical", At: hourly.Add(1234567),
			Integers: map[string]int64{"state": 2}, Texts: map[string]string{"id": "a \"b\" c\\d=1,e=2i\nf\t三\xff", "A": ""}, Numbers: map[string]float64{"z": -1e-7, "nan": math.NaN(), "inf": math.Inf(1)},
		},
		{Measurement: devices.ClueMeasurement, Location: devices.Location{Place: "500119101001"}, At: hourly, Integers: map[string]int64{"raised": math.MinInt64}},
		{Measurement: devices.ClueMeasurement, At: time.UnixMilli(-1), Integers: map[string]int64{"open": 0}},
		{Measurement: devices.BalanceMeasurement, Location: plotOne, At: hourly, Numbers: map[string]float64{"eto_mm": math.NaN()}},
	}}
	n.appendDecisions(t, water, command, others)
	records := n.read(t, journal.Position{})
	if len(records) != 1 {
		t.Fatalf("got %d records, want 1", len(records))
	}
	const want = `balance,place=500119101001,plot=p-001,site=sanquan depletion_mm=41.2,raw_mm=60 1782997200000
ledger,place=500119101001,plot=p-001,site=sanquan,valve=v-001 commanded_l=1e+07,delivered_l=812.5 1782997200000
alert,place=500119101001,plot=p-001,rule=drought,severity=critical,site=sanquan A="",id="a \"b\" c\\d=1,e=2i f 三` + "\uFFFD" + `",state=2i,z=-1e-07 1782997200001
clue,place=500119101001 raised=-9223372036854775808i 1782997200000
clue open=0i -1
`
	if diff := cmp.Diff(want, linesOf(t, records[0])); diff != "" {
		t.Errorf("lines: (-want +got)\n%s", diff)
	}
	if diff := cmp.Diff(withoutPoints(water, command, others), decisionsOf(records)); diff != "" {
		t.Errorf("decisions: (-want +got)\n%s", diff)
	}
	for f := range records[0].Facts() {
		t.Errorf("fact %+v", f)
	}
	if c := n.journal.Counters(); records[0].Values() != 0 || !cmp.Equal(c, journal.Counters{}, cmpopts.EquateEmpty()) {
		t.Errorf("%d values, counters %+v", records[0].Values(), c)
	}
}

// Readings, versions and acts come as facts, in order; what is decided between
// them is passed over and changes no count and no duplicate, also after the
// index was made anew.
func TestFactsBesideDecisions(t *testing.T) {
	n := newNode(t, t.TempDir(), nil)
	version := devices.Version{Registry: "abc", Rules: "def"}
	act := devices.Act{ID: "act-1", At: start.Add(1234 * time.Microsecond), Action: devices.StopAct, By: "op", Reason: "flood"}
	probe := message("p-001", 0, devices.SoilMoisture) // a device that is named like a plot
	steps := []func() error{
		func() error { return n.journal.AppendVersion(t.Context(), start, []devices.SiteID{"a", "b"}, version) },
		func() error { return n.journal.AppendVersion(t.Context(), start, nil, version) },
		func() error { n.append(t, probe); return nil },
		func() error { n.appendDecisions(t, balance(1), balance(2)); return nil },
		func() error { return n.journal.AppendAct(t.Context(), act) },
		func() error { n.append(t, probe); return nil },
	}
	for i, step := range steps {
		if err := step(); err != nil {
			t.Fatalf("step %d: %v", i, err)
		}
	}
	ofSite := func(site devices.SiteID) devices.Fact {
		return devices.Fact{Kind: devices.VersionFact, At: start, Location: devices.Location{Site: site}, Version: &version}
	}
	want := []devices.Fact{
		ofSite("a"), ofSite("b"), ofSite(""),
		{Kind: devices.ReadingFact, At: start, Device: "p-001", Location: plotOne, Key: devices.Key{Quantity: devices.SoilMoisture}, Value: 0.25},
		{Kind: devices.ActFact, At: start.Add(time.Millisecond), Act: &act},
	}
	var got []devices.Fact
	records := n.read(t, journal.Position{})
	for _, r := range records {
		for f := range r.Facts() {
			if f.Received.IsZero() || f.Received.Location() != time.UTC {
				t.Errorf("%+v was received at %v", f, f.Received)
			}
			got = append(got, f)
		}
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(devices.Fact{}, "Received")); diff != "" {
		t.Errorf("facts: (-want +got)\n%s", diff)
	}
	if c := n.journal.Counters(); len(records) != len(steps) || c.Received != 2 || c.Values != 2 || c.Duplicate != 1 {
		t.Errorf("%d records, counters %+v", len(records), c)
	}
	n.close(t)
	removeAll(t, n.dir, "journal/seen.db", "journal/seen.db-wal", "journal/seen.db-shm")
	n.start(t)
	n.append(t, probe, message("p-001", 3600, devices.SoilMoisture)) // the second at the time of the decisions
	if c := n.journal.Counters(); c.Values != 4 || c.Duplicate != 2 {
		t.Errorf("counters %+v after the index was made anew", c)
	}
}

// Any number of decisions goes into as few records as they fit in.
func TestManyDecisions(t *testing.T) {
	writes, largest := 0, 0
	n := newNode(t, t.TempDir(), func(o *journal.Options) {
		o.Wrote = func(bytes int, _ time.Duration) { writes, largest = writes+1, max(largest, bytes) }
	})
	if n.appendDecisions(t); writes != 0 {
		t.Error("a record of nothing")
	}
	var all []devices.Decision
	size := 0
	for i := range 3000 {
		d := balance(i)
		d.Texts = map[string]string{"text": strings.Repeat("x", i)}
		if i == 1500 { // larger than a record should be, and yet it fits
			d.Texts["text"] = strings.Repeat("x", 2<<20)
		}
		size += len(d.Texts["text"]) + 700
		all = append(all, d)
	}
	n.appendDecisions(t, all...)
	if diff := cmp.Diff(withoutPoints(all...), decisionsOf(n.read(t, journal.Position{}))); diff != "" {
		t.Errorf("decisions: (-want +got)\n%s", diff)
	}
	if most := size/(1<<20) + 1; writes > most || largest > 4<<20 {
		t.Errorf("%d writes of at most %d bytes; %d should do", writes, largest, most)
	}
}

func TestImpossibleDecisions(t *testing.T) {
	var log bytes.Buffer
	n := newNode(t, t.TempDir(), func(o *journal.Options) { o.Log = slog.New(slog.NewTextHandler(&log, nil)) })
	infinite, large, undated := balance(1), balance(2), balance(3)
	infinite.Numbers = map[string]float64{"rain_mm": math.Inf(1)}
	large.Texts = map[string]string{"text": strings.Repeat("x", 8<<20)}
	undated.At = time.Date(12_000, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, d := range []devices.Decision{infinite, large, undated} {
		if err := n.journal.AppendDecisions(t.Context(), []devices.Decision{d}); err == nil || !strings.Contains(err.Error(), d.ID) {
			t.Errorf("%s: %v", d.ID, err)
		}
	}
	if err := n.journal.AppendAct(t.Context(), devices.Act{ID: "act-1", At: undated.At}); err == nil || !strings.Contains(err.Error(), "act-1") {
		t.Errorf("an act of no year: %v", err)
	}
	if end := n.journal.State().End; end.Sequence != 0 {
		t.Errorf("something was written: %s", end)
	}

	// A point that would break a line, pass for a reading or say more than ids is left out, and nothing else.
	good := balance(4)
	for _, p := range []devices.Point{
		{Measurement: devices.SoilMeasurement},
		{Measurement: "weird"},
		{Measurement: ""},
		{Measurement: devices.AlertMeasurement, Rule: "a b"},
		{Measurement: devices.AlertMeasurement, Severity: "警告"},
		{Measurement: devices.AlertMeasurement, Valve: "v,1"},
		{Measurement: devices.AlertMeasurement, Location: devices.Location{Plot: "p\n1"}},
		{Measurement: devices.AlertMeasurement, Location: devices.Location{Site: `s\`}},
		{Measurement: devices.AlertMeasurement, Location: devices.Location{Place: "重庆"}},
		{Measurement: devices.AlertMeasurement, Texts: map[string]string{"a=b": ""}},
		{Measurement: devices.AlertMeasurement, Texts: map[string]string{"x": ""}},
	} {
		p.Integers = map[string]int64{"x": 1}
		good.Points = append(good.Points, p)
	}
	n.appendDecisions(t, good, balance(5))
	records := n.read(t, journal.Position{})
	if got := linesOf(t, records[0]); strings.Count(got, "\n") != 2 || strings.Count(got, "balance,") != 2 {
		t.Errorf("lines:\n%s", got)
	}
	if told := strings.Count(log.String(), "decision=balance-4"); told != len(good.Points)-1 || len(decisionsOf(records)) != 2 {
		t.Errorf("%d of %d points were logged; %d decisions", told, len(good.Points)-1, len(decisionsOf(records)))
	}
}

// Records that were written before there were decisions are read as ever.
func TestRecordsBeforeDecisions(t *testing.T) {
	var facts []devices.FactKind
	values, dead := 0, 0
	last := &journal.Record{}
	for i := range 2 {
		raw, err := os.ReadFile(fmt.Sprintf("testdata/before-decisions-%d.txt", i+1))
		if err != nil {
			t.Fatal(err)
		}
		r, err := journal.NewRecord(raw)
		if err != nil {
			t.Fatal(err)
		}
		for f := range r.Facts() {
			facts = append(facts, f.Kind)
		}
		for range r.DeadLetters() {
			dead++
		}
		values += r.Values()
		last = r
	}
	want := []devices.FactKind{devices.ReadingFact, devices.ReadingFact, devices.PresenceFact, devices.ReportFact, devices.TickFact}
	if diff := cmp.Diff(want, facts); diff != "" || values != 2 || dead != 1 {
		t.Errorf("%d values, %d dead letters, facts: (-want +got)\n%s", values, dead, diff)
	}
	if got := last.Position().Sequence; got != 2 || last.Counters().Values != 3 {
		t.Errorf("record %d with %+v", got, last.Counters())
	}
}
