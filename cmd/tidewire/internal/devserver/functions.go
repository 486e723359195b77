package devserver

import (
	"fmt"
	"mime"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strings"

	"github.com/tidewire/tidewire/functions/crawler"
	"github.com/tidewire/tidewire/functions/crawler/crawl"
	"github.com/tidewire/tidewire/functions/filter"
	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/problem"
)

// crawler is the function of that name.
func (d *Server) crawler() http.Handler {
	f := crawler.New(crawler.Options{
		Tenants: d.backend.Tenants, Publisher: d.pub, Hosts: d.o.Crawl, Logger: d.o.Logger, Crawl: crawl.Options{Allowed: loopback(d.o.Crawl)},
	})
	return fromHere(f)
}

// filter is the function of that name.
func (d *Server) filter() (http.Handler, error) {
	text, err := os.ReadFile(d.o.Filter)
	if err != nil {
		return nil, err
	}
	rules, err := filter.ParseRules(string(text))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", d.o.Filter, err)
	}
	f, err := filter.New(filter.Options{Rules: rules, Tenants: d.backend.Tenants, Publisher: d.pub, Logger: d.o.Logger})
	if err != nil {
		return nil, err
	}
	return fromHere(f), nil
}

// fromHere lets in who is on this machine. A page of somebody else's is not: JSON needs its browser to ask first.
func fromHere(f http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		from, err := netip.ParseAddrPort(r.RemoteAddr)
		kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
		switch {
		case err != nil || !from.Addr().Unmap().IsLoopback():
			problem.Write(w, realtime.Errorf(realtime.CodeForbidden, "functions are called from this machine alone"))
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
			return thisMachine()
		}
	}
	return nil
}

// thisMachine are its own addresses.
func thisMachine() []netip.Prefix {
	return []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32"), netip.MustParsePrefix("::1/128")}
}
