package app

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"ganlin/devices"
	"ganlin/internal/httpapi"
	"ganlin/internal/influx"
)

// historian reads history from the time series store.
type historian struct{ *program }

// seriesPatience is how long the database may think.
const seriesPatience = 20 * time.Second

// balanceUnits are the fields of the daily balance and their units.
var balanceUnits = map[string]string{
	"eto_mm": "mm", "etc_mm": "mm", "eta_mm": "mm", "ks": "1", "depletion_mm": "mm", "raw_mm": "mm", "taw_mm": "mm",
	"rain_mm": "mm", "irrigation_mm": "mm", "grade": "1",
}

// wateringFields are those of the ledger that are asked for as watering.
var wateringFields = []string{"commanded_l", "delivered_l", "duration_s", "response_mm"}

// A question is what is asked of the database.
type question struct {
	measurement devices.Measurement
	field       string
	where       string
	by          []string // tags that tell series apart
}

// History answers with one series for each device, depth and channel, or valve.
func (h historian) History(ctx context.Context, plot devices.Plot, which httpapi.HistoryFilter) (httpapi.History, error) {
	questions, unit, err := h.questions(plot, which.Quantity)
	if err != nil {
		return httpapi.History{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, seriesPatience)
	defer cancel()
	answer := httpapi.History{
		Plot: plot.ID, Quantity: which.Quantity, Unit: unit, From: which.From, To: which.To,
		EveryS: int64(which.Every / time.Second), Series: []httpapi.Series{},
	}
	for _, q := range questions {
		found, err := h.history.Query(ctx, q.text(which, h.decidedNow().zone(plot.Site)))
		if err != nil {
			h.log.Warn("history cannot be read", "error", err)
			return httpapi.History{}, fmt.Errorf("%w: the time series store does not answer; how things stand now can be read all the same", httpapi.ErrUnavailable)
		}
		for _, s := range found {
			one, err := seriesOf(s)
			if err != nil {
				return httpapi.History{}, err
			}
			if which.Quantity == wateringQuantity {
				one.Field = q.field
			}
			answer.Series = append(answer.Series, one)
		}
	}
	return answer, nil
}

// wateringQuantity stands for what the ledger holds.
const wateringQuantity = "watering"

// questions turns a quantity into what the database is asked.
func (h historian) questions(plot devices.Plot, quantity string) ([]question, string, error) {
	onPlot := fmt.Sprintf(`"plot" = %s`, influx.String(string(plot.ID)))
	if quantity == wateringQuantity {
		var all []question
		for _, field := range wateringFields {
			all = append(all, question{devices.LedgerMeasurement, field, onPlot, []string{"valve"}})
		}
		return all, "", nil
	}
	if unit, ok := balanceUnits[quantity]; ok {
		return []question{{devices.BalanceMeasurement, quantity, onPlot, nil}}, unit, nil
	}
	key, err := devices.ParseKey(quantity)
	spec, known := key.Quantity.Spec()
	if err != nil || !known {
		return nil, "", httpapi.Invalid("?quantity", "is no quantity of the contract, no field of the balance and not watering")
	}
	q := question{spec.Measurement, string(key.Quantity), onPlot, []string{"device", "depth_cm", "channel"}}
	if spec.Measurement == devices.WeatherMeasurement {
		var at []string
		for _, d := range h.decidedNow().atStation[plot.Station] {
			at = append(at, fmt.Sprintf(`"device" = %s`, influx.String(string(d.ID))))
		}
		q.where = "(" + strings.Join(append(at, onPlot), " OR ") + ")"
	}
	for tag, want := range map[string]string{"depth_cm": key.DepthCM, "channel": key.Channel} {
		if want != "" {
			q.where += fmt.Sprintf(` AND %s = %s`, influx.Ident(tag), influx.String(want))
		}
	}
	return []question{q}, string(spec.Unit), nil
}

// text is the question in InfluxQL. Buckets of days begin at the site's midnight.
func (q question) text(which httpapi.HistoryFilter, zone *time.Location) string {
	f := influx.Ident(q.field)
	by := []string{fmt.Sprintf("time(%ds)", int64(which.Every/time.Second))}
	for _, tag := range q.by {
		by = append(by, influx.Ident(tag))
	}
	text := fmt.Sprintf(`SELECT mean(%[1]s), min(%[1]s), max(%[1]s), sum(%[1]s), count(%[1]s) FROM %[2]s WHERE %[3]s AND time >= %[4]dms AND time < %[5]dms GROUP BY %[6]s fill(none)`,
		f, influx.Ident(string(q.measurement)), q.where, which.From.UnixMilli(), which.To.UnixMilli(), strings.Join(by, ", "))
	if which.Every%(24*time.Hour) == 0 {
		text += ` tz(` + influx.String(zone.String()) + `)`
	}
	return text
}

// seriesOf reads a series of the answer.
func seriesOf(s influx.Series) (httpapi.Series, error) {
	device := s.Tags["device"]
	if device == "" {
		device = s.Tags["valve"]
	}
	one := httpapi.Series{Device: devices.DeviceID(device), DepthCM: s.Tags["depth_cm"], Channel: s.Tags["channel"], Points: []httpapi.SeriesPoint{}}
	if !slices.Equal(s.Columns, []string{"time", "mean", "min", "max", "sum", "count"}) {
		return one, fmt.Errorf("reading history: the columns are %v", s.Columns)
	}
	for _, row := range s.Values {
		var v [6]float64
		for i, cell := range row {
			n, ok := cell.(json.Number)
			if !ok {
				return one, fmt.Errorf("reading history: column %s holds %v", s.Columns[i], cell)
			}
			var err error
			if v[i], err = n.Float64(); err != nil {
				return one, fmt.Errorf("reading history: %w", err)
			}
		}
		one.Points = append(one.Points, httpapi.SeriesPoint{
			At: time.UnixMilli(int64(v[0])).UTC(), Mean: v[1], Min: v[2], Max: v[3], Sum: v[4], Count: int(v[5]),
		})
	}
	return one, nil
}
