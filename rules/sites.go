package rules

import (
	"slices"
	"strings"

	"ganlin/devices"
)

// Sites are all sites that are decided about together, by id.
type Sites []*Site

// Make makes a site of each configuration.
func Make(configs []Config) Sites {
	all, _ := Sites(nil).Configure(configs)
	return all
}

// Configure puts another version of registry and rules into force. A site goes
// on as it stands, and a new one begins, stopped if the others are. Of one that is
// gone alerts, clues and waterings end and valves are told to close, which is what
// is decided; it stays, without plots, until they are known to be closed.
func (all Sites) Configure(configs []Config) (now Sites, decided []devices.Decision) {
	for _, c := range configs {
		s := all.site(c.Site.ID)
		if s == nil {
			s = &Site{}
			s.stopAs(all)
		}
		s.Configure(c)
		now = append(now, s)
	}
	now.sort()
	for _, s := range all {
		if now.site(s.ID()) == nil {
			decided = append(decided, s.close()...)
			now = append(now, s)
			now.sort()
		}
	}
	return now.Unfinished(), decided
}

func (all Sites) sort() {
	slices.SortFunc(all, func(a, b *Site) int { return strings.Compare(string(a.ID()), string(b.ID())) })
}

// Add takes a fact for the sites that it is about.
func (all Sites) Add(f devices.Fact) {
	for _, s := range all.About(&f) {
		s.Add(f)
	}
}

// About returns the sites that a fact is about: one, none, or all.
func (all Sites) About(f *devices.Fact) Sites {
	if f.Location.Site == "" {
		return all
	}
	i, ok := all.find(f.Location.Site)
	if !ok {
		return nil
	}
	return all[i : i+1]
}

// Tick takes a tick for the site that it is of, and returns what is decided then.
func (all Sites) Tick(f devices.Fact) []devices.Decision {
	if s := all.site(f.Location.Site); s != nil {
		return s.Tick(f.At)
	}
	return nil
}

// Evaluations returns how often a rule was looked at for something since the sites were made.
func (all Sites) Evaluations() (n int64) {
	for _, s := range all {
		n += s.evaluations
	}
	return n
}

// site returns a site by its id; nil: there is none.
func (all Sites) site(id devices.SiteID) *Site {
	if i, ok := all.find(id); ok {
		return all[i]
	}
	return nil
}

func (all Sites) find(id devices.SiteID) (int, bool) {
	return slices.BinarySearchFunc(all, id, func(s *Site, id devices.SiteID) int { return strings.Compare(string(s.ID()), string(id)) })
}
