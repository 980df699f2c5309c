package rules

import (
	"maps"
	"slices"

	"ganlin/devices"
)

// Sites are all sites that are decided about together.
type Sites []*Site

// Configure puts another version of registry and rules into force. A site goes
// on as it stands, and a new one begins. Of one that is gone the alerts end;
// that is what is decided.
func (all Sites) Configure(configs []Config) (now Sites, decided []devices.Decision) {
	for _, c := range configs {
		s := all.site(c.Site.ID)
		if s == nil {
			s = New(c)
		} else {
			s.Configure(c)
		}
		now = append(now, s)
	}
	for _, s := range all {
		if now.site(s.ID()) == nil {
			decided = append(decided, s.close()...)
		}
	}
	return now, decided
}

// Add takes a fact for the sites that it is about.
func (all Sites) Add(f devices.Fact) {
	for _, s := range all {
		if f.Location.Site == "" || f.Location.Site == s.ID() {
			s.Add(f)
		}
	}
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
	i := slices.IndexFunc(all, func(s *Site) bool { return s.ID() == id })
	if i < 0 {
		return nil
	}
	return all[i]
}

// close ends the alerts of a site that is no more, at its last tick.
func (s *Site) close() []devices.Decision {
	t := &turn{site: s, at: s.state.Tick, watermark: s.state.Watermark}
	t.end(slices.Collect(maps.Keys(s.state.Alerts)))
	return t.decided
}
