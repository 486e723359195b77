//go:build !core

package functions

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/GoogleCloudPlatform/functions-framework-go/functions"

	"github.com/tidewire/tidewire/functions/crawler"
	"github.com/tidewire/tidewire/functions/crawler/crawl"
	"github.com/tidewire/tidewire/functions/filter"
	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/publish"
	"github.com/tidewire/tidewire/realtime/shutdown"
)

// registerFeeds registers the functions that Pub/Sub calls.
func (p *program) registerFeeds() {
	functions.HTTP("crawler", p.host.Function(p.openCrawler))
	functions.HTTP("filter", p.host.Function(p.openFilter))
}

// openCrawler opens functions/crawler.
func (p *program) openCrawler(ctx context.Context) (http.Handler, shutdown.Step, error) {
	s, err := p.openStores(ctx, nil)
	if err != nil {
		return nil, nil, err
	}
	return crawler.New(crawler.Options{
		Tenants: s.tenants, Publisher: publish.New(s.broker, publish.Options{Placement: realtime.Placed(p.settings.Shards)}),
		Hosts: p.settings.CrawlerHosts, Crawl: crawl.Options{Delay: p.settings.CrawlerDelay, MaxTime: p.settings.CrawlerTime}, Logger: p.log,
	}), s.close, nil
}

// openFilter opens functions/filter.
func (p *program) openFilter(ctx context.Context) (http.Handler, shutdown.Step, error) {
	rules, err := filter.ParseRules(p.settings.FilterRules)
	if err != nil {
		return nil, nil, fmt.Errorf("TIDEWIRE_FILTER_RULES: %w", err)
	}
	s, err := p.openStores(ctx, nil)
	if err != nil {
		return nil, nil, err
	}
	f, err := filter.New(filter.Options{
		Rules: rules, Tenants: s.tenants, Publisher: publish.New(s.broker, publish.Options{Placement: realtime.Placed(p.settings.Shards)}), Logger: p.log,
	})
	if err != nil {
		return nil, nil, errors.Join(err, s.close(ctx))
	}
	return f, s.close, nil
}
