package app

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"ganlin/dashboards"
	"ganlin/devices"
	"ganlin/internal/auth"
	"ganlin/internal/httpapi"
)

// actByForm does what a form of a plot's page asks for of a valve of it, and
// leads back there: open it, close it, or take a person's word that it is shut.
func (p *program) actByForm(w http.ResponseWriter, r *http.Request) {
	who, _ := auth.From(r.Context())
	plot, known := p.registry.Load().Plot(devices.PlotID(r.PathValue("id")))
	id := devices.DeviceID(r.PostFormValue("valve"))
	ours := known && who.ActsOn(plot) && slices.Contains(plot.Valves, id)
	said := ""
	switch act := r.PostFormValue("act"); act {
	case dashboards.ActOpen, dashboards.ActClose:
		said = dashboards.WaterAnswer + p.carryOut(r, p.waters(who.Account, act, id, r.PostFormValue("minutes"), ours))
	default:
		said = p.carryOut(r, p.clears(who.Account, id, ours))
	}
	backTo(w, r, "/plots/"+url.PathEscape(r.PathValue("id")), said)
}

// clears is the act that takes a person's word that a valve is shut.
func (p *program) clears(by string, id devices.DeviceID, ours bool) formAct {
	return formAct{do: func(ctx context.Context) string {
		if !ours {
			return saidTrouble
		}
		err := valveActs{p}.Clear(ctx, by, id, "")
		switch {
		case err == nil:
			return "done"
		case errors.Is(err, httpapi.ErrConflict):
			return "nothing"
		}
		p.log.ErrorContext(ctx, "a valve is not cleared", "valve", id, "error", err)
		return saidTrouble
	}}
}

// waters is the act that opens or closes a valve, if it is theirs to work.
func (p *program) waters(by, act string, id devices.DeviceID, minutes string, ours bool) formAct {
	long, err := strconv.Atoi(minutes)
	switch {
	case act == dashboards.ActClose && ours:
		return p.closes(by, "closed", id)
	case act == dashboards.ActClose:
		return formAct{do: func(context.Context) string { return "close_refused" }}
	case err != nil || long < 1 || long > 24*60 || !ours:
		return formAct{do: func(context.Context) string { return "refused" }}
	}
	return p.opens(by, id, long)
}
