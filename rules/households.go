package rules

import (
	"time"

	"ganlin/devices"
	"ganlin/rules/risk"
)

// clueRule names what raises clues, and in which form.
const (
	clueRule    = "household_exposure"
	clueVersion = "1"
)

// clueID names an episode by the decision that raised it.
func clueID(site devices.SiteID, household devices.HouseholdID, since time.Time) string {
	return idOf(site, string(household), clueRule, string(devices.ClueDecision), string(risk.Raised), since)
}

// closeHouseholds looks, at the end of each local day, at what every household stands to lose.
func (t *turn) closeHouseholds(end time.Time) {
	s := t.site
	for _, h := range s.homes {
		var losses []risk.PlotLoss
		for _, i := range h.parcels {
			losses = append(losses, s.loss(i, end))
		}
		state := s.state.Households[h.id]
		since := state.Machine.Since
		clue, transition := state.Machine.Day(end, losses, s.c.Levels)
		state.Clue = clue
		if transition == risk.Unchanged {
			continue
		}
		if transition == risk.Raised {
			state.Place, since = h.place, clue.Since
		}
		t.turned(state, transition, end, since, "")
	}
}

// turned decides that a household's clue, of an episode since a time, is as it is now.
func (t *turn) turned(h *household, transition risk.Transition, at, since time.Time, reason string) {
	s, clue := t.site, &h.Clue
	d := t.decision(devices.ClueDecision, clueRule, clueVersion, string(clue.Household), "", string(transition))
	d.At, d.Severity = at, string(clue.Level)
	d.Texts["level"], d.Texts["confidence"], d.Texts["cause"] = string(clue.Level), string(clue.Confidence), clue.Cause
	d.Texts["clue"], d.Texts["raised_at"] = clueID(s.c.Site.ID, clue.Household, since), since.UTC().Format(time.RFC3339)
	if reason != "" {
		d.Texts["reason"] = reason
	}
	d.Numbers["episode"], d.Numbers["loss_low"], d.Numbers["loss_high"] = float64(clue.Episode), clue.Loss.Low, clue.Loss.High
	if clue.Loss.Mid == nil {
		d.Unknown = append(d.Unknown, "loss_mid")
	} else {
		d.Numbers["loss_mid"] = *clue.Loss.Mid
	}
	for _, l := range clue.Plots {
		if l.LossMid == nil {
			d.Unknown = append(d.Unknown, "loss_of_"+string(l.Plot))
		} else {
			d.Numbers["loss_of_"+string(l.Plot)] = *l.LossMid
		}
		d.Numbers["area_mu_of_"+string(l.Plot)] = l.AreaMu
	}
	n := s.state.Clues.Add(h.Place, transition)
	// The points of one place and day are one row: the last one holds the day's counts.
	d.Points = append(d.Points, devices.Point{
		Measurement: devices.ClueMeasurement, Location: devices.Location{Site: s.c.Site.ID, Place: h.Place}, At: at,
		Numbers: map[string]float64{"open": float64(n.Open), "raised": float64(n.Raised), "withdrawn": float64(n.Withdrawn)},
	})
	t.decide(d)
}

// loss projects what a parcel will not bear.
func (s *Site) loss(i int, end time.Time) risk.PlotLoss {
	where, p := &s.parcels[i], s.state.Plots[s.parcels[i].ID]
	params := s.params(i)
	day := params.SeasonDay(s.localDay(end))
	_, _, stage := params.Crop.Stage(day)
	l := risk.PlotLoss{
		Plot: where.ID, AreaMu: where.AreaMu, Crop: where.Crop, Ky: params.Crop.Ky,
		Stage: stage, Irrigated: where.Mode == devices.Auto && len(where.valves) > 0, Probed: p.Probed,
	}
	if !p.Balanced || !p.Last.Known {
		p.Loss = nil
		return l
	}
	rest := 0.0 // mm that the crop will still ask for, at the evapotranspiration of now
	for d := day + 1; d <= params.Crop.SeasonDays(); d++ {
		kc, _, _ := params.Crop.Stage(d)
		rest += kc * p.Last.EToMM
	}
	sums := &p.Balance.Season
	project := func(etaMM float64) (low, mid, high float64) {
		return risk.Project(risk.ProjectInput{Ky: params.Crop.Ky, ETaMM: etaMM, ETcMM: sums.ETcMM, RestETcMM: rest, Stress: p.Stress})
	}
	low, _, _ := project(sums.ETaWetMM)
	_, mid, _ := project(sums.ETaMM)
	_, _, high := project(sums.ETaDryMM)
	l.LossLow, l.LossMid, l.LossHigh = &low, &mid, &high
	p.Loss = &lossRange{low, mid, high}
	return l
}
