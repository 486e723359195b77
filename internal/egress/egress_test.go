package egress

import (
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"strings"
	"testing"
)

func TestAddresses(t *testing.T) {
	t.Parallel()
	g := &Guard{}
	for _, a := range strings.Fields("127.0.0.1 ::1 0.0.0.0 :: 10.1.2.3 172.16.0.1 172.31.255.255 192.168.1.1 169.254.169.254 100.64.0.1 100.127.255.255 192.0.0.192 198.18.0.1 198.19.255.255 224.0.0.1 " +
		"255.255.255.255 240.0.0.1 199.36.153.8 ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:169.254.169.254 ::127.0.0.1 64:ff9b::7f00:1 64:ff9b::a9fe:a9fe 64:ff9b:1::1 fe80::1 fe80::1%eth0 2606:4700::1111%eth0 fc00::1 " +
		"fd00:ec2::254 ff02::1 2002:7f00:1:: 2001:db8::1 2001::1 2620:4f:8000::1 3fff::1 5f00::1 fec0::1 100::1") {
		ip := netip.MustParseAddr(a)
		if refused := (*Refused)(nil); !errors.As(g.Check(ip), &refused) {
			t.Errorf("%s is taken for public", a)
		}
		for _, network := range []string{"tcp4", "tcp6"} {
			if err := g.Control(network, net.JoinHostPort(a, "80"), nil); err == nil {
				t.Errorf("%s may be dialed", a)
			}
		}
	}
	for _, a := range strings.Fields("8.8.8.8 1.1.1.1 172.32.0.1 100.128.0.1 2606:4700::1111 ::ffff:8.8.8.8 2a00:1450:4001::1") {
		if err := g.Check(netip.MustParseAddr(a)); err != nil {
			t.Errorf("%s: %v", a, err)
		}
	}
	for _, address := range []struct{ network, address string }{{"tcp4", "8.8.8.8"}, {"tcp4", "example.com:80"}, {"udp4", "8.8.8.8:53"}, {"unix", "/run/x"}, {"tcp4", ""}} {
		if g.Control(address.network, address.address, nil) == nil {
			t.Errorf("%v may be dialed", address)
		}
	}
}

// What is allowed is allowed however it is written, and nothing beside it.
func TestAllowed(t *testing.T) {
	t.Parallel()
	g := &Guard{Allowed: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}}
	for a, want := range map[string]bool{"127.0.0.1": true, "::ffff:127.0.0.1": true, "127.0.0.2": false, "::1": false, "10.0.0.1": false, "8.8.8.8": true} {
		if err := g.Check(netip.MustParseAddr(a)); (err == nil) != want {
			t.Errorf("%s: %v", a, err)
		}
	}
}

// An address is judged alike whether it is IPv4 or the same mapped into IPv6, and whatever net.IP calls private, loopback, link-local, multicast or
// unspecified is not public.
func FuzzPublic(f *testing.F) {
	f.Add(uint32(0x7f000001), uint64(0))
	f.Add(uint32(0x08080808), uint64(0x2606470000000000))
	f.Fuzz(func(t *testing.T, four uint32, six uint64) {
		var b [16]byte
		binary.BigEndian.PutUint32(b[:], four)
		v4 := netip.AddrFrom4([4]byte(b[:4]))
		mapped := netip.AddrFrom16(v4.As16())
		if Public(v4) != Public(mapped) {
			t.Errorf("%s: %v, and %v as %s", v4, Public(v4), Public(mapped), mapped)
		}
		binary.BigEndian.PutUint64(b[:], six)
		for _, ip := range []netip.Addr{v4, netip.AddrFrom16(b)} {
			std := net.IP(ip.AsSlice())
			if Public(ip) && (std.IsPrivate() || std.IsLoopback() || std.IsLinkLocalUnicast() || std.IsMulticast() || std.IsUnspecified() || !std.IsGlobalUnicast()) {
				t.Errorf("%s is taken for public", ip)
			}
		}
	})
}
