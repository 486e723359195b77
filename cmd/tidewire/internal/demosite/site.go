package demosite

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"
)

// Site serves on two ports of the loopback address, of which the second is slow. Open starts it and Close ends it.
type Site struct {
	host, slow string
	servers    [2]*http.Server
	serving    sync.WaitGroup
}

const (
	sections = 12
	articles = 187 // with the front page and the sections, 200
	slowTime = 2 * time.Second
	// private is an address that a crawler must not read, whoever links to it: where clouds tell a machine its keys.
	private = "169.254.169.254"
)

// Open starts a Site.
func Open(ctx context.Context) (*Site, error) {
	s := &Site{}
	for i, host := range []*string{&s.host, &s.slow} {
		listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
		if err != nil {
			return nil, errors.Join(fmt.Errorf("a site to crawl: %w", err), s.Close())
		}
		*host = listener.Addr().String()
		mux := http.NewServeMux()
		if s.routes(mux); i == 1 {
			mux = http.NewServeMux()
			mux.HandleFunc("GET /", slowPage)
		}
		server := &http.Server{
			Handler: mux, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: time.Minute, IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10,
		}
		s.servers[i] = server
		s.serving.Go(func() { _ = server.Serve(listener) }) // until it is closed
	}
	return s, nil
}

// Close ends it.
func (s *Site) Close() error {
	var err error
	for _, server := range s.servers {
		if server != nil {
			err = errors.Join(err, server.Close())
		}
	}
	s.serving.Wait()
	return err
}

// Hosts are those that a crawler has to be given for the job.
func (s *Site) Hosts() []string { return []string{s.host, s.slow, private} }

// Addresses are those that a crawler may connect to although they are not public.
func (*Site) Addresses() []netip.Prefix { return []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")} }

// Job is one for package functions/crawler.
func (s *Site) Job(id, tenant, channel string) ([]byte, error) {
	return json.Marshal(map[string]any{"id": id, "tenant": tenant, "channel": channel, "start": []string{"http://" + s.host + "/"}, "hosts": s.Hosts(), "pages": 300})
}

func (s *Site) routes(mux *http.ServeMux) {
	mux.HandleFunc("GET /robots.txt", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprint(w, "User-agent: *\nDisallow: /drafts/\n")
	})
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		links := []string{"/loop/a", "/old", "/missing", "/drafts/1", "/drafts/2", "http://" + s.slow + "/report/1", "http://" + private + "/latest/"}
		for n := range sections {
			links = append(links, fmt.Sprintf("/section/%d", n+1))
		}
		write(w, "Front page", links...)
	})
	mux.HandleFunc("GET /section/{n}", func(w http.ResponseWriter, r *http.Request) {
		n := number(r, sections)
		var links []string
		for a := n; a <= articles; a += sections {
			links = append(links, fmt.Sprintf("/article/%d", a))
		}
		write(w, fmt.Sprintf("Section %d", n), links...)
	})
	mux.HandleFunc("GET /article/{n}", func(w http.ResponseWriter, r *http.Request) {
		n := number(r, articles)
		write(w, fmt.Sprintf("Article %d", n), "/", fmt.Sprintf("/article/%d", n%articles+1))
	})
	mux.Handle("GET /old", http.RedirectHandler("/article/1", http.StatusMovedPermanently))
	mux.Handle("GET /loop/a", http.RedirectHandler("/loop/b", http.StatusFound))
	mux.Handle("GET /loop/b", http.RedirectHandler("/loop/a", http.StatusFound))
}

func slowPage(w http.ResponseWriter, r *http.Request) {
	if !strings.HasPrefix(r.URL.Path, "/report/") {
		http.NotFound(w, r)
		return
	}
	select {
	case <-time.After(slowTime):
	case <-r.Context().Done():
		return
	}
	n := number(r, 5)
	write(w, "Report, slowly made", fmt.Sprintf("/report/%d", n%5+1))
}

// number is the one at the end of a path, at least 1 and at most a bound.
func number(r *http.Request, most int) int {
	n := 1
	_, _ = fmt.Sscan(r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:], &n) // 1
	return min(max(n, 1), most)
}

func write(w http.ResponseWriter, title string, links ...string) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = fmt.Fprintf(w, "<!doctype html><title>%s</title><p>%s</p>", title, strings.Repeat("Something to read. ", 60))
	for _, link := range links {
		_, _ = fmt.Fprintf(w, `<a href="%s">%[1]s</a> `, link)
	}
}
