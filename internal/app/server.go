package app

import (
	"net/http"
	"net/netip"
	"time"

	"ganlin/internal/lobby"
)

// How long a request may be on its way, and an answer. Streams wait for their
// clients by deadlines of their own.
const (
	headPatience  = 10 * time.Second
	readPatience  = time.Minute
	writePatience = 3 * time.Minute // longer than any answer takes
	idlePatience  = 2 * time.Minute
)

// How many connections there may be, in all and of one address. A village
// behind one address of its provider has room in the second.
const (
	mostConnections = 4096
	eachConnections = 512
)

// bounds are those of the connections. Whoever sits at this machine is free of
// them, for the emergency stop, unless a proxy does: then all come from it.
func (p *program) bounds() lobby.Options {
	o := lobby.Options{Most: mostConnections, Each: eachConnections, Free: netip.Addr.IsLoopback}
	if p.o.config.HTTP.BehindProxy {
		o.Each, o.Free = mostConnections, func(netip.Addr) bool { return false }
	}
	return o
}

// secured puts on every answer what tells a browser to be careful with it.
func (p *program) secured(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		if (r.TLS != nil || p.o.config.HTTP.BehindProxy) && !namesThisMachine(r) { // whose name all its programs share
			h.Set("Strict-Transport-Security", "max-age=31536000")
		}
		next.ServeHTTP(w, r)
	})
}
