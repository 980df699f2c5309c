package irrigate

import "math"

const squareMetresPerMu = 2000.0 / 3

// A Decision is what Need comes to: to water now, or why not.
type Decision string

// The decisions, in the order in which they are looked for.
const (
	SeasonOver     Decision = "season_over"     // harvest is so near that water no longer pays
	UnknownSoil    Decision = "unknown_soil"    // nobody knows how dry the root zone is
	NoNeed         Decision = "no_need"         // it is wet enough
	UnknownWeather Decision = "unknown_weather" // nobody knows whether an interlock holds
	Frost          Decision = "frost"
	Wind           Decision = "wind"
	Rain           Decision = "rain"
	Window         Decision = "window" // not at this hour
	Budget         Decision = "budget" // what is left is not worth an opening
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

// Input is what a decision is made from.
type Input struct {
	Rule Rule // as Validate allows

	DepletionMM *float64 // of the root zone, at the last balance; nil: not known
	RAWMM       float64  // of the root zone
	DeliveredMM float64  // net depth that went in since that balance, by valve and by rain
	Irrigating  bool     // whether the plot is being watered: the trigger has been passed and the need not yet met
	DaysLeft    int      // of the season, today included; 0 or less: it is over
	RemainingMM *float64 // what the crop will still take until harvest; nil: not known, or far away

	AreaMu            float64
	FlowLPM           *float64 // of the open valve; nil: not known
	ValveMaxVolumeL   float64  // of one opening; 0: no limit by volume
	ValveMaxDurationS int      // of one opening
	BudgetL           *float64 // what may still be used; nil: no budget

	LocalHour         int // 0 to 23
	Frost, Wind, Rain Interlock
}

// A Plan is how much water a plot needs, and what one opening gives it of that.
type Plan struct {
	NetMM        float64 // still to reach the root zone
	GrossMM      float64 // to leave the valve for that
	VolumeL      float64 // of this opening; 0 unless the decision is Water
	MaxDurationS int     // of this opening
	Reason       string  // the decision
}

// Need decides. A plot is watered when its depletion passes the trigger, a
// share of RAW (FAO-56, p. 171), and then up to the room that is kept for rain,
// never more than its depletion, and never more than keeps the crop without
// stress until harvest: the last days of a season are not watered for the soil
// that is left behind. Depth on the ground is depth in the root zone divided by
// the efficiency; 1 mm on 1 m2 is 1 L. One opening gives no more than the valve
// and the budget allow; the caller asks again until the answer is NoNeed.
//
// The plan of a plot that needs water but may not have it now tells the depths all the same.
func Need(in Input) (Plan, Decision) {
	plan := Plan{}
	decide := func(d Decision) (Plan, Decision) {
		plan.Reason = string(d)
		return plan, d
	}
	if in.DaysLeft <= in.Rule.StopDays {
		return decide(SeasonOver)
	}
	if in.DepletionMM == nil || math.IsNaN(*in.DepletionMM) {
		return decide(UnknownSoil)
	}
	depletion := *in.DepletionMM - in.DeliveredMM
	if !in.Irrigating && depletion <= in.Rule.TriggerOfRAW*in.RAWMM {
		return decide(NoNeed)
	}
	net := depletion - in.Rule.KeepRoomMM
	if net <= 0 || net < in.Rule.MinimumMM {
		return decide(NoNeed)
	}
	if in.RemainingMM != nil {
		net = min(net, depletion+*in.RemainingMM-in.Rule.TriggerOfRAW*in.RAWMM)
		if net <= 0 || net < in.Rule.MinimumMM {
			return decide(SeasonOver)
		}
	}
	plan.NetMM, plan.GrossMM = net, net/in.Rule.Efficiency

	if d := in.forbidden(); d != "" {
		return decide(d)
	}
	squareMetres := in.AreaMu * squareMetresPerMu
	volume := plan.GrossMM * squareMetres
	if in.BudgetL != nil {
		volume = min(volume, *in.BudgetL)
		if least := in.Rule.MinimumMM / in.Rule.Efficiency * squareMetres; volume <= 0 || volume < least {
			return decide(Budget)
		}
	}
	seconds := in.ValveMaxDurationS
	if in.ValveMaxVolumeL > 0 {
		volume = min(volume, in.ValveMaxVolumeL)
	}
	if in.FlowLPM != nil && *in.FlowLPM > 0 {
		perSecond := *in.FlowLPM / 60
		volume = min(volume, perSecond*float64(seconds))
		seconds = min(seconds, int(math.Ceil(volume/perSecond)))
	}
	if seconds <= 0 || volume <= 0 {
		return decide(NoLease)
	}
	plan.VolumeL, plan.MaxDurationS = volume, seconds
	return decide(Water)
}

// forbidden says what keeps the valve shut now, if anything.
func (in *Input) forbidden() Decision {
	switch {
	case in.Frost == NotKnown || in.Wind == NotKnown || in.Rain == NotKnown:
		return UnknownWeather
	case in.Frost == Holds:
		return Frost
	case in.Wind == Holds:
		return Wind
	case in.Rain == Holds:
		return Rain
	case !in.Rule.inWindow(in.LocalHour):
		return Window
	}
	return ""
}
