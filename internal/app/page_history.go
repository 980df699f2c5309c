package app

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"ganlin/dashboards"
	"ganlin/devices"
	"ganlin/internal/influx"
	"ganlin/internal/records"
	"ganlin/rules"
)

const (
	// historyPatience is how long a page waits for the database before it says that it does not answer.
	historyPatience = 4 * time.Second
	// shownDecisions bounds the decisions of each subject that a plot's page lists.
	shownDecisions = 200
)

// Past reads what was measured from the database and what was decided from the records.
func (p fieldSource) Past(ctx context.Context, f dashboards.Field, since time.Time, every time.Duration) dashboards.Past {
	past := dashboards.Past{}
	asking, cancel := context.WithTimeout(ctx, historyPatience)
	defer cancel()
	series, err := p.history.Query(asking, historyQuestion(f.ID, since, p.clock.Now(), every))
	if err == nil {
		err = readHistory(&past, series, every)
	}
	if err != nil {
		past = dashboards.Past{NoSeries: fmt.Errorf("reading the history of plot %s: %w", f.ID, err)}
	}
	past.Decisions, past.NoDecisions = p.decisionsOf(ctx, f, since)
	return past
}

// historyQuestion asks for all that a plot's page draws. The moisture is the
// mean of every stretch; what is by day lies at the beginning of its local day.
func historyQuestion(plot devices.PlotID, since, until time.Time, every time.Duration) string {
	from := func(t time.Time) string {
		return fmt.Sprintf(`"plot" = %s AND time >= %dms AND time < %dms`, influx.String(string(plot)), t.UnixMilli(), until.UnixMilli())
	}
	where, dayBefore := from(since), from(since.Add(-24*time.Hour)) // whose end is where the chart begins
	return strings.Join([]string{
		fmt.Sprintf(`SELECT mean("soil_moisture") FROM "soil" WHERE %s GROUP BY time(%dm), "device", "depth_cm", "channel" fill(none)`, where, int(every.Minutes())),
		fmt.Sprintf(`SELECT "depletion_mm", "raw_mm", "taw_mm", "rain_mm", "irrigation_mm" FROM "balance" WHERE %s`, dayBefore),
		fmt.Sprintf(`SELECT "commanded_l", "delivered_l" FROM "ledger" WHERE %s GROUP BY "valve"`, where),
	}, "; ")
}

func readHistory(past *dashboards.Past, series []influx.Series, every time.Duration) error {
	for _, s := range series {
		rows, err := numbersOf(s)
		if err != nil {
			return err
		}
		switch s.Name {
		case string(devices.SoilMeasurement):
			m := dashboards.Moisture{Device: devices.DeviceID(s.Tags["device"]), DepthCM: s.Tags["depth_cm"], Index: s.Tags["channel"]}
			for _, r := range rows {
				if v := r.values[0]; v != nil {
					m.At, m.Water = append(m.At, r.at.Add(every/2)), append(m.Water, *v)
				}
			}
			past.Moisture = append(past.Moisture, m)
		case string(devices.BalanceMeasurement):
			for _, r := range rows {
				past.Days = append(past.Days, dashboards.Day{
					Begin: r.at, DepletionMM: r.values[0], RAWMM: r.values[1], TAWMM: r.values[2], RainMM: r.values[3], IrrigationMM: r.values[4],
				})
			}
		case string(devices.LedgerMeasurement):
			for _, r := range rows {
				past.Openings = append(past.Openings, dashboards.Opening{
					At: r.at, Valve: devices.DeviceID(s.Tags["valve"]), CommandedL: r.values[0], DeliveredL: r.values[1],
				})
			}
		}
	}
	slices.SortFunc(past.Moisture, func(a, b dashboards.Moisture) int {
		return cmp.Or(strings.Compare(string(a.Device), string(b.Device)), cmp.Compare(len(a.DepthCM), len(b.DepthCM)),
			strings.Compare(a.DepthCM, b.DepthCM), strings.Compare(a.Index, b.Index))
	})
	slices.SortFunc(past.Openings, func(a, b dashboards.Opening) int { return a.At.Compare(b.At) })
	return nil
}

// A historyRow is one row of an answer: a time, then what was asked for in its order.
type historyRow struct {
	at     time.Time
	values []*float64
}

func numbersOf(s influx.Series) ([]historyRow, error) {
	rows := make([]historyRow, 0, len(s.Values))
	for _, cells := range s.Values {
		at, ok := cells[0].(json.Number)
		ms, err := at.Int64()
		if !ok || err != nil {
			return nil, fmt.Errorf("reading the times of %s: %v is none", s.Name, cells[0])
		}
		r := historyRow{at: time.UnixMilli(ms).UTC(), values: make([]*float64, len(cells)-1)}
		for i, cell := range cells[1:] {
			n, ok := cell.(json.Number)
			if !ok {
				continue // null
			}
			v, err := n.Float64()
			if err != nil {
				return nil, fmt.Errorf("reading the numbers of %s: %w", s.Name, err)
			}
			r.values[i] = &v
		}
		rows = append(rows, r)
	}
	return rows, nil
}

// decisionsOf returns what was decided of a plot, its valves and its probes
// since a time, what happened at them and what people did, the latest first. Daily
// balances are drawn, and what became of the rules' own openings stands in the
// ledger: neither is among them.
func (p fieldSource) decisionsOf(ctx context.Context, f dashboards.Field, since time.Time) ([]devices.Decision, error) {
	subjects := []string{string(f.ID)}
	for _, id := range slices.Concat(f.Valves, f.Probes) {
		subjects = append(subjects, string(id))
	}
	asked := []records.DecisionFilter{{Kind: devices.ActDecision, Subject: string(f.Site)}}
	for _, subject := range subjects {
		for _, kind := range []devices.DecisionKind{devices.IrrigationDecision, devices.AlertDecision, devices.LedgerDecision} {
			asked = append(asked, records.DecisionFilter{Kind: kind, Subject: subject})
		}
	}
	for _, id := range f.Valves {
		of := string(id)
		asked = append(asked,
			records.DecisionFilter{Kind: devices.ValveDecision, Subject: of}, records.DecisionFilter{Kind: devices.ActDecision, Subject: of},
			records.DecisionFilter{Kind: devices.CommandDecision, Subject: of, Rule: rules.PersonRule},
			records.DecisionFilter{Kind: devices.CommandDecision, Subject: of, Rule: rules.LeaseRule, Outcome: string(devices.Close)},
		)
	}
	var all []devices.Decision
	for _, which := range asked {
		which.Since, which.Limit = since, shownDecisions
		found, err := p.records.Decisions(ctx, which)
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	slices.SortStableFunc(all, func(a, b devices.Decision) int { return b.At.Compare(a.At) })
	return all, nil
}
