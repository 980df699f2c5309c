package dashboards_test

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"math"
	"net/http"
	"slices"
	"testing"
	"time"

	"ganlin/dashboards"
	"ganlin/devices"
)

// fields are Fields that the test sets. They stand in for the program, whose
// real ones live in another package.
type fields struct {
	land      dashboards.Land
	past      dashboards.Past
	decisions map[string]dashboards.Decided
	fails     error
}

func (f fields) Land(context.Context) dashboards.Land { return f.land }

func (f fields) Field(_ context.Context, id devices.PlotID) (dashboards.Field, error) {
	if f.fails != nil {
		return dashboards.Field{}, f.fails
	}
	for _, one := range f.land.Fields {
		if one.ID == id {
			seen := *one
			for _, tap := range seen.Taps { // whoever looks may act
				seen.Acts = append(seen.Acts, dashboards.HomeTap{Valve: tap, Longest: 2 * time.Hour, Reachable: dashboards.IsOnline})
			}
			return seen, nil
		}
	}
	return dashboards.Field{}, dashboards.ErrNothing
}

func (f fields) Past(context.Context, dashboards.Field, time.Time, time.Duration) dashboards.Past {
	return f.past
}

func (f fields) Decision(_ context.Context, id string) (dashboards.Decided, error) {
	if f.fails != nil {
		return dashboards.Decided{}, f.fails
	}
	if d, ok := f.decisions[id]; ok {
		return d, nil
	}
	return dashboards.Decided{}, dashboards.ErrNothing
}

// pagesOf serves the pages of f.
func pagesOf(tb testing.TB, f fields) *http.ServeMux {
	tb.Helper()
	return pagesFor(tb, f, dashboards.Viewer{})
}

// pagesFor serves them to somebody.
func pagesFor(tb testing.TB, f fields, who dashboards.Viewer) *http.ServeMux {
	tb.Helper()
	v := newVillage(dashboards.View{Name: "三泉村"})
	viewer := func(context.Context) dashboards.Viewer { return who }
	pages, err := dashboards.New(dashboards.Options{Source: v, Fields: f, Viewer: viewer, Log: slog.New(slog.NewTextHandler(tb.Output(), nil)), Now: v.Now})
	if err != nil {
		tb.Fatal(err)
	}
	mux := http.NewServeMux()
	pages.Register(mux)
	return mux
}

// shanghai is the zone of the village by the name that browsers know.
func shanghai() *time.Location {
	zone, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		panic(err)
	}
	return zone
}

// landOf is n plots of a hill in a dry season, in every state.
func landOf(n int) dashboards.Land {
	land := dashboards.Land{
		At: morning, Sites: []dashboards.Village{{ID: "sanquan", Name: "三泉村", Zone: shanghai()}},
		Stations: []dashboards.Mast{{ID: "w-01", Latitude: 29.1642, Longitude: 107.1038}},
	}
	grades := []dashboards.Grade{
		dashboards.GradeNone, dashboards.GradeNone, dashboards.GradeLight, dashboards.GradeModerate, dashboards.GradeNone, dashboards.GradeLight,
		dashboards.GradeSevere, dashboards.GradeNone, dashboards.GradeUnknown, dashboards.GradeExtreme,
	}
	taps := []dashboards.ValveState{dashboards.ValveClosed, dashboards.ValveOpen, dashboards.ValveClosed, dashboards.ValveUnknown}
	names := []string{"后坡", "大田湾", "水井坎", "石板丘", "秧田坝", "老屋基", "柏树林", "皂角坪"}
	columns := max(8, int(math.Sqrt(float64(n))))
	for i := range n {
		f := &dashboards.Field{
			Plot: devices.Plot{
				ID: devices.PlotID(fmt.Sprintf("p-%03d", i+1)), Name: names[i%8] + []string{"一", "二", "三", "四", "五"}[i/8%5] + "号", Site: "sanquan", Station: "w-01",
				AreaMu: 1.2 + 0.4*float64(i%7), Crop: []string{"maize_grain", "potato", "maize_sweet"}[i%3], Planted: morning.AddDate(0, 0, -90-i%9).Truncate(24 * time.Hour),
				Mode:     devices.Advise,
				Latitude: 29.16 + 0.0011*float64(i/columns) + 0.0002*math.Sin(float64(7*i)), Longitude: 107.1 + 0.0012*float64(i%columns) + 0.0002*math.Cos(float64(5*i)),
			},
			Grade: grades[i%len(grades)], Stage: "mid", CropDay: 90 + i%9, FieldCapacity: 0.32, WiltingPoint: 0.15, RAWMM: 55.2, TAWMM: 110.4,
			WateredWeekMM: new(float64(i%4) * 6.3), RainWeekMM: new(3.4), Probes: []devices.DeviceID{devices.DeviceID(fmt.Sprintf("s-%03d", i+1))},
			ProbeAge: new(time.Duration(i%5) * 11 * time.Minute),
		}
		if f.Grade == dashboards.GradeUnknown {
			f.WhyUnknown, f.ProbeAge, f.Advice = []string{"soil_moisture"}, new(53*time.Hour), dashboards.Advice{Code: dashboards.AdviseLook}
		} else {
			share := map[dashboards.Grade]float64{dashboards.GradeNone: 0.2, dashboards.GradeLight: 0.52, dashboards.GradeModerate: 0.66, dashboards.GradeSevere: 0.84, dashboards.GradeExtreme: 0.97}[f.Grade]
			share += 0.002 * float64(i%17)
			f.DepletionMM, f.RSMPct, f.DaysToStress = new(110.4*share), new(100-53*share), new(max(0, (55.2-110.4*share)/5.1))
			f.Advice = dashboards.Advice{Code: dashboards.AdviseNothing, Until: morning.Add(time.Duration(*f.DaysToStress*24) * time.Hour)}
			if *f.DaysToStress == 0 {
				f.Advice = dashboards.Advice{Code: dashboards.AdviseWater, MM: 41.4, From: morning.Add(9 * time.Hour)}
			}
		}
		switch i % 20 {
		case 3:
			f.Advice = dashboards.Advice{Code: dashboards.AdviseHeld, MM: 38, Why: "wind"}
		case 6:
			f.Advice = dashboards.Advice{Code: dashboards.AdviseItself, MM: 22, From: morning.Add(9 * time.Hour)}
		case 10:
			f.Stage, f.DaysToStress, f.Advice = "harvested", nil, dashboards.Advice{Code: dashboards.AdviseNothing, Why: "season_over"}
		case 12:
			f.Probes, f.ProbeAge = nil, nil
		}
		if i%3 == 1 {
			tap := dashboards.Valve{ID: devices.DeviceID(fmt.Sprintf("v-%03d", i+1)), State: taps[i/3%4]}
			if tap.State == dashboards.ValveOpen {
				tap.Until, tap.CommandedL, tap.DeliveredL = morning.Add(70*time.Minute), new(12000.0), new(5234.4)
				f.Advice = dashboards.Advice{Code: dashboards.AdviseWatering, Until: tap.Until}
			}
			f.Taps, f.Mode, f.Valves = []dashboards.Valve{tap}, devices.Auto, []devices.DeviceID{tap.ID}
		}
		land.Fields = append(land.Fields, f)
	}
	return land
}

// week is what was measured and decided in seven days: the probe silent for
// eleven hours on the third, no balance on the fourth, watered on the second and fifth.
func week() dashboards.Past {
	begin := time.Date(2026, 7, 5, 16, 0, 0, 0, time.UTC) // local midnight
	past := dashboards.Past{}
	for depth, wet := range map[string]float64{"20": 0.24, "40": 0.27, "60": 0.29} {
		m := dashboards.Moisture{Device: "s-004", DepthCM: depth}
		for at := begin; at.Before(morning); at = at.Add(30 * time.Minute) {
			if h := at.Sub(begin).Hours(); h > 50 && h < 61 {
				continue
			}
			days := at.Sub(begin).Hours() / 24
			m.At, m.Water = append(m.At, at), append(m.Water, wet-0.008*days+0.03*math.Exp(-math.Mod(days+1.4, 3)))
		}
		past.Moisture = append(past.Moisture, m)
	}
	slices.SortFunc(past.Moisture, func(a, b dashboards.Moisture) int { return len(a.DepthCM+a.DepthCM[:1]) - len(b.DepthCM+b.DepthCM[:1]) })
	slices.SortFunc(past.Moisture, func(a, b dashboards.Moisture) int { return int(a.DepthCM[0]) - int(b.DepthCM[0]) })
	for i := range 7 {
		if i == 3 {
			continue
		}
		d := dashboards.Day{
			Begin: begin.AddDate(0, 0, i-1), DepletionMM: new(35 + 6*float64(i)), RAWMM: new(55.2 - float64(i)), TAWMM: new(110.4),
			RainMM: new(map[int]float64{2: 12.4, 6: 3}[i]), IrrigationMM: new(0.0),
		}
		past.Days = append(past.Days, d)
	}
	for i, day := range []int{1, 4} {
		past.Openings = append(past.Openings, dashboards.Opening{At: begin.AddDate(0, 0, day).Add(18 * time.Hour), Valve: "v-004", CommandedL: new(17000.0), DeliveredL: []*float64{new(16950.0), nil}[i]})
	}
	for _, d := range decided() {
		past.Decisions = append(past.Decisions, d.Decision)
	}
	slices.SortFunc(past.Decisions, func(a, b devices.Decision) int { return b.At.Compare(a.At) })
	return past
}

// decided are decisions of every kind that a page tells.
func decided() map[string]dashboards.Decided {
	evidence := []devices.Evidence{
		{Device: "s-004", Key: "soil_moisture@20", Value: 0.2144, At: morning.Add(-15 * time.Hour), Received: morning.Add(-15*time.Hour + 2*time.Second)},
		{Device: "s-004", Key: "soil_moisture@40", Value: 0.2513, At: morning.Add(-15 * time.Hour), Received: morning.Add(-13 * time.Hour)},
	}
	soil := map[string]float64{"depletion_mm": 61.3, "raw_mm": 55.2, "taw_mm": 110.4, "rsm_pct": 70.6, "grade": 1, "soil_age_h": 0.2}
	start := map[string]float64{"net_mm": 41.3, "gross_mm": 55.1, "volume_l": 17000, "max_duration_s": 7200, "efficiency_pct": 75, "area_mu": 2.4}
	maps.Copy(start, soil)
	all := map[string]dashboards.Decided{}
	add := func(id string, ago time.Duration, kind devices.DecisionKind, subject, rule, outcome string, change func(*devices.Decision)) {
		d := devices.Decision{
			ID: id, At: morning.Add(-ago), Site: "sanquan", Subject: subject, Plot: "p-004", Rule: rule, Version: "0123456789ab", Kind: kind, Outcome: outcome,
			Numbers: map[string]float64{}, Texts: map[string]string{},
		}
		change(&d)
		all[id] = dashboards.Decided{Decision: d, PlotName: "石板丘一号", Zone: shanghai()}
	}
	add("aa01", 111*time.Hour, devices.IrrigationDecision, "p-004", "water_need", "start", func(d *devices.Decision) {
		d.Numbers, d.Evidence, d.Texts["stage"], d.Texts["valve"] = start, evidence, "mid", "v-004"
	})
	add("aa02", 109*time.Hour, devices.LedgerDecision, "v-004", "lease", "device", func(d *devices.Decision) {
		d.Numbers = map[string]float64{"commanded_l": 17000, "delivered_l": 16950, "duration_s": 5220, "net_mm": 7.9}
	})
	add("aa03", 70*time.Hour, devices.AlertDecision, "s-004", "probe_silent", "firing", func(d *devices.Decision) {
		d.Severity, d.Numbers = "warning", map[string]float64{"silent_h": 6.5}
	})
	add("aa04", 62*time.Hour, devices.AlertDecision, "s-004", "probe_silent", "resolved", func(d *devices.Decision) { d.Severity = "warning" })
	add("aa05", 40*time.Hour, devices.IrrigationDecision, "p-004", "water_need", "hold", func(d *devices.Decision) {
		d.Numbers, d.Evidence, d.Texts["reason"], d.Estimated = soil, evidence, "wind", []string{"probe_only"}
	})
	add("aa06", 15*time.Hour, devices.AlertDecision, "p-004", "drought_severe", "firing", func(d *devices.Decision) {
		d.Severity, d.Numbers, d.Evidence = "critical", soil, evidence
	})
	add("aa07", 30*time.Hour, devices.ValveDecision, "v-004", "lease", "found_open", func(*devices.Decision) {})
	add("aa08", 29*time.Hour, devices.CommandDecision, "v-004", "person", "open", func(d *devices.Decision) {
		d.Texts["by"], d.Numbers["max_duration_s"], d.Numbers["volume_l"] = "a-1", 1800, 5000
	})
	add("aa09", 28*time.Hour, devices.ActDecision, "sanquan", "person", "stop", func(d *devices.Decision) { d.Plot, d.Texts["by"] = "", "a-1" })
	return all
}

// clue is a decision about a household; it stands in no plot's list.
func clue() dashboards.Decided {
	return dashboards.Decided{Zone: shanghai(), Decision: devices.Decision{
		ID: "cc01", At: morning.Add(-10 * time.Hour), Site: "sanquan", Subject: "h-004", Rule: "household_exposure", Version: "1", Kind: devices.ClueDecision, Outcome: "raised",
		Severity: "orange", Numbers: map[string]float64{"loss_low": 0.22, "loss_mid": 0.31, "loss_high": 0.44}, Texts: map[string]string{"confidence": "medium", "cause": "drought"},
	}}
}
