package condition

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// A Subject is what a rule is about.
type Subject string

// The subjects.
const (
	Plot    Subject = "plot"
	Valve   Subject = "valve"
	Station Subject = "station"
	Device  Subject = "device"
)

// Subjects returns all of them.
func Subjects() []Subject { return []Subject{Plot, Valve, Station, Device} }

// A Fact is a value that may be unknown, as its zero value is. Known and Maybe make others.
type Fact[T float64 | string | bool] struct {
	Value T
	Known bool
}

// Known returns a fact that is known. A number that is not finite is unknown all the same.
func Known[T float64 | string | bool](v T) Fact[T] {
	if f, ok := any(v).(float64); ok && (math.IsNaN(f) || math.IsInf(f, 0)) {
		return Fact[T]{}
	}
	return Fact[T]{v, true}
}

// Maybe returns the fact that is pointed to; nil is unknown.
func Maybe[T float64 | string | bool](v *T) Fact[T] {
	if v == nil {
		return Fact[T]{}
	}
	return Known(*v)
}

// The facts that conditions know by the names in expr. These structs are the
// one list of them: units, meanings and closed lists of values are read from the tags.

// PlotFacts are what conditions about a plot see.
type PlotFacts struct {
	Grade         Fact[float64] `expr:"grade" unit:"1" doc:"drought: 0 none, 1 light, 2 moderate, 3 severe, 4 extreme"`
	RSMPct        Fact[float64] `expr:"rsm_pct" unit:"%" doc:"relative soil moisture: water content by field capacity"`
	DepletionMM   Fact[float64] `expr:"depletion_mm" unit:"mm" doc:"water that the root zone lacks to field capacity"`
	RAWMM         Fact[float64] `expr:"raw_mm" unit:"mm" doc:"readily available water: what roots take without stress"`
	TAWMM         Fact[float64] `expr:"taw_mm" unit:"mm" doc:"total available water of the root zone"`
	DepletionPart Fact[float64] `expr:"depletion_share" unit:"1" doc:"depletion_mm by taw_mm: 0 at field capacity, 1 at wilting"`
	StressShare   Fact[float64] `expr:"stress_share" unit:"1" doc:"depletion_mm by raw_mm: above 1 the crop is short of water"`
	DeficitPct    Fact[float64] `expr:"deficit_pct" unit:"%" doc:"what a growing crop does not get now of the water that it asks for"`
	Ks            Fact[float64] `expr:"ks" unit:"1" doc:"water stress coefficient: 1 without stress, 0 at wilting"`
	EToMM         Fact[float64] `expr:"eto_mm" unit:"mm/d" doc:"reference evapotranspiration of the last full day"`
	ETcMM         Fact[float64] `expr:"etc_mm" unit:"mm/d" doc:"crop evapotranspiration without stress of the last full day"`
	DaysToStress  Fact[float64] `expr:"days_to_stress" unit:"d" doc:"until depletion passes raw_mm if it does not rain; 0: it has"`
	Rain24hMM     Fact[float64] `expr:"rain_24h_mm" unit:"mm" doc:"rain of the last 24 hours"`
	Rain7dMM      Fact[float64] `expr:"rain_7d_mm" unit:"mm" doc:"rain of the last 7 days"`
	Irrigation7d  Fact[float64] `expr:"irrigation_7d_mm" unit:"mm" doc:"net irrigation of the last 7 days"`
	SoilAgeH      Fact[float64] `expr:"soil_age_h" unit:"h" doc:"since the newest good soil moisture"`
	WeatherAgeH   Fact[float64] `expr:"weather_age_h" unit:"h" doc:"since the newest value of the plot's station"`
	TMin24hC      Fact[float64] `expr:"t_min_24h_c" unit:"Cel" doc:"lowest air temperature of the last 24 hours"`
	TMax24hC      Fact[float64] `expr:"t_max_24h_c" unit:"Cel" doc:"highest air temperature of the last 24 hours"`
	WindMS        Fact[float64] `expr:"wind_ms" unit:"m/s" doc:"newest wind speed"`
	SoilT20C      Fact[float64] `expr:"soil_t_20_c" unit:"Cel" doc:"newest soil temperature at 20 cm"`
	CropDay       Fact[float64] `expr:"crop_day" unit:"d" doc:"day of the season; the day of planting is 1"`
	SeasonDays    Fact[float64] `expr:"season_days" unit:"d" doc:"days from planting to harvest"`
	LossLow       Fact[float64] `expr:"projected_loss_low" unit:"1" doc:"share of the yield that is lost at the least"`
	LossHigh      Fact[float64] `expr:"projected_loss_high" unit:"1" doc:"share of the yield that is lost at the most"`
	Stage         Fact[string]  `expr:"stage" values:"before initial development mid late rest harvested" doc:"stage of the crop"`
	Crop          Fact[string]  `expr:"crop" doc:"the crop's name in the registry"`
	Soil          Fact[string]  `expr:"soil" doc:"the soil's texture in the registry"`
	Mode          Fact[string]  `expr:"mode" values:"advise auto off" doc:"how far valves may act by themselves"`
	HasValve      Fact[bool]    `expr:"has_valve" doc:"whether a valve waters the plot"`
	HasProbe      Fact[bool]    `expr:"has_probe" doc:"whether a soil probe stands in it"`
	CapacityOwn   Fact[bool]    `expr:"capacity_learned" doc:"whether its probes have shown the soil's own field capacity"`
	Irrigating    Fact[bool]    `expr:"irrigating" doc:"whether it is being watered"`
	WateringPays  Fact[bool]    `expr:"watering_pays" doc:"whether the crop may still be watered: not in the last days of its season"`
	Settling      Fact[bool]    `expr:"settling" doc:"whether a new plot without a probe waits for weather to show how wet it is"`
}

// ValveFacts are what conditions about a valve see.
type ValveFacts struct {
	State        Fact[string]  `expr:"state" values:"closed requested accepted open closing unknown" doc:"as far as the valve itself reported"`
	Locked       Fact[bool]    `expr:"locked" doc:"whether it is kept shut until a person has looked"`
	OpenH        Fact[float64] `expr:"open_h" unit:"h" doc:"since it opened; 0: it is not open"`
	LeakL        Fact[float64] `expr:"leak_l" unit:"L" doc:"metered since it closed"`
	Failed24h    Fact[float64] `expr:"failed_24h" unit:"1" doc:"what did not go as it was told in the last 24 hours"`
	Unasked24h   Fact[float64] `expr:"unasked_24h" unit:"1" doc:"openings of the last 24 hours that nobody had asked for in time"`
	StillMeter   Fact[bool]    `expr:"still_meter" doc:"whether its meter stands still although it is open"`
	Unresponsive Fact[bool]    `expr:"unresponsive" doc:"whether three commands in a row to open came to nothing"`
}

// StationFacts are what conditions about a weather station see.
type StationFacts struct {
	WeatherAgeH  Fact[float64] `expr:"weather_age_h" unit:"h" doc:"since the newest value; since the start if there was none"`
	TMin24hC     Fact[float64] `expr:"t_min_24h_c" unit:"Cel" doc:"lowest air temperature of the last 24 hours"`
	TMax24hC     Fact[float64] `expr:"t_max_24h_c" unit:"Cel" doc:"highest air temperature of the last 24 hours"`
	PlotsGrowing Fact[float64] `expr:"plots_growing" unit:"1" doc:"plots of the station between planting and harvest"`
}

// DeviceFacts are what conditions about a device see.
type DeviceFacts struct {
	SilentH        Fact[float64] `expr:"silent_h" unit:"h" doc:"since its newest reading; since the start if there was none"`
	StuckH         Fact[float64] `expr:"stuck_h" unit:"h" doc:"for how long one of its values stands still that should not; 0: none"`
	Implausible24h Fact[float64] `expr:"implausible_24h" unit:"1" doc:"values of the last 24 hours that cannot be"`
	Spikes24h      Fact[float64] `expr:"spikes_24h" unit:"1" doc:"values of the last 24 hours that stood out and went back"`
	BatteryV       Fact[float64] `expr:"battery_v" unit:"V" doc:"newest battery voltage"`
	Model          Fact[string]  `expr:"model" doc:"the model's name in the registry"`
	Role           Fact[string]  `expr:"role" values:"soil weather valve" doc:"what it is for: where the registry puts it"`
}

// A Type is that of a fact.
type Type string

// The types.
const (
	Number Type = "number"
	Text   Type = "text"
	Bool   Type = "bool"
)

// A FactSpec documents one fact.
type FactSpec struct {
	Name   string
	Type   Type
	Unit   string   // of a number; 1: it has none
	Values []string // of a text that can hold only these; empty: any
	Doc    string

	field int // in the struct of its subject
}

// Facts returns the facts that a condition about the subject may name, in the
// order of its struct. It is nil for an unknown subject.
func Facts(s Subject) []FactSpec {
	of := structOf(s)
	if of == nil {
		return nil
	}
	t := reflect.TypeOf(of)
	all := make([]FactSpec, t.NumField())
	for i := range all {
		f := t.Field(i)
		all[i] = FactSpec{
			Name: f.Tag.Get("expr"), Type: typeOf(f.Type), Unit: f.Tag.Get("unit"),
			Values: strings.Fields(f.Tag.Get("values")), Doc: f.Tag.Get("doc"), field: i,
		}
	}
	return all
}

// structOf returns the empty facts of a subject; nil: there is no such.
func structOf(s Subject) any {
	switch s {
	case Plot:
		return PlotFacts{}
	case Valve:
		return ValveFacts{}
	case Station:
		return StationFacts{}
	case Device:
		return DeviceFacts{}
	}
	return nil
}

func typeOf(fact reflect.Type) Type {
	switch fact {
	case reflect.TypeFor[Fact[float64]]():
		return Number
	case reflect.TypeFor[Fact[string]]():
		return Text
	case reflect.TypeFor[Fact[bool]]():
		return Bool
	}
	panic(fmt.Sprintf("%s is no fact", fact))
}

// Set enters a fact of the subject from its text, as a test or a table of
// history has it. An empty text is unknown.
func (e *Env) Set(s Subject, f FactSpec, text string) error {
	to := reflect.ValueOf(e.of(s)).Elem().Field(f.field)
	if text == "" {
		to.SetZero()
		return nil
	}
	switch f.Type {
	case Number:
		v, err := strconv.ParseFloat(text, 64)
		if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
			return fmt.Errorf("%s must be a number, not %q", f.Name, shorten(text))
		}
		to.Set(reflect.ValueOf(Known(v)))
	case Bool:
		v, err := strconv.ParseBool(text)
		if err != nil {
			return fmt.Errorf("%s must be true or false, not %q", f.Name, shorten(text))
		}
		to.Set(reflect.ValueOf(Known(v)))
	default:
		if len(f.Values) > 0 && !slices.Contains(f.Values, text) {
			return fmt.Errorf("%s is one of %s, not %q", f.Name, strings.Join(f.Values, ", "), shorten(text))
		}
		to.Set(reflect.ValueOf(Known(text)))
	}
	return nil
}
