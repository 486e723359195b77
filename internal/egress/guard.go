package egress

import (
	"fmt"
	"net/netip"
	"syscall"
)

// Guard decides which addresses may be connected to. The zero value allows public ones. It is safe for concurrent use.
type Guard struct {
	// Allowed are addresses that may be connected to although they are not public, such as loopback ones for development.
	Allowed []netip.Prefix
}

// Refused is the error of an address that may not be connected to. It is for logs: who has chosen the URL must not be told.
type Refused struct{ Address netip.Addr }

func (r *Refused) Error() string { return r.Address.String() + " is not a public address" }

// Check refuses an address that is neither public nor allowed.
func (g *Guard) Check(ip netip.Addr) error {
	if Public(ip) || within(ip.Unmap().WithZone(""), g.Allowed) {
		return nil
	}
	return &Refused{ip}
}

// Control is that of a net.Dialer.
func (g *Guard) Control(network, address string, _ syscall.RawConn) error {
	if network != "tcp4" && network != "tcp6" {
		return fmt.Errorf("network %s is not TCP", network)
	}
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return err
	}
	return g.Check(to.Addr())
}
