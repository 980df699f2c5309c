package rules

import (
	"slices"
	"time"

	"ganlin/devices"
	"ganlin/rules/water"
)

// A soaking is a watering of a plot, by one or several openings, whose effect
// the probes are still to tell.
type soaking struct {
	Began    time.Time
	WaterMM  float64 // in the root zone when it began, as the probes showed it
	RootM    float64
	DepthsCM []int
	RainMM   float64 // the station's running total then
	Openings []soaked
	ClosedAt time.Time // of the last opening
	Due      time.Time // the morning in which the probes are asked
}

// A soaked is one opening of a soaking.
type soaked struct {
	Valve    devices.DeviceID
	Command  string
	OpenedAt time.Time
	Litres   *float64 // nil: nobody knows
}

// The probes are asked at the first sunrise that is an hour behind the last
// opening: by then the water has sunk in, and little is drawn by night. After two
// days, or with rain besides, nobody can tell any more what came from the valve.
const (
	sunrise       = 6 // local hour
	soaksFor      = time.Hour
	longestSoaked = 48 * time.Hour
	rainBesidesMM = 1.0
)

// soaking notes how much water the probes find as a watering begins.
func (t *turn) soaking(i int, at time.Time) {
	s := t.site
	p := s.state.Plots[s.parcels[i].ID]
	if p.Soaking != nil {
		return // it goes on
	}
	readings, _ := s.probes(i, at)
	params := s.params(i)
	_, rootM, _ := params.Crop.Stage(params.SeasonDay(s.localDay(s.state.Midnight)))
	theta, ok := water.Theta(readings, rootM)
	if !ok {
		return
	}
	p.Soaking = &soaking{
		Began: at, WaterMM: 1000 * rootM * theta, RootM: rootM, DepthsCM: depths(readings),
		RainMM: s.state.Stations[s.parcels[i].Station].RainMM,
	}
}

func depths(readings []water.ProbeReading) (all []int) {
	for _, r := range readings {
		all = append(all, r.DepthCM)
	}
	slices.Sort(all)
	return all
}

// soaked adds an opening that is over.
func (t *turn) soaked(p *plot, one soaked, closedAt time.Time) {
	s := t.site
	k := p.Soaking
	if k == nil || one.OpenedAt.Before(k.Began) {
		return // nobody saw how it stood before
	}
	k.Openings, k.ClosedAt = append(k.Openings, one), closedAt
	local := closedAt.Add(soaksFor).In(s.c.Zone)
	day := local.Day()
	if local.Hour() >= sunrise {
		day++
	}
	k.Due = time.Date(local.Year(), local.Month(), day, sunrise, 0, 0, 0, s.c.Zone).UTC()
}

// response tells, in the morning, how much more water the probes find than
// before. What the crop has drawn meanwhile is not added back: it is what was
// measured. Several openings share it by what each delivered.
func (t *turn) response(i int) {
	s := t.site
	where := &s.parcels[i]
	p := s.state.Plots[where.ID]
	k := p.Soaking
	if k == nil {
		return
	}
	for _, d := range where.valves {
		if s.state.Valves[d.ID].Valve.Opening != nil {
			return
		}
	}
	if t.watermark.Sub(k.Began) > longestSoaked {
		p.Soaking = nil
		return
	}
	if k.Due.IsZero() || t.watermark.Before(k.Due) {
		return
	}
	p.Soaking = nil
	readings, evidence := s.probes(i, t.watermark)
	theta, ok := water.Theta(readings, k.RootM)
	stale := func(e devices.Evidence) bool { return !e.At.After(k.ClosedAt) }
	station := s.state.Stations[where.Station]
	rained := station.RainMM-k.RainMM >= rainBesidesMM || t.watermark.Sub(station.Gauged) > freshWeather
	if !ok || rained || slices.ContainsFunc(evidence, stale) || !slices.Equal(depths(readings), k.DepthsCM) {
		return
	}
	for n, mm := range k.shares(1000*k.RootM*theta - k.WaterMM) {
		one := k.Openings[n]
		d := t.decision(devices.ResponseDecision, LeaseRule, "1", string(one.Valve), where.ID, "measured")
		d.ID = idOf(d.Site, d.Subject+"\n"+one.Command, d.Rule, string(d.Kind), d.Outcome, one.OpenedAt)
		d.Numbers["response_mm"] = mm
		d.Texts["opened_at"] = one.OpenedAt.UTC().Format(time.RFC3339)
		if one.Command != "" {
			d.Texts["command"] = one.Command
		}
		d.Evidence = evidence
		d.Points = []devices.Point{{
			Measurement: devices.LedgerMeasurement, Location: s.location(i), Valve: one.Valve, At: one.OpenedAt.UTC(),
			Numbers: map[string]float64{"response_mm": mm},
		}}
		t.decide(d)
	}
}

// shares divides what was measured among the openings; nil: nobody can tell.
func (k *soaking) shares(mm float64) []float64 {
	if len(k.Openings) == 1 {
		return []float64{mm}
	}
	sum := 0.0
	for _, o := range k.Openings {
		if o.Litres == nil {
			return nil
		}
		sum += *o.Litres
	}
	if sum <= 0 {
		return nil
	}
	var shares []float64
	for _, o := range k.Openings {
		shares = append(shares, mm**o.Litres/sum)
	}
	return shares
}
