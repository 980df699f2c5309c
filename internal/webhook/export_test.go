package webhook

import "net/netip"

// MayDial is mayDial, for its table.
func (g Guard) MayDial(addr netip.Addr, plain bool) error { return g.mayDial(addr, plain) }
