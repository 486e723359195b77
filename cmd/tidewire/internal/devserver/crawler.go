package devserver

import (
	"mime"
	"net"
	"net/http"
	"net/netip"
	"strings"

	"github.com/tidewire/tidewire/functions/crawler"
	"github.com/tidewire/tidewire/functions/crawler/crawl"
	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/problem"
)

// crawler is the function of that name, for jobs from this machine. A page of somebody else's cannot send one: JSON needs its browser to ask first.
func (d *Server) crawler() http.Handler {
	f := crawler.New(crawler.Options{
		Tenants: d.backend.Tenants, Publisher: d.pub, Hosts: d.o.Crawl, Logger: d.o.Logger, Crawl: crawl.Options{Allowed: loopback(d.o.Crawl)},
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		from, err := netip.ParseAddrPort(r.RemoteAddr)
		kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
		switch {
		case err != nil || !from.Addr().Unmap().IsLoopback():
			problem.Write(w, realtime.Errorf(realtime.CodeForbidden, "jobs are taken from this machine alone"))
		case kind != "application/json":
			problem.Write(w, realtime.Errorf(realtime.CodeBadRequest, "Content-Type: must be application/json"))
		default:
			f.ServeHTTP(w, r)
		}
	})
}

// loopback are the addresses of this machine, if one of the hosts is this machine by name or address: somebody tries a site of their own.
func loopback(hosts []string) []netip.Prefix {
	for _, host := range hosts {
		name, _, err := net.SplitHostPort(host)
		if err != nil {
			name = host
		}
		a, err := netip.ParseAddr(strings.Trim(name, "[]"))
		if name == "localhost" || err == nil && a.IsLoopback() {
			return []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32"), netip.MustParsePrefix("::1/128")}
		}
	}
	return nil
}
