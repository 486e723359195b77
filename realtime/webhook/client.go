package webhook

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/netip"
	"time"

	"github.com/tidewire/tidewire/internal/egress"
)

// The bounds of connections to hooks.
const (
	dialTimeout    = 5 * time.Second
	idleTimeout    = 60 * time.Second
	maxIdle        = 256
	maxIdlePerHost = 32
	maxHeaderBytes = 16 << 10
)

// Network says how hooks are reached. The zero value is right for a server.
type Network struct {
	// Allowed are addresses that hooks may have though they are not public, such as the loopback ones for development.
	Allowed []netip.Prefix
	// Resolve looks a name up, for tests; nil is the system's resolver. It never decides what may be reached.
	Resolve func(ctx context.Context, host string) ([]netip.Addr, error)
	// TLS is for tests; nil trusts the system's roots.
	TLS *tls.Config
}

// client connects to public addresses alone, follows no redirect and uses no proxy.
func (n *Network) client() *http.Client {
	guard := &egress.Guard{Allowed: n.Allowed}
	dialer := &net.Dialer{Timeout: dialTimeout, Control: guard.Control}
	dial := dialer.DialContext
	if n.Resolve != nil {
		dial = n.dialResolved(dialer)
	}
	return &http.Client{
		Transport: &http.Transport{
			DialContext: dial, Proxy: nil, TLSClientConfig: n.TLS, ForceAttemptHTTP2: true, DisableCompression: true,
			TLSHandshakeTimeout: dialTimeout, IdleConnTimeout: idleTimeout,
			MaxIdleConns: maxIdle, MaxIdleConnsPerHost: maxIdlePerHost, MaxResponseHeaderBytes: maxHeaderBytes,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// dialResolved connects to the addresses that Resolve returns, one after the other.
func (n *Network) dialResolved(dialer *net.Dialer) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		host, port, err := net.SplitHostPort(address)
		if err != nil {
			return nil, err
		}
		all, err := n.Resolve(ctx, host)
		if err != nil {
			return nil, err
		}
		err = &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
		for _, ip := range all {
			var conn net.Conn
			if conn, err = dialer.DialContext(ctx, network, net.JoinHostPort(ip.String(), port)); err == nil {
				return conn, nil
			}
		}
		return nil, err
	}
}
