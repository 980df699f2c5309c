package registry_test

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"ganlin/devices"
	"ganlin/internal/position"
	"ganlin/internal/registry"
)

// drawEntities makes registries that are right but for names, which may hold anything.
func drawEntities(t *rapid.T) registry.Entities {
	id := rapid.StringMatching(`[A-Za-z0-9_-]{1,12}|0[0-9]{3}|[1-9]e[0-9]|null|true|off|0x1F|1_000|-|~?[0-9]`)
	ids := rapid.SliceOfNDistinct(id, 1, 5, rapid.ID[string])
	name := rapid.SampledFrom([]string{"三泉村", "no", "# x", "a: b", "- a", "'", `"`, "*a", "&a", "!b", "2026-04-02", "null", "~", "𠮷", "a\u3000b", "[", "|", ">", "%", "@", "`", "a #b", "<<", "=", "a\u00a0b", "\\"})
	if rapid.Bool().Draw(t, "any name") {
		name = rapid.OneOf(name, name, name, name, rapid.String())
	}
	number := func(low, high float64) float64 { return rapid.Float64Range(low, high).Draw(t, "number") }
	pick := func(of []string) string { return rapid.SampledFrom(of).Draw(t, "reference") }
	var e registry.Entities
	codes := rapid.SliceOfNDistinct(rapid.StringMatching(`[0-9]{2,12}`), 1, 3, rapid.ID[string]).Draw(t, "codes")
	for _, c := range codes {
		e.Places = append(e.Places, devices.Place{Code: devices.PlaceCode(c), Name: name.Draw(t, "name")})
	}
	if rapid.Bool().Draw(t, "site") {
		e.Sites = append(e.Sites, devices.Site{ID: "the_site_", Place: devices.PlaceCode(codes[0]), TimeZone: pick([]string{"", "UTC", "Asia/Urumqi"})})
	}
	stations, plots, things := ids.Draw(t, "stations"), ids.Draw(t, "plots"), ids.Draw(t, "devices")
	for _, s := range stations {
		e.Stations = append(e.Stations, devices.Station{ID: devices.StationID(s), Latitude: number(-90, 90), Longitude: number(-180, 180), ElevationM: number(-500, 9000)})
	}
	for _, p := range plots {
		plot := devices.Plot{
			ID: devices.PlotID(p), Name: name.Draw(t, "name"), Place: devices.PlaceCode(pick(codes)), Station: devices.StationID(pick(stations)),
			AreaMu: number(1e-9, 1e6), Crop: pick([]string{"rice", "tea", "maize_grain"}),
			Planted: time.Date(rapid.IntRange(1, 9999).Draw(t, "year"), 1, rapid.IntRange(1, 365).Draw(t, "day"), 0, 0, 0, 0, time.UTC),
			Soil:    devices.Soil{Texture: pick([]string{"sand", "clay"})}, SlopePercent: number(0, 100),
			Mode: devices.Mode(pick([]string{"advise", "auto", "off"})),
		}
		if rapid.Bool().Draw(t, "soil") {
			wilting := number(1e-6, 0.3)
			plot.Soil = devices.Soil{WiltingPoint: wilting, FieldCapacity: number(wilting+1e-6, 0.79)}
		}
		if rapid.Bool().Draw(t, "placed") {
			plot.Latitude, plot.Longitude = number(-90, 90), number(-180, 180)
		}
		if rapid.Bool().Draw(t, "household") {
			plot.Household = devices.HouseholdID(id.Draw(t, "id"))
		}
		e.Plots = append(e.Plots, plot)
	}
	for _, d := range things {
		device := devices.Device{ID: devices.DeviceID(d), Model: name.Draw(t, "model")}
		n := rapid.IntRange(0, len(e.Plots)-1).Draw(t, "plot")
		if rapid.Bool().Draw(t, "valve") {
			device.Plot, device.MaxDurationS, device.MaxVolumeL = e.Plots[n].ID, rapid.IntRange(0, 86400).Draw(t, "seconds"), number(0, 1e12)
			e.Plots[n].Valves = append(e.Plots[n].Valves, device.ID)
		} else {
			device.Station = devices.StationID(pick(stations))
		}
		e.Devices = append(e.Devices, device)
	}
	return e
}

func TestWhatIsWrittenIsReadAgain(t *testing.T) {
	right := 0
	rapid.Check(t, func(t *rapid.T) {
		from := registry.FromEntities("drawn", drawEntities(t))
		r, problems := registry.Load(nil, registry.Options{Imported: []*registry.File{from}})
		if position.HasErrors(problems) {
			return // a name that is refused
		}
		right++
		var text bytes.Buffer
		if err := registry.WriteYAML(&text, r); err != nil {
			t.Fatal(err)
		}
		again, problems := registry.Load(nil, registry.Options{Imported: []*registry.File{registry.Read("written.yaml", text.Bytes())}})
		if position.HasErrors(problems) {
			t.Fatalf("%s\n%s", lines(problems), text.String())
		}
		if diff := cmp.Diff(entitiesOf(r), entitiesOf(again)); diff != "" || r.Hash() != again.Hash() {
			t.Fatalf("(-written +read):\n%s\n%s", diff, text.String())
		}
	})
	if right < 10 {
		t.Errorf("only %d registries were right", right)
	}
}

// large is a district: plots of four devices each, a station every hundred plots.
func large(plots int) registry.Entities {
	var e registry.Entities
	for p := range plots {
		place, station := fmt.Sprintf("5001191%05d", p/100), fmt.Sprintf("w-%d", p/100)
		if p%100 == 0 {
			e.Places = append(e.Places, devices.Place{Code: devices.PlaceCode(place), Name: "三泉村"})
			e.Stations = append(e.Stations, devices.Station{ID: devices.StationID(station), Latitude: 29.16, Longitude: 107.1, ElevationM: 640})
			e.Devices = append(e.Devices, devices.Device{ID: devices.DeviceID(station), Model: "ganlin-weather-1", Station: devices.StationID(station)})
		}
		id := devices.PlotID(fmt.Sprintf("p-%d", p))
		valve := devices.DeviceID(fmt.Sprintf("v-%d", p))
		e.Plots = append(e.Plots, devices.Plot{
			ID: id, Name: "后坡三号", Place: devices.PlaceCode(place), Station: devices.StationID(station), Household: "h-001", AreaMu: 3.2,
			Crop: "maize_grain", Planted: time.Date(2026, 4, 2, 0, 0, 0, 0, time.UTC), Soil: devices.Soil{Texture: "silt_loam"},
			SlopePercent: 8, Valves: []devices.DeviceID{valve}, Mode: devices.Auto,
		})
		e.Devices = append(e.Devices, devices.Device{ID: valve, Model: "ganlin-valve-1", Plot: id, MaxDurationS: 7200, MaxVolumeL: 20000})
		for s := range 3 {
			e.Devices = append(e.Devices, devices.Device{ID: devices.DeviceID(fmt.Sprintf("s-%d-%d", p, s)), Model: "ganlin-soil-3", Plot: id})
		}
	}
	return e
}

func BenchmarkLoad10000Plots(b *testing.B) {
	r, problems := registry.Load(nil, registry.Options{Imported: []*registry.File{registry.FromEntities("large", large(10_000))}})
	if len(problems) > 0 {
		b.Fatal(lines(problems))
	}
	var text bytes.Buffer
	if err := registry.WriteYAML(&text, r); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(text.Len()))
	b.ReportAllocs()
	for b.Loop() {
		if again, _ := registry.Load(nil, registry.Options{Imported: []*registry.File{registry.Read("large.yaml", text.Bytes())}}); again.Hash() != r.Hash() {
			b.Fatal("another registry came back")
		}
	}
}
