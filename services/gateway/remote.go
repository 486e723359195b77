package main

import (
	"net"
	"net/http"
	"strings"
)

// remote returns what tells a client's address from its request. Each proxy appends the address
// that it was called from to X-Forwarded-For, so with as many proxies as are ours the client's is the
// one that the outermost of them has appended; what stands left of it the client may have written itself. Cloud
// Run is one proxy. An external load balancer before it appends the client's address and its own: that makes two.
// With none it is the peer's.
func remote(proxies int) func(*http.Request) string {
	return func(r *http.Request) string {
		if proxies > 0 {
			hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
			if at := len(hops) - proxies; at >= 0 {
				if hop := strings.TrimSpace(hops[at]); net.ParseIP(hop) != nil {
					return hop
				}
			}
		}
		host, _, err := net.SplitHostPort(r.RemoteAddr)
		if err != nil {
			return r.RemoteAddr
		}
		return host
	}
}
