package demo

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// Producer sends what is simulated for one tenant through the ingest endpoint. It is an
// ordinary client: an address and a token are all it has.
type Producer struct {
	// URL is where the ingest endpoint is, such as http://127.0.0.1:8080.
	URL    string
	Tenant string
	// Feeds are what to send; nil is Feeds(Tenant).
	Feeds []Feed
	// Token returns a token that may publish to the feeds' channels. It is asked
	// at the start and whenever the endpoint says that the token is not good any more.
	Token func(ctx context.Context) (string, error)
	// Wants says whether somebody looks at a key of a channel; Watch.Wants is one. Of what nobody looks at, an event is sent every Unseen. nil: everything
	// is looked at.
	Wants func(channel, key string) bool
	// Client sends the requests; nil is one with a timeout of 10 s.
	Client *http.Client
	// Logger is told when the endpoint refuses events and when it takes them again; nil is nobody.
	Logger *slog.Logger
}

// Unseen is how often there is an event of a key at which nobody looks, so that whoever comes finds one.
const Unseen = 10 * time.Second

// Run sends until ctx ends, and then returns nil. While the endpoint is away, busy or draining it
// waits, as long as it is told to, and loses no event: the feeds stand still meanwhile. It returns
// an error when the endpoint refuses events for good.
func (p Producer) Run(ctx context.Context) error {
	s, err := p.sender(ctx)
	if err != nil {
		return err
	}
	feeds := p.Feeds
	if feeds == nil {
		if feeds, err = Feeds(p.Tenant); err != nil {
			return err
		}
	}
	running, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var all sync.WaitGroup
	for _, f := range feeds {
		all.Go(func() {
			if err := f.run(running, s, p.Wants); err != nil && running.Err() == nil {
				cancel(fmt.Errorf("demo: sending %s: %w", f.Name, err))
			}
		})
	}
	all.Wait()
	if ctx.Err() != nil {
		return nil //nolint:nilerr // being told to stop is no fault
	}
	return context.Cause(running)
}

// sent is when there last was an event of each key.
type sent map[[2]string]time.Time

// lets reports whether an event is to be sent.
func (s sent) lets(e *Event, now time.Time, wants func(channel, key string) bool) bool {
	is := [2]string{e.Channel, e.Key}
	switch {
	case wants == nil:
		return true
	case e.Delete:
		delete(s, is)
		return true
	case now.Sub(s[is]) < Unseen && !wants(e.Channel, e.Key):
		return false
	}
	s[is] = now
	return true
}

// run sends one feed's events, as they come, or those that are wanted.
func (f *Feed) run(ctx context.Context, s *sender, wants func(channel, key string) bool) error {
	ticker := time.NewTicker(f.Every)
	defer ticker.Stop()
	run := rand.Text() // an id never comes again, also not after a restart
	before := sent{}
	for n := 0; ; {
		var batch []envelope
		now := time.Now()
		for _, e := range f.Next(now) {
			if !before.lets(&e, now, wants) {
				continue
			}
			n++
			batch = append(batch, envelope{ID: fmt.Sprintf("%s-%d", run, n), Channel: e.Channel, Key: e.Key, Tags: e.Tags, Data: e.Data, Delete: e.Delete})
		}
		if len(batch) > 0 {
			if err := s.send(ctx, batch); err != nil {
				return err
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
		}
	}
}

func (p Producer) sender(ctx context.Context) (*sender, error) {
	if err := realtime.CheckTenantID(p.Tenant); err != nil {
		return nil, fmt.Errorf("demo: %w", err)
	}
	s := &sender{
		url:    strings.TrimRight(p.URL, "/") + "/v1/tenants/" + p.Tenant + "/events",
		client: p.Client, newToken: p.Token,
		log: p.Logger,
	}
	if s.client == nil {
		s.client = &http.Client{Timeout: 10 * time.Second}
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	s.log = s.log.With(realtime.KeyTenant, p.Tenant)
	if _, err := s.renew(ctx, ""); err != nil {
		return nil, err
	}
	return s, nil
}
