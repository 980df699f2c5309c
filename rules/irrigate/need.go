package irrigate

import "math"

// A Decision is what Need comes to: to water now, or why not.
type Decision string

// The decisions, in the order in which they are looked for.
const (
	SeasonOver     Decision = "season_over"     // harvest is so near that water no longer pays
	UnknownSoil    Decision = "unknown_soil"    // nobody knows how dry the root zone is
	NoNeed         Decision = "no_need"         // it is wet enough
	TooLittle      Decision = "too_little"      // what it lacks, less the room that is left for rain, is not worth an opening
	UnknownWeather Decision = "unknown_weather" // nobody knows whether an interlock holds
	Frost          Decision = "frost"
	Wind           Decision = "wind"
	Rain           Decision = "rain"
	Window         Decision = "window" // not at this hour
	Starts         Decision = "starts" // it was opened often enough today
	Budget         Decision = "budget" // what is left of the day's or the season's water is not worth an opening
	NoLease        Decision = "no_lease"
	Water          Decision = "water"
)

// An Interlock is whether a reason not to open holds. The zero value is not
// known and forbids to open.
type Interlock int

// The states of an interlock.
const (
	NotKnown Interlock = iota
	Clear
	Holds
)

// Interlocks are what the weather forbids.
type Interlocks struct{ Frost, Wind, Rain Interlock }

// Violated names the interlock that holds for certain, if any. What is not
// known forbids to open and is no reason to close.
func (l Interlocks) Violated() Decision {
	switch {
	case l.Frost == Holds:
		return Frost
	case l.Wind == Holds:
		return Wind
	case l.Rain == Holds:
		return Rain
	}
	return ""
}

// Input is what a decision is made from.
type Input struct {
	Rule Rule

	DepletionMM *float64 // of the root zone; nil: not known
	RAWMM       float64  // of the root zone
	TAWMM       float64  // likewise
	Irrigating  bool     // whether the plot is being watered: the trigger has been passed and the need not yet met
	DaysLeft    int      // of the season, today included; 0 or less: it is over
	RemainingMM *float64 // what the crop will still take until harvest; nil: not known, or far away

	AreaM2 float64
	Valves []Valve
	Spent  Spent

	LocalHour  int // 0 to 23
	Interlocks Interlocks
}

// A Valve is one that waters the plot.
type Valve struct {
	FlowLPM      float64 // 0: not known
	Metered      bool    // its meter ends an opening when the volume has run
	MaxVolumeL   float64 // of one opening; 0: no limit by volume
	MaxDurationS int     // of one opening
}

// Spent is what a plot has had of its budget, as its meters tell, or else at the worst.
type Spent struct {
	DayL, SeasonL float64
	Starts        int // openings of this day
}

// A Plan is how much water a plot needs, and what one opening of its valves gives it of that.
type Plan struct {
	NetMM   float64 // still to reach the root zone
	GrossMM float64 // to leave the valves for that
	Leases  []Lease // for each valve; none unless the decision is Water
}

// A Lease is what one valve is asked for.
type Lease struct {
	VolumeL   float64
	DurationS int
}

// Margin is how much longer a valve with a meter may be open than its volume
// takes at its usual flow. It closes by volume and never needs that; if its meter
// fails, it brings no more than so much too much. Without a meter time is all there is.
const Margin = 1.25

// Of a valve of which no flow is known nobody can say how much it brings. Its
// openings are reckoned with UnknownLPM, in litres a minute, which few valves
// pass, and last no longer than TrialS seconds: long enough for a meter to show it.
const (
	UnknownLPM = 1000
	TrialS     = 600
)

// Pays reports whether watering may still be of use before the harvest.
func (in *Input) Pays() bool {
	return in.DaysLeft > in.Rule.StopDays && (in.RemainingMM == nil || *in.RemainingMM >= in.Rule.MinimumMM)
}

// Need decides. A plot is watered when its depletion passes the trigger, a
// share of RAW (FAO-56, p. 171), and then up to the room that is kept for rain,
// never more than its depletion, and never more than keeps the crop without
// stress until harvest: the last days of a season are not watered for the soil
// that is left behind. Depth on the ground is depth in the root zone divided by
// the efficiency; 1 mm on 1 m2 is 1 L. One opening gives no more than valves
// and budget allow; the caller asks again until the answer is NoNeed or TooLittle.
//
// The plan of a plot that needs water but may not have it now tells the depths all the same.
func Need(in Input) (Plan, Decision) {
	if !in.Pays() {
		return Plan{}, SeasonOver
	}
	if in.DepletionMM == nil || math.IsNaN(*in.DepletionMM) {
		return Plan{}, UnknownSoil
	}
	depletion := *in.DepletionMM
	if !in.Irrigating && depletion <= in.Rule.TriggerOfRAW*in.RAWMM {
		return Plan{}, NoNeed
	}
	net := depletion - in.room()
	switch worth := net > 0 && net >= in.Rule.MinimumMM; {
	case !worth && depletion <= in.Rule.TriggerOfRAW*in.RAWMM:
		return Plan{}, NoNeed
	case !worth:
		return Plan{}, TooLittle
	}
	if in.RemainingMM != nil {
		net = min(net, depletion+*in.RemainingMM-in.Rule.TriggerOfRAW*in.RAWMM)
		if net <= 0 || net < in.Rule.MinimumMM {
			return Plan{}, SeasonOver
		}
	}
	plan := Plan{NetMM: net, GrossMM: net / in.Rule.Efficiency}
	if d := in.forbidden(); d != "" {
		return plan, d
	}
	volume := min(plan.GrossMM*in.AreaM2, in.left())
	if least := in.Rule.MinimumMM / in.Rule.Efficiency * in.AreaM2; volume <= 0 || volume < least && volume < plan.GrossMM*in.AreaM2 {
		return plan, Budget
	}
	for _, v := range in.Valves {
		plan.Leases = append(plan.Leases, v.lease(volume/float64(len(in.Valves))))
	}
	for _, l := range plan.Leases {
		if l.VolumeL > 0 && l.DurationS > 0 {
			return plan, Water
		}
	}
	plan.Leases = nil
	return plan, NoLease
}

// room is the depletion that is left for rain. A crop with few roots would have
// nothing else: it is to get two thirds of what it asks for all the same.
func (in *Input) room() float64 {
	const stress = 1.0 / 3 // 1 - Ks, at which the plot is watered at the latest
	room := max(in.Rule.KeepRoomMM, in.Rule.KeepRoomOfRAW*in.RAWMM)
	return max(0, min(room, in.RAWMM+stress*(in.TAWMM-in.RAWMM)-in.Rule.MinimumMM))
}

// forbidden says what keeps the valves shut now, if anything.
func (in *Input) forbidden() Decision {
	l := in.Interlocks
	switch {
	case l.Frost == NotKnown || l.Wind == NotKnown || l.Rain == NotKnown:
		return UnknownWeather
	case l.Violated() != "":
		return l.Violated()
	case !in.Rule.inWindow(in.LocalHour):
		return Window
	case in.Rule.StartsPerDay > 0 && in.Spent.Starts >= in.Rule.StartsPerDay:
		return Starts
	}
	return ""
}

// left is what the plot may still get of its day's and its season's water, in litres.
func (in *Input) left() float64 {
	left := math.Inf(1)
	if most := in.Rule.DayMM; most > 0 {
		left = min(left, most*in.AreaM2-in.Spent.DayL)
	}
	if most := in.Rule.SeasonMM; most > 0 {
		left = min(left, most*in.AreaM2-in.Spent.SeasonL)
	}
	return left
}

// lease is what the valve may give of a volume in one opening, and how long that takes at the most.
func (v Valve) lease(volumeL float64) Lease {
	if v.MaxVolumeL > 0 {
		volumeL = min(volumeL, v.MaxVolumeL)
	}
	flow, longest := v.FlowLPM, v.MaxDurationS
	if flow <= 0 {
		flow, longest = UnknownLPM, min(longest, TrialS)
	}
	perSecond := flow / 60
	l := Lease{VolumeL: min(volumeL, perSecond*float64(longest))}
	seconds := l.VolumeL / perSecond
	if v.Metered {
		seconds *= Margin
	}
	l.DurationS = min(longest, int(math.Ceil(seconds)))
	return l
}
