package auth

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/tidewire/tidewire/internal/flight"
	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/contain"
)

// maxSetBytes bounds the answer of a jwksUrl; the largest public ones have some ten kilobytes.
const maxSetBytes = 256 << 10

// maxTagBytes bounds the ETag of a key set that is given back.
const maxTagBytes = 256

// fetcher reads key sets, and owns the goroutines that do.
type fetcher struct {
	options  JWKSOptions // with its defaults
	log      *slog.Logger
	contain  func(do func()) error
	readings *flight.Group[*source, struct{}] // a reading serves every token that waits
}

// reading is one of a key set, which remembers itself how it went.
type reading = flight.Call[struct{}]

func newFetcher(o JWKSOptions, log *slog.Logger, count realtime.Metrics) *fetcher {
	client := http.Client{Transport: &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		DisableKeepAlives:   true, // one request in a quarter of an hour, and in Floor at most
		ForceAttemptHTTP2:   true,
		TLSHandshakeTimeout: 5 * time.Second,
	}}
	if o.Client != nil {
		client = *o.Client
	}
	// A redirect could lead from https to anywhere.
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	o.Client = &client
	o.Refresh = orElse(o.Refresh, 15*time.Minute)
	o.Floor = orElse(o.Floor, 2*time.Second)
	o.Retry = orElse(o.Retry, 10*time.Second)
	o.Timeout = orElse(o.Timeout, 5*time.Second)
	o.Outage = orElse(o.Outage, 24*time.Hour)
	contain := contained(log, count)
	return &fetcher{options: o, log: log, contain: contain, readings: flight.New[*source, struct{}](o.Timeout, 0, contain)}
}

// contained ends what panics in a reading: the store, or a client of HTTP, may be the program's own.
func contained(log *slog.Logger, count realtime.Metrics) func(func()) error {
	return func(do func()) error {
		if bad := contain.Do(log, count, contain.Request, do); bad != nil {
			return bad
		}
		return nil
	}
}

func orElse(d, otherwise time.Duration) time.Duration {
	if d <= 0 {
		return otherwise
	}
	return d
}

func (f *fetcher) close() { f.readings.Close() }

// fetchedSet is what an issuer has answered.
type fetchedSet struct {
	unchanged bool // since the answer of the tag that was given; then there are no keys
	keys      []*key
	tag       string // of the answer; empty if it has none
	skipped   error  // keys that are of no use here
}

// fetch reads the key set at a URL that checkURL allows, unless it is still that of a tag, and logs if it could not. A set
// without a usable key counts as a failure, so that an issuer's mishap does not lock everybody out.
func (f *fetcher) fetch(ctx context.Context, tenant, url, tag string) (fetchedSet, error) {
	set, err := f.get(ctx, url, tag)
	if set.skipped != nil {
		f.log.DebugContext(ctx, "a key set contains keys that cannot verify tokens", realtime.KeyTenant, tenant, realtime.KeyError, set.skipped)
	}
	if err != nil {
		err = fmt.Errorf("the key set at %s: %w", url, err)
		f.log.WarnContext(ctx, "a key set could not be read", realtime.KeyTenant, tenant, realtime.KeyError, err)
		return fetchedSet{}, err
	}
	return set, nil
}

func (f *fetcher) get(ctx context.Context, url, tag string) (set fetchedSet, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return set, err
	}
	request.Header.Set("Accept", "application/jwk-set+json, application/json")
	if tag != "" {
		request.Header.Set("If-None-Match", tag)
	}
	response, err := f.options.Client.Do(request)
	if err != nil {
		return set, err
	}
	defer func() { _ = response.Body.Close() }() // only read from, so nothing is lost
	switch {
	case response.StatusCode == http.StatusNotModified && tag != "":
		return fetchedSet{unchanged: true}, nil
	case response.StatusCode != http.StatusOK:
		return set, fmt.Errorf("answered with %s", response.Status)
	}
	raw, err := io.ReadAll(io.LimitReader(response.Body, maxSetBytes+1))
	if err != nil {
		return set, fmt.Errorf("reading the answer: %w", err)
	}
	if len(raw) > maxSetBytes {
		return set, fmt.Errorf("is larger than %d bytes", maxSetBytes)
	}
	if set.keys, set.skipped, err = parseSet(raw); err != nil {
		return fetchedSet{}, err
	}
	switch {
	case len(set.keys) == 0:
		return set, errors.New("contains no key that can verify tokens")
	case set.keys[0].private != nil: // parseSet lets no set mix them
		return fetchedSet{}, errors.New("contains a secret")
	}
	if set.tag = response.Header.Get("ETag"); len(set.tag) > maxTagBytes {
		set.tag = ""
	}
	return set, nil
}
