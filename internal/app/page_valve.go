package app

import (
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
	back := url.Values{"said": {"trouble"}}
	if known && who.ActsOn(plot) && slices.Contains(plot.Valves, id) {
		err := valveActs{p}.Clear(r.Context(), who.Account, id, "")
		switch {
		case err == nil:
			back.Set("said", "done")
		case errors.Is(err, httpapi.ErrConflict):
			back.Set("said", "nothing")
		default:
			p.log.ErrorContext(r.Context(), "a valve is not cleared", "valve", id, "error", err)
		}
	}
	if lang := r.PostFormValue("lang"); lang != "" {
		back.Set("lang", lang)
	}
	http.Redirect(w, r, "/plots/"+url.PathEscape(r.PathValue("id"))+"?"+back.Encode(), http.StatusSeeOther)
}
