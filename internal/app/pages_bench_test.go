package app

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"ganlin/devices"
	"ganlin/ingest"
	"ganlin/internal/httpapi"
	"ganlin/internal/records"
	"ganlin/internal/registry"
)

// answerTime is how long a page may take at the server.
const answerTime = 300 * time.Millisecond

// BenchmarkPages asks for pages while 10,000 plots live at sixty times the pace of
// life: a tick every half a second, every probe's reading every half an hour of
// event time, an evaluation of all rules every ten seconds, a midnight with its
// 10,000 balances, and a burst in which all probes speak at once. It reports the
// slowest answer of each page.
func BenchmarkPages(b *testing.B) {
	for _, c := range []struct{ sites, plots int }{{250, 40}, {1, 10_000}} {
		b.Run(fmt.Sprintf("sites=%d", c.sites), func(b *testing.B) { benchmarkPages(b, c.sites, c.plots) })
	}
}

func benchmarkPages(b *testing.B, sites, plots int) {
	b.Helper()
	land := manyPlots(sites, plots)
	s := openStill(b, b.TempDir(), func(o *programOptions) { o.files = []*registry.File{registry.Read("registry.yaml", []byte(land))} })
	ctx, stop := context.WithCancel(b.Context())
	ended := make(chan error, 2)
	go func() { ended <- s.engine.Run(ctx) }()
	go func() { ended <- s.recent.run(ctx) }()
	defer func() {
		stop()
		for range 2 {
			if err := <-ended; err != nil {
				b.Error(err)
			}
		}
	}()
	midnight := time.Now().UTC().Truncate(24 * time.Hour).Add(-32 * time.Hour) // of the village
	l := lived{still: s, at: midnight.Add(-26*time.Hour - 20*time.Minute)}
	for l.at.Before(midnight.Add(-time.Hour)) { // a day and more, so that all is known
		l.pass(b, time.Hour)
	}
	manyClues(b, s, 10_000)
	farmer := bearer(s.add(b, httpapi.NewAccount{ID: "f", Role: "farmer", Household: "h-0-7"}))
	worker := bearer(s.add(b, httpapi.NewAccount{ID: "g", Role: "grid_worker", Places: []devices.PlaceCode{"500119101"}}))
	operator := bearer(s.token)
	pages := []struct {
		name, path string
		who        func(*http.Request)
	}{
		{"front", "/?lang=zh", operator},
		{"village", "/village?lang=zh", operator},
		{"village-sorted", "/village?lang=zh&sort=stress&page=7", operator},
		{"village-found", "/village?lang=zh&q=p-0-77", operator},
		{"plot", "/plots/p-0-7?lang=zh", operator},
		{"my", "/my?lang=zh", farmer},
		{"api-plots", "/api/v1/plots?limit=500", operator},
		{"api-plots-far", "/api/v1/plots?limit=500&after=" + s.nextPlots(b, operator), operator},
		{"api-clues", "/api/v1/risk/clues", worker},
		{"api-status", "/api/v1/status", operator},
		{"metrics", "/metrics", operator},
	}
	took := make([][]time.Duration, len(pages))
	living, still := make(chan struct{}), l
	go func() {
		defer close(living)
		turn := time.NewTicker(500 * time.Millisecond)
		defer turn.Stop()
		for n := range 120 {
			<-turn.C
			burst := n == 90
			still.half(b, burst)
		}
	}()
	b.ResetTimer()
	for over := false; !over; {
		for i, page := range pages {
			begin := time.Now()
			res := s.ask("GET", page.path, page.who)
			took[i] = append(took[i], time.Since(begin))
			if res.StatusCode != http.StatusOK {
				text, _ := io.ReadAll(res.Body)
				b.Fatalf("%s: %s %.300s", page.path, res.Status, text)
			}
		}
		select {
		case <-living:
			over = true
		default:
		}
	}
	b.StopTimer()
	b.ReportMetric(0, "ns/op")
	for i, page := range pages {
		slices.Sort(took[i])
		n := len(took[i])
		slowest := took[i][n-1]
		b.Logf("%-16s %4d times: half within %5.1f ms, 95 %% within %5.1f ms, the slowest %5.1f ms", page.name, n,
			ms(took[i][n/2]), ms(took[i][n*95/100]), ms(slowest))
		if slowest > answerTime {
			b.Errorf("%s took %s", page.path, slowest)
		}
	}
}

// nextPlots returns the cursor of the second page of plots.
func (s still) nextPlots(b *testing.B, who func(*http.Request)) string {
	b.Helper()
	var page struct{ Next string }
	if err := json.NewDecoder(s.ask("GET", "/api/v1/plots?limit=500", who).Body).Decode(&page); err != nil || page.Next == "" {
		b.Fatalf("no second page of plots: %v", err)
	}
	return page.Next
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// A lived is a program whose journal is told what devices say.
type lived struct {
	still
	at  time.Time
	seq int64
}

// pass lets time pass with a reading of every device and a tick at the end.
func (l *lived) pass(b *testing.B, d time.Duration) {
	b.Helper()
	l.at = l.at.Add(d)
	l.say(b, l.registry.Load().Devices(), l.at)
	l.tick(b)
	if err := l.engine.WaitTick(b.Context(), l.at); err != nil {
		b.Fatal(err)
	}
}

// half lets half a minute pass, in which every sixtieth device speaks, or all do.
func (l *lived) half(b *testing.B, burst bool) {
	b.Helper()
	all := l.registry.Load().Devices()
	var some []devices.Device
	for i, d := range all {
		if burst || int64(i)%60 == l.at.Unix()/30%60 {
			some = append(some, d)
		}
	}
	l.say(b, some, l.at.Add(29*time.Second))
	l.at = l.at.Add(30 * time.Second)
	l.tick(b)
}

func (l *lived) tick(b *testing.B) {
	b.Helper()
	if err := l.journal.AppendTicks(b.Context(), l.at, l.sites()); err != nil {
		b.Error(err)
	}
}

// say puts a reading of each device into the journal.
func (l *lived) say(b *testing.B, some []devices.Device, at time.Time) {
	b.Helper()
	sun := max(0, math.Sin(math.Pi*(float64((at.Hour()+8)%24)-6)/13))
	for group := range slices.Chunk(some, 170) {
		var batch []ingest.Decoded
		for _, d := range group {
			l.seq++
			where, _ := l.Locate(d.ID)
			one := ingest.Decoded{Device: d.ID, Location: where, Received: at.Add(time.Second)}
			reading := ingest.Reading{At: at, Seq: l.seq, HasSeq: true, Timing: ingest.DeviceTime}
			add := func(q devices.Quantity, depth string, v float64) {
				reading.Values = append(reading.Values, ingest.Value{Key: devices.Key{Quantity: q, DepthCM: depth}, Number: math.Round(v*1e4) / 1e4})
			}
			switch {
			case d.Station != "":
				add(devices.AirTemperature, "", 27+8*sun)
				add(devices.RelativeHumidity, "", 75-30*sun)
				add(devices.WindSpeed, "", 1.5)
				add(devices.SolarRadiation, "", 850*sun)
				add(devices.RainTotal, "", 12)
			case d.MaxDurationS > 0:
				one.Report = &devices.CommandReport{State: devices.Closed, At: at, Seq: l.seq}
			default:
				dry := 0.15 + 0.1*float64(l.seq%97)/97
				for k, depth := range []string{"20", "40", "60"} {
					add(devices.SoilMoisture, depth, dry+0.01*float64(k))
				}
				add(devices.SoilTemperature, "20", 24+sun)
				add(devices.BatteryVoltage, "", 3.6)
			}
			if one.Values = len(reading.Values); one.Values > 0 {
				one.Readings = []ingest.Reading{reading}
			}
			batch = append(batch, one)
		}
		if err := l.journal.Append(b.Context(), batch); err != nil {
			b.Error(err)
		}
	}
}

// manyClues keeps so many clues, every second one withdrawn.
func manyClues(b *testing.B, s still, n int) {
	b.Helper()
	var clues []records.ClueRow
	for i := range n {
		at := clueDay.Add(time.Duration(i) * time.Minute)
		one := records.ClueRow{
			ID: fmt.Sprintf("c-%d", i), Household: devices.HouseholdID(fmt.Sprintf("h-0-%d", i)), Site: "site-0", Place: devices.PlaceCode(fmt.Sprintf("500119101%03d", i%250+1)),
			State: "raised", Level: []string{"blue", "yellow", "orange", "red"}[i%4], Cause: "drought", RaisedAt: at, UpdatedAt: at, Decision: fmt.Sprintf("d-%d", i),
			Body: fmt.Appendf(nil, `{"confidence":"medium","loss_low":0.1,"loss_mid":0.%03d,"loss_high":0.9,"plots":[{"plot":"p-0-%d","area_mu":3.2,"loss":0.2}]}`, i%1000, i%40),
		}
		if i%2 == 1 {
			one.State, one.WithdrawnAt = "withdrawn", at.Add(time.Hour)
		}
		clues = append(clues, one)
	}
	if err := s.records.CommitEffects(b.Context(), records.Effects{Progress: records.Progress{Reader: "none"}, Clues: clues}); err != nil {
		b.Fatal(err)
	}
}

// manyPlots is a registry of sites with so many plots each: a station for every
// forty of them, a probe on each, a valve on two of three.
func manyPlots(sites, plots int) string {
	var b strings.Builder
	section := func(name string, each func(site int)) {
		b.WriteString(name + ":\n")
		for s := range sites {
			each(s)
		}
	}
	place := func(s int) string { return fmt.Sprintf("500119101%03d", s+1) }
	section("places", func(s int) { fmt.Fprintf(&b, "  - {code: %q, name: 村%d}\n", place(s), s) })
	section("sites", func(s int) { fmt.Fprintf(&b, "  - {id: site-%d, place: %q, timezone: Asia/Shanghai}\n", s, place(s)) })
	section("stations", func(s int) {
		for w := range (plots + 39) / 40 {
			fmt.Fprintf(&b, "  - {id: w-%d-%d, latitude: %.3f, longitude: %.3f, elevation_m: 640}\n", s, w, 29+0.01*float64(s%16+w%16), 107+0.01*float64(s/16+w/16))
		}
	})
	section("plots", func(s int) {
		for p := range plots {
			valves := ""
			if p%3 > 0 {
				valves = fmt.Sprintf(", valves: [v-%d-%d]", s, p)
			}
			fmt.Fprintf(&b, "  - {id: p-%d-%d, place: %q, station: w-%d-%d, household: h-%d-%d, area_mu: 3.2, crop: maize_grain, planted: %s, soil: silt_loam%s}\n",
				s, p, place(s), s, p/40, s, p/2, time.Now().AddDate(0, 0, -60).Format(time.DateOnly), valves)
		}
	})
	section("devices", func(s int) {
		for w := range (plots + 39) / 40 {
			fmt.Fprintf(&b, "  - {id: w-%d-%d, model: ganlin-weather-1, station: w-%d-%d}\n", s, w, s, w)
		}
		for p := range plots {
			fmt.Fprintf(&b, "  - {id: s-%d-%d, model: ganlin-soil-3, plot: p-%d-%d}\n", s, p, s, p)
			if p%3 > 0 {
				fmt.Fprintf(&b, "  - {id: v-%d-%d, model: ganlin-valve-1, plot: p-%d-%d, max_duration_s: 7200}\n", s, p, s, p)
			}
		}
	})
	return b.String()
}
