package egress

import "net/netip"

// Public reports whether an address is one of the public Internet. What is embedded in an IPv6 address by a translation (IPv4-mapped, NAT64, 6to4, Teredo)
// counts as what it leads to, or as not public where that cannot be known.
func Public(ip netip.Addr) bool {
	if !ip.IsValid() || ip.Zone() != "" {
		return false
	}
	ip = ip.Unmap()
	if ip.Is4() {
		return !within(ip, reserved4())
	}
	return global6().Contains(ip) && !within(ip, reserved6())
}

func within(ip netip.Addr, prefixes []netip.Prefix) bool {
	for _, p := range prefixes {
		if p.Contains(ip) {
			return true
		}
	}
	return false
}

// reserved4 are the addresses of IPv4 that are not of the public Internet, as IANA's registry of special purposes lists them.
func reserved4() []netip.Prefix {
	return []netip.Prefix{
		prefix("0.0.0.0/8"),       // this network
		prefix("10.0.0.0/8"),      // private
		prefix("100.64.0.0/10"),   // shared by carriers
		prefix("127.0.0.0/8"),     // loopback
		prefix("169.254.0.0/16"),  // link-local, the metadata server among them
		prefix("172.16.0.0/12"),   // private
		prefix("192.0.0.0/24"),    // of protocols
		prefix("192.0.2.0/24"),    // documentation
		prefix("192.31.196.0/24"), // AS112
		prefix("192.52.193.0/24"), // AMT
		prefix("192.88.99.0/24"),  // 6to4 relays
		prefix("192.168.0.0/16"),  // private
		prefix("192.175.48.0/24"), // AS112
		prefix("198.18.0.0/15"),   // benchmarks
		prefix("198.51.100.0/24"), // documentation
		prefix("199.36.153.0/24"), // Google APIs, as a private network reaches them
		prefix("203.0.113.0/24"),  // documentation
		prefix("224.0.0.0/4"),     // multicast
		prefix("240.0.0.0/4"),     // reserved, broadcast among them
	}
}

// prefix reads one of the prefixes of this file.
func prefix(text string) netip.Prefix { return netip.MustParsePrefix(text) }

// global6 are the addresses of IPv6 that are routed globally: all others are loopback, link-local, unique local, multicast, NAT64 or not in use.
func global6() netip.Prefix { return prefix("2000::/3") }

// reserved6 are those of global6 that are not of the public Internet, or lead to an IPv4 address.
func reserved6() []netip.Prefix {
	return []netip.Prefix{
		prefix("2001::/23"),         // of protocols, Teredo among them
		prefix("2001:db8::/32"),     // documentation
		prefix("2002::/16"),         // 6to4
		prefix("2620:4f:8000::/48"), // AS112
		prefix("3fff::/20"),         // documentation
	}
}
