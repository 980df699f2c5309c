package registry

import (
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"ganlin/devices"
	"ganlin/internal/position"
)

// A File is what one file declares, or another source of entities. Load finds
// out whether it is right.
type File struct {
	report   position.Report
	broken   bool // it could not be read to its end, so what is missing elsewhere may stand in it
	places   []entry[devices.Place]
	sites    []entry[devices.Site]
	stations []entry[devices.Station]
	plots    []entry[devices.Plot]
	devices  []entry[devices.Device]
}

// An entry is an entity with where its parts stand.
type entry[T any] struct {
	value  T
	id     string // of the value; set when a registry is made
	at     position.Position
	fields position.Mapping
	told   []string // keys that are missing or unreadable and were reported as such
}

// where returns the position of a key's value, or of the entity when it was not given.
func (e entry[T]) where(key string) position.Position {
	if n := e.fields.Get(key); !n.Absent() {
		return n.At()
	}
	return e.at
}

// A kind is one of the five lists: its name, what one of it is called, and its keys.
type kind struct {
	list, one string
	required  []string // the first is the id
	optional  []string
}

func (k kind) keys() []string { return slices.Concat(k.required, k.optional) }

var (
	placeKind   = kind{"places", "place", []string{"code", "name"}, nil}
	siteKind    = kind{"sites", "site", []string{"id", "place"}, []string{"timezone"}}
	stationKind = kind{"stations", "station", []string{"id", "latitude", "longitude", "elevation_m"}, nil}
	plotKind    = kind{
		"plots", "plot",
		[]string{"id", "place", "station", "area_mu", "crop", "planted", "soil"},
		[]string{"name", "household", "slope_percent", "valves", "mode", "latitude", "longitude"},
	}
	deviceKind = kind{"devices", "device", []string{"id", "model"}, []string{"plot", "station", "max_duration_s", "max_volume_l", "flow_lpm"}}
)

// kinds are in the order of their number of keys: a CSV file that fits two is of the first.
func kinds() []kind { return []kind{placeKind, siteKind, stationKind, deviceKind, plotKind} }

// Read reads the text of a file, as CSV when its name says so, else as YAML.
func Read(name string, text []byte) *File {
	f := &File{}
	var root position.Node
	var ok bool
	if strings.EqualFold(filepath.Ext(name), ".csv") {
		var table *yaml.Node
		if table, ok = readCSV(&f.report, name, text); ok {
			root = position.NodeOf(&f.report, name, table)
		}
	} else {
		root, ok = position.ReadYAML(&f.report, name, text)
	}
	if !ok {
		f.broken = true
		return f
	}
	lists, ok := root.Mapping("a registry", placeKind.list, siteKind.list, stationKind.list, plotKind.list, deviceKind.list)
	f.broken = !ok
	f.places = readList(f, lists, placeKind, readPlace)
	f.sites = readList(f, lists, siteKind, readSite)
	f.stations = readList(f, lists, stationKind, readStation)
	f.plots = readList(f, lists, plotKind, readPlot)
	f.devices = readList(f, lists, deviceKind, readDevice)
	return f
}

// FromEntities makes a file of entities that come from elsewhere; name stands for it in messages.
func FromEntities(name string, e Entities) *File {
	at := position.Position{File: name}
	return &File{
		places:   entriesOf(at, e.Places),
		sites:    entriesOf(at, e.Sites),
		stations: entriesOf(at, e.Stations),
		plots:    entriesOf(at, e.Plots),
		devices:  entriesOf(at, e.Devices),
	}
}

func entriesOf[T any](at position.Position, values []T) []entry[T] {
	entries := make([]entry[T], len(values))
	for i, v := range values {
		entries[i] = entry[T]{value: v, at: at}
	}
	return entries
}

// Entities returns what the file declares.
func (f *File) Entities() Entities {
	return Entities{
		Places:   valuesOf(f.places),
		Sites:    valuesOf(f.sites),
		Stations: valuesOf(f.stations),
		Plots:    valuesOf(f.plots),
		Devices:  valuesOf(f.devices),
	}
}

// Declared returns what the file declares by kind and id, such as "device s-001".
func (f *File) Declared() map[string]any {
	all := map[string]any{}
	for _, e := range f.places {
		all[placeKind.one+" "+string(e.value.Code)] = e.value
	}
	for _, e := range f.sites {
		all[siteKind.one+" "+string(e.value.ID)] = e.value
	}
	for _, e := range f.stations {
		all[stationKind.one+" "+string(e.value.ID)] = e.value
	}
	for _, e := range f.plots {
		all[plotKind.one+" "+string(e.value.ID)] = e.value
	}
	for _, e := range f.devices {
		all[DeviceName(e.value.ID)] = e.value
	}
	return all
}

// DeviceName is the name of a device among what is Declared.
func DeviceName(id devices.DeviceID) string { return deviceKind.one + " " + string(id) }

func valuesOf[T any](entries []entry[T]) []T {
	values := make([]T, len(entries))
	for i, e := range entries {
		values[i] = e.value
	}
	return values
}
