package app

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"ganlin/devices"
	"ganlin/internal/records"
	"ganlin/rules/risk"
)

// A clueEvidence is what the records keep of why a household's clue is as it is.
type clueEvidence struct {
	Confidence string     `json:"confidence"`
	LossLow    float64    `json:"loss_low"` // shares of the harvest
	LossMid    *float64   `json:"loss_mid,omitempty"`
	LossHigh   float64    `json:"loss_high"`
	Plots      []clueLoss `json:"plots"` // by id
}

// A clueLoss is what is known of one of the household's plots.
type clueLoss struct {
	Plot   devices.PlotID `json:"plot"`
	AreaMu float64        `json:"area_mu"`
	Loss   *float64       `json:"loss,omitempty"` // nil: nobody knows
}

// clueEffects are what the records keep of a decision on a clue, and what is told of it.
func clueEffects(d devices.Decision) (records.ClueRow, records.Signal, error) {
	row := records.ClueRow{
		ID: d.Texts["clue"], Household: devices.HouseholdID(d.Subject), Site: d.Site, State: d.Outcome, Level: d.Severity, Cause: d.Texts["cause"],
		RaisedAt: d.At, UpdatedAt: d.At, Decision: d.ID,
	}
	if raised, err := time.Parse(time.RFC3339, d.Texts["raised_at"]); err == nil {
		row.RaisedAt = raised
	}
	if d.Outcome == string(risk.Withdrawn) {
		row.WithdrawnAt = d.At
	}
	for _, p := range d.Points {
		row.Place = p.Location.Place
	}
	body, err := json.Marshal(evidenceOf(d))
	if err != nil {
		return row, records.Signal{}, fmt.Errorf("writing the evidence of clue %s: %w", row.ID, err)
	}
	row.Body = body
	return row, records.Signal{
		ID: d.ID, Kind: d.Outcome, Clue: row.ID, Household: row.Household, Site: row.Site, Place: row.Place, Level: row.Level, Cause: row.Cause,
		At: d.At, Decision: d.ID,
	}, nil
}

// evidenceOf reads the evidence back from where the decision has it.
func evidenceOf(d devices.Decision) clueEvidence {
	e := clueEvidence{Confidence: d.Texts["confidence"], LossLow: d.Numbers["loss_low"], LossHigh: d.Numbers["loss_high"]}
	if mid, ok := d.Numbers["loss_mid"]; ok {
		e.LossMid = &mid
	}
	for name, area := range d.Numbers {
		plot, ok := strings.CutPrefix(name, "area_mu_of_")
		if !ok {
			continue
		}
		l := clueLoss{Plot: devices.PlotID(plot), AreaMu: area}
		if loss, ok := d.Numbers["loss_of_"+plot]; ok {
			l.Loss = &loss
		}
		e.Plots = append(e.Plots, l)
	}
	slices.SortFunc(e.Plots, func(a, b clueLoss) int { return strings.Compare(string(a.Plot), string(b.Plot)) })
	return e
}
