package crawl

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"time"
)

// visit reads a page. It reports false if it did not have its turn.
func (c *crawl) visit(ctx context.Context, h *host, w wait) (Page, bool) {
	u := w.u
	p := Page{URL: u.String()}
	if h.rules == nil && h.problem == "" && !c.readRules(ctx, h, u) {
		return p, false
	}
	if h.problem != "" {
		p.State, p.Problem = h.state, h.problem
		return p, true
	}
	if !h.rules.allow(u) {
		p.State = Disallowed
		return p, true
	}
	if !c.turn(ctx, h) {
		return p, false
	}
	start := time.Now()
	a, err := c.fetch.get(ctx, u, c.o.PageBytes)
	c.asked(h, err)
	if err != nil {
		if ctx.Err() != nil {
			return p, false
		}
		p.State, p.Problem = problem(err)
		return p, true
	}
	p.Status, p.Type, p.Bytes, p.Millis = a.status, a.kind, int64(len(a.body)), time.Since(start).Milliseconds()
	c.judge(ctx, &p, w, a)
	return p, true
}

// readRules reads the robots.txt of a host. It reports false if there was no time for it.
func (c *crawl) readRules(ctx context.Context, h *host, u *url.URL) bool {
	if !c.turn(ctx, h) {
		return false
	}
	rules, err := c.fetch.robots(ctx, u.Scheme, u.Host, func(u *url.URL) bool {
		n, ok := normal(u)
		return ok && slices.Contains(c.job.Hosts, n.Host)
	})
	c.asked(h, err)
	switch {
	case err != nil && ctx.Err() != nil:
		return false
	case err != nil:
		h.state, h.problem = problem(err)
	case rules.delay > c.o.MaxDelay:
		h.state, h.problem = Disallowed, fmt.Sprintf("its host asks for %s between two requests, more than %s", rules.delay, c.o.MaxDelay)
	}
	h.rules = rules
	return true
}

// judge says what has become of a page that has answered, and takes what it leads to.
func (c *crawl) judge(ctx context.Context, p *Page, w wait, a *answer) {
	switch {
	case a.status/100 == 3 && a.location != "":
		c.redirect(ctx, p, w, a.location)
	case a.status/100 != 2:
		p.State, p.Problem = Failed, fmt.Sprintf("it answered %d", a.status)
	default:
		p.State = Read
		if a.kind != "text/html" && a.kind != "application/xhtml+xml" {
			return
		}
		d := read(a.body, w.u)
		p.Title = d.title
		for _, link := range d.links {
			if !a.noFollow && c.add(ctx, link, 0) {
				p.Links++
			}
		}
	}
}

// redirect takes where a page has moved to like any link, so that it is read once, however many lead there, and a loop has an end.
func (c *crawl) redirect(ctx context.Context, p *Page, w wait, location string) {
	to, err := w.u.Parse(location)
	if err != nil {
		p.State, p.Problem = Failed, "it redirects to no URL"
		return
	}
	p.State, p.To = Moved, clip(to.String(), 500)
	if n, ok := normal(to); !ok || !slices.Contains(c.job.Hosts, n.Host) {
		p.State, p.Problem = Refused, "it redirects to a host that is not one of this crawl"
		return
	}
	if w.hops >= maxRedirects {
		p.State, p.Problem = Failed, fmt.Sprintf("more than %d redirects in a row", maxRedirects)
		return
	}
	if c.add(ctx, to, w.hops+1) {
		p.Links = 1
	}
}
