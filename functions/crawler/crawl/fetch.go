package crawl

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/temoto/robotstxt"

	"github.com/tidewire/tidewire/internal/egress"
)

// fetcher makes requests, to public addresses alone.
type fetcher struct {
	o      Options
	client *http.Client
}

func newFetcher(o Options) *fetcher {
	guard := &egress.Guard{Allowed: o.Allowed}
	dialer := &net.Dialer{Timeout: o.PageTime, Control: guard.Control}
	transport := &http.Transport{ // no proxy: it would resolve names itself
		DialContext: dialer.DialContext, ForceAttemptHTTP2: true, MaxConnsPerHost: 1, MaxIdleConns: o.Parallel,
		TLSHandshakeTimeout: o.PageTime, ResponseHeaderTimeout: o.PageTime, MaxResponseHeaderBytes: 64 << 10, IdleConnTimeout: time.Minute,
	}
	return &fetcher{o: o, client: &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // a redirect is a link like any other
	}}
}

func (f *fetcher) close() { f.client.CloseIdleConnections() }

// answer is what a request has brought.
type answer struct {
	status   int
	kind     string // of content, without parameters
	location string
	body     []byte // at most so much as was asked for
	noFollow bool   // its header says so
}

// get requests a URL and reads at most so many bytes.
func (f *fetcher) get(ctx context.Context, u *url.URL, most int64) (*answer, error) {
	ctx, cancel := context.WithTimeout(ctx, f.o.PageTime)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("User-Agent", f.o.Agent)
	req.Header.Set("Accept", "text/html,application/xhtml+xml;q=0.9,text/plain;q=0.5,*/*;q=0.1")
	res, err := f.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = res.Body.Close() }() // what has been read of it stands
	a := &answer{status: res.StatusCode, location: res.Header.Get("Location")}
	a.kind, _, _ = mime.ParseMediaType(res.Header.Get("Content-Type"))
	a.noFollow = strings.Contains(strings.ToLower(res.Header.Get("X-Robots-Tag")), "nofollow")
	if a.body, err = io.ReadAll(io.LimitReader(res.Body, most)); err != nil {
		return nil, fmt.Errorf("reading the body: %w", err)
	}
	return a, nil
}

// rules are what a robots.txt says to the crawler.
type rules struct {
	data  *robotstxt.RobotsData
	agent string
	delay time.Duration
}

func (r *rules) allow(u *url.URL) bool { return r.data.TestAgent(u.RequestURI(), r.agent) }

// robots reads what the robots.txt of a host allows. One that cannot be had allows nothing, and one that is not there everything (RFC 9309, section 2.3.1).
func (f *fetcher) robots(ctx context.Context, scheme, host string, may func(*url.URL) bool) (*rules, error) {
	u := &url.URL{Scheme: scheme, Host: host, Path: "/robots.txt"}
	for range maxRedirects {
		a, err := f.get(ctx, u, maxRobots)
		if err != nil {
			return nil, err
		}
		if a.status/100 == 3 && a.location != "" {
			next, err := u.Parse(a.location)
			if err != nil || !may(next) {
				return nil, fmt.Errorf("robots.txt redirects to %.200q, which is not of this crawl", a.location)
			}
			u = next
			continue
		}
		data, err := robotstxt.FromStatusAndBytes(a.status, a.body)
		if err != nil {
			return nil, fmt.Errorf("robots.txt: %w", err)
		}
		return &rules{data, f.o.Agent, data.FindGroup(f.o.Agent).CrawlDelay}, nil
	}
	return nil, errors.New("robots.txt redirects too often")
}

// problem is what may be told of an error: no address of a network that is not public, beyond that it was refused.
func problem(err error) (State, string) {
	var refused *egress.Refused
	var timeout net.Error
	switch {
	case errors.As(err, &refused):
		return Refused, "its address is not public"
	case errors.As(err, &timeout) && timeout.Timeout():
		return Failed, "it took too long"
	}
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	return Failed, clip(err.Error(), 200)
}

func clip(s string, most int) string {
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}
