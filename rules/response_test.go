package rules_test

import (
	"math"
	"testing"
	"time"

	"ganlin/devices"
	"ganlin/rules"
	"ganlin/rules/water"
)

// A measured is a soil response as it was decided, with the opening that it is of.
type measured struct {
	devices.Decision
	opened, closed time.Time
	litres         float64
}

// responses returns the responses of a season by the command of their opening.
func responses(t *testing.T, all []devices.Decision) (found map[string]measured, openings int) {
	t.Helper()
	ledger := map[string]devices.Decision{}
	found = map[string]measured{}
	for _, d := range all {
		switch d.Kind {
		case devices.LedgerDecision:
			ledger[d.Texts["command"]] = d
			if d.Subject == "v-1" {
				openings++
			}
		case devices.ResponseDecision:
			command := d.Texts["command"]
			m := measured{Decision: d, litres: ledger[command].Numbers["delivered_l"]}
			m.opened, _ = time.Parse(time.RFC3339, ledger[command].Texts["opened_at"])
			m.closed, _ = time.Parse(time.RFC3339, ledger[command].Texts["closed_at"])
			found[command] = m
			if len(d.Points) != 1 || len(ledger[command].Points) != 1 {
				t.Fatalf("%d points of %+v", len(d.Points), d)
			}
			// The row of the ledger gets one more field.
			own, row := d.Points[0], ledger[command].Points[0]
			if own.Measurement != row.Measurement || own.Location != row.Location || own.Valve != row.Valve || !own.At.Equal(row.At) || own.Numbers["response_mm"] != d.Numbers["response_mm"] {
				t.Errorf("the point %+v does not belong to %+v", own, row)
			}
		}
	}
	return found, openings
}

// TestWhatTheSoilGained compares with the probes' readings as they were told.
func TestWhatTheSoilGained(t *testing.T) {
	shown := map[time.Time]map[string]float64{} // by time and key
	all := season(t, rules.New(config(t)), &world{}, someHours, func(facts []devices.Fact) {
		for _, f := range facts {
			if f.Device == "s-1" && f.Kind == devices.ReadingFact {
				if shown[f.At] == nil {
					shown[f.At] = map[string]float64{}
				}
				shown[f.At][f.Key.String()] = f.Value
			}
		}
	}, nil)
	crop, err := water.CropOf("maize_grain")
	if err != nil {
		t.Fatal(err)
	}
	zone := time.FixedZone("CST", 8*3600)
	held := func(at time.Time, rootM float64) float64 {
		v := shown[at.Truncate(time.Hour)]
		return 1000 * (v["soil_moisture@20"]*0.3 + v["soil_moisture@40"]*0.2 + v["soil_moisture@60"]*(rootM-0.5))
	}
	found, openings := responses(t, all)
	mornings := map[time.Time][]measured{}
	for _, m := range found {
		mornings[m.At] = append(mornings[m.At], m)
	}
	for at, night := range mornings {
		first, sum, litres := night[0].opened, 0.0, 0.0
		for _, m := range night {
			if m.opened.Before(first) {
				first = m.opened
			}
			sum, litres = sum+m.Numbers["response_mm"], litres+m.litres
			if m.Subject != "v-1" || m.Plot != "p-1" {
				t.Errorf("a plot without a probe has a response: %+v", m.Decision)
			}
			if since := m.At.Sub(m.closed); since < time.Hour || since > 26*time.Hour || m.At.In(zone).Hour() != 6 {
				t.Errorf("closed at %s, measured at %s", m.closed, m.At)
			}
		}
		local := first.In(zone)
		day := int(time.Date(local.Year(), local.Month(), local.Day(), 0, 0, 0, 0, zone).Sub(time.Date(2026, 5, 1, 0, 0, 0, 0, zone)).Hours()/24) + 1
		_, rootM, _ := crop.Stage(day)
		if want := held(at, rootM) - held(first, rootM); math.Abs(sum-want) > 1e-9 {
			t.Errorf("on the morning of %s the soil holds %.3f mm more, told are %.3f", at, want, sum)
		}
		for _, m := range night {
			if got, want := m.Numbers["response_mm"]/sum, m.litres/litres; math.Abs(got-want) > 1e-9 {
				t.Errorf("%.3f of the water has %.3f of the response", want, got)
			}
		}
	}
	t.Logf("%d of %d openings in %d nights", len(found), openings, len(mornings))
	if len(found) < openings-2 || len(mornings) < 3 || len(found) == len(mornings) {
		t.Error("responses are missing, or no night had two openings")
	}
}

// TestNobodyCanTellWhatTheSoilGained: with rain besides, and without probes in
// the morning, there is no response.
func TestNobodyCanTellWhatTheSoilGained(t *testing.T) {
	rain := 12.0
	for name, bend := range map[string]func(*devices.Fact) bool{
		"rain every night": func(f *devices.Fact) bool {
			if f.Key.Quantity == devices.RainTotal {
				if f.At.Hour() == 18 {
					rain += 2
				}
				f.Value = rain
			}
			return true
		},
		"no rain gauge by night":    func(f *devices.Fact) bool { return f.Key.Quantity != devices.RainTotal || f.At.Hour() < 13 },
		"no probe in the morning":   func(f *devices.Fact) bool { return f.Device != "s-1" || f.At.Hour() < 15 || f.At.Hour() > 22 },
		"one depth less by morning": func(f *devices.Fact) bool { return f.Key.DepthCM != "40" || f.At.Hour() < 14 },
	} {
		all := season(t, rules.New(config(t)), &world{bend: bend}, someHours, nil, nil)
		found, openings := responses(t, all)
		if openings == 0 {
			t.Errorf("%s: nothing was opened", name)
		}
		if len(found) > 0 {
			t.Errorf("%s: %d responses of %d openings", name, len(found), openings)
		}
	}
}
