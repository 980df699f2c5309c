package rules

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"ganlin/devices"
	"ganlin/rules/condition"
	"ganlin/rules/risk"
	"ganlin/rules/water"
)

// A Config is what a site is made of and what is decided by: one version of
// registry and rules. Nobody changes it afterwards.
type Config struct {
	Site     devices.Site
	Zone     *time.Location
	Stations []devices.Station
	Plots    []devices.Plot
	Devices  []devices.Device
	Rules    []condition.Rule
	Levels   risk.Levels
	Lateness time.Duration // how long facts may be on their way
}

// Configs divides a registry into its sites. A station that plots of several
// sites use belongs to each of them.
func Configs(sites []devices.Site, stations []devices.Station, plots []devices.Plot, all []devices.Device, set []condition.Rule, lateness time.Duration) ([]Config, error) {
	var configs []Config
	for _, site := range sites {
		zone, err := time.LoadLocation(site.TimeZone)
		if err != nil {
			return nil, fmt.Errorf("site %s: %w", site.ID, err)
		}
		c := Config{Site: site, Zone: zone, Rules: set, Levels: risk.DefaultLevels(), Lateness: lateness}
		used, own, valves := map[devices.StationID]bool{}, map[devices.PlotID]bool{}, map[devices.DeviceID]bool{}
		for _, p := range plots {
			if p.Site != site.ID {
				continue
			}
			if _, err := water.CropOf(p.Crop); err != nil {
				return nil, fmt.Errorf("plot %s: %w", p.ID, err)
			}
			if _, err := water.SoilOf(p.Soil); err != nil {
				return nil, fmt.Errorf("plot %s: %w", p.ID, err)
			}
			if !slices.ContainsFunc(stations, func(s devices.Station) bool { return s.ID == p.Station }) {
				return nil, fmt.Errorf("plot %s: there is no station %q", p.ID, p.Station)
			}
			c.Plots = append(c.Plots, p)
			used[p.Station], own[p.ID] = true, true
			for _, v := range p.Valves {
				valves[v] = true
			}
		}
		for _, s := range stations {
			if used[s.ID] {
				c.Stations = append(c.Stations, s)
			}
		}
		for _, d := range all {
			if own[d.Plot] || used[d.Station] || valves[d.ID] {
				c.Devices = append(c.Devices, d)
			}
		}
		c.sort()
		configs = append(configs, c)
	}
	return configs, nil
}

// sort brings everything into an order that does not depend on the registry's text.
func (c *Config) sort() {
	slices.SortFunc(c.Plots, func(a, b devices.Plot) int { return strings.Compare(string(a.ID), string(b.ID)) })
	slices.SortFunc(c.Stations, func(a, b devices.Station) int { return strings.Compare(string(a.ID), string(b.ID)) })
	slices.SortFunc(c.Devices, func(a, b devices.Device) int { return strings.Compare(string(a.ID), string(b.ID)) })
}

// A parcel is a plot with what the tables say of it.
type parcel struct {
	devices.Plot
	params  water.Params
	station int // in Config.Stations
	probes  []devices.DeviceID
	valves  []devices.Device
	areaM2  float64
}

// squareMetresPerMu is the size of a mu.
const squareMetresPerMu = 2000.0 / 3

// parcels resolves the plots of a configuration.
func (c *Config) parcels() []parcel {
	stations := map[devices.StationID]int{}
	for i, s := range c.Stations {
		stations[s.ID] = i
	}
	var all []parcel
	for _, p := range c.Plots {
		soil, _ := water.SoilOf(p.Soil)
		crop, _ := water.CropOf(p.Crop)
		year, month, day := p.Planted.Date()
		one := parcel{
			Plot: p, station: stations[p.Station], areaM2: p.AreaMu * squareMetresPerMu,
			params: water.Params{Soil: soil, Crop: crop, Planted: time.Date(year, month, day, 0, 0, 0, 0, c.Zone)},
		}
		for _, d := range c.Devices {
			switch {
			case slices.Contains(p.Valves, d.ID):
				one.valves = append(one.valves, d)
			case d.Plot == p.ID:
				one.probes = append(one.probes, d.ID)
			}
		}
		all = append(all, one)
	}
	return all
}
