package app

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"ganlin/dashboards"
	"ganlin/internal/auth"
	"ganlin/internal/httpapi"
)

// What a form may lead to besides what it asked for, as codes of the catalogue.
const (
	saidTrouble = "trouble" // it failed on our side and may be sent again
	saidStale   = "stale"   // the page was used for something else already
)

// A formAct is what a form of a page asks for.
type formAct struct {
	do func(ctx context.Context) (said string)
	// shuts says that it closes valves: better done twice than not at all.
	shuts bool
	// undone reports whether it has to be done again, although it was done: water may run again.
	undone func() bool
}

// carryOut does what a form asks for, once however often the browser sends it,
// and returns how it went: a retry is answered as what it repeats. The act that
// makes them one stands in the form, a new one in each.
func (p *program) carryOut(r *http.Request, act formAct) (said string) {
	who, _ := auth.From(r.Context())
	id := r.PostFormValue("id")
	if !clueActID.MatchString(id) {
		id = rand.Text()
	}
	asked := r.PostForm
	asked.Del("csrf")
	sum := sha256.Sum256([]byte(r.URL.Path + "?" + asked.Encode()))
	how, again, err := p.acts.Do(r.Context(), httpapi.Asked{Account: who.Account, Route: r.Pattern, Key: id}, hex.EncodeToString(sum[:]), act.shuts, func(ctx context.Context) httpapi.Reply {
		reply := httpapi.Reply{Status: http.StatusOK, Body: []byte(act.do(ctx))}
		if strings.HasSuffix(string(reply.Body), saidTrouble) {
			reply.Status = http.StatusServiceUnavailable
		}
		return reply
	})
	switch {
	case errors.Is(err, httpapi.ErrReused):
		return saidStale
	case err != nil:
		p.log.WarnContext(r.Context(), "a form is not carried out", "page", r.URL.Path, "error", err)
		return saidTrouble
	case again && act.undone != nil && act.undone():
		ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), haltPatience)
		defer cancel()
		return act.do(ctx)
	}
	return string(how.Body)
}

// backTo leads from a form back to its page, which says once how it went.
func backTo(w http.ResponseWriter, r *http.Request, address, said string) {
	dashboards.Flash(w, r, address, said)
	if lang := r.URL.Query().Get("lang"); lang != "" {
		address += "?lang=" + url.QueryEscape(lang)
	}
	http.Redirect(w, r, address, http.StatusSeeOther)
}

// formAddress is the page where the form of an address stands.
func formAddress(path string) string {
	if strings.HasPrefix(path, dashboards.OperationsAddress+"/") {
		return dashboards.OperationsAddress
	}
	return path
}
