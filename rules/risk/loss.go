package risk

import "ganlin/devices"

// A PlotLoss is what a plot is expected to lose of its yield, as a share of what
// it would bear without stress.
type PlotLoss struct {
	Plot      devices.PlotID `json:"plot"`
	AreaMu    float64        `json:"area_mu"`
	Crop      string         `json:"crop"`
	Ky        float64        `json:"ky"`
	LossLow   *float64       `json:"loss_low,omitempty"` // 0 to 1; nil: unknown
	LossMid   *float64       `json:"loss_mid,omitempty"`
	LossHigh  *float64       `json:"loss_high,omitempty"`
	Stage     string         `json:"stage"`
	Irrigated bool           `json:"irrigated"`
	Probed    bool           `json:"probed"` // its balance is corrected by a fresh probe, not weather alone
}

func (p PlotLoss) known() bool { return p.LossLow != nil && p.LossMid != nil && p.LossHigh != nil }

// A ProjectInput is a plot's season so far and what it still demands, in mm.
type ProjectInput struct {
	Ky        float64 // yield response of the season (FAO-56, table 24); 0: not known, taken as 1
	ETcMM     float64 // demand so far: the evapotranspiration without stress
	ETaMM     float64 // what of it was met
	RestETcMM float64 // demand from now to the harvest; 0 at the harvest
	Stress    float64 // share of the demand that is not met lately, such as over the last ten days, 0 to 1
}

// Project returns the expected loss of yield as shares from 0 to 1, by FAO-33:
// 1 - Ya/Ym = Ky (1 - ETa/ETc) over the whole season. Low takes the rest of the
// season as free of stress, high lets the present stress last to the harvest,
// mid takes half of that: droughts do break, and this one may do so on any day.
// High is no bound, for stress may also grow. Towards the harvest the three meet.
func Project(p ProjectInput) (low, mid, high float64) {
	season := p.ETcMM + p.RestETcMM
	if season <= 0 {
		return 0, 0, 0
	}
	ky := p.Ky
	if ky == 0 {
		ky = 1
	}
	lost := max(0, p.ETcMM-p.ETaMM)
	toCome := max(0, p.RestETcMM) * share(p.Stress)
	loss := func(deficitMM float64) float64 { return share(ky * deficitMM / season) }
	return loss(lost), loss(lost + toCome/2), loss(lost + toCome)
}

// share keeps a number within 0 and 1.
func share(v float64) float64 { return max(0, min(1, v)) }
