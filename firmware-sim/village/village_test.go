package village_test

import (
	"bytes"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
	"go.yaml.in/yaml/v3"

	"ganlin/devices"
	"ganlin/firmware-sim/village"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func newVillage(t *testing.T, o village.Options) *village.Village {
	t.Helper()
	v, err := village.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestVillageOfForty(t *testing.T) {
	for seed := range uint64(5) {
		r := newVillage(t, village.Options{Seed: seed}).Registry
		models := map[string]int{}
		for _, d := range r.Devices {
			models[d.Model]++
			if err := d.ID.Validate(); err != nil {
				t.Error(err)
			}
		}
		if diff := cmp.Diff(map[string]int{"ganlin-soil-3": 36, "ganlin-valve-1": 27, "ganlin-weather-1": 2}, models); diff != "" {
			t.Error(diff)
		}
		owned, names := map[devices.HouseholdID]int{}, map[string]bool{}
		for _, p := range r.Plots {
			owned[p.Household]++
			names[p.Name] = true
			if p.AreaMu < 0.8 || p.AreaMu > 4.4 || p.Site != "sanquan" || p.Planted.Hour() != 0 || (p.Mode == devices.Auto) != (len(p.Valves) == 1) {
				t.Errorf("plot %+v", p)
			}
		}
		for id, n := range owned {
			if n < 1 || n > 3 {
				t.Errorf("household %s has %d plots", id, n)
			}
		}
		if len(r.Plots) != 40 || len(names) != 40 || len(owned) < 14 {
			t.Errorf("%d plots, %d names, %d households", len(r.Plots), len(names), len(owned))
		}
		for _, s := range r.Stations {
			if s.ElevationM < 600 || s.ElevationM > 1200 || s.Latitude < 29 || s.Latitude > 29.3 || s.Longitude < 107 || s.Longitude > 107.2 {
				t.Errorf("station %+v", s)
			}
		}
	}
	one := newVillage(t, village.Options{Seed: 1}).Registry
	if diff := cmp.Diff(one, newVillage(t, village.Options{Seed: 1}).Registry); diff != "" {
		t.Errorf("the same seed gives another village: %s", diff)
	}
	if cmp.Equal(one, newVillage(t, village.Options{Seed: 2}).Registry) {
		t.Error("another seed gives the same village")
	}
}

func TestOtherSizes(t *testing.T) {
	for _, c := range []struct {
		options village.Options
		want    map[string]int
	}{
		{village.Options{Plots: 1}, map[string]int{"ganlin-soil-3": 1, "ganlin-valve-1": 1, "ganlin-weather-1": 1}},
		{village.Options{Plots: 12, ProbesOnly: true}, map[string]int{"ganlin-soil-3": 12}},
		{village.Options{Plots: 1200}, map[string]int{"ganlin-soil-3": 1080, "ganlin-valve-1": 800, "ganlin-weather-1": 60}},
	} {
		models := map[string]int{}
		for _, d := range newVillage(t, c.options).Registry.Devices {
			models[d.Model]++
		}
		if diff := cmp.Diff(c.want, models); diff != "" {
			t.Errorf("%+v: %s", c.options, diff)
		}
	}
	for _, o := range []village.Options{{Season: "monsoon"}, {Plots: -1}, {Days: -1}} {
		if _, err := village.New(o); err == nil {
			t.Errorf("%+v was taken", o)
		}
	}
}

// Plots lie around their station, in walking distance, and none on another.
func TestPlotsLieOnTheHill(t *testing.T) {
	r := newVillage(t, village.Options{Seed: 3, Plots: 400}).Registry
	metres := func(lat1, lon1, lat2, lon2 float64) float64 {
		return 111_320 * math.Hypot(lat1-lat2, (lon1-lon2)*math.Cos(lat1*math.Pi/180))
	}
	at := map[devices.StationID]devices.Station{}
	for _, s := range r.Stations {
		at[s.ID] = s
	}
	for i, p := range r.Plots {
		s := at[p.Station]
		if d := metres(p.Latitude, p.Longitude, s.Latitude, s.Longitude); d > 800 {
			t.Errorf("plot %s lies %.0f m from its station", p.ID, d)
		}
		for _, o := range r.Plots[:i] {
			if d := metres(p.Latitude, p.Longitude, o.Latitude, o.Longitude); o.Station == p.Station && d < 40 {
				t.Errorf("plots %s and %s are %.0f m apart", o.ID, p.ID, d)
			}
		}
	}
}

// A file is the registry as the contract gives it; unknown keys are errors.
type file struct {
	Places []struct {
		Code string `yaml:"code"`
		Name string `yaml:"name"`
	} `yaml:"places"`
	Sites []struct {
		ID       string `yaml:"id"`
		Place    string `yaml:"place"`
		TimeZone string `yaml:"timezone"`
	} `yaml:"sites"`
	Stations []struct {
		ID         string  `yaml:"id"`
		Latitude   float64 `yaml:"latitude"`
		Longitude  float64 `yaml:"longitude"`
		ElevationM float64 `yaml:"elevation_m"`
	} `yaml:"stations"`
	Plots []struct {
		ID           string   `yaml:"id"`
		Name         string   `yaml:"name"`
		Place        string   `yaml:"place"`
		Station      string   `yaml:"station"`
		Household    string   `yaml:"household"`
		AreaMu       float64  `yaml:"area_mu"`
		Crop         string   `yaml:"crop"`
		Planted      string   `yaml:"planted"`
		Soil         string   `yaml:"soil"`
		SlopePercent float64  `yaml:"slope_percent"`
		Valves       []string `yaml:"valves"`
		Mode         string   `yaml:"mode"`
		Latitude     float64  `yaml:"latitude"`
		Longitude    float64  `yaml:"longitude"`
	} `yaml:"plots"`
	Devices []struct {
		ID           string  `yaml:"id"`
		Model        string  `yaml:"model"`
		Plot         string  `yaml:"plot"`
		Station      string  `yaml:"station"`
		MaxDurationS int     `yaml:"max_duration_s"`
		MaxVolumeL   float64 `yaml:"max_volume_l"`
		FlowLPM      float64 `yaml:"flow_lpm"`
	} `yaml:"devices"`
}

func parse(t *testing.T, r village.Registry) file {
	t.Helper()
	var b bytes.Buffer
	if err := r.WriteYAML(&b); err != nil {
		t.Fatal(err)
	}
	var f file
	d := yaml.NewDecoder(&b)
	d.KnownFields(true)
	if err := d.Decode(&f); err != nil {
		t.Fatal(err)
	}
	return f
}

func TestWriteYAML(t *testing.T) {
	r := newVillage(t, village.Options{Seed: 4}).Registry
	f := parse(t, r)
	var got, want []string
	for _, p := range f.Places {
		got = append(got, fmt.Sprint(p))
	}
	for _, p := range r.Places {
		want = append(want, fmt.Sprint(p))
	}
	for _, s := range f.Sites {
		got = append(got, fmt.Sprint(s))
	}
	for _, s := range r.Sites {
		want = append(want, fmt.Sprint(s))
	}
	for _, s := range f.Stations {
		got = append(got, fmt.Sprint(s))
	}
	for _, s := range r.Stations {
		want = append(want, fmt.Sprint(s))
	}
	for _, p := range f.Plots {
		got = append(got, fmt.Sprint(p))
	}
	for _, p := range r.Plots {
		want = append(want, fmt.Sprint(struct{ a, b, c, d, e, f, g, h, i, j, k, l, m, n any }{
			p.ID, p.Name, p.Place, p.Station, p.Household, p.AreaMu, p.Crop, p.Planted.Format(time.DateOnly), p.Soil.Texture, p.SlopePercent, p.Valves, p.Mode,
			p.Latitude, p.Longitude,
		}))
	}
	for _, d := range f.Devices {
		got = append(got, fmt.Sprint(d))
	}
	for _, d := range r.Devices {
		want = append(want, fmt.Sprint(d))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestWriteYAMLQuotes(t *testing.T) {
	names := []string{"三泉村", "no", "2026-01-01", "a: b", `"x"`, "- y", "一号 #3", "tab\tend", "~", "null", "8"}
	var r village.Registry
	for _, name := range names {
		r.Places = append(r.Places, devices.Place{Code: "0012", Name: name})
	}
	for i, p := range parse(t, r).Places {
		if p.Name != names[i] || p.Code != "0012" {
			t.Errorf("%q became %q, the code %q", names[i], p.Name, p.Code)
		}
	}
	if err := r.WriteYAML(full{}); err == nil || !strings.Contains(err.Error(), "no room") {
		t.Errorf("writing to a full disk: %v", err)
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, fmt.Errorf("no room") }
