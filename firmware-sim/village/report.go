package village

import (
	"slices"
	"strings"
	"time"

	"ganlin/devices"
	"ganlin/firmware-sim/field"
	"ganlin/firmware-sim/firmware"
)

// A Report is what the village counted by itself, without asking the receiver.
// Water, Yield, Losses and Wetted are there once the season is over.
type Report struct {
	At       time.Time       `json:"at"` // the devices' last time
	Fleet    firmware.Counts `json:"fleet"`
	Devices  []DeviceReport  `json:"-"` // of this process alone
	Openings Openings        `json:"openings"`

	Calendar field.Calendar                  `json:"calendar"` // of the manual arm
	Water    Water                           `json:"water"`
	Yield    Yield                           `json:"yield"`
	Losses   map[devices.HouseholdID]float64 `json:"losses,omitempty"` // share of the full yield that a household's plots miss, by area
	Wetted   map[devices.PlotID][]time.Time  `json:"wetted,omitempty"` // the local days on which a plot got enough water to be seen in its soil
}

// A DeviceReport is what one device counted.
type DeviceReport struct {
	ID devices.DeviceID `json:"id"`
	firmware.Counts
}

// Openings sums up when the valves really were open.
type Openings struct {
	Number       int     `json:"number"`
	LongestOpenS float64 `json:"longest_open_s"`
	OverLimit    int     `json:"over_limit"` // longer than their lease or the registry's limit, by more than a second
	Late         int     `json:"late"`       // begun after the command had expired
	Litres       float64 `json:"litres"`
}

func (o *Openings) add(now time.Time, all ...firmware.Opening) {
	for _, one := range all {
		o.Number++
		o.LongestOpenS = max(o.LongestOpenS, one.Duration(now).Seconds())
		o.Litres += one.Litres
		if one.Over(now) {
			o.OverLimit++
		}
		if one.OpenedAt.After(one.Expires) {
			o.Late++
		}
	}
}

// Water is what the plots with a valve got, as meters count it.
type Water struct {
	AutomaticM3  float64 `json:"automatic_m3"`  // through the valves of this season
	ManualM3     float64 `json:"manual_m3"`     // by the calendar, with the same sprinklers
	ByHoseM3     float64 `json:"by_hose_m3"`    // by the same calendar, for the same depth in the soil, from a hose or a furrow
	FullM3       float64 `json:"full_m3"`       // so that no plant is ever stressed
	SavedPercent float64 `json:"saved_percent"` // by automatic, of manual
}

// Yield is what the plots with a valve bear, of what they bear with full water, by area.
type Yield struct {
	Automatic float64 `json:"automatic"`
	Manual    float64 `json:"manual"`
	Full      float64 `json:"full"`
	Rainfed   float64 `json:"rainfed"`
}

// report sums up. Nothing may be running any more.
func (v *Village) report() Report {
	r := Report{At: v.now, Fleet: v.before.Fleet, Openings: v.before.Openings, Calendar: Manual()}
	for _, d := range v.devices {
		c := d.Counts()
		r.Fleet.Add(c)
		r.Devices = append(r.Devices, DeviceReport{ID: d.ID(), Counts: c})
		r.Openings.add(v.now, d.Openings()...)
	}
	slices.SortFunc(r.Devices, func(a, b DeviceReport) int { return strings.Compare(string(a.ID), string(b.ID)) })
	return r
}

// compare lives the other arms of the season and sets this one beside them.
func (v *Village) compare(r *Report) {
	live, full := v.field.Outcomes(), v.field.Arm(v.options.Days, field.Full)
	r.Losses, r.Wetted = v.losses(live, full), map[devices.PlotID][]time.Time{}
	for _, o := range live {
		r.Wetted[o.Plot] = o.Wetted
	}
	withValve := func(all []field.Outcome) (some []field.Outcome) {
		for i, o := range all {
			if len(v.Registry.Plots[i].Valves) > 0 {
				some = append(some, o)
			}
		}
		return some
	}
	full = withValve(full)
	if len(full) == 0 {
		return
	}
	arm := func(all []field.Outcome) (m3, yield float64) {
		some := withValve(all)
		return irrigationM3(some), relativeYield(some, full)
	}
	r.Water.FullM3, r.Yield.Full = irrigationM3(full), 1
	r.Water.AutomaticM3, r.Yield.Automatic = arm(live)
	r.Water.ManualM3, r.Yield.Manual = arm(v.field.Arm(v.options.Days, Manual().Water))
	_, r.Yield.Rainfed = arm(v.field.Arm(v.options.Days, field.Rainfed))
	r.Water.ByHoseM3 = r.Water.ManualM3 * field.SprinklerEfficiency / field.SurfaceEfficiency
	if r.Water.ManualM3 > 0 {
		r.Water.SavedPercent = 100 * (1 - r.Water.AutomaticM3/r.Water.ManualM3)
	}
}

// losses returns what each household's plots miss of their full yield, by area.
func (v *Village) losses(live, full []field.Outcome) map[devices.HouseholdID]float64 {
	lost, area := map[devices.HouseholdID]float64{}, map[devices.HouseholdID]float64{}
	for i, p := range v.Registry.Plots {
		area[p.Household] += p.AreaMu
		lost[p.Household] += p.AreaMu * (1 - live[i].Yield/full[i].Yield)
	}
	for id := range lost {
		lost[id] /= area[id]
	}
	return lost
}

func irrigationM3(all []field.Outcome) float64 {
	sum := 0.0
	for _, o := range all {
		sum += o.IrrigationM3()
	}
	return sum
}
