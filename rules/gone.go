package rules

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"ganlin/devices"
)

// A gone is what is left of the configuration of a site that is in the registry
// no more: with it the time of its valves passes until they are known to be closed.
type gone struct {
	Site     devices.Site
	Lateness time.Duration
}

// close ends all of a site that is no more, at its last tick.
func (s *Site) close() []devices.Decision {
	if s.state.Gone != nil {
		return nil
	}
	t := &turn{site: s, at: s.state.Tick, watermark: s.state.Watermark}
	t.end(slices.Collect(maps.Keys(s.state.Alerts)))
	s.Configure(Config{Site: s.c.Site, Zone: s.c.Zone, Rules: s.c.Rules, Lateness: s.c.Lateness})
	t.left()
	s.c.Rules, s.state.Gone = nil, &gone{s.c.Site, s.c.Lateness}
	for _, id := range s.Leaving() {
		t.sendHome(-1, id, s.state.Valves[id])
	}
	return t.decided
}

// Unfinished returns the sites without those that are gone and of which no valve is awaited.
func (all Sites) Unfinished() Sites {
	finished := func(s *Site) bool { return s.state.Gone != nil && len(s.Leaving()) == 0 }
	if !slices.ContainsFunc(all, finished) {
		return all
	}
	return slices.DeleteFunc(slices.Clone(all), finished)
}

// Restore makes the sites of configurations as their snapshots say, and those
// that are gone and were not finished.
func Restore(configs []Config, snapshots map[devices.SiteID]json.RawMessage) (Sites, error) {
	all := Make(configs)
	for _, id := range slices.Sorted(maps.Keys(snapshots)) {
		if all.site(id) != nil {
			continue
		}
		s, err := restoreGone(snapshots[id])
		if err != nil {
			return nil, fmt.Errorf("reading what is left of site %s: %w", id, err)
		}
		if s != nil {
			all = append(all, s)
		}
	}
	all.sort()
	for _, s := range all {
		if err := s.Restore(snapshots[s.ID()]); err != nil {
			return nil, fmt.Errorf("reading the state of site %s: %w", s.ID(), err)
		}
	}
	return all, nil
}

// restoreGone makes a site that is gone; nil: the snapshot is of none.
func restoreGone(snapshot []byte) (*Site, error) {
	var left struct{ Gone *gone }
	if err := json.Unmarshal(snapshot, &left); err != nil || left.Gone == nil {
		return nil, err
	}
	zone, err := time.LoadLocation(left.Gone.Site.TimeZone)
	if err != nil {
		return nil, err
	}
	return New(Config{Site: left.Gone.Site, Zone: zone, Lateness: left.Gone.Lateness}), nil
}

// stopAs takes over whether an emergency stop is in force, and what persons did
// about it that the watermark has not reached: both are of all sites.
func (s *Site) stopAs(others Sites) {
	if len(others) == 0 {
		return
	}
	s.state.Stopped = others[0].state.Stopped
	for _, f := range others[0].state.Acts {
		if f.Act.Action == devices.StopAct || f.Act.Action == devices.ResumeAct {
			s.state.Acts = append(s.state.Acts, f)
		}
	}
}
