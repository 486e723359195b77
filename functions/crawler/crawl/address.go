package crawl

import (
	"fmt"
	"net/netip"
	"strings"
	"syscall"
)

// reserved are the networks that are not public although they are unicast and not private by name (the registries of special-purpose addresses of RFC 6890).
const reserved = "0.0.0.0/8 100.64.0.0/10 192.0.0.0/24 192.0.2.0/24 192.88.99.0/24 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 240.0.0.0/4 " +
	"64:ff9b::/96 64:ff9b:1::/48 100::/64 2001::/23 2001:db8::/32 2002::/16 3fff::/20 5f00::/16 fec0::/10"

// guard decides which addresses may be connected to.
type guard struct {
	reserved, allowed []netip.Prefix
}

func newGuard(allowed []netip.Prefix) (*guard, error) {
	g := &guard{allowed: allowed}
	for _, text := range strings.Fields(reserved) {
		p, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, fmt.Errorf("reserved networks: %w", err)
		}
		g.reserved = append(g.reserved, p)
	}
	return g, nil
}

// refusedError is an address that is not connected to.
type refusedError struct{ address netip.Addr }

func (e *refusedError) Error() string { return e.address.String() + " is not a public address" }

// check refuses an address that is not public. It is asked about the address that is dialed, when the name has been resolved: another answer of a name
// server comes too late.
func (g *guard) check(a netip.Addr) error {
	a = a.Unmap().WithZone("")
	for _, p := range g.allowed {
		if p.Contains(a) {
			return nil
		}
	}
	if !a.IsGlobalUnicast() || a.IsPrivate() {
		return &refusedError{a}
	}
	for _, p := range g.reserved {
		if p.Contains(a) {
			return &refusedError{a}
		}
	}
	return nil
}

// control is that of a net.Dialer.
func (g *guard) control(network, address string, _ syscall.RawConn) error {
	if network != "tcp4" && network != "tcp6" {
		return fmt.Errorf("network %s is not TCP", network)
	}
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return err
	}
	return g.check(to.Addr())
}
