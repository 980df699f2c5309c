package risk

import (
	"slices"
	"strings"
	"time"

	"ganlin/devices"
)

// Drought is the only cause that a clue names today.
const Drought = "drought"

// A Confidence says how far a clue can be trusted.
type Confidence string

// The confidences.
const (
	High   Confidence = "high"   // all plots known, two thirds of the area probed, a range of at most 0.15
	Medium Confidence = "medium" // in between
	Low    Confidence = "low"    // less than two thirds of the area known, less than a third probed, or a range above 0.35
)

// A Clue is a reason to look after a household, with its evidence. It is no
// verdict: a person visits, and verifies or dismisses it.
type Clue struct {
	Household  devices.HouseholdID `json:"household"`
	Episode    int                 `json:"episode"`        // counts the household's clues from 1; 0: none yet
	Open       bool                `json:"open"`           // raised and not withdrawn
	Since      time.Time           `json:"since,omitzero"` // when it was raised
	Level      Level               `json:"level"`          // of an open clue the one it holds, else None or Unknown
	Loss       Range               `json:"loss"`           // of the harvest of all plots, by area
	Confidence Confidence          `json:"confidence"`
	Cause      string              `json:"cause"`
	Plots      []PlotLoss          `json:"plots"`             // all of them, by id
	Unknown    []devices.PlotID    `json:"unknown,omitempty"` // those whose loss nobody knows
}

// A Range is a household's exposure as shares of its harvest. Mid is over the
// known plots and nil if there are none. Low and High take the unknown plots as
// having lost nothing and all.
type Range struct {
	Low  float64  `json:"low"`
	Mid  *float64 `json:"mid,omitempty"`
	High float64  `json:"high"`
}

// assess fills in what the plots say of a household's day.
func assess(c *Clue, plots []PlotLoss) {
	c.Cause = Drought
	c.Plots = slices.SortedFunc(slices.Values(plots), func(a, b PlotLoss) int { return strings.Compare(string(a.Plot), string(b.Plot)) })
	var area, known, probed, low, mid, high float64
	for _, p := range c.Plots {
		area += p.AreaMu
		if !p.known() {
			c.Unknown = append(c.Unknown, p.Plot)
			high += p.AreaMu
			continue
		}
		known += p.AreaMu
		low += p.AreaMu * *p.LossLow
		mid += p.AreaMu * *p.LossMid
		high += p.AreaMu * *p.LossHigh
		if p.Probed {
			probed += p.AreaMu
		}
	}
	c.Confidence = Low
	if known == 0 {
		c.Loss = Range{High: 1}
		return
	}
	c.Loss = Range{Low: low / area, Mid: new(mid / known), High: high / area}
	width := c.Loss.High - c.Loss.Low
	switch {
	case 3*known < 2*area || 3*probed < area || width > 0.35:
	case known == area && 3*probed >= 2*area && width <= 0.15:
		c.Confidence = High
	default:
		c.Confidence = Medium
	}
}
