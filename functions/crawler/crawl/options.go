package crawl

import (
	"net/netip"
	"time"
)

// Options bound a crawl. What is zero has the default stated.
type Options struct {
	// Agent is how the crawler names itself in User-Agent, with an address for complaints, and its first word in robots.txt; TidewireCrawler/1.0.
	Agent string
	// Delay is the pause between two requests to a host, unless its robots.txt asks for a longer one; 1 s.
	Delay time.Duration
	// MaxDelay is the longest pause that a host can ask for: one that wants more is left alone; 30 s.
	MaxDelay time.Duration
	// PageTime is how long one request may take, its body included; 10 s.
	PageTime time.Duration
	// MaxTime is how long a crawl takes at most; 8 minutes.
	MaxTime time.Duration
	// PageBytes is how much of a page is read; 1 MiB.
	PageBytes int64
	// Parallel is how many hosts are read from at once; 4.
	Parallel int
	// Allowed are addresses that may be connected to although they are not public: a test's own.
	Allowed []netip.Prefix
}

func (o Options) withDefaults() Options {
	or := func(d *time.Duration, otherwise time.Duration) {
		if *d <= 0 {
			*d = otherwise
		}
	}
	or(&o.Delay, time.Second)
	or(&o.MaxDelay, 30*time.Second)
	or(&o.PageTime, 10*time.Second)
	or(&o.MaxTime, 8*time.Minute)
	if o.Agent == "" {
		o.Agent = "TidewireCrawler/1.0"
	}
	if o.PageBytes <= 0 {
		o.PageBytes = 1 << 20
	}
	if o.Parallel <= 0 {
		o.Parallel = 4
	}
	return o
}

// The bounds of a job.
const (
	MaxHosts = 100
	MaxPages = 10_000
	// maxRedirects is how many redirects are followed from one link.
	maxRedirects = 5
	// maxFailures is how many requests in a row may fail before a host is left alone.
	maxFailures = 3
	// maxRobots is how much of a robots.txt is read (RFC 9309, section 2.5).
	maxRobots = 500 << 10
	// maxURL is how long a URL may be.
	maxURL = 2048
)

// Job says what is to be read.
type Job struct {
	Start []string // URLs, of which each is of a host in Hosts
	Hosts []string // the only ones that are gone to: names or addresses, with a port where it is not that of the scheme
	Pages int      // at most
}

// State is what has become of a page.
type State string

// The states of a page.
const (
	Read       State = "read"
	Moved      State = "moved"      // it redirects to a page that was seen before, or has its own turn
	Disallowed State = "disallowed" // by robots.txt
	Refused    State = "refused"    // another host, or an address that is not public
	Failed     State = "failed"
)

// Page is what is told of one page.
type Page struct {
	URL     string `json:"url"`
	State   State  `json:"state"`
	Status  int    `json:"status,omitempty"` // of HTTP
	Title   string `json:"title,omitempty"`
	Type    string `json:"type,omitempty"` // of its content
	Bytes   int64  `json:"bytes,omitempty"`
	Millis  int64  `json:"ms,omitempty"`
	Links   int    `json:"links,omitempty"` // to pages that had not been seen before
	To      string `json:"to,omitempty"`    // where it redirects to
	Problem string `json:"problem,omitempty"`
}

// Progress is how far a crawl is.
type Progress struct {
	Read       int  `json:"read"`
	Moved      int  `json:"moved"`
	Disallowed int  `json:"disallowed"`
	Refused    int  `json:"refused"`
	Failed     int  `json:"failed"`
	Waiting    int  `json:"waiting"`        // pages that are known and have not had their turn
	Done       bool `json:"done"`           // it has ended
	More       bool `json:"more,omitempty"` // before everything was read: of time, or of pages
}
