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
	for _, item := range m.Get("allow_private").List("signals.allow_private") {
		text, ok := l.expand(item, "signals.allow_private")
		if !ok {
			continue
		}
		prefix, err := netip.ParsePrefix(text)
		switch {
		case err != nil:
			item.Errorf("signals.allow_private: %q is no network; write one such as 10.20.0.0/16", text)
		case prefix != prefix.Masked():
			item.Errorf("signals.allow_private: %s is an address in a network; write the network, %s", prefix, prefix.Masked())
		default:
			v.AllowPrivate = append(v.AllowPrivate, prefix)
		}
	}
}
