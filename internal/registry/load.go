package registry

import (
	"cmp"
	"slices"

	"ganlin/devices"
	"ganlin/internal/position"
)

// DefaultTimeZone is that of a site when nothing says otherwise.
const DefaultTimeZone = "Asia/Shanghai"

// Options are what a registry is made of beside files.
type Options struct {
	TimeZone string // of sites that do not say theirs; empty: DefaultTimeZone
	// Imported were declared elsewhere. What an earlier file declares too is
	// passed over in them in silence.
	Imported []*File
}

// Load reads the files and makes one registry of them and of what was
// imported. It returns all problems, sorted; with an error among them there is
// no registry.
func Load(paths []string, o Options) (*Registry, []position.Problem) {
	l := loader{zone: cmp.Or(o.TimeZone, DefaultTimeZone)}
	for _, name := range paths {
		if text, ok := position.ReadFile(&l.report, name); ok {
			l.add(Read(name, text), false)
		} else {
			l.broken = true
		}
	}
	for _, f := range o.Imported {
		l.add(f, true)
	}
	if !l.broken { // else what is missing may stand in what could not be read
		l.resolve()
	}
	problems := l.report.Problems()
	if position.HasErrors(problems) {
		return nil, problems
	}
	return newRegistry(Entities{
		Places:   valuesOf(l.places.entries),
		Sites:    valuesOf(l.sites.entries),
		Stations: valuesOf(l.stations.entries),
		Plots:    valuesOf(l.plots.entries),
		Devices:  valuesOf(l.devices.entries),
	}), problems
}

// A loader gathers the entities of all files.
type loader struct {
	report position.Report
	zone   string
	broken bool

	places   list[devices.PlaceCode, devices.Place]
	sites    list[devices.SiteID, devices.Site]
	stations list[devices.StationID, devices.Station]
	plots    list[devices.PlotID, devices.Plot]
	devices  list[devices.DeviceID, devices.Device]
}

// A list holds the entities of one kind, and where each id stands in it.
type list[K ~string, T any] struct {
	entries []entry[T]
	at      map[K]int
}

// add takes over what a file declares and checks each entity by itself.
func (l *loader) add(f *File, imported bool) {
	l.report.Add(f.report.Problems()...)
	l.broken = l.broken || f.broken
	addTo(l, &l.places, placeKind, f.places, imported, func(p devices.Place) devices.PlaceCode { return p.Code }, checkPlace)
	addTo(l, &l.sites, siteKind, f.sites, imported, func(s devices.Site) devices.SiteID { return s.ID }, checkSite)
	addTo(l, &l.stations, stationKind, f.stations, imported, func(s devices.Station) devices.StationID { return s.ID }, checkStation)
	addTo(l, &l.plots, plotKind, f.plots, imported, func(p devices.Plot) devices.PlotID { return p.ID }, checkPlot)
	addTo(l, &l.devices, deviceKind, f.devices, imported, func(d devices.Device) devices.DeviceID { return d.ID }, checkDevice)
}

func addTo[K ~string, T any](l *loader, to *list[K, T], k kind, entries []entry[T], imported bool, id func(T) K, check func(T) faults) {
	if to.at == nil {
		to.at = make(map[K]int, len(entries))
	}
	before := len(to.entries)
	for _, e := range entries {
		name := id(e.value)
		e.id = shorten(string(name))
		first, twice := to.at[name]
		switch {
		case twice && imported && first < before:
			continue
		case twice:
			l.report.Errorf(e.where(k.required[0]), "%s %s is declared twice: also at %s; keep one", k.one, e.id, to.entries[first].at)
		case name != "":
			to.at[name] = len(to.entries)
		}
		to.entries = append(to.entries, e)
		for _, f := range check(e.value) {
			if !slices.Contains(e.told, f.key) {
				l.report.Errorf(e.where(f.key), "%s %s: %s", k.one, e.id, f.message)
			}
		}
	}
}
