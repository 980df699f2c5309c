package app

import (
	"slices"
	"strings"
	"sync"
	"time"

	"ganlin/devices"
	"ganlin/internal/engine"
	"ganlin/internal/registry"
	"ganlin/rules"
	"ganlin/rules/valve"
)

// A land is a registry by what people ask for. Nobody changes it.
type land struct {
	registry  *registry.Registry
	plots     []devices.Plot                      // by id
	sites     map[devices.SiteID]devices.Site     // by id
	plotOf    map[devices.DeviceID]devices.PlotID // of every device that stands on a plot or is a valve of it
	onPlot    map[devices.PlotID][]devices.Device // by id
	atStation map[devices.StationID][]devices.Device
	around    map[devices.StationID][]devices.Plot // that have its weather
	zones     map[devices.SiteID]*time.Location
}

// A villageView is how everything stands at one moment, by what people ask
// for: the views of all sites and the land beside them. All who look at the
// same moment share it, so nobody changes it.
type villageView struct {
	*land
	watermark time.Time // of the site that is furthest behind; zero: nothing is decided yet
	stopped   bool      // some site is under an emergency stop

	of         *engine.Views
	viewOf     map[devices.SiteID]*rules.View
	standing   map[devices.PlotID]*rules.PlotView
	valves     map[devices.DeviceID]*valve.Valve
	households map[devices.HouseholdID][]*rules.HouseholdView // one in each site where it has plots

	once    sync.Once
	decided *decidedView // see shown
}

// A viewCache holds the newest view.
type viewCache struct {
	mu   sync.Mutex
	land *land
	view *villageView
}

// decidedNow returns how everything stands behind the newest tick. It is made
// once for all who ask until the rules or the registry say something new.
func (p *program) decidedNow() *villageView {
	c := &p.views
	c.mu.Lock()
	defer c.mu.Unlock()
	reg := p.registry.Load()
	views := p.engine.Views()
	if c.view != nil && c.view.registry == reg && c.view.of == views {
		return c.view
	}
	if c.land == nil || c.land.registry != reg {
		c.land = newLand(reg)
	}
	v := &villageView{
		land: c.land, of: views,
		viewOf:     map[devices.SiteID]*rules.View{},
		standing:   map[devices.PlotID]*rules.PlotView{},
		valves:     map[devices.DeviceID]*valve.Valve{},
		households: map[devices.HouseholdID][]*rules.HouseholdView{},
	}
	for i := range views.Sites {
		v.add(&views.Sites[i])
	}
	c.view = v
	return c.view
}

func newLand(reg *registry.Registry) *land {
	l := &land{
		registry: reg, plots: reg.Plots(),
		sites:     map[devices.SiteID]devices.Site{},
		plotOf:    map[devices.DeviceID]devices.PlotID{},
		onPlot:    map[devices.PlotID][]devices.Device{},
		atStation: map[devices.StationID][]devices.Device{},
		around:    map[devices.StationID][]devices.Plot{},
		zones:     map[devices.SiteID]*time.Location{},
	}
	slices.SortFunc(l.plots, func(a, b devices.Plot) int { return strings.Compare(string(a.ID), string(b.ID)) })
	for _, s := range reg.Sites() {
		zone, err := time.LoadLocation(s.TimeZone)
		if err != nil {
			zone = time.UTC // no registry with another one comes into force
		}
		l.sites[s.ID], l.zones[s.ID] = s, zone
	}
	for _, d := range reg.Devices() {
		if d.Plot != "" {
			l.plotOf[d.ID] = d.Plot
			l.onPlot[d.Plot] = append(l.onPlot[d.Plot], d)
		} else {
			l.atStation[d.Station] = append(l.atStation[d.Station], d)
		}
	}
	for _, plot := range l.plots {
		l.around[plot.Station] = append(l.around[plot.Station], plot)
		for _, id := range plot.Valves {
			l.plotOf[id] = plot.ID
		}
	}
	return l
}

func (v *villageView) add(s *rules.View) {
	v.viewOf[s.Site] = s
	v.stopped = v.stopped || s.Stopped
	if !s.Watermark.IsZero() && (v.watermark.IsZero() || s.Watermark.Before(v.watermark)) {
		v.watermark = s.Watermark
	}
	for i := range s.Plots {
		v.standing[s.Plots[i].ID] = &s.Plots[i]
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
func (l *land) zone(site devices.SiteID) *time.Location {
	if zone, ok := l.zones[site]; ok {
		return zone
	}
	return time.UTC
}

// plot returns the plot that a plot's id or a device's id speaks of: the
// subject of an alert, a decision or a command.
func (l *land) plot(subject string) (devices.Plot, bool) {
	if plot, ok := l.registry.Plot(devices.PlotID(subject)); ok {
		return plot, true
	}
	if id, ok := l.plotOf[devices.DeviceID(subject)]; ok {
		return l.registry.Plot(id)
	}
	return devices.Plot{}, false
}
