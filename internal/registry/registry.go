package registry

import (
	"maps"
	"slices"

	"ganlin/devices"
)

// Entities are what a registry is made of, in the order in which they were declared.
type Entities struct {
	Places   []devices.Place
	Sites    []devices.Site
	Stations []devices.Station
	Plots    []devices.Plot
	Devices  []devices.Device
}

// A Registry knows what stands where. It never changes after it was loaded, so
// it may be shared; a new one takes its place. What its methods return is the
// caller's, but for the Valves of a plot, which nobody changes.
type Registry struct {
	all       Entities
	devices   map[devices.DeviceID]devices.Device
	plots     map[devices.PlotID]devices.Plot
	stations  map[devices.StationID]devices.Station
	locations map[devices.DeviceID]devices.Location
	hash      string
}

// Places returns all places.
func (r *Registry) Places() []devices.Place { return slices.Clone(r.all.Places) }

// Sites returns all sites; those that were not declared but follow from their place come last.
func (r *Registry) Sites() []devices.Site { return slices.Clone(r.all.Sites) }

// Stations returns all stations.
func (r *Registry) Stations() []devices.Station { return slices.Clone(r.all.Stations) }

// Plots returns all plots.
func (r *Registry) Plots() []devices.Plot { return slices.Clone(r.all.Plots) }

// Devices returns all devices.
func (r *Registry) Devices() []devices.Device { return slices.Clone(r.all.Devices) }

// Device returns a device by its id.
func (r *Registry) Device(id devices.DeviceID) (devices.Device, bool) {
	d, ok := r.devices[id]
	return d, ok
}

// Plot returns a plot by its id.
func (r *Registry) Plot(id devices.PlotID) (devices.Plot, bool) {
	p, ok := r.plots[id]
	return p, ok
}

// Station returns a station by its id.
func (r *Registry) Station(id devices.StationID) (devices.Station, bool) {
	s, ok := r.stations[id]
	return s, ok
}

// Locate returns where the readings of a device belong. A device at a station
// has no plot, and belongs to a site when all plots that use the station do.
func (r *Registry) Locate(id devices.DeviceID) (devices.Location, bool) {
	l, ok := r.locations[id]
	return l, ok
}

// Hash returns the SHA-256 of what the registry says, in hexadecimal. It does
// not change with the text, the order or the number of files that say it.
func (r *Registry) Hash() string { return r.hash }

// newRegistry makes a registry of entities that were found to be without errors.
func newRegistry(all Entities) *Registry {
	r := &Registry{
		all:       all,
		devices:   index(all.Devices, func(d devices.Device) devices.DeviceID { return d.ID }),
		plots:     index(all.Plots, func(p devices.Plot) devices.PlotID { return p.ID }),
		stations:  index(all.Stations, func(s devices.Station) devices.StationID { return s.ID }),
		locations: make(map[devices.DeviceID]devices.Location, len(all.Devices)),
		hash:      hashOf(all),
	}
	at := stationSites(all.Plots)
	for _, d := range all.Devices {
		var l devices.Location
		if p, ok := r.plots[d.Plot]; ok {
			l = devices.Location{Plot: p.ID, Site: p.Site, Place: p.Place}
		} else if sites := at[d.Station]; len(sites) == 1 {
			for site, place := range sites {
				l = devices.Location{Site: site, Place: place}
			}
		}
		r.locations[d.ID] = l
	}
	return r
}

// stationSites returns the sites whose plots use a station, with their places.
func stationSites(plots []devices.Plot) map[devices.StationID]map[devices.SiteID]devices.PlaceCode {
	at := map[devices.StationID]map[devices.SiteID]devices.PlaceCode{}
	for _, p := range plots {
		if at[p.Station] == nil {
			at[p.Station] = map[devices.SiteID]devices.PlaceCode{}
		}
		at[p.Station][p.Site] = p.Place
	}
	return at
}

func index[K comparable, T any](list []T, id func(T) K) map[K]T {
	return maps.Collect(func(yield func(K, T) bool) {
		for _, v := range list {
			if !yield(id(v), v) {
				return
			}
		}
	})
}
