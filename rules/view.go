package rules

import (
	"slices"
	"strings"
	"time"

	"ganlin/devices"
	"ganlin/rules/condition"
	"ganlin/rules/drought"
	"ganlin/rules/risk"
	"ganlin/rules/valve"
	"ganlin/rules/water"
)

// A View is what people are shown of a site at its watermark.
type View struct {
	Site       devices.SiteID
	Watermark  time.Time
	Stopped    bool
	Plots      []PlotView      // by id
	Valves     []valve.Valve   // by plot
	Gates      []GateView      // by device: those and the ones that have left and are not known to be closed
	Alerts     []AlertView     // that are not inactive, by rule and subject
	Households []HouseholdView // by id

	Tally           Tally
	TodayL, SeasonL float64 // delivered by all valves, litres
	Openings        int     // of the season
}

// A PlotView is a plot as it stands. What is nil is unknown.
type PlotView struct {
	ID           devices.PlotID
	Grade        drought.Grade
	DepletionMM  *float64
	RAWMM, TAWMM float64
	RSMPct       *float64
	DaysToStress *float64
	Stage        string
	CropDay      int
	Irrigating   bool
	Held         string // why it is not watered although it needs it
	WhyUnknown   []string
	Advice       Advice
	Loss         *float64

	RainWeekMM    *float64 // of the last 7 days
	WateredWeekMM float64  // net irrigation of the last 7 days
	SoilAgeH      *float64 // of the newest good soil moisture; nil: none

	FieldCapacity, WiltingPoint float64 // m3/m3, as far as they were learned
}

// A GateView is where a valve stands, or stood before it left.
type GateView struct {
	Device   devices.DeviceID
	Location devices.Location
}

// An AlertView is an alert that somebody may have to know of.
type AlertView struct {
	ID, Rule, Subject, Severity string
	State                       condition.State
	Since                       time.Time
}

// A HouseholdView is what a household stands to lose.
type HouseholdView struct {
	ID     devices.HouseholdID
	Place  devices.PlaceCode
	Clue   risk.Clue // as of the last day; see whether it is open
	ClueID string    // the id of an open clue, which is that of the decision that raised it; else empty
	Plots  []devices.PlotID
}

// View tells how the site stands. It shares nothing with the site.
func (s *Site) View() View {
	at := s.state.Watermark
	v := View{Site: s.c.Site.ID, Watermark: at, Stopped: s.state.Stopped, Tally: s.Tally(), Gates: s.gates()}
	if at.IsZero() {
		return v
	}
	rain := make(map[devices.StationID]*float64, len(s.state.Stations)) // of the week; many plots share a station
	for id, st := range s.state.Stations {
		rain[id] = st.Rain7d.Sum(at)
	}
	t := &turn{site: s, at: s.state.Tick, watermark: at, ahead: s.acts(s.state.Tick)}
	cleared := s.clears()
	for i := range s.parcels {
		p, soil := s.state.Plots[s.parcels[i].ID], s.soil(i, at)
		one := PlotView{
			ID: s.parcels[i].ID, Grade: soil.grade, DepletionMM: soil.depletion, RAWMM: soil.raw, TAWMM: soil.taw, RSMPct: soil.rsm,
			DaysToStress: s.daysToStress(i, &soil), Stage: soil.stage, CropDay: soil.cropDay, Irrigating: p.Irrigating, Held: p.Held,
			RainWeekMM: rain[s.parcels[i].Station], WateredWeekMM: p.irrigated(at, 7*24*time.Hour), SoilAgeH: soil.soilAgeH,
			FieldCapacity: soil.params.Soil.FieldCapacity, WiltingPoint: soil.params.Soil.WiltingPoint,
		}
		one.Advice = t.advice(i, &soil)
		if p.Loss != nil {
			one.Loss = new(p.Loss.Mid)
		}
		if soil.depletion == nil {
			one.WhyUnknown = s.whyUnknown(i, &soil)
		}
		v.TodayL += p.TodayL
		v.SeasonL += p.SeasonL
		v.Openings += p.Openings
		v.Plots = append(v.Plots, one)
		for _, d := range s.parcels[i].valves {
			one := s.state.Valves[d.ID].Valve.Clone()
			for _, a := range cleared {
				if a.Valve == d.ID {
					one.Clear(a.At) // people see at once what they did
				}
			}
			v.Valves = append(v.Valves, one)
		}
	}
	for _, h := range s.homes {
		one := HouseholdView{ID: h.id, Place: h.place, Clue: s.state.Households[h.id].Clue}
		if one.Clue.Open {
			one.ClueID = clueID(s.c.Site.ID, h.id, one.Clue.Since)
		}
		for _, i := range h.parcels {
			one.Plots = append(one.Plots, s.parcels[i].ID)
		}
		v.Households = append(v.Households, one)
	}
	v.Alerts = s.alerts()
	return v
}

func (s *Site) gates() []GateView {
	all := make([]GateView, 0, len(s.state.Valves))
	for id, g := range s.state.Valves {
		where := devices.Location{Site: s.c.Site.ID, Place: s.c.Site.Place, Plot: g.Plot}
		if at := s.plotOf(id, g); at >= 0 {
			where = s.location(at)
		}
		all = append(all, GateView{id, where})
	}
	slices.SortFunc(all, func(a, b GateView) int { return strings.Compare(string(a.Device), string(b.Device)) })
	return all
}

// daysToStress is in how many days the readily available water is gone without
// rain, at the evapotranspiration of the last day; nil: unknown.
func (s *Site) daysToStress(i int, soil *soilView) *float64 {
	p := s.state.Plots[s.parcels[i].ID]
	if soil.depletion == nil || p.Last.EToMM <= 0 || soil.kc <= 0 {
		return nil
	}
	return new(max(0, (soil.raw-*soil.depletion)/(p.Last.EToMM*soil.kc)))
}

// whyUnknown names what is missing to know how a plot stands.
func (s *Site) whyUnknown(i int, soil *soilView) (why []string) {
	if soil.skyAgeH == nil || *soil.skyAgeH > freshWeather.Hours() {
		why = append(why, "weather")
	}
	if s.settling(i, soil, s.state.Watermark) {
		return append(why, water.MoistureDoubt)
	}
	if len(s.parcels[i].probes) == 0 {
		return append(why, "no_probe")
	}
	if soil.soilAgeH == nil || *soil.soilAgeH > freshSoil.Hours() {
		why = append(why, "soil_moisture")
	}
	return why
}
