package app

import (
	"slices"
	"sync"
	"time"

	"ganlin/devices"
	"ganlin/internal/registry"
	"ganlin/rules"
	"ganlin/rules/valve"
)

// A villageView is how everything stands at one moment, by what people ask
// for: the views of all sites and the registry beside them. All who look at
// the same moment share it, so nobody changes it.
type villageView struct {
	registry  *registry.Registry
	watermark time.Time // of the site that is furthest behind; zero: nothing is decided yet
	stopped   bool      // some site is under an emergency stop

	sites      []rules.View
	siteOf     map[devices.SiteID]*rules.View
	plots      map[devices.PlotID]*rules.PlotView
	valves     map[devices.DeviceID]*valve.Valve
	households map[devices.HouseholdID][]*rules.HouseholdView // one in each site where it has plots
	plotOf     map[devices.DeviceID]devices.PlotID            // of every device that stands on a plot or is a valve of it
	zones      map[devices.SiteID]*time.Location
}

// viewAge is how long a view is shown although no watermark has moved.
const viewAge = time.Second

// A viewCache holds the newest view.
type viewCache struct {
	mu         sync.Mutex
	view       *villageView
	watermarks []time.Time
	made       time.Time // on the wall
}

// decidedNow returns how everything stands, not older than the watermarks of
// now. Making it costs a look at every plot, so it is made once for all who ask
// until a watermark moves, the registry changes or a second has passed.
func (p *program) decidedNow() *villageView {
	c := &p.views
	c.mu.Lock()
	defer c.mu.Unlock()
	reg := p.registry.Load()
	var watermarks []time.Time
	p.engine.Look(func(s *rules.Site) { watermarks = append(watermarks, s.Watermark()) })
	if c.view != nil && c.view.registry == reg && time.Since(c.made) < viewAge && slices.EqualFunc(c.watermarks, watermarks, time.Time.Equal) {
		return c.view
	}
	var sites []rules.View
	p.engine.Look(func(s *rules.Site) { sites = append(sites, s.View()) })
	c.view, c.watermarks, c.made = newVillageView(reg, sites), watermarks, time.Now()
	return c.view
}

func newVillageView(reg *registry.Registry, sites []rules.View) *villageView {
	v := &villageView{
		registry: reg, sites: sites,
		siteOf:     map[devices.SiteID]*rules.View{},
		plots:      map[devices.PlotID]*rules.PlotView{},
		valves:     map[devices.DeviceID]*valve.Valve{},
		households: map[devices.HouseholdID][]*rules.HouseholdView{},
		plotOf:     map[devices.DeviceID]devices.PlotID{},
		zones:      map[devices.SiteID]*time.Location{},
	}
	for _, s := range reg.Sites() {
		zone, err := time.LoadLocation(s.TimeZone)
		if err != nil {
			zone = time.UTC // no registry with another one comes into force
		}
		v.zones[s.ID] = zone
	}
	for _, d := range reg.Devices() {
		if d.Plot != "" {
			v.plotOf[d.ID] = d.Plot
		}
	}
	for _, plot := range reg.Plots() {
		for _, id := range plot.Valves {
			v.plotOf[id] = plot.ID
		}
	}
	for i := range sites {
		v.add(&sites[i])
	}
	return v
}

func (v *villageView) add(s *rules.View) {
	v.siteOf[s.Site] = s
	v.stopped = v.stopped || s.Stopped
	if !s.Watermark.IsZero() && (v.watermark.IsZero() || s.Watermark.Before(v.watermark)) {
		v.watermark = s.Watermark
	}
	for i := range s.Plots {
		v.plots[s.Plots[i].ID] = &s.Plots[i]
	}
	for i := range s.Valves {
		v.valves[s.Valves[i].Device] = &s.Valves[i]
	}
	for i := range s.Households {
		h := &s.Households[i]
		v.households[h.ID] = append(v.households[h.ID], h)
	}
}

// zone is the time zone of a site: UTC where there is none such.
func (v *villageView) zone(site devices.SiteID) *time.Location {
	if zone, ok := v.zones[site]; ok {
		return zone
	}
	return time.UTC
}

// plot returns the plot that a plot's id or a device's id speaks of: the
// subject of an alert, a decision or a command.
func (v *villageView) plot(subject string) (devices.Plot, bool) {
	if plot, ok := v.registry.Plot(devices.PlotID(subject)); ok {
		return plot, true
	}
	if id, ok := v.plotOf[devices.DeviceID(subject)]; ok {
		return v.registry.Plot(id)
	}
	return devices.Plot{}, false
}
