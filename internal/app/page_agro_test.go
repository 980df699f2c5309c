package app

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"ganlin/devices"
	"ganlin/internal/config"
	"ganlin/internal/httpapi"
	"ganlin/internal/influx"
	"ganlin/internal/influx/influxtest"
	"ganlin/internal/records"
)

// TestAgronomistsPages reads a plot's history back from a real database, and
// shows plots and decisions to those who look after them and to nobody else.
func TestAgronomistsPages(t *testing.T) {
	database := influxtest.Start(t)
	s := openStill(t, t.TempDir(), func(o *programOptions) {
		o.config.Influx = &config.Influx{URL: database.URL, Org: database.Org, Bucket: database.Bucket, Token: config.NewSecret(database.Token)}
	})
	now := time.Now().UTC()
	writePlotHistory(t, s, now)
	agronomist := bearer(s.add(t, httpapi.NewAccount{ID: "a", Role: "agronomist", Sites: []devices.SiteID{"sanquan"}}))
	elsewhere := bearer(s.add(t, httpapi.NewAccount{ID: "b", Role: "agronomist", Places: []devices.PlaceCode{"510000"}}))
	farmer := bearer(s.add(t, httpapi.NewAccount{ID: "f", Role: "farmer", Household: "h-001"}))

	page := text(t, s.ask("GET", "/plots/p-001?lang=en", agronomist))
	for _, want := range []string{"p-001", "no readings from", "2,100 L were delivered", `href="/decisions/dd01?lang=en"`} {
		if !strings.Contains(page, want) {
			t.Errorf("the plot's page does not say %q", want)
		}
	}
	_, rest, _ := strings.Cut(page, `id="series">`)
	drawn, _, _ := strings.Cut(rest, "</script>")
	var chart struct {
		Moisture, Balance, Water []struct {
			Key string
			T   []int64
			V   []*float64
		}
	}
	if err := json.Unmarshal([]byte(drawn), &chart); err != nil || len(chart.Moisture) != 2 || len(chart.Balance) != 3 || len(chart.Water) != 3 {
		t.Fatalf("%v: %.300s", err, drawn)
	}
	if m := chart.Moisture[0]; m.Key != "20" || len(m.V) != 97 || *m.V[0] != 0.25 || m.V[24] != nil {
		t.Errorf("the moisture at %s cm has %d values: %s", m.Key, len(m.V), drawn)
	}
	if b := chart.Balance[0]; len(b.V) != 2 || *b.V[1] != 42.5 {
		t.Errorf("the balance is drawn as %v", b)
	}
	mm, days := 0.0, 0
	for _, v := range chart.Water[2].V {
		if v != nil {
			mm, days = mm+*v, days+1
		}
	}
	if days != 1 || mm != 0.98 { // 2,100 L on 3.2 mu
		t.Errorf("%g mm were delivered on %d days", mm, days)
	}

	for _, c := range []struct {
		who    func(*http.Request)
		path   string
		status int
		says   string
	}{
		{agronomist, "/village", 200, "/plots/p-002"},
		{elsewhere, "/village", 200, "There are no plots here"},
		{agronomist, "/plots/p-002", 200, "nothing was measured"},
		{elsewhere, "/plots/p-001", 404, "no such page"},
		{agronomist, "/plots/p-999", 404, "no such page"},
		{agronomist, "/decisions/dd01", 200, "2,100 L were delivered"},
		{farmer, "/decisions/dd01", 200, "2,100 L were delivered"},
		{farmer, "/decisions/dd02", 404, "no such page"}, // of a neighbour
		{elsewhere, "/decisions/dd01", 404, "no such page"},
		{agronomist, "/decisions/dd03", 200, "Likely loss"},
		{elsewhere, "/decisions/dd03", 404, "no such page"},
		{agronomist, "/decisions/dd", 404, "no such page"}, // several begin so
	} {
		res := s.ask("GET", c.path+"?lang=en", c.who)
		if got := text(t, res); res.StatusCode != c.status || !strings.Contains(got, c.says) {
			t.Errorf("%s: %d %.3000s, want %d and %q", c.path, res.StatusCode, got, c.status, c.says)
		}
	}
	same := func(path string) string { return text(t, s.ask("GET", path, elsewhere)) }
	if a, b := same("/plots/p-001?lang=en"), same("/plots/p-999?lang=en"); strings.ReplaceAll(a, "p-001", "") != strings.ReplaceAll(b, "p-999", "") {
		t.Error("a foreign plot and a missing one look different")
	}
}

// TestPlotPageWithoutDatabase stands on what is in memory and in the records.
func TestPlotPageWithoutDatabase(t *testing.T) {
	s := openStill(t, t.TempDir(), nil) // nothing listens where its database should be
	agronomist := bearer(s.add(t, httpapi.NewAccount{ID: "a", Role: "agronomist", Sites: []devices.SiteID{"sanquan"}}))
	if err := s.records.CommitEffects(t.Context(), records.Effects{Decisions: plotDecisions(time.Now().UTC())}); err != nil {
		t.Fatal(err)
	}
	res := s.ask("GET", "/plots/p-001?lang=en", agronomist)
	page := text(t, res)
	for _, want := range []string{"The database does not answer now", "No reading is lost", `href="/decisions/dd01?lang=en"`} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	if res.StatusCode != http.StatusOK || strings.Contains(page, `id="series"`) {
		t.Errorf("%d, and a chart of nothing", res.StatusCode)
	}
}

// plotDecisions are one of each plot and one of a household.
func plotDecisions(now time.Time) []devices.Decision {
	base := devices.Decision{At: now.Add(-5 * time.Hour), Site: "sanquan", Rule: "lease", Version: "1", Kind: devices.LedgerDecision, Outcome: "device"}
	mine, neighbours, clue := base, base, base
	mine.ID, mine.Subject, mine.Plot = "dd01", "p-001", "p-001"
	mine.Numbers = map[string]float64{"commanded_l": 2200, "delivered_l": 2100, "duration_s": 1800}
	neighbours.ID, neighbours.Subject, neighbours.Plot, neighbours.Numbers = "dd02", "p-002", "p-002", mine.Numbers
	clue.ID, clue.Subject, clue.Kind, clue.Outcome, clue.Severity = "dd03", "h-001", devices.ClueDecision, "raised", "orange"
	clue.Numbers = map[string]float64{"loss_low": 0.2, "loss_mid": 0.3, "loss_high": 0.4}
	neighbours.At = now.AddDate(0, 0, -30)
	return []devices.Decision{mine, neighbours, clue}
}

// writePlotHistory stores two days of a probe that was silent for six hours, two balances and an opening.
func writePlotHistory(t *testing.T, s still, now time.Time) {
	t.Helper()
	var lines []influx.Line
	add := func(at time.Time, format string, args ...any) {
		lines = append(lines, influx.Line{Text: fmt.Appendf(nil, format+" %d", append(args, at.UnixMilli())...), Values: 1})
	}
	begin := now.Truncate(30 * time.Minute).Add(-54 * time.Hour)
	for i := range 108 {
		if i >= 24 && i < 36 {
			continue
		}
		at := begin.Add(time.Duration(i) * 30 * time.Minute)
		add(at, "soil,device=s-1,plot=p-001,site=sanquan,depth_cm=20 soil_moisture=0.25")
		add(at, "soil,device=s-1,plot=p-001,site=sanquan,depth_cm=40 soil_moisture=0.28")
	}
	beijing, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		t.Fatal(err)
	}
	local := now.In(beijing)
	today := time.Date(local.Year(), local.Month(), local.Day(), 0, 0, 0, 0, beijing)
	add(today.AddDate(0, 0, -2), "balance,plot=p-001,site=sanquan depletion_mm=40,raw_mm=55,taw_mm=110,rain_mm=2.5,irrigation_mm=0")
	add(today.AddDate(0, 0, -1), "balance,plot=p-001,site=sanquan depletion_mm=42.5,raw_mm=55,taw_mm=110,rain_mm=0,irrigation_mm=1")
	add(now.Add(-5*time.Hour), "ledger,plot=p-001,site=sanquan,valve=v-1 commanded_l=2200,delivered_l=2100,duration_s=1800")
	add(now.Add(-4*time.Hour), "soil,device=s-2,plot=p-002,site=sanquan,depth_cm=20 air_temperature=1") // of another plot, and no moisture
	if r, err := s.writer.Write(t.Context(), lines); err != nil || len(r.Dead) > 0 {
		t.Fatalf("%+v %v", r, err)
	}
	if err := s.records.CommitEffects(t.Context(), records.Effects{Decisions: plotDecisions(now)}); err != nil {
		t.Fatal(err)
	}
}
