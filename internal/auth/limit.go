package auth

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Of wrong tokens, ten at once and then one every six seconds are answered 401
// for each address; more are answered 429. A right token is never kept
// waiting: guessing 32 random bytes is hopeless, and whoever shares an address
// with a guesser must still reach the emergency stop.
const (
	wrongAtOnce = 10
	wrongEvery  = 6 * time.Second
	retryAfter  = "6"
	maxClients  = 10_000 // addresses that are told apart; more share one limit
)

// failures counts wrong tokens by the address that they come from. The zero value is ready.
type failures struct {
	mu      sync.Mutex
	clients map[netip.Prefix]*rate.Limiter
	rest    *rate.Limiter
}

// allow counts a wrong token and reports whether its address may still have an answer.
func (f *failures) allow(client netip.Prefix) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.clients == nil {
		f.clients = map[netip.Prefix]*rate.Limiter{}
		f.rest = rate.NewLimiter(rate.Every(wrongEvery), wrongAtOnce)
	}
	limit, ok := f.clients[client]
	if !ok && len(f.clients) >= maxClients {
		for c, l := range f.clients {
			if l.Tokens() >= wrongAtOnce {
				delete(f.clients, c)
			}
		}
	}
	switch {
	case ok:
	case len(f.clients) >= maxClients:
		limit = f.rest
	default:
		limit = rate.NewLimiter(rate.Every(wrongEvery), wrongAtOnce)
		f.clients[client] = limit
	}
	return limit.Allow()
}

// client is where a request comes from. An IPv6 network of 64 bits is one customer of a provider.
func (g *Guard) client(r *http.Request) netip.Prefix {
	host, _, _ := net.SplitHostPort(r.RemoteAddr)
	if hops := r.Header.Values("X-Forwarded-For"); g.BehindProxy && len(hops) > 0 {
		all := strings.Split(hops[len(hops)-1], ",")
		host = strings.TrimSpace(all[len(all)-1])
	}
	address, _ := netip.ParseAddr(host)
	bits := 32
	if address = address.Unmap(); address.Is6() {
		bits = 64
	}
	prefix, _ := address.Prefix(bits)
	return prefix
}
