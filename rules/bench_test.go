package rules_test

import (
	"fmt"
	"math"
	"testing"
	"time"

	"ganlin/devices"
	"ganlin/internal/rulefile"
	"ganlin/rules"
)

// village is a site of 40 plots, 36 with a probe, 27 with a valve.
func village(b *testing.B) rules.Config {
	b.Helper()
	set, problems := rulefile.Load(nil, true)
	if len(problems) > 0 {
		b.Fatal(problems)
	}
	var plots []devices.Plot
	all := []devices.Device{{ID: "w-01", Station: "w-01"}}
	for i := range 40 {
		p := devices.Plot{
			ID: devices.PlotID(fmt.Sprintf("p-%02d", i)), Place: "500119101001", Site: "sanquan", Station: "w-01", AreaMu: 3, Crop: "maize_grain",
			Household: devices.HouseholdID(fmt.Sprintf("h-%02d", i/2)), Planted: time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC),
			Soil: devices.Soil{Texture: "loam"}, Mode: devices.Auto,
		}
		if i < 36 {
			all = append(all, devices.Device{ID: devices.DeviceID(fmt.Sprintf("s-%02d", i)), Plot: p.ID})
		}
		if i >= 13 {
			v := devices.Device{ID: devices.DeviceID(fmt.Sprintf("v-%02d", i)), Plot: p.ID, MaxDurationS: 7200, MaxVolumeL: 30_000}
			all, p.Valves = append(all, v), []devices.DeviceID{v.ID}
		}
		plots = append(plots, p)
	}
	configs, err := rules.Configs([]devices.Site{{ID: "sanquan", Place: "500119101001", TimeZone: "Asia/Shanghai"}},
		[]devices.Station{{ID: "w-01", Latitude: 29.16, Longitude: 107.1, ElevationM: 640}}, plots, all, set.Rules, 0)
	if err != nil {
		b.Fatal(err)
	}
	return configs[0]
}

// villageHour is what the village's devices measure in the hour that ends at a
// time: probes and valves every 30 minutes, the station every 10.
func villageHour(b *testing.B, c rules.Config, end time.Time) (facts []devices.Fact) {
	b.Helper()
	keys := map[string]devices.Key{}
	add := func(d devices.DeviceID, at time.Time, key string, v float64) {
		if _, ok := keys[key]; !ok {
			k, err := devices.ParseKey(key)
			if err != nil {
				b.Fatal(err)
			}
			keys[key] = k
		}
		facts = append(facts, devices.Fact{
			Kind: devices.ReadingFact, At: at, Received: at, Device: d, Location: devices.Location{Site: "sanquan"}, Key: keys[key], Value: v,
		})
	}
	sun := max(0, math.Sin(math.Pi*(float64((end.Hour()+8)%24)-6)/13))
	days := end.Sub(begin).Hours() / 24
	noise := func(at time.Time, i int) float64 { return 0.001 * math.Sin(float64(at.Unix()%9973)*float64(i+1)) }
	for m := -50; m <= 0; m += 10 {
		at := end.Add(time.Duration(m) * time.Minute)
		add("w-01", at, "air_temperature", 27+8*sun+noise(at, 1))
		add("w-01", at, "relative_humidity", 75-30*sun+noise(at, 2))
		add("w-01", at, "wind_speed", 1.5+noise(at, 3))
		add("w-01", at, "solar_radiation", 850*sun)
		add("w-01", at, "air_pressure", 940+noise(at, 4))
		add("w-01", at, "rain_total", 8*math.Floor(days/9))
	}
	for _, minutes := range []int{-30, 0} {
		at := end.Add(time.Duration(minutes) * time.Minute)
		for i, d := range c.Devices {
			switch d.ID[0] {
			case 's':
				theta := 0.24 - 0.11*math.Mod(days+float64(i%12), 12)/12
				for k, depth := range []string{"20", "40", "60"} {
					add(d.ID, at, "soil_moisture@"+depth, theta+0.01*float64(k)+noise(at, i+k))
					add(d.ID, at, "soil_temperature@"+depth, 24+noise(at, i-k))
				}
				add(d.ID, at, "battery_voltage", 3.6)
			case 'v':
				add(d.ID, at, "battery_voltage", 3.6)
			}
		}
	}
	return facts
}

// BenchmarkSite tells 30 days of the village to a site, with a tick an hour.
func BenchmarkSite(b *testing.B) {
	c := village(b)
	const hours = 24 * 30
	var facts [][]devices.Fact
	n := 0
	for h := range hours {
		facts = append(facts, villageHour(b, c, begin.Add(time.Duration(h+1)*time.Hour)))
		n += len(facts[h])
	}
	for b.Loop() {
		s := rules.New(c)
		s.Tick(begin)
		for h := range hours {
			for _, f := range facts[h] {
				s.Add(f)
			}
			s.Tick(begin.Add(time.Duration(h+1) * time.Hour))
		}
	}
	b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "facts/s")
	b.ReportMetric(float64(n)/hours, "facts/tick")
}
