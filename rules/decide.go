package rules

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"time"

	"ganlin/devices"
	"ganlin/rules/valve"
)

// decision begins a decision of this tick.
func (t *turn) decision(kind devices.DecisionKind, rule, version, subject string, of devices.PlotID, outcome string) devices.Decision {
	return devices.Decision{
		At: t.at, Site: t.site.c.Site.ID, Subject: subject, Plot: of, Rule: rule, Version: version, Kind: kind, Outcome: outcome,
		Numbers: map[string]float64{}, Texts: map[string]string{},
	}
}

// decide gives a decision its id and takes it down.
func (t *turn) decide(d devices.Decision) {
	slices.Sort(d.Unknown)
	if d.ID == "" {
		d.ID = idOf(d.Site, d.Subject, d.Rule, string(d.Kind), d.Outcome, d.At)
	}
	t.decided = append(t.decided, d)
}

// idOf names a decision by what it is about: the same one has the same name.
func idOf(site devices.SiteID, subject, rule, kind, outcome string, at time.Time) string {
	h := sha256.Sum256(fmt.Appendf(nil, "%s\n%s\n%s\n%s\n%s\n%d", site, subject, rule, kind, outcome, at.UnixMilli()))
	return hex.EncodeToString(h[:8])
}

// LeaseRule names the lease machine as what decided.
const LeaseRule = "lease"

// command decides a command to a valve, or what became of one.
func (t *turn) command(parcel int, id devices.DeviceID, outcome, command string, at time.Time, reason string, c *devices.Command) {
	where, _ := t.land(parcel, id)
	d := t.decision(devices.CommandDecision, LeaseRule, "1", string(id), where.ID, outcome)
	d.Texts["command"] = command
	if reason != "" {
		d.Texts["reason"] = reason
	}
	d.ID = idOf(d.Site, d.Subject+"\n"+command, d.Rule, string(d.Kind), outcome, t.at)
	if c == nil {
		d.Texts["at"] = at.UTC().Format(time.RFC3339)
	} else {
		d.ID, d.Command = c.ID, c
		if c.Action == devices.Open {
			d.Numbers["max_duration_s"], d.Numbers["volume_l"] = float64(c.MaxDurationS), c.MaxVolumeL
		}
	}
	t.decide(d)
}

// incidents are what happens at a valve without a command that is its reason.
var incidents = map[valve.Kind]string{
	valve.HandOpened: "by_hand", valve.FoundOpen: "found_open", valve.Late: "late", valve.Leak: "leak", valve.StillMeter: "still_meter",
}

// incident takes down what a valve did by itself, or a hand at it, by the time at which it happened.
func (t *turn) incident(parcel int, id devices.DeviceID, e *valve.Event) {
	outcome, told := incidents[e.Kind]
	switch {
	case e.Ended != nil && e.Ended.By == valve.ByHand:
		outcome, told = "closed_by_hand", true
	case e.Kind == valve.Failed && e.Command == "":
		outcome, told = string(valve.Failed), true
	}
	if !told {
		return
	}
	where, _ := t.land(parcel, id)
	d := t.decision(devices.ValveDecision, LeaseRule, "1", string(id), where.ID, outcome)
	d.At = e.At
	d.ID = idOf(d.Site, d.Subject+"\n"+e.Command, d.Rule, string(d.Kind), outcome, e.At)
	if e.Command != "" {
		d.Texts["command"] = e.Command
	}
	if e.FlowLPM > 0 {
		d.Numbers["flow_lpm"] = e.FlowLPM
	}
	t.decide(d)
}

// ended enters an opening that is over into the ledger, and its water into the plot.
func (t *turn) ended(parcel int, id devices.DeviceID, e *valve.Ended) {
	s := t.site
	where, p := t.land(parcel, id)
	d := t.decision(devices.LedgerDecision, LeaseRule, "1", string(id), where.ID, string(e.By))
	d.ID = idOf(d.Site, d.Subject, d.Rule, string(d.Kind), e.Command, e.OpenedAt)
	point := devices.Point{
		Measurement: devices.LedgerMeasurement, Location: s.locationOf(where), Valve: id, At: e.OpenedAt.UTC(),
		Numbers: map[string]float64{"commanded_l": e.CommandedL, "duration_s": e.DurationS},
	}
	d.Texts["command"] = e.Command
	d.Texts["opened_at"], d.Texts["closed_at"] = e.OpenedAt.UTC().Format(time.RFC3339), e.ClosedAt.UTC().Format(time.RFC3339)
	d.Numbers["commanded_l"], d.Numbers["duration_s"] = e.CommandedL, e.DurationS
	water := s.delivered(where, id, e)
	if water.metered {
		d.Numbers["delivered_l"], point.Numbers["delivered_l"] = *water.litres, *water.litres
		s.state.Valves[id].flowed(*water.litres, e.DurationS)
		t.soaked(p, soaked{id, e.Command, e.OpenedAt, water.litres}, e.ClosedAt)
	} else {
		d.Unknown = append(d.Unknown, "delivered_l")
		d.Estimated = append(d.Estimated, water.how)
		if e.DeliveredL != nil {
			d.Numbers["metered_l"] = *e.DeliveredL
		}
		t.soaked(p, soaked{id, e.Command, e.OpenedAt, nil}, e.ClosedAt)
	}
	p.Openings++
	p.SpentDayL += water.mostL
	p.SpentSeasonL += water.mostL
	share := 0.0 // of a litre, in mm at the roots
	if where.areaM2 > 0 {
		share = s.efficiency(parcel) / where.areaM2
	}
	if water.litres == nil {
		d.Numbers["most_l"] = water.mostL
		p.NetMoreMM += water.mostL * share
		p.NetUnknown = p.NetUnknown || water.guessed
	} else {
		p.TodayL += *water.litres
		p.SeasonL += *water.litres
		net := *water.litres * share
		d.Numbers["net_mm"] = net
		p.NetTodayMM += net
		p.Waterings = slices.DeleteFunc(p.Waterings, func(w watering) bool { return e.ClosedAt.Sub(w.At) > 7*24*time.Hour })
		p.Waterings = append(p.Waterings, watering{e.ClosedAt, net})
	}
	d.Points = append(d.Points, point)
	t.decide(d)
}
