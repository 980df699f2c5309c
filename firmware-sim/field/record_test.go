package field_test

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"ganlin/firmware-sim/field"
)

// withRecord returns one plot under 60 warm, dull days with that rain.
func withRecord(t *testing.T, rainMM func(day int) float64) field.Options {
	t.Helper()
	var b strings.Builder
	b.WriteString("date,tmin_c,tmax_c,rh_mean,wind_ms,solar_mj_m2,rain_mm\n")
	for day := range 60 {
		_, _ = fmt.Fprintf(&b, "%s,18,30,70,1.5,18,%g\n", start.Add(8*time.Hour).AddDate(0, 0, day).Format(time.DateOnly), rainMM(day))
	}
	r, err := field.ReadRecord(strings.NewReader(b.String()))
	if err != nil {
		t.Fatal(err)
	}
	o := options("", 1)
	o.Record, o.Plots = r, o.Plots[:1]
	return o
}

func TestRecordByDay(t *testing.T) {
	o := withRecord(t, func(day int) float64 { return float64(day%2) * 12 })
	f, err := field.New(o)
	if err != nil {
		t.Fatal(err)
	}
	sun, low, high := 0.0, 99.0, -99.0
	for hour := range 24 {
		f.Advance(start.Add(time.Duration(hour) * time.Hour))
		s := f.Sky("w-01")
		sun += s.SolarRadiationWM2 * 3600 / 1e6
		low, high = min(low, s.AirTemperatureC), max(high, s.AirTemperatureC)
	}
	if math.Abs(sun-18) > 1e-9 || low != 18 || high != 30 {
		t.Errorf("%.3f MJ, %g to %g degrees", sun, low, high)
	}
	f.Advance(start.AddDate(0, 0, 60))
	if rain := f.Sky("w-02").RainTotalMM; math.Abs(rain-360) > 1e-9 {
		t.Errorf("%g mm of rain in 60 days, want 360", rain)
	}
	f.Advance(start.AddDate(0, 0, 90)) // after the last day, without rain
	if s := f.Sky("w-01"); math.Abs(s.RainTotalMM-360) > 1e-9 || s.AirTemperatureC < 18 || s.AirPressureHPa < 900 {
		t.Errorf("after the end: %+v", s)
	}
}

func TestRecordByHour(t *testing.T) {
	r, err := field.OpenRecord("testdata/summer-by-hour.csv")
	if err != nil {
		t.Fatal(err)
	}
	if r.Days() != 3 || !r.Start.Equal(time.Date(2025, 6, 30, 16, 0, 0, 0, time.UTC)) {
		t.Errorf("%d days from %s", r.Days(), r.Start)
	}
	o := options("", 1)
	o.Record, o.Start, o.Plots = r, r.Start, o.Plots[:1]
	f, err := field.New(o)
	if err != nil {
		t.Fatal(err)
	}
	f.Advance(r.Start.Add(15 * time.Hour))
	warm := f.Sky("w-01").AirTemperatureC
	f.Advance(r.Start.Add(15*time.Hour + 30*time.Minute))
	if half := f.Sky("w-01").AirTemperatureC; warm != 36 || half >= warm || half < 35 {
		t.Errorf("%g degrees at 15:00, %g at 15:30", warm, half)
	}
	f.Advance(r.Start.Add(72 * time.Hour))
	if rain := f.Sky("w-02").RainTotalMM; math.Abs(rain-14.2) > 1e-9 {
		t.Errorf("%g mm of rain", rain)
	}
	o.Start = start
	if _, err := field.New(o); err == nil {
		t.Error("a season that begins in another year than its weather was taken")
	}
}

func TestSummerOfTheExample(t *testing.T) {
	r, err := field.OpenRecord("testdata/summer-by-day.csv")
	if err != nil || r.Days() != 120 {
		t.Fatal(r, err)
	}
	o := options("", 1)
	o.Record, o.Start = r, r.Start
	for i := range o.Plots {
		o.Plots[i].Planted = o.Plots[i].Planted.AddDate(-1, 0, 0)
	}
	g := survey(t, o)
	if y := meanYield(g.Arm(120, field.Rainfed)); y > 0.95 || y < 0.3 {
		t.Errorf("rain alone bears %.2f in a summer with a dry August", y)
	}
}

func TestRecordsThatAreRefused(t *testing.T) {
	const days = "date,tmin_c,tmax_c,rh_mean,wind_ms,solar_mj_m2,rain_mm\n"
	const hours = "time,temperature_c,rh_mean,wind_ms,solar_w_m2,rain_mm\n"
	for text, want := range map[string]string{
		"":                            "the header",
		days:                          "no whole day",
		"date,tmin_c\n":               `line 1 has no column "tmax_c"`,
		"day,rain_mm\n":               `line 1 has no column "time"`,
		days + "1 May,1,2,3,4,5,6\n":  `line 2, column date: "1 May" is no time such as 2006-01-02`,
		days + "2026-05-01,1,2,3,4\n": "line 2",
		days + "2026-05-01,18,30,70,1,18,0\n2026-05-03,18,30,70,1,18,0\n":          "line 3, column date: 2026-05-03 does not follow",
		days + "2026-05-01,18,30,70,1,18,wet\n":                                    `line 2, column rain_mm: "wet" is not a number from 0 to 1000`,
		days + "2026-05-01,18,30,170,1,18,0\n":                                     `line 2, column rh_mean: "170"`,
		days + "2026-05-01,18,30,70,1,NaN,0\n":                                     "line 2, column solar_mj_m2",
		days + "2026-05-01,31,30,70,1,18,0\n":                                      "line 2, column tmax_c: 30 is below tmin_c",
		hours + "2026-05-01T01:00:00,20,70,1,0,0\n":                                "line 2, column time: the record does not begin at midnight",
		hours + "2026-05-01T00:00:00,20,70,1,0,0\n2026-05-01T00:30:00,20,70,1,0,0": "line 3, column time",
		hours + "2026-05-01T00:00:00,20,70,1,0,0\n":                                "no whole day",
	} {
		if _, err := field.ReadRecord(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
	if _, err := field.OpenRecord("testdata/nowhere.csv"); err == nil {
		t.Error("a file that is not there was read")
	}
}

func FuzzReadRecord(f *testing.F) {
	f.Add("date,tmin_c,tmax_c,rh_mean,wind_ms,solar_mj_m2,rain_mm\n2026-05-01,18,30,70,1,18,0\n")
	f.Add("time,temperature_c,rh_mean,wind_ms,solar_w_m2,rain_mm\n2026-05-01T00:00:00+08:00,20,70,1,0,0\n")
	f.Fuzz(func(t *testing.T, text string) {
		if r, err := field.ReadRecord(strings.NewReader(text)); err == nil && r.Days() == 0 {
			t.Error("a record without days was taken")
		}
	})
}
