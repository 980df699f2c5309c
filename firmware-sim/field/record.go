package field

import (
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"strconv"
	"strings"
	"time"
)

// A Record is observed weather, hour by hour. It is the same over every
// station but for the air pressure. After its end its last day goes on, without rain.
type Record struct {
	Start  time.Time // local midnight of the first day
	Digest string    // of the text it was read from: its SHA-256
	hours  []Sky     // rain is that of the time before, since the start; no pressure
	total  float64   // of rain, mm
}

// Days returns how many whole days the record covers.
func (r *Record) Days() int { return len(r.hours) / 24 }

// The columns of a record. With `time` (2022-07-01T14:00:00, local, or RFC
// 3339 with a zone) a line is an hour that begins then; with `date` (2022-07-01)
// it is a day, which is spread over its hours.
var (
	hourColumns = []string{"time", "temperature_c", "rh_mean", "wind_ms", "solar_w_m2", "rain_mm"}
	dayColumns  = []string{"date", "tmin_c", "tmax_c", "rh_mean", "wind_ms", "solar_mj_m2", "rain_mm"}
)

// bounds are what a number may be.
var bounds = map[string][2]float64{
	"temperature_c": {-60, 60}, "tmin_c": {-60, 60}, "tmax_c": {-60, 60}, "rh_mean": {0, 100}, "wind_ms": {0, 100},
	"solar_w_m2": {0, 1600}, "solar_mj_m2": {0, 50}, "rain_mm": {0, 1000},
}

// OpenRecord reads the record in a file.
func OpenRecord(path string) (*Record, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("opening the weather: %w", err)
	}
	defer file.Close()
	r, err := ReadRecord(file)
	if err != nil {
		return nil, fmt.Errorf("reading the weather in %s: %w", path, err)
	}
	return r, nil
}

// ReadRecord reads a record as CSV with a header; the order of the columns is
// free, their lines follow each other without a gap. Errors name line and column.
func ReadRecord(in io.Reader) (*Record, error) {
	digest := sha256.New()
	lines := csv.NewReader(io.TeeReader(in, digest))
	lines.TrimLeadingSpace = true
	header, err := lines.Read()
	if err != nil {
		return nil, fmt.Errorf("the header: %w", err)
	}
	columns, err := columnsOf(header)
	if err != nil {
		return nil, err
	}
	r := new(Record)
	var last time.Time
	for {
		cells, err := lines.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		line, _ := lines.FieldPos(0)
		e := &entry{line: line, columns: columns, cells: cells}
		last = r.add(e, last)
		if e.err != nil {
			return nil, e.err
		}
	}
	if r.Days() == 0 {
		return nil, errors.New("it covers no whole day")
	}
	r.Digest = hex.EncodeToString(digest.Sum(nil))
	return r, nil
}

// columnsOf returns where each column is.
func columnsOf(header []string) (map[string]int, error) {
	at := map[string]int{}
	for i, name := range header {
		at[strings.TrimPrefix(strings.TrimSpace(name), "\ufeff")] = i
	}
	wanted := hourColumns
	if _, byDay := at["date"]; byDay {
		wanted = dayColumns
	}
	for _, name := range wanted {
		if _, ok := at[name]; !ok {
			return nil, fmt.Errorf("line 1 has no column %q; these are needed: %s, or: %s", name, strings.Join(hourColumns, " "), strings.Join(dayColumns, " "))
		}
	}
	return at, nil
}

// An entry is one line of a record. The first thing wrong with it is kept.
type entry struct {
	line    int
	columns map[string]int
	cells   []string
	err     error
}

func (e *entry) text(column string) string { return strings.TrimSpace(e.cells[e.columns[column]]) }

func (e *entry) fail(column, format string, args ...any) {
	if e.err == nil {
		e.err = fmt.Errorf("line %d, column %s: %s", e.line, column, fmt.Sprintf(format, args...))
	}
}

func (e *entry) number(column string) float64 {
	v, err := strconv.ParseFloat(e.text(column), 64)
	if limit := bounds[column]; err != nil || !(v >= limit[0] && v <= limit[1]) {
		e.fail(column, "%.40q is not a number from %g to %g", e.text(column), limit[0], limit[1])
	}
	return v
}

// when reads the time of a line and sees that it follows the one before.
func (e *entry) when(column string, last time.Time, step time.Duration, layouts ...string) time.Time {
	zone := time.FixedZone("", int(utcOffset.Seconds()))
	for _, layout := range layouts {
		t, err := time.ParseInLocation(layout, e.text(column), zone)
		if err != nil {
			continue
		}
		t = t.UTC()
		if !last.IsZero() && !t.Equal(last.Add(step)) {
			e.fail(column, "%s does not follow the line before", e.text(column))
		}
		return t
	}
	e.fail(column, "%.40q is no time such as %s", e.text(column), layouts[0])
	return last
}

// add takes a line in and returns its time.
func (r *Record) add(e *entry, last time.Time) time.Time {
	if _, byDay := e.columns["date"]; byDay {
		return r.addDay(e, last)
	}
	t := e.when("time", last, time.Hour, "2006-01-02T15:04:05", "2006-01-02T15:04", time.RFC3339)
	if last.IsZero() {
		if _, hour := splitDay(t.Add(utcOffset)); hour != 0 {
			e.fail("time", "the record does not begin at midnight of UTC+8")
		}
		r.Start = t
	}
	r.push(Sky{
		AirTemperatureC: e.number("temperature_c"), RelativeHumidityPct: e.number("rh_mean"), WindSpeedMS: e.number("wind_ms"),
		SolarRadiationWM2: e.number("solar_w_m2"), RainTotalMM: e.number("rain_mm"),
	})
	return t
}

// push adds an hour that has its own rain.
func (r *Record) push(s Sky) {
	s.RainTotalMM, r.total = r.total, r.total+s.RainTotalMM
	r.hours = append(r.hours, s)
}

// addDay spreads a day over its hours: coldest at 3, warmest at 15, the sun
// from 6 to 19, the air as moist all day, rain in the first six hours.
func (r *Record) addDay(e *entry, last time.Time) time.Time {
	t := e.when("date", last, 24*time.Hour, time.DateOnly)
	if last.IsZero() {
		r.Start = t
	}
	low, high := e.number("tmin_c"), e.number("tmax_c")
	if low > high {
		e.fail("tmax_c", "%g is below tmin_c", high)
	}
	moist := vapour((low+high)/2) * e.number("rh_mean") / 100
	wind, sun, rain := e.number("wind_ms"), e.number("solar_mj_m2"), e.number("rain_mm")
	const sunrise, daylight, wetHours = 6, 13, 6
	total := 0.0
	for hour := range daylight {
		total += math.Sin(math.Pi * float64(hour) / daylight)
	}
	for hour := range 24 {
		air := (low+high)/2 + (high-low)/2*math.Cos(2*math.Pi*float64(hour-15)/24)
		s := Sky{AirTemperatureC: air, RelativeHumidityPct: min(100, 100*moist/vapour(air)), WindSpeedMS: wind}
		if up := hour - sunrise; up > 0 && up < daylight {
			s.SolarRadiationWM2 = min(sun*1e6/3600*math.Sin(math.Pi*float64(up)/daylight)/total, 1600)
		}
		if hour < wetHours {
			s.RainTotalMM = rain / wetHours
		}
		r.push(s)
	}
	return t
}

// at returns the weather at a full hour.
func (r *Record) at(t time.Time, s site) Sky {
	hour, n := int(t.Sub(r.Start)/time.Hour), len(r.hours)
	var sky Sky
	if hour < n {
		sky = r.hours[hour]
	} else {
		sky = r.hours[n-24+(hour-n)%24]
		sky.RainTotalMM = r.total
	}
	sky.AirPressureHPa = standardPressure(s.elevationM)
	return sky
}
