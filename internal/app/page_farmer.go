package app

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"ganlin/dashboards"
	"ganlin/dashboards/words"
	"ganlin/devices"
	"ganlin/internal/auth"
	"ganlin/internal/now"
	"ganlin/rules/valve"
)

// homeSource fills the farmer's page, and carries out what its forms ask for.
type homeSource struct{ *program }

var _ dashboards.Homes = homeSource{}

// Home returns the plots of the household that asks.
func (p homeSource) Home(ctx context.Context) dashboards.Home {
	who, _ := auth.From(ctx)
	v := p.decidedNow()
	h := dashboards.Home{Account: who.Account, CSRF: who.CSRF, Stopped: p.valves.Stopped()}
	if who.Language != "" {
		h.Language = words.Choose(who.Language, "")
	}
	latest := p.now.Snapshot()
	for _, plot := range v.registry.Plots() {
		if plot.Household == "" || plot.Household != who.Household {
			continue
		}
		one := dashboards.HomePlot{Field: dashboards.Field{Plot: plot}}
		if known := v.standing[plot.ID]; known != nil {
			fillField(&one.Field, known)
		}
		for _, d := range v.registry.Devices() {
			if slices.Contains(plot.Valves, d.ID) {
				one.Taps = append(one.Taps, p.homeTap(d, v.valves[d.ID], latest))
			}
		}
		h.Plots = append(h.Plots, one)
		h.Zone = v.zone(plot.Site)
		if s := v.viewOf[plot.Site]; s != nil && (h.At.IsZero() || s.Watermark.Before(h.At)) {
			h.At = s.Watermark
		}
	}
	var err error
	if h.News, err = p.news(ctx, h.Plots); err != nil {
		p.log.ErrorContext(ctx, "a farmer's page is shown without its messages", "error", err)
		h.NewsLost = true
	}
	return h
}

// homeTap is a valve as its farmer sees it. The valve's own newest word counts
// before what the rules knew at their watermark, and what it was told since before
// its word: told to close it is closing until it says that it is closed.
func (p *program) homeTap(d devices.Device, known *valve.Valve, latest *now.Snapshot) dashboards.HomeTap {
	tap := dashboards.HomeTap{Valve: dashboards.Valve{ID: d.ID}, Longest: time.Duration(d.MaxDurationS) * time.Second}
	var heard time.Time
	if known != nil {
		tap.Valve, heard = pageValve(known), known.Heard
	}
	said, at := p.valves.Word(d.ID)
	if seen, ok := latest.Device(d.ID); ok {
		tap.Reachable = dashboards.Online(seen.Online)
		if r := seen.Report; r != nil && said == "" && r.State != devices.Accepted { // of before this start: what was accepted nobody knows
			said, at = r.State, seen.ReportAt
		}
	}
	if at.After(heard) {
		switch said {
		case devices.Opened:
			tap.State = dashboards.ValveOpen
		case devices.Accepted:
			tap.State = dashboards.ValveAccepted
		case devices.Closed:
			tap.State, tap.OpenSince, tap.Until = dashboards.ValveClosed, time.Time{}, time.Time{}
		case devices.Failed:
			tap.State = dashboards.ValveUnknown
		case devices.Rejected, devices.Expired: // they tell nothing of the valve
		}
	}
	switch p.valves.Doing(d.ID) {
	case devices.Close:
		tap.State = dashboards.ValveClosing
	case devices.Open:
		tap.State = dashboards.ValveRequested
	case devices.Report: // changes nothing
	}
	return tap
}

// act does what a form of the farmer's page asks for and leads back to it. A
// form without scripts cannot call the API, so the page has an address of its own for it.
func (p homeSource) act(w http.ResponseWriter, r *http.Request) {
	backTo(w, r, dashboards.HomeAddress, p.carryOut(r, p.asked(r)))
}

// asked is what a form of the page asks for.
func (p homeSource) asked(r *http.Request) formAct {
	who, _ := auth.From(r.Context())
	id := devices.DeviceID(r.PostFormValue("valve"))
	switch r.PostFormValue("act") {
	case dashboards.ActOpen, dashboards.ActClose:
		return p.waters(who.Account, r.PostFormValue("act"), id, r.PostFormValue("minutes"), p.own(who, id))
	case dashboards.ActCloseAll:
		var all []devices.DeviceID
		for _, plot := range p.registry.Load().Plots() {
			if plot.Household != "" && plot.Household == who.Household {
				all = append(all, plot.Valves...)
			}
		}
		return p.closes(who.Account, "all_closed", all...)
	case dashboards.ActAnswer:
		return p.answers(who, r.PostFormValue("alert"), r.PostFormValue("answer"))
	}
	return formAct{do: func(context.Context) string { return "refused" }}
}

// opens is the act that opens a valve.
func (p *program) opens(by string, id devices.DeviceID, minutes int) formAct {
	return formAct{do: func(ctx context.Context) string {
		_, err := valveActs{p}.Open(ctx, by, id, valve.Ask{DurationS: minutes * 60}, "")
		return said(err, "opened")
	}}
}

// closes is the act that closes valves.
func (p *program) closes(by, well string, ids ...devices.DeviceID) formAct {
	return formAct{
		do: func(ctx context.Context) string {
			how := well
			for _, id := range ids {
				if _, err := (valveActs{p}).Close(ctx, by, id, ""); err != nil {
					p.log.ErrorContext(ctx, "a valve is not told to close", "valve", id, "error", err)
					how = "close_trouble"
				}
			}
			return how
		},
		shuts: true,
		undone: func() bool {
			reg, v, latest := p.registry.Load(), p.decidedNow(), p.now.Snapshot()
			return slices.ContainsFunc(ids, func(id devices.DeviceID) bool {
				d, _ := reg.Device(id)
				state := p.homeTap(d, v.valves[id], latest).State
				return state != dashboards.ValveClosed && state != dashboards.ValveClosing
			})
		},
	}
}

// own reports whether a valve waters a plot of the household that asks.
func (p homeSource) own(who auth.Access, id devices.DeviceID) bool {
	return who.Household != "" && slices.ContainsFunc(p.registry.Load().Plots(), func(plot devices.Plot) bool {
		return plot.Household == who.Household && slices.Contains(plot.Valves, id)
	})
}

// said is what to tell a farmer of an error, or that it went well.
func said(err error, well string) string {
	refused, ok := errors.AsType[refusedError](err)
	switch {
	case err == nil:
		return well
	case !ok:
		return saidTrouble
	}
	switch refused.why {
	case isBusy, valve.NotClosed, valve.IsLocked, valve.IsStopped, valve.IsLeaking:
		return string(refused.why)
	}
	return "refused"
}
