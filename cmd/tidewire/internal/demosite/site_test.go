package demosite

import (
	"context"
	"encoding/json"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/tidewire/tidewire/functions/crawler"
	"github.com/tidewire/tidewire/functions/crawler/crawl"
	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/driver/memory"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// shown keeps the newest of each key.
type shown struct {
	mu   sync.Mutex // guards keys
	keys map[string]realtime.Publication
}

func (s *shown) Publish(_ context.Context, _ *realtime.Tenant, pubs []realtime.Publication) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range pubs {
		s.keys[p.Key] = p
	}
	return nil
}

// The crawler reads all 200 pages of the site and what of the slow host there is, goes round no loop, and leaves alone what it may not read.
func TestSiteIsCrawled(t *testing.T) {
	t.Parallel()
	site, err := Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	tenants, err := memory.NewTenants(&realtime.Tenant{ID: "acme", Namespaces: map[string]realtime.Namespace{"crawl": {State: &realtime.State{}}}})
	if err != nil {
		t.Fatal(err)
	}
	s := &shown{keys: map[string]realtime.Publication{}}
	f := crawler.New(crawler.Options{
		Tenants: tenants, Publisher: s, Hosts: site.Hosts(), Logger: slog.New(slog.DiscardHandler), Crawl: crawl.Options{Delay: 1, Allowed: site.Addresses()},
	})
	job, err := site.Job("j1", "acme", Channel)
	if err != nil {
		t.Fatal(err)
	}
	report, err := f.Do(t.Context(), job)
	if closed := site.Close(); err != nil || closed != nil {
		t.Fatal(err, closed)
	}
	if p := report.Progress; p.Read != 1+sections+articles+5 || p.Moved != 3 || p.Disallowed != 2 || p.Refused != 1 || p.Failed != 1 || p.Waiting != 0 || p.More {
		t.Errorf("%+v", p)
	}
	if n := len(s.keys); n != 1+sections+articles+5+7+1 {
		t.Errorf("%d entries", n)
	}
	for _, p := range s.keys {
		var page crawl.Page
		if p.Key == "progress" {
			continue
		}
		if err := json.Unmarshal(p.Data, &page); err != nil || strings.Contains(page.URL, private) != (page.State == crawl.Refused) {
			t.Errorf("%v %+v", err, page)
		}
	}
}
