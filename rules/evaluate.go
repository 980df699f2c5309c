package rules

import (
	"time"

	"ganlin/devices"
	"ganlin/rules/condition"
	"ganlin/rules/drought"
	"ganlin/rules/quality"
)

// evaluate looks at every rule for everything that it is about.
func (t *turn) evaluate() {
	s, env := t.site, &t.site.env
	growing := make([]int, len(s.c.Stations)) // plots of each
	for i := range s.parcels {
		soil := s.soil(i, t.watermark)
		if soil.cropDay >= 1 && soil.cropDay <= soil.params.Crop.SeasonDays() {
			growing[s.parcels[i].station]++
		}
		t.response(i)
		env.Plot = t.plotFacts(i, &soil)
		where := about{subject: string(s.parcels[i].ID), plot: s.parcels[i].ID, location: s.location(i), soil: &soil}
		var dry condition.Result
		watering := t.choose(i, env)
		for k := range s.c.Rules {
			r := &s.c.Rules[k]
			switch {
			case r.Subject != condition.Plot:
			case r.Do == condition.Irrigate:
				if r != watering {
					continue
				}
				if when, _, ok := t.judge(r, &where, env); ok {
					t.water(i, r, &soil, when)
					dry = when
				}
			default:
				t.alert(r, &where, env)
			}
		}
		t.asks(i, &soil, dry)
		for _, d := range s.parcels[i].valves {
			env.Valve = t.valveFacts(d.ID)
			t.alertsAbout(condition.Valve, &about{subject: string(d.ID), plot: s.parcels[i].ID, location: s.location(i)}, env)
		}
	}
	here := devices.Location{Site: s.c.Site.ID, Place: s.c.Site.Place}
	for i, st := range s.c.Stations {
		env.Station = t.stationFacts(st.ID, growing[i])
		t.alertsAbout(condition.Station, &about{subject: string(st.ID), location: here}, env)
	}
	for k := range s.c.Devices {
		d := &s.c.Devices[k]
		env.Device = t.deviceFacts(d)
		where := about{subject: string(d.ID), plot: d.Plot, location: here}
		where.location.Plot = d.Plot
		t.alertsAbout(condition.Device, &where, env)
	}
	t.left()
	t.mended()
	t.orphaned()
}

// An about is what a rule is looked at for.
type about struct {
	subject  string
	plot     devices.PlotID
	location devices.Location
	soil     *soilView // of a plot
}

// alertsAbout looks at all rules about a kind of subject.
func (t *turn) alertsAbout(kind condition.Subject, where *about, env *condition.Env) {
	for k := range t.site.c.Rules {
		if r := &t.site.c.Rules[k]; r.Subject == kind && r.Do == condition.RaiseAlert {
			t.alert(r, where, env)
		}
	}
}

// plotFacts are what conditions about a plot see.
func (t *turn) plotFacts(i int, soil *soilView) condition.PlotFacts {
	s := t.site
	where, p := &s.parcels[i], s.state.Plots[s.parcels[i].ID]
	st := s.state.Stations[where.Station]
	f := condition.PlotFacts{
		SoilAgeH: condition.Maybe(soil.soilAgeH), WeatherAgeH: t.weatherAge(where.Station),
		RAWMM: condition.Known(soil.raw), TAWMM: condition.Known(soil.taw),
		DaysToStress: condition.Maybe(s.daysToStress(i, soil)),
		Rain24hMM:    condition.Maybe(st.Rain24h.Sum(t.watermark)), Rain7dMM: condition.Maybe(st.Rain7d.Sum(t.watermark)),
		TMin24hC: condition.Maybe(st.Temperature.Min(t.watermark)), TMax24hC: condition.Maybe(st.Temperature.Max(t.watermark)),
		CropDay: condition.Known(float64(soil.cropDay)), SeasonDays: condition.Known(float64(soil.params.Crop.SeasonDays())),
		Stage: condition.Known(soil.stage), Crop: condition.Known(where.Crop), Mode: condition.Known(string(where.Mode)),
		CapacityOwn:  condition.Known(p.Capacity.Value != nil),
		WateringPays: condition.Known(t.wateringPays(i, soil)), Settling: condition.Known(s.settling(i, soil, t.watermark)),
		HasValve: condition.Known(len(where.valves) > 0), HasProbe: condition.Known(len(where.probes) > 0), Irrigating: condition.Known(p.Irrigating),
	}
	if where.Soil.Texture != "" {
		f.Soil = condition.Known(where.Soil.Texture)
	}
	if soil.depletion != nil {
		f.DepletionMM, f.RSMPct = condition.Known(*soil.depletion), condition.Known(*soil.rsm)
		f.DepletionPart, f.StressShare = condition.Known(*soil.depletion/soil.taw), condition.Known(*soil.depletion/soil.raw)
		if soil.grade != drought.Unknown {
			f.Grade = condition.Known(level(soil.grade))
		}
	}
	f.DeficitPct = condition.Maybe(soil.deficit)
	if p.Balanced && p.Last.Known {
		f.Ks, f.EToMM, f.ETcMM = condition.Known(p.Last.Ks), condition.Known(p.Last.EToMM), condition.Known(p.Last.ETcMM)
	}
	if p.Loss != nil {
		f.LossLow, f.LossHigh = condition.Known(p.Loss.Low), condition.Known(p.Loss.High)
	}
	f.Irrigation7d = condition.Known(p.irrigated(t.watermark, 7*24*time.Hour))
	f.WindMS = condition.Maybe(s.weather(where.Station, devices.WindSpeed, t.watermark))
	for _, id := range where.probes {
		if v := s.state.Devices[id].newest(devices.SoilTemperature, "20", t.watermark, freshSoil); v != nil {
			f.SoilT20C = condition.Known(*v)
		}
	}
	return f
}

// weather returns the fresh value of a quantity at a station, of its first
// device by id that has one; nil: not known.
func (s *Site) weather(id devices.StationID, q devices.Quantity, at time.Time) *float64 {
	for _, d := range s.onStation[id] {
		if v := s.state.Devices[d].newest(q, "", at, freshWeather); v != nil {
			return v
		}
	}
	return nil
}

func (t *turn) valveFacts(id devices.DeviceID) condition.ValveFacts {
	g := t.site.state.Valves[id]
	f := condition.ValveFacts{
		State: condition.Known(string(g.Valve.State)), Locked: condition.Known(g.Valve.Locked),
		OpenH: condition.Known(0.0), LeakL: condition.Known(g.LeakL), StillMeter: condition.Known(g.Still),
		Failed24h: condition.Known(float64(count(g.Failed, t.watermark))), Unasked24h: condition.Known(float64(count(g.Unasked, t.watermark))),
		Unresponsive: condition.Known(g.Valve.Unresponsive()),
	}
	if o := g.Valve.Opening; o != nil {
		f.OpenH = condition.Known(t.watermark.Sub(o.OpenedAt).Hours())
	}
	return f
}

func (t *turn) deviceFacts(d *devices.Device) condition.DeviceFacts {
	s := t.site
	known := s.state.Devices[d.ID]
	f := condition.DeviceFacts{
		SilentH: t.age(known.Heard, known.Since), StuckH: condition.Known(known.stuck(t.watermark)), Model: condition.Known(d.Model),
		Implausible24h: condition.Known(float64(count(known.Odd, t.watermark))), Spikes24h: condition.Known(float64(count(known.Spikes, t.watermark))),
		BatteryV: condition.Maybe(known.newest(devices.BatteryVoltage, "", t.watermark, 48*time.Hour)),
	}
	switch where := s.at[d.ID]; {
	case where.station >= 0:
		f.Role = condition.Known("weather")
	case where.valve >= 0:
		f.Role = condition.Known("valve")
	default:
		f.Role = condition.Known("soil")
	}
	return f
}

func (t *turn) stationFacts(id devices.StationID, growing int) condition.StationFacts {
	st := t.site.state.Stations[id]
	return condition.StationFacts{
		WeatherAgeH: t.weatherAge(id), PlotsGrowing: condition.Known(float64(growing)),
		TMin24hC: condition.Maybe(st.Temperature.Min(t.watermark)), TMax24hC: condition.Maybe(st.Temperature.Max(t.watermark)),
	}
}

func (t *turn) weatherAge(id devices.StationID) condition.Fact[float64] {
	st := t.site.state.Stations[id]
	return t.age(st.Heard, st.Since)
}

// age is how long ago something was heard of, in hours; since it was new if it never was.
func (t *turn) age(heard, since time.Time) condition.Fact[float64] {
	if heard.IsZero() {
		heard = since
	}
	if heard.IsZero() {
		heard = t.site.state.Began
	}
	return condition.Known(max(0, t.watermark.Sub(heard).Hours()))
}

// stuck is for how long one of the device's values has stood still that should not, in hours.
func (d *device) stuck(at time.Time) (longest float64) {
	for i := range d.Series {
		if one := &d.Series[i]; one.Verdict&quality.Stuck != 0 {
			longest = max(longest, at.Sub(one.Check.Run.Since).Hours())
		}
	}
	return longest
}
