package config

import (
	"net/netip"

	"ganlin/internal/position"
)

// Signals is where signals of clues may be sent.
type Signals struct {
	// AllowPrivate lists networks that are not public and where webhooks may
	// be all the same, unencrypted too, such as a county's own.
	AllowPrivate []netip.Prefix
}

func (l *loader) signals(n position.Node, v *Signals) {
	m, ok := n.Mapping("signals", "allow_private")
	if !ok {
		return
	}
	v.AllowPrivate = l.networks(m.Get("allow_private"), "signals.allow_private")
}

// networks reads a list of networks.
func (l *loader) networks(n position.Node, what string) (all []netip.Prefix) {
	for _, item := range n.List(what) {
		text, ok := l.expand(item, what)
		if !ok {
			continue
		}
		prefix, err := netip.ParsePrefix(text)
		switch {
		case err != nil:
			item.Errorf("%s: %q is no network; write one such as 10.20.0.0/16", what, text)
		case prefix != prefix.Masked():
			item.Errorf("%s: %s is an address in a network; write the network, %s", what, prefix, prefix.Masked())
		default:
			all = append(all, prefix)
		}
	}
	return all
}
