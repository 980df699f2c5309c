package registry

import (
	"cmp"
	"slices"

	"ganlin/devices"
)

// resolve gives every plot its site and every valve its limit, and checks that
// everything that is referred to exists.
func (l *loader) resolve() {
	siteOf := l.resolveSites()
	for i := range l.plots.entries {
		p := &l.plots.entries[i]
		if refer(l, *p, plotKind, "place", p.value.Place, l.places.at, placeKind) {
			p.value.Site = l.siteOf(siteOf, p.value.Place)
		}
		refer(l, *p, plotKind, "station", p.value.Station, l.stations.at, stationKind)
	}
	l.resolveDevices()
	l.resolveValves()
}

// refer reports whether what a key of an entity names exists. An empty name is no reference.
func refer[T any, K ~string](l *loader, e entry[T], k kind, key string, name K, among map[K]int, of kind) bool {
	if _, ok := among[name]; ok || name == "" {
		return ok
	}
	l.report.Errorf(e.where(key), "%s %s: %s %s is declared nowhere; add it to the %s or mend its name",
		k.one, e.id, of.one, shorten(string(name)), of.list)
	return false
}

// resolveSites gives sites their time zone and returns the site of each place that has one.
func (l *loader) resolveSites() map[devices.PlaceCode]devices.SiteID {
	siteOf := map[devices.PlaceCode]devices.SiteID{}
	for i := range l.sites.entries {
		s := &l.sites.entries[i]
		s.value.TimeZone = cmp.Or(s.value.TimeZone, l.zone)
		if !refer(l, *s, siteKind, "place", s.value.Place, l.places.at, placeKind) {
			continue
		}
		if other, taken := siteOf[s.value.Place]; taken && other != s.value.ID {
			l.report.Errorf(s.where("place"), "site %s: place %s has the site %s already; a place has one site", s.id, s.value.Place, other)
			continue
		}
		siteOf[s.value.Place] = s.value.ID
	}
	return siteOf
}

// siteOf returns the site of a place that exists. Where none was declared, the
// place is one, and its code is the id.
func (l *loader) siteOf(siteOf map[devices.PlaceCode]devices.SiteID, place devices.PlaceCode) devices.SiteID {
	if id, ok := siteOf[place]; ok {
		return id
	}
	id := devices.SiteID(place)
	at := l.places.entries[l.places.at[place]].at
	if other, taken := l.sites.at[id]; taken {
		l.report.Errorf(l.sites.entries[other].where("id"), "site %s has the code of another place as its id; choose another id", id)
	}
	l.sites.at[id] = len(l.sites.entries)
	l.sites.entries = append(l.sites.entries, entry[devices.Site]{value: devices.Site{ID: id, Place: place, TimeZone: l.zone}, at: at})
	siteOf[place] = id
	return id
}

// resolveDevices checks where devices stand. A station without any measures nothing.
func (l *loader) resolveDevices() {
	used := map[devices.StationID]bool{}
	for _, d := range l.devices.entries {
		refer(l, d, deviceKind, "plot", d.value.Plot, l.plots.at, plotKind)
		refer(l, d, deviceKind, "station", d.value.Station, l.stations.at, stationKind)
		used[d.value.Station] = true
	}
	for _, s := range l.stations.entries {
		if id := s.value.ID; id != "" && !used[id] {
			l.report.Warnf(s.at, "station %s has no device; declare one with station: %s", s.id, s.id)
		}
	}
}

// resolveValves checks that plots name valves of their own site, that no valve
// waters two plots, whose needs differ, and that none is without a limit.
func (l *loader) resolveValves() {
	at := stationSites(valuesOf(l.plots.entries))
	waters := map[devices.DeviceID]devices.PlotID{}
	for _, p := range l.plots.entries {
		for _, id := range p.value.Valves {
			if other, taken := waters[id]; taken && other != p.value.ID {
				l.report.Errorf(p.where("valves"), "plot %s: valve %s waters plot %s already; a valve waters one plot", p.id, id, shorten(string(other)))
			}
			waters[id] = p.value.ID
			if !refer(l, p, plotKind, "valves", id, l.devices.at, deviceKind) {
				continue
			}
			sites := l.sitesOf(l.devices.entries[l.devices.at[id]].value, at)
			if p.value.Site != "" && len(sites) > 0 && !slices.Contains(sites, p.value.Site) {
				l.report.Errorf(p.where("valves"), "plot %s: valve %s stands in site %s, and the plot in site %s; a plot's valves are of its own site",
					p.value.ID, id, sites[0], p.value.Site)
			}
		}
	}
	for i := range l.devices.entries {
		d := &l.devices.entries[i]
		if slices.Contains(d.told, "max_duration_s") {
			continue
		}
		_, valve := waters[d.value.ID]
		switch limited := d.value.MaxDurationS != 0; {
		case valve && !limited:
			d.value.MaxDurationS = DefaultMaxDurationS
			l.report.Warnf(d.at, "device %s is a valve without max_duration_s; it gets %d", d.value.ID, DefaultMaxDurationS)
		case !valve && limited:
			l.report.Warnf(d.where("max_duration_s"), "device %s has max_duration_s, but no plot names it among its valves; nothing will open it", d.value.ID)
		}
	}
}

// sitesOf returns the sites that a device serves.
func (l *loader) sitesOf(d devices.Device, at map[devices.StationID]map[devices.SiteID]devices.PlaceCode) []devices.SiteID {
	if i, ok := l.plots.at[d.Plot]; ok {
		return []devices.SiteID{l.plots.entries[i].value.Site}
	}
	var sites []devices.SiteID
	for site := range at[d.Station] {
		sites = append(sites, site)
	}
	slices.Sort(sites)
	return sites
}
