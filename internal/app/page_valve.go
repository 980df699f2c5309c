package app

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"

	"ganlin/devices"
	"ganlin/internal/auth"
	"ganlin/internal/httpapi"
)

// clearByForm takes the word of a person, from the page of a plot, that a valve
// of it is shut, and leads back there.
func (p *program) clearByForm(w http.ResponseWriter, r *http.Request) {
	who, _ := auth.From(r.Context())
	plot, known := p.registry.Load().Plot(devices.PlotID(r.PathValue("id")))
	id := devices.DeviceID(r.PostFormValue("valve"))
	said := p.carryOut(r, formAct{do: func(ctx context.Context) string {
		if !known || !who.ActsOn(plot) || !slices.Contains(plot.Valves, id) {
			return saidTrouble
		}
		err := valveActs{p}.Clear(ctx, who.Account, id, "")
		switch {
		case err == nil:
			return "done"
		case errors.Is(err, httpapi.ErrConflict):
			return "nothing"
		}
		p.log.ErrorContext(ctx, "a valve is not cleared", "valve", id, "error", err)
		return saidTrouble
	}})
	backTo(w, r, "/plots/"+url.PathEscape(r.PathValue("id")), said)
}
