package demosite

import (
	"context"
	"crypto/rand"
	"log/slog"
	"strings"
	"time"

	"github.com/tidewire/tidewire/functions/crawler"
	"github.com/tidewire/tidewire/functions/crawler/crawl"
	"github.com/tidewire/tidewire/realtime"
)

// Channel is the one that shows the crawl.
const Channel = "crawl:site"

const (
	pause = 100 * time.Millisecond // between two requests to a host
	rest  = 15 * time.Second       // between two crawls that somebody looks at
)

// Crawl crawls a Site for a tenant while somebody looks.
type Crawl struct {
	Site      *Site
	Tenant    string
	Tenants   realtime.Tenants
	Publisher crawler.Publisher
	// Read reports whether a channel is read by somebody.
	Read   func(channel string) bool
	Logger *slog.Logger
}

// Run crawls until ctx ends. What goes wrong is logged, and tried again after a rest.
func (c *Crawl) Run(ctx context.Context) {
	f := crawler.New(crawler.Options{
		Tenants: c.Tenants, Publisher: c.Publisher, Hosts: c.Site.Hosts(), Logger: c.Logger,
		Crawl: crawl.Options{Delay: pause, Allowed: c.Site.Addresses()},
	})
	for wait := time.Second; ; {
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
		if wait = time.Second; !c.Read(Channel) {
			continue
		}
		job, err := c.Site.Job("site-"+strings.ToLower(rand.Text()[:8]), c.Tenant, Channel)
		if err == nil {
			_, err = f.Do(ctx, job)
		}
		if err != nil && ctx.Err() == nil {
			c.Logger.WarnContext(ctx, "the demo's site was not crawled", realtime.KeyError, err)
		}
		wait = rest
	}
}
