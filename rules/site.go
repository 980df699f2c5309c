package rules

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"ganlin/devices"
	"ganlin/rules/condition"
	"ganlin/rules/quality"
	"ganlin/rules/risk"
	"ganlin/rules/valve"
	"ganlin/rules/water"
)

// A Site is a village in event time: what is known of it and what was decided
// so far. It is not safe for use by several goroutines.
type Site struct {
	c       Config
	parcels []parcel
	at      map[devices.DeviceID]spot
	homes   []home
	state   state
	buffer  buffer

	onStation   map[devices.StationID][]devices.DeviceID
	env         condition.Env // of one evaluation at a time
	evaluations int64         // of rules, since the site was made
}

// A spot is where a device stands, as indexes; -1 where it does not.
type spot struct{ station, parcel, valve int }

// A home is a household's plots, as indexes of parcels.
type home struct {
	id      devices.HouseholdID
	place   devices.PlaceCode
	parcels []int
}

// A state is all that a site remembers, but for what waits in its buffer: that
// lies in the journal. encoding/json reads back exactly what it wrote.
type state struct {
	Began     time.Time // the first watermark
	Tick      time.Time
	Watermark time.Time
	Midnight  time.Time      // end of the local day that is open
	Acts      []devices.Fact // of persons, that the watermark has not reached, in order
	Late      int64          // facts that came after their time and changed nothing
	Stopped   bool
	Gone      *gone `json:",omitempty"` // the site is in the registry no more

	Devices    map[devices.DeviceID]*device
	Stations   map[devices.StationID]*station
	Plots      map[devices.PlotID]*plot
	Valves     map[devices.DeviceID]*gate
	Households map[devices.HouseholdID]*household
	Alerts     map[string]*alert // by rule and subject
	Clues      risk.ByPlace
}

// A household is its clue machine and what it said last.
type household struct {
	Machine risk.Household
	Clue    risk.Clue
	Place   devices.PlaceCode // where its open clue was raised and is counted, wherever its plots go
}

// A device is what is known of one that measures.
type device struct {
	Since  time.Time   // the watermark when it was new; zero: from the beginning
	Heard  time.Time   // event time of its newest reading
	Series []series    // by key
	Spikes []time.Time // of the last 24 hours
	Odd    []time.Time // implausible values, likewise
}

// A series is one key of a device.
type series struct {
	Key      devices.Key
	Check    quality.Series
	Verdict  quality.Verdict // of the newest reading
	At       time.Time       // of the newest good reading
	Received time.Time
	Value    float64
}

// A gate is a valve with what its meter told.
type gate struct {
	Valve   *valve.Valve
	Plot    devices.PlotID // that it waters, or did before it left
	Left    time.Time      `json:",omitzero"` // when it left the registry without being closed
	Failed  []time.Time    // what did not go as it was told, of the last 24 hours
	Unasked []time.Time    `json:",omitempty"` // openings that nobody had asked for in time, likewise
	Still   bool           // the meter did not turn in the opening that is
	LeakL   float64        // since it closed
	LastLPM float64
	LastAt  time.Time
	RateLPM float64 `json:",omitempty"` // of its last openings, litres a minute; 0: not known
	Opened  string  `json:",omitempty"` // the last command by which a rule has opened it
}

// New returns a site that nothing is known of.
func New(c Config) *Site {
	s := &Site{}
	s.Configure(c)
	return s
}

// Configure puts another version of registry and rules into force. What is
// known of what stays is kept.
func (s *Site) Configure(c Config) {
	s.c, s.parcels, s.at, s.homes, s.state.Gone = c, c.parcels(), map[devices.DeviceID]spot{}, nil, nil
	s.onStation = map[devices.StationID][]devices.DeviceID{}
	homes := map[devices.HouseholdID]int{}
	for i, p := range s.parcels {
		if p.Household == "" {
			continue
		}
		h, ok := homes[p.Household]
		if !ok {
			h = len(s.homes)
			homes[p.Household] = h
			s.homes = append(s.homes, home{id: p.Household, place: p.Place})
		}
		s.homes[h].parcels = append(s.homes[h].parcels, i)
	}
	slices.SortFunc(s.homes, func(a, b home) int { return strings.Compare(string(a.id), string(b.id)) })
	for _, d := range c.Devices {
		where := spot{station: -1, parcel: -1, valve: -1}
		for k, st := range c.Stations {
			if d.Station == st.ID {
				where.station = k
				s.onStation[st.ID] = append(s.onStation[st.ID], d.ID)
			}
		}
		for k, p := range s.parcels {
			if d.Plot == p.ID {
				where.parcel = k
			}
			for _, v := range p.valves {
				if v.ID == d.ID {
					where.parcel, where.valve = k, k
				}
			}
		}
		s.at[d.ID] = where
	}
	s.state.adopt(&c, s.parcels, s.homes)
}

// adopt makes an entry for everything that is new and drops what is gone, but
// for what has to come to an end.
func (st *state) adopt(c *Config, parcels []parcel, homes []home) {
	before := *st
	st.Devices = keep(st.Devices, c.Devices, func(d devices.Device) devices.DeviceID { return d.ID }, func(devices.Device) *device {
		return &device{Since: st.Watermark}
	})
	st.Stations = keep(st.Stations, c.Stations, func(s devices.Station) devices.StationID { return s.ID }, func(devices.Station) *station {
		return newStation(st.Watermark)
	})
	st.Plots = keep(st.Plots, parcels, func(p parcel) devices.PlotID { return p.ID }, func(parcel) *plot { return &plot{Since: st.Watermark} })
	var valves []devices.Device
	for _, p := range parcels {
		valves = append(valves, p.valves...)
	}
	st.Valves = keep(st.Valves, valves, func(d devices.Device) devices.DeviceID { return d.ID }, func(d devices.Device) *gate {
		return &gate{Valve: valve.New(d.ID, valve.Limits{})}
	})
	for _, p := range parcels {
		for _, d := range p.valves {
			g := st.Valves[d.ID]
			g.Plot, g.Left, g.Valve.Stopped = p.ID, time.Time{}, st.Stopped
			g.Valve.Limits = valve.Limits{MaxDurationS: d.MaxDurationS, MaxVolumeL: d.MaxVolumeL}
		}
	}
	st.Households = keep(st.Households, homes, func(h home) devices.HouseholdID { return h.id }, func(h home) *household {
		return &household{Machine: risk.Household{ID: h.id}}
	})
	if st.Alerts == nil {
		st.Alerts = map[string]*alert{}
	}
	st.leave(&before)
}

func keep[K comparable, V, T any](old map[K]*V, list []T, id func(T) K, fresh func(T) *V) map[K]*V {
	kept := make(map[K]*V, len(list))
	for _, one := range list {
		if v, ok := old[id(one)]; ok {
			kept[id(one)] = v
		} else {
			kept[id(one)] = fresh(one)
		}
	}
	return kept
}

// ID returns the site's id.
func (s *Site) ID() devices.SiteID { return s.c.Site.ID }

// Late returns how many facts came after their time.
func (s *Site) Late() int64 { return s.state.Late }

// Watermark returns up to when facts have been applied.
func (s *Site) Watermark() time.Time { return s.state.Watermark }

// Add takes a fact. It plays no part before the tick that its time belongs to.
func (s *Site) Add(f devices.Fact) {
	if s.Note(&f) > 0 {
		s.Hold(&f)
	}
}

// Note takes note of a fact that has come, and returns how much room it takes
// until its time has come: one for a reading; 0: it does not wait. A reading whose
// time is over changes nothing any more and is counted late; a valve's report is
// never too late to be believed.
func (s *Site) Note(f *devices.Fact) (room int) {
	switch f.Kind {
	case devices.ReadingFact:
		if !f.At.After(s.state.Watermark) {
			if _, ours := s.at[f.Device]; ours {
				s.state.Late++
			}
			return 0
		}
		return 1
	case devices.ReportFact, devices.ActFact:
		return reportSize
	}
	return 0
}

// Hold keeps a fact that was noted until its time has come. Acts are part of
// the site's state; readings and reports are not, and are to be held again from
// the journal once the site was restored.
func (s *Site) Hold(f *devices.Fact) {
	if f.Kind != devices.ActFact {
		s.buffer.add(f)
		return
	}
	acts := append(s.state.Acts, *f)
	for i := len(acts) - 1; i > 0 && cmp.Or(acts[i].At.Compare(acts[i-1].At), strings.Compare(acts[i].Act.ID, acts[i-1].Act.ID)) < 0; i-- {
		acts[i], acts[i-1] = acts[i-1], acts[i]
	}
	s.state.Acts = acts
}

// Holds returns how much room the readings and reports take that are held.
func (s *Site) Holds() int { return s.buffer.size }

// Tick lets event time come to at, and returns what is decided then.
func (s *Site) Tick(at time.Time) []devices.Decision {
	if !at.After(s.state.Tick) {
		return nil
	}
	watermark := s.WatermarkAt(at)
	if s.state.Midnight.IsZero() {
		s.begin(watermark)
	}
	t := &turn{site: s, at: at, watermark: watermark}
	for !s.state.Midnight.After(watermark) {
		t.apply(s.state.Midnight)
		t.closeDay()
	}
	t.apply(watermark)
	evaluate := s.state.Watermark.Truncate(evaluateEvery).Before(watermark.Truncate(evaluateEvery))
	s.state.Tick, s.state.Watermark = at, watermark
	t.valves()
	if evaluate {
		t.ahead = s.acts(at)
		t.evaluate()
	}
	return t.decided
}

// WatermarkAt returns up to when facts are applied at a tick. A new version may
// allow facts more time; what is over stays over.
func (s *Site) WatermarkAt(tick time.Time) time.Time {
	watermark := tick.Add(-s.c.Lateness)
	if watermark.Before(s.state.Watermark) {
		return s.state.Watermark
	}
	return watermark
}

// evaluateEvery is the grid of event time on which rules are looked at.
const evaluateEvery = 10 * time.Minute

// begin opens the first local day.
func (s *Site) begin(at time.Time) {
	s.state.Began, s.state.Midnight = at, s.midnightAfter(at)
	from := s.midnight(at, 0)
	for _, st := range s.c.Stations {
		s.state.Stations[st.ID].Day = quality.NewDayWeather(from, s.state.Midnight)
	}
}

// midnightAfter returns the first local midnight after a time.
func (s *Site) midnightAfter(at time.Time) time.Time { return s.midnight(at, 1) }

// midnight returns the beginning of the local day of a time, or so many days
// later. A day that has no midnight, because summer time begins with it, begins
// an hour later.
func (s *Site) midnight(at time.Time, days int) time.Time {
	year, month, day := at.In(s.c.Zone).Date()
	m := time.Date(year, month, day+days, 0, 0, 0, 0, s.c.Zone)
	if m.Hour() == 23 { // in some zones that is how it is given
		m = m.Add(time.Hour)
	}
	return m.UTC()
}

// Snapshot returns all that the site remembers.
func (s *Site) Snapshot() ([]byte, error) { return json.Marshal(&s.state) }

// Restore takes over what Snapshot returned.
func (s *Site) Restore(text []byte) error {
	var st state
	if err := json.Unmarshal(text, &st); err != nil {
		return fmt.Errorf("reading the state of a site: %w", err)
	}
	st.adopt(&s.c, s.parcels, s.homes)
	s.state, s.buffer = st, buffer{}
	return nil
}

// params returns what the tables, and the probes so far, say of a parcel.
func (s *Site) params(i int) water.Params {
	p := s.parcels[i].params
	return s.state.Plots[s.parcels[i].ID].learned(p)
}
