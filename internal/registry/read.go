package registry

import (
	"slices"
	"strings"
	"time"

	"ganlin/devices"
	"ganlin/internal/position"
)

// A reader takes the values of one entity out of its mapping and remembers the
// keys that it had to complain of.
type reader struct {
	fields position.Mapping
	told   []string
}

func (r *reader) text(key string) string {
	n := r.fields.Get(key)
	s, ok := n.Text(key)
	r.note(key, n, ok)
	return s
}

func (r *reader) float(key string) float64 {
	n := r.fields.Get(key)
	v, ok := n.Float(key)
	r.note(key, n, ok)
	return v
}

func (r *reader) int(key string) int {
	n := r.fields.Get(key)
	v, ok := n.Int(key)
	r.note(key, n, ok)
	return v
}

func (r *reader) date(key string) time.Time {
	n := r.fields.Get(key)
	text, ok := n.Text(key)
	if !ok {
		r.note(key, n, ok)
		return time.Time{}
	}
	day, err := time.Parse(time.DateOnly, text)
	if err != nil {
		n.Errorf("%s must be a day such as 2026-04-02, not %q", key, shorten(text))
	}
	r.note(key, n, err == nil)
	return day
}

// limit returns a limit; none at all is written by leaving it out.
func limit[T int | float64](r *reader, key string, v T) T {
	if n := r.fields.Get(key); v == 0 && !n.Absent() && !slices.Contains(r.told, key) {
		n.Errorf("%s must be above 0; leave it out for none", key)
		r.note(key, n, false)
	}
	return v
}

// both complains when one of two keys is given without the other.
func (r *reader) both(a, b string) {
	for _, pair := range [][2]string{{a, b}, {b, a}} {
		if given := r.fields.Get(pair[0]); !given.Absent() && r.fields.Get(pair[1]).Absent() {
			given.Errorf("%s is given without %s; give both or neither", pair[0], pair[1])
			r.note(pair[0], given, false)
		}
	}
}

func (r *reader) note(key string, n position.Node, ok bool) {
	if !ok && !n.Absent() {
		r.told = append(r.told, key)
	}
}

// readList reads all entities of a kind.
func readList[T any](f *File, lists position.Mapping, k kind, read func(*reader) T) []entry[T] {
	items := lists.Get(k.list).List(k.list)
	entries := make([]entry[T], 0, len(items))
	for _, item := range items {
		if item.Absent() {
			item.Errorf("an empty item among the %s; take it out", k.list)
			continue
		}
		fields, ok := item.Mapping("a "+k.one, k.keys()...)
		if !ok {
			continue
		}
		r := &reader{fields: fields}
		value := read(r)
		missing := fields.Missing(k.required...)
		if len(missing) > 0 {
			subject := k.one
			if id := fields.Get(k.required[0]); id.IsScalar() {
				name, _ := id.Text(k.required[0])
				subject += " " + shorten(name)
			}
			f.report.Errorf(item.At(), "%s lacks %s", subject, strings.Join(missing, ", "))
		}
		entries = append(entries, entry[T]{value: value, at: item.At(), fields: fields, told: append(r.told, missing...)})
	}
	return entries
}

func readPlace(r *reader) devices.Place {
	return devices.Place{Code: devices.PlaceCode(r.text("code")), Name: r.text("name")}
}

func readSite(r *reader) devices.Site {
	return devices.Site{
		ID:       devices.SiteID(r.text("id")),
		Place:    devices.PlaceCode(r.text("place")),
		TimeZone: r.text("timezone"),
	}
}

func readStation(r *reader) devices.Station {
	return devices.Station{
		ID:         devices.StationID(r.text("id")),
		Latitude:   r.float("latitude"),
		Longitude:  r.float("longitude"),
		ElevationM: r.float("elevation_m"),
	}
}

func readPlot(r *reader) devices.Plot {
	p := devices.Plot{
		ID:           devices.PlotID(r.text("id")),
		Name:         r.text("name"),
		Place:        devices.PlaceCode(r.text("place")),
		Station:      devices.StationID(r.text("station")),
		Household:    devices.HouseholdID(r.text("household")),
		AreaMu:       r.float("area_mu"),
		Crop:         r.text("crop"),
		Planted:      r.date("planted"),
		Soil:         readSoil(r),
		SlopePercent: r.float("slope_percent"),
		Mode:         devices.Mode(r.text("mode")),
		Latitude:     r.float("latitude"),
		Longitude:    r.float("longitude"),
	}
	r.both("latitude", "longitude")
	for _, n := range r.fields.Get("valves").List("valves") {
		if id, ok := n.Text("a valve"); ok {
			p.Valves = append(p.Valves, devices.DeviceID(id))
		}
	}
	if p.Mode == "" {
		p.Mode = devices.Advise // a valve that nobody said may move does not
	}
	return p
}

func readSoil(r *reader) devices.Soil {
	n := r.fields.Get("soil")
	if !n.IsMapping() {
		return devices.Soil{Texture: r.text("soil")}
	}
	keys := []string{"field_capacity", "wilting_point"}
	m, ok := n.Mapping("a soil", keys...)
	inner := &reader{fields: m}
	soil := devices.Soil{FieldCapacity: inner.float("field_capacity"), WiltingPoint: inner.float("wilting_point")}
	if missing := m.Missing(keys...); ok && len(missing) > 0 {
		n.Errorf("soil lacks %s; give both field_capacity and wilting_point, or a texture such as silt_loam", strings.Join(missing, ", "))
		ok = false
	}
	r.note("soil", n, ok && len(inner.told) == 0)
	return soil
}

func readDevice(r *reader) devices.Device {
	return devices.Device{
		ID:           devices.DeviceID(r.text("id")),
		Model:        r.text("model"),
		Plot:         devices.PlotID(r.text("plot")),
		Station:      devices.StationID(r.text("station")),
		MaxDurationS: limit(r, "max_duration_s", r.int("max_duration_s")),
		MaxVolumeL:   limit(r, "max_volume_l", r.float("max_volume_l")),
		FlowLPM:      limit(r, "flow_lpm", r.float("flow_lpm")),
	}
}

// shorten keeps what stands in a file from flooding a message.
func shorten(s string) string {
	if r := []rune(s); len(r) > 40 {
		return string(r[:40]) + "…"
	}
	return s
}
