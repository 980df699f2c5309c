package registry_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ganlin/devices"
	"ganlin/internal/position"
	"ganlin/internal/registry"
)

// village is what testdata/good says.
func village() registry.Entities {
	return registry.Entities{
		Places:   []devices.Place{{Code: "500119101001", Name: "三泉村"}},
		Sites:    []devices.Site{{ID: "sanquan", Place: "500119101001", TimeZone: "Asia/Shanghai"}},
		Stations: []devices.Station{{ID: "w-01", Latitude: 29.16, Longitude: 107.1, ElevationM: 640}},
		Plots: []devices.Plot{{
			ID: "p-001", Name: "后坡三号", Place: "500119101001", Site: "sanquan", Station: "w-01", Household: "h-001",
			AreaMu: 3.2, Crop: "maize_grain", Planted: time.Date(2026, 4, 2, 0, 0, 0, 0, time.UTC),
			Soil: devices.Soil{Texture: "silt_loam"}, SlopePercent: 8, Valves: []devices.DeviceID{"v-001"}, Mode: devices.Auto, Latitude: 29.1611, Longitude: 107.1012,
		}},
		Devices: []devices.Device{
			{ID: "s-001", Model: "ganlin-soil-3", Plot: "p-001"},
			{ID: "v-001", Model: "ganlin-valve-1", Plot: "p-001", MaxDurationS: 7200, MaxVolumeL: 20000},
			{ID: "w-01", Model: "ganlin-weather-1", Station: "w-01"},
		},
	}
}

func entitiesOf(r *registry.Registry) registry.Entities {
	return registry.Entities{Places: r.Places(), Sites: r.Sites(), Stations: r.Stations(), Plots: r.Plots(), Devices: r.Devices()}
}

func mustLoad(t *testing.T, paths []string, o registry.Options) *registry.Registry {
	t.Helper()
	r, problems := registry.Load(paths, o)
	if position.HasErrors(problems) {
		t.Fatalf("loading %v:\n%s", paths, lines(problems))
	}
	return r
}

func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestYAMLAndTablesSayTheSame(t *testing.T) {
	fromYAML, problems := registry.Load([]string{"testdata/good/contract.yaml"}, registry.Options{})
	if len(problems) > 0 {
		t.Fatalf("problems:\n%s", lines(problems))
	}
	if diff := cmp.Diff(village(), entitiesOf(fromYAML)); diff != "" {
		t.Errorf("YAML (-want +got):\n%s", diff)
	}
	tables, err := filepath.Glob("testdata/good/*.csv")
	if err != nil {
		t.Fatal(err)
	}
	fromTables, problems := registry.Load(tables, registry.Options{})
	if len(problems) > 0 {
		t.Fatalf("problems:\n%s", lines(problems))
	}
	if diff := cmp.Diff(village(), entitiesOf(fromTables)); diff != "" {
		t.Errorf("tables (-want +got):\n%s", diff)
	}
	if fromYAML.Hash() != fromTables.Hash() {
		t.Errorf("the hashes differ: %s and %s", fromYAML.Hash(), fromTables.Hash())
	}
}

func TestLookUps(t *testing.T) {
	r := mustLoad(t, []string{"testdata/good/contract.yaml"}, registry.Options{})
	want := village()
	if d, ok := r.Device("v-001"); !ok || d != want.Devices[1] {
		t.Errorf("Device: %v %v", d, ok)
	}
	if p, ok := r.Plot("p-001"); !ok || !cmp.Equal(p, want.Plots[0]) {
		t.Errorf("Plot: %v %v", p, ok)
	}
	if s, ok := r.Station("w-01"); !ok || s != want.Stations[0] {
		t.Errorf("Station: %v %v", s, ok)
	}
	for id, want := range map[devices.DeviceID]devices.Location{
		"s-001": {Plot: "p-001", Site: "sanquan", Place: "500119101001"},
		"w-01":  {Site: "sanquan", Place: "500119101001"},
	} {
		if got, ok := r.Locate(id); !ok || got != want {
			t.Errorf("Locate(%s) = %v, %v; want %v", id, got, ok, want)
		}
	}
	if l, ok := r.Locate("s-999"); ok {
		t.Errorf("an unknown device is located: %v", l)
	}
	r.Plots()[0].ID = "changed"
	r.Devices()[0].ID = "changed"
	if diff := cmp.Diff(want, entitiesOf(r)); diff != "" {
		t.Errorf("a caller changed the registry (-want +got):\n%s", diff)
	}
}

// Two villages share the station w-01; the second village is no declared site.
const shared = `
places: [{code: "500119101001", name: 三泉村}, {code: "500119101002", name: 马嘴村}, {code: "5001", name: 重庆市}]
sites: [{id: sanquan, place: "500119101001"}]
stations:
  - {id: w-01, latitude: 29.16, longitude: 107.10, elevation_m: 640}
  - {id: w-02, latitude: 29.16, longitude: 107.10, elevation_m: 640}
plots:
  - {id: p-1, place: "500119101001", station: w-01, area_mu: 1, crop: rice, planted: 2026-04-02, soil: clay, valves: [v-1]}
  - {id: p-2, place: "500119101002", station: w-01, area_mu: 1, crop: rice, planted: 2026-04-02, soil: {field_capacity: 0.32, wilting_point: 0.15}}
  - {id: p-3, place: "500119101002", station: w-02, area_mu: 1, crop: rice, planted: 2026-04-02, soil: clay, mode: off}
devices:
  - {id: a, model: m, station: w-01}
  - {id: b, model: m, station: w-02}
  - {id: v-1, model: m, station: w-01}
`

func TestSitesFollowFromPlaces(t *testing.T) {
	r, problems := registry.Load([]string{write(t, "r.yaml", shared)}, registry.Options{TimeZone: "Asia/Urumqi"})
	if got, want := lines(problems), "r.yaml:14:5: warning: device v-1 is a valve without max_duration_s; it gets 3600\n"; got != want {
		t.Errorf("problems %q, want %q", got, want)
	}
	if diff := cmp.Diff([]devices.Site{
		{ID: "sanquan", Place: "500119101001", TimeZone: "Asia/Urumqi"},
		{ID: "500119101002", Place: "500119101002", TimeZone: "Asia/Urumqi"},
	}, r.Sites()); diff != "" {
		t.Errorf("sites (-want +got):\n%s", diff)
	}
	for id, want := range map[devices.DeviceID]devices.Location{
		"a": {}, // its station serves two sites
		"b": {Site: "500119101002", Place: "500119101002"},
	} {
		if got, ok := r.Locate(id); !ok || got != want {
			t.Errorf("Locate(%s) = %v, %v; want %v", id, got, ok, want)
		}
	}
	p, _ := r.Plot("p-1")
	q, _ := r.Plot("p-3")
	if p.Mode != devices.Advise || q.Mode != devices.Off {
		t.Errorf("modes %q and %q, want advise by default and off", p.Mode, q.Mode)
	}
	if v, _ := r.Device("v-1"); v.MaxDurationS != registry.DefaultMaxDurationS {
		t.Errorf("the valve may open for %d s", v.MaxDurationS)
	}
}

func TestHashIsOfTheMeaning(t *testing.T) {
	base := village()
	hash := func(change func(*registry.Entities)) string {
		e := village()
		change(&e)
		return mustLoad(t, nil, registry.Options{Imported: []*registry.File{registry.FromEntities("test", e)}}).Hash()
	}
	same := hash(func(*registry.Entities) {})
	if got := hash(func(e *registry.Entities) { slices.Reverse(e.Devices) }); got != same {
		t.Error("the order of devices changes the hash")
	}
	if got := mustLoad(t, []string{"testdata/good/contract.yaml"}, registry.Options{}).Hash(); got != same {
		t.Error("the same from a file has another hash")
	}
	seen := map[string]string{same: "nothing"}
	for name, change := range map[string]func(*registry.Entities){
		"name":    func(e *registry.Entities) { e.Places[0].Name = "x" },
		"zone":    func(e *registry.Entities) { e.Sites[0].TimeZone = "UTC" },
		"place":   func(e *registry.Entities) { e.Stations[0].Latitude += 1e-9 },
		"planted": func(e *registry.Entities) { e.Plots[0].Planted = e.Plots[0].Planted.AddDate(0, 0, 1) },
		"mode":    func(e *registry.Entities) { e.Plots[0].Mode = devices.Off },
		"limit":   func(e *registry.Entities) { e.Devices[1].MaxDurationS++ },
		"fewer":   func(e *registry.Entities) { e.Devices = e.Devices[1:] },
	} {
		h := hash(change)
		if other, ok := seen[h]; ok {
			t.Errorf("changing %s has the hash of changing %s", name, other)
		}
		seen[h] = name
	}
	if diff := cmp.Diff(base, village()); diff != "" {
		t.Errorf("the test changed its own village:\n%s", diff)
	}
}

func TestFilesWinOverWhatWasImported(t *testing.T) {
	old := village()
	old.Devices[0].Model = "older"
	old.Devices = append(old.Devices, devices.Device{ID: "s-002", Model: "newer", Plot: "p-001"})
	update := registry.Read("more.csv", []byte("id,model,plot\ns-002,newest,p-001\ns-003,newest,p-001\ns-001,wrong,p-001\n"))
	r := mustLoad(t, []string{"testdata/good/contract.yaml"},
		registry.Options{Imported: []*registry.File{update, registry.FromEntities("imported", old)}})
	want := append(village().Devices,
		devices.Device{ID: "s-002", Model: "newest", Plot: "p-001"}, devices.Device{ID: "s-003", Model: "newest", Plot: "p-001"})
	if diff := cmp.Diff(want, r.Devices()); diff != "" {
		t.Errorf("devices (-want +got):\n%s", diff)
	}
	if n := len(update.Entities().Devices); n != 3 {
		t.Errorf("the file declares %d devices, want 3", n)
	}
}

func TestProblemsOfWhatIsNoFile(t *testing.T) {
	added := registry.FromEntities("the request", registry.Entities{Devices: []devices.Device{
		{ID: "s 9", Model: "m", Plot: "p-001"}, {ID: "s-8", Plot: "p-002"}, {ID: "s-7", Model: "m", Plot: "p-001"}, {ID: "s-7", Model: "m", Plot: "p-001"},
	}})
	r, problems := registry.Load([]string{"testdata/good/contract.yaml"}, registry.Options{Imported: []*registry.File{added}})
	want := `the request: error: device s 9: id "s 9" holds ' '; use only A-Z a-z 0-9 _ -
the request: error: device s-7 is declared twice: also at the request; keep one
the request: error: device s-8: model is empty
the request: error: device s-8: plot p-002 is declared nowhere; add it to the plots or mend its name
`
	if diff := cmp.Diff(want, lines(problems)); r != nil || diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
}

func TestTwoFilesNameBothPlaces(t *testing.T) {
	_, problems := registry.Load([]string{"testdata/good/devices.csv", "testdata/good/contract.yaml"}, registry.Options{})
	want := "contract.yaml:8:10: error: device s-001 is declared twice: also at testdata/good/devices.csv:2:1; keep one\n"
	if got := lines(problems); !strings.Contains(got, want) {
		t.Errorf("problems:\n%swant among them:\n%s", got, want)
	}
}

func TestUnreadableFiles(t *testing.T) {
	dir := t.TempDir()
	huge := filepath.Join(dir, "huge.yaml")
	if err := os.WriteFile(huge, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(huge, position.MaxFileBytes+1); err != nil { // sparse
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		filepath.Join(dir, "none.yaml"): "none.yaml:1:1: error: reading the file: no such file or directory\n",
		dir:                             filepath.Base(dir) + ":1:1: error: reading the file: is a directory\n",
		huge:                            "huge.yaml:1:1: error: the file is larger than 64 MiB; split it into several\n",
	} {
		// What refers to the file that cannot be read is no problem of its own.
		r, problems := registry.Load([]string{name, "testdata/good/devices.csv"}, registry.Options{})
		if got := lines(problems); r != nil || got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if r, problems := registry.Load([]string{write(t, "empty.yaml", "# nothing yet\n"), write(t, "empty.csv", "")}, registry.Options{}); r == nil || len(problems) > 0 {
		t.Errorf("empty files: %v", problems)
	}
}

// Nine levels of nine aliases would be 387 million values, if they were followed.
func TestAliasesDoNotMultiply(t *testing.T) {
	bomb := "a: &a [x, x, x, x, x, x, x, x, x]\n"
	for c := 'b'; c <= 'i'; c++ {
		bomb += string(c) + ": &" + string(c) + " [" + strings.TrimSuffix(strings.Repeat("*"+string(c-1)+", ", 9), ", ") + "]\n"
	}
	bomb += "devices: *i\n"
	_, problems := registry.Load([]string{write(t, "bomb.yaml", bomb)}, registry.Options{})
	if got, want := lines(problems), "bomb.yaml:10:10: error: devices must be a list such as [a, b], not an alias, which is not followed: write the value out\n"; !strings.Contains(got, want) {
		t.Errorf("problems:\n%s", got)
	}
	deep := strings.Repeat("[", 200_000)
	if _, problems := registry.Load([]string{write(t, "deep.yaml", deep)}, registry.Options{}); !strings.Contains(lines(problems), "exceeded max depth") {
		t.Errorf("problems:\n%s", lines(problems))
	}
}
