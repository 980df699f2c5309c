package words_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ganlin/dashboards/words"
	"ganlin/devices"
)

var update = flag.Bool("update", false, "write the golden explanations anew")

var evening = time.Date(2026, 7, 12, 12, 0, 0, 0, time.UTC) // 20:00 in the village

var beijing = time.FixedZone("CST", 8*3600)

type numbers = map[string]float64

func decision(kind devices.DecisionKind, outcome, subject string, n numbers) devices.Decision {
	d := devices.Decision{
		ID: "d-7f3a", At: evening, Site: "sanquan", Subject: subject, Rule: string(kind), Version: "3fa9c2d0e871", Kind: kind, Outcome: outcome, Numbers: n,
	}
	if strings.HasPrefix(subject, "p-") {
		d.Plot = devices.PlotID(subject)
	}
	return d
}

// decisions are one of every kind, outcome, reason and rule, with all numbers and with none.
func decisions() []devices.Decision {
	with := func(d devices.Decision, change func(*devices.Decision)) devices.Decision {
		change(&d)
		return d
	}
	text := func(d devices.Decision, pairs ...string) devices.Decision {
		d.Texts = map[string]string{}
		for i := 0; i < len(pairs); i += 2 {
			d.Texts[pairs[i]] = pairs[i+1]
		}
		return d
	}
	start := numbers{"depletion_mm": 61.04, "raw_mm": 55, "net_mm": 18, "gross_mm": 24, "max_duration_s": 7200, "volume_l": 38412}
	out := []devices.Decision{
		text(decision(devices.IrrigationDecision, "start", "p-003", start), "valve", "v-003"),
		decision(devices.IrrigationDecision, "start", "p-003", start),
		decision(devices.IrrigationDecision, "start", "p-003", nil),
		decision(devices.IrrigationDecision, "done", "p-003", numbers{"commanded_l": 12000, "delivered_l": 11873.4}),
		decision(devices.IrrigationDecision, "done", "p-003", numbers{"delivered_l": 11873.4}),
		decision(devices.IrrigationDecision, "done", "p-003", nil),
		text(decision(devices.IrrigationDecision, "stop", "p-003", nil), "reason", "rain"),
		decision(devices.IrrigationDecision, "stop", "p-003", nil),
		decision(devices.IrrigationDecision, "hold", "p-003", nil),
		decision(devices.IrrigationDecision, "advise", "p-003", start),
		decision(devices.IrrigationDecision, "advise", "p-003", nil),
	}
	for _, over := range [][2]string{
		{"advise_over", "rained"},
		{"advise_over", "watered"},
		{"advise_over", "no_need"},
		{"advise_over", "season_over"},
		{"advise_over", "changed"},
		{"advise_over", "removed"},
		{"kept_shut", "stopped"},
		{"kept_shut_over", "opened"},
	} {
		out = append(out, text(decision(devices.IrrigationDecision, over[0], "p-003", nil), "reason", over[1]))
	}
	seen := numbers{"depletion_mm": 31, "raw_mm": 55.5, "rain_24h_mm": 12.4, "wind_ms": 7.1, "t_min_24h_c": -1.2, "soil_age_h": 30}
	for _, reason := range []string{"no_need", "too_little", "rain", "window", "unknown_soil", "unknown_weather", "wind", "frost", "budget", "season_over", "locked", "stopped", "starts", "of_next_year"} {
		out = append(out, text(decision(devices.IrrigationDecision, "hold", "p-003", seen), "reason", reason), text(decision(devices.IrrigationDecision, "hold", "p-003", nil), "reason", reason))
	}
	open := &devices.Command{ID: "c-1", Seq: 5, Action: devices.Open, MaxDurationS: 5400, MaxVolumeL: 12000, ExpiresAt: evening.Add(time.Minute)}
	out = append(out,
		with(decision(devices.CommandDecision, "open", "v-003", nil), func(d *devices.Decision) { d.Plot, d.Command = "p-003", open }),
		decision(devices.CommandDecision, "open", "v-003", numbers{"max_duration_s": 45}),
		with(decision(devices.CommandDecision, "open", "v-003", numbers{"max_duration_s": 3600, "volume_l": 0}), func(d *devices.Decision) { d.Plot = "p-003" }),
		text(decision(devices.CommandDecision, "close", "v-003", nil), "reason", "overdue"),
		decision(devices.CommandDecision, "open", "v-003", nil),
		text(decision(devices.CommandDecision, "close", "v-003", nil), "reason", "stopped"),
		decision(devices.CommandDecision, "close", "v-003", nil),
	)
	for _, outcome := range []string{"confirmed", "expired", "rejected", "failed", "unknown", "cancelled", "overdue", "not_closing"} {
		out = append(out, decision(devices.CommandDecision, outcome, "v-003", nil))
	}
	out = append(out, text(decision(devices.CommandDecision, "rejected", "v-003", nil), "reason", "clock"), text(decision(devices.CommandDecision, "failed", "v-003", nil), "reason", "leaking"))

	by := func(d devices.Decision) devices.Decision { return text(d, "by", "agro-1") }
	out = append(out,
		by(with(decision(devices.CommandDecision, "open", "v-003", nil), func(d *devices.Decision) { d.Plot, d.Command = "p-003", open })),
		by(decision(devices.CommandDecision, "open", "v-003", numbers{"max_duration_s": 3600, "volume_l": 0})), by(decision(devices.CommandDecision, "close", "v-003", nil)),
		by(decision(devices.ActDecision, "stop", "sanquan", nil)), by(decision(devices.ActDecision, "resume", "sanquan", nil)), by(decision(devices.ActDecision, "clear", "v-003", nil)),
		decision(devices.ValveDecision, "leak", "v-003", numbers{"flow_lpm": 3.21}),
	)
	for _, outcome := range []string{"by_hand", "closed_by_hand", "found_open", "late", "leak", "still_meter", "failed"} {
		out = append(out, decision(devices.ValveDecision, outcome, "v-003", nil))
	}
	for _, reason := range []string{"found_open", "late", "failed", "unanswered", "not_closing", "leak", "left_open", "unheard"} {
		out = append(out, text(decision(devices.CommandDecision, "close", "v-003", nil), "reason", reason))
	}

	facts := numbers{
		"grade": 3, "depletion_mm": 89.3, "raw_mm": 55, "rsm_pct": 43.2, "t_max_24h_c": 37.4, "t_min_24h_c": -2, "rain_24h_mm": 96.5, "soil_age_h": 30,
		"leak_l": 1210, "silent_h": 6.5, "weather_age_h": 3.25, "stuck_h": 25, "implausible_24h": 7, "failed_24h": 2, "battery_v": 3.18,
	}
	for _, rule := range []string{
		"drought", "drought_severe", "water_need", "heat", "frost", "waterlogging", "probe_silent", "station_silent", "probe_stuck",
		"probe_implausible", "valve_unconfirmed", "valve_unasked", "valve_leak", "low_battery", "soil_unknown", "rule_broken", "valve_still", "of_next_year",
	} {
		for _, n := range []numbers{facts, nil} {
			out = append(out, with(decision(devices.AlertDecision, "firing", "p-003", n), func(d *devices.Decision) { d.Rule = rule }))
		}
	}
	out = append(out,
		with(decision(devices.AlertDecision, "resolved", "p-003", nil), func(d *devices.Decision) { d.Rule = "heat" }),
		text(with(decision(devices.AlertDecision, "resolved", "s-003", nil), func(d *devices.Decision) { d.Rule = "probe_silent" }), "reason", "removed"),
		with(decision(devices.AlertDecision, "unknown", "p-003", nil), func(d *devices.Decision) { d.Rule, d.Unknown = "drought", []string{"probe_silent", "rsm_pct"} }),
		with(decision(devices.AlertDecision, "unknown", "p-003", nil), func(d *devices.Decision) { d.Rule = "drought" }),
		with(decision(devices.AlertDecision, "regained", "p-003", nil), func(d *devices.Decision) { d.Rule = "drought" }),
	)
	for _, outcome := range []string{"raised", "updated", "withdrawn"} {
		for _, n := range []numbers{{"loss_low": 0.34, "loss_mid": 0.463, "loss_high": 0.58}, nil} {
			out = append(out, with(decision(devices.ClueDecision, outcome, "h-004", n), func(d *devices.Decision) { d.Severity = "orange" }))
		}
	}
	return append(out,
		text(decision(devices.BalanceDecision, "known", "p-003", numbers{"eta_mm": 4.21, "rain_mm": 0, "irrigation_mm": 18, "depletion_mm": 47.2, "taw_mm": 110.4}), "grade", "light"),
		decision(devices.BalanceDecision, "known", "p-003", numbers{"depletion_mm": 47.2, "taw_mm": 110.4}),
		with(decision(devices.BalanceDecision, "unknown", "p-003", nil), func(d *devices.Decision) { d.Unknown = []string{"weather"} }),
		decision(devices.LedgerDecision, "closed", "v-003", numbers{"duration_s": 5460, "commanded_l": 12000, "delivered_l": 11873.4}),
		with(decision(devices.ResponseDecision, "measured", "v-003", numbers{"response_mm": 15.2}), func(d *devices.Decision) { d.Plot = "p-003" }),
		decision(devices.LedgerDecision, "hand", "v-003", numbers{"duration_s": 5460, "commanded_l": 0, "delivered_l": 873.4}),
		decision(devices.LedgerDecision, "closed", "v-003", nil),
		decision("of_next_year", "new", "p-003", nil),
	)
}

// full is a decision with everything that one can hold.
func full() devices.Decision {
	d := decisions()[0]
	d.Numbers = numbers{
		"depletion_mm": 61.04, "raw_mm": 55, "taw_mm": 110.4, "net_mm": 18, "gross_mm": 24, "efficiency_pct": 75, "max_duration_s": 7261, "ks": 0.912,
		"days_to_stress": 0, "wind_ms": 2.13, "t_max_24h_c": 36.4, "rain_24h_mm": 0, "area_mu": 3.2, "volume_l": 51202.4, "grade": 2, "of_next_year_x": 1.25, "loss_of_p-003": 0.463,
		"area_mu_of_p-003": 3.2, "stress_share": 1.11,
	}
	d.Texts["stage"], d.Texts["level"], d.Texts["opened_at"] = "mid", "orange", "2026-07-12T12:00:00Z"
	d.Unknown, d.Estimated = []string{"depletion_mm", "solar_radiation", "loss_of_p-004", "of_next_year"}, []string{"wind_2_ms", "eto_mm"}
	d.Command = &devices.Command{ID: "c-1", Seq: 5, Action: devices.Open, MaxDurationS: 5400, MaxVolumeL: 12000, ExpiresAt: evening.Add(time.Minute)}
	d.Evidence = []devices.Evidence{
		{Device: "s-003", Key: "soil_moisture@20", Value: 0.18742, At: evening.Add(-15 * time.Minute), Received: evening.Add(-15 * time.Minute)},
		{Device: "s-003", Key: "soil_moisture@40#2", Value: 0.2031, At: evening.Add(-15 * time.Minute), Received: evening.Add(-2 * time.Minute)},
		{Device: "w-01", Key: "rain_total", Value: 1203.4, At: evening.Add(-20 * time.Minute), Received: evening.Add(-20 * time.Minute)},
		{Device: "x-01", Key: "<b>", Value: 1.5, At: evening, Received: evening},
	}
	return d
}

func written(e words.Explanation) string {
	var b strings.Builder
	fmt.Fprintln(&b, e.Sentence)
	for _, lines := range [][]words.Line{e.Facts, e.Rule, e.Evidence} {
		for _, l := range lines {
			fmt.Fprintf(&b, "  %s: %s\n", l.Label, l.Text)
		}
	}
	return b.String()
}

func TestGoldenExplanations(t *testing.T) {
	c, err := words.New()
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range words.Languages() {
		t.Run(string(l), func(t *testing.T) {
			var got strings.Builder
			for _, d := range decisions() {
				fmt.Fprintln(&got, c.Explain(l, d, words.About{Zone: beijing}).Sentence)
			}
			got.WriteString("\n" + written(c.Explain(l, full(), words.About{PlotName: "后坡三号", Zone: beijing})))
			golden := "testdata/explain-" + string(l) + ".txt"
			if *update {
				if err := os.WriteFile(golden, []byte(got.String()), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got.String(), "\n")); diff != "" {
				t.Errorf("(-golden +now; -update writes it anew):\n%s", diff)
			}
		})
	}
}

// TestAnExplanationAlwaysSaysSomething: with any of its numbers missing a
// sentence is shorter, never broken.
func TestAnExplanationAlwaysSaysSomething(t *testing.T) {
	c, err := words.New()
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range words.Languages() {
		for _, d := range decisions() {
			for without := range d.Numbers {
				less := d
				less.Numbers = numbers{}
				for name, x := range d.Numbers {
					if name != without {
						less.Numbers[name] = x
					}
				}
				for _, d := range []devices.Decision{d, less} {
					got := c.Explain(l, d, words.About{}).Sentence
					for _, wrong := range []string{"decided.", "firing.", "explain.", "{{", "<no value>", "%!"} {
						if strings.Contains(got, wrong) {
							t.Errorf("%s %s without %s in %s: %q", d.Kind, d.Outcome, without, l, got)
						}
					}
				}
			}
		}
	}
}

func TestTheExampleOfTheManual(t *testing.T) {
	c, err := words.New()
	if err != nil {
		t.Fatal(err)
	}
	d := decisions()[0]
	for l, want := range map[words.Language]string{
		words.Chinese: "2026年7月12日 20:00，因为根区缺水 61 毫米，超过容易利用的水 55 毫米，给 p-003 浇 18 毫米（净），阀门 v-003 最多开 2 小时。",
		words.English: "12 July 2026, 20:00: the root zone lacks 61 mm, more than the 55 mm that are easy to take up, so p-003 gets 18 mm (net); valve v-003 opens for 2 h at most.",
	} {
		if got := c.Explain(l, d, words.About{Zone: beijing}).Sentence; got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}
