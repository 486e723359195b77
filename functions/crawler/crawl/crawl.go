package crawl

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// Check refuses a job that cannot be done. An error names the field.
func (j *Job) Check() error {
	switch {
	case len(j.Start) == 0 || len(j.Start) > MaxPages:
		return fmt.Errorf("start: must be 1 to %d URLs, got %d", MaxPages, len(j.Start))
	case len(j.Hosts) == 0 || len(j.Hosts) > MaxHosts:
		return fmt.Errorf("hosts: must be 1 to %d hosts, got %d", MaxHosts, len(j.Hosts))
	case j.Pages < 1 || j.Pages > MaxPages:
		return fmt.Errorf("pages: must be 1 to %d, got %d", MaxPages, j.Pages)
	}
	for i, host := range j.Hosts {
		if u, err := url.Parse("http://" + host); err != nil || u.Host != host || u.Hostname() == "" || host != strings.ToLower(host) {
			return fmt.Errorf("hosts[%d]: must be a name or an address in lower case, with a port where that is not the scheme's, got %.100q", i, host)
		}
	}
	for i, text := range j.Start {
		u, err := url.Parse(text)
		if err != nil {
			return fmt.Errorf("start[%d]: %w", i, err)
		}
		n, ok := normal(u)
		if !ok {
			return fmt.Errorf("start[%d]: must be a URL with http or https, without a user, of at most %d bytes, got %.100q", i, maxURL, text)
		}
		if !slices.Contains(j.Hosts, n.Host) {
			return fmt.Errorf("start[%d]: %s is not one of hosts", i, n.Host)
		}
	}
	return nil
}

// Run reads the pages of a job, and returns how far it came. told is called for each page that has had its turn, by several goroutines; what it returns ends
// the crawl. A job that Check refuses is refused.
func Run(ctx context.Context, j *Job, o Options, told func(context.Context, Page, Progress) error) (Progress, error) {
	if err := j.Check(); err != nil {
		return Progress{}, err
	}
	o = o.withDefaults()
	f := newFetcher(o)
	defer f.close()
	ctx, cancel := context.WithTimeoutCause(ctx, o.MaxTime, errTime)
	defer cancel()
	c := &crawl{o: o, job: j, fetch: f, told: told, seen: map[string]bool{}, hosts: map[string]*host{}, places: make(chan struct{}, o.Parallel)}
	for _, text := range j.Start {
		if u, err := url.Parse(text); err == nil { // Check did
			c.add(ctx, u, 0)
		}
	}
	c.running.Wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	p := c.progress
	p.Done, p.More = true, p.Waiting > 0 || c.cut
	return p, c.failed
}

var errTime = fmt.Errorf("the time of the crawl is up")

// crawl is one job that is being done.
type crawl struct {
	o       Options
	job     *Job
	fetch   *fetcher
	told    func(context.Context, Page, Progress) error
	running sync.WaitGroup // a goroutine for each host with pages that wait
	places  chan struct{}  // hosts that are read from

	mu       sync.Mutex // guards all below
	seen     map[string]bool
	hosts    map[string]*host
	progress Progress
	cut      bool // pages were left out, beyond Job.Pages
	failed   error
}

// wait is a page that waits for its turn, and how many redirects in a row have led there.
type wait struct {
	u    *url.URL
	hops int
}

// host is what waits for its turn at one host. The goroutine that reads it has the other fields.
type host struct {
	waiting []wait // guarded by crawl.mu, as reading is
	reading bool

	rules    *rules // nil until read
	problem  string // why nothing is read
	state    State  // what becomes of its pages then
	failures int
	next     time.Time // of the next request
}

// add lets a page wait for its turn, unless it was seen before. It reports whether it does.
func (c *crawl) add(ctx context.Context, u *url.URL, hops int) bool {
	n, ok := normal(u)
	if !ok || !slices.Contains(c.job.Hosts, n.Host) {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	name := n.String()
	if c.seen[name] {
		return false
	}
	if len(c.seen) >= c.job.Pages {
		c.cut = true
		return false
	}
	c.seen[name] = true
	c.progress.Waiting++
	at := n.Scheme + "://" + n.Host
	h := c.hosts[at]
	if h == nil {
		h = &host{}
		c.hosts[at] = h
	}
	h.waiting = append(h.waiting, wait{n, hops})
	if !h.reading {
		h.reading = true
		c.running.Go(func() { c.serve(ctx, h) })
	}
	return true
}

// serve reads the pages of a host, one after the other.
func (c *crawl) serve(ctx context.Context, h *host) {
	for {
		c.mu.Lock()
		if len(h.waiting) == 0 || ctx.Err() != nil {
			h.reading = false
			c.mu.Unlock()
			return
		}
		w := h.waiting[0]
		h.waiting = h.waiting[1:]
		c.mu.Unlock()
		page, ok := c.visit(ctx, h, w)
		if !ok { // the time is up, and it has not had its turn
			c.mu.Lock()
			h.reading = false
			c.mu.Unlock()
			return
		}
		c.tell(ctx, page)
	}
}

// turn waits until a host may be asked again, and for a place among those that are. It reports false if the crawl ends before.
func (c *crawl) turn(ctx context.Context, h *host) bool {
	select {
	case <-time.After(time.Until(h.next)):
	case <-ctx.Done():
		return false
	}
	select {
	case c.places <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

// asked is called after a request.
func (c *crawl) asked(h *host, err error) {
	<-c.places
	pause := c.o.Delay
	if h.rules != nil {
		pause = max(pause, h.rules.delay)
	}
	h.next = time.Now().Add(pause)
	if err == nil {
		h.failures = 0
	} else if h.failures++; h.failures >= maxFailures {
		h.state, h.problem = Failed, "its host has failed too often"
	}
}

// tell counts a page that has had its turn, and tells of it.
func (c *crawl) tell(ctx context.Context, p Page) {
	c.mu.Lock()
	c.progress.Waiting--
	switch p.State {
	case Read:
		c.progress.Read++
	case Moved:
		c.progress.Moved++
	case Disallowed:
		c.progress.Disallowed++
	case Refused:
		c.progress.Refused++
	default:
		c.progress.Failed++
	}
	now := c.progress
	c.mu.Unlock()
	if err := c.told(ctx, p, now); err != nil {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.failed == nil {
			c.failed = err
			for _, h := range c.hosts {
				h.waiting = nil
			}
		}
	}
}
