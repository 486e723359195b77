package auth

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// source is the key set at one tenant's jwksUrl. It is read when a token needs it:
// because nothing is known yet, because what is known is older than Refresh, or
// because the token names a kid that is not known, which is how a new
// key is noticed. All of these together read at most once per Retry, so that made-up
// kids cost the issuer nothing. While the issuer does not answer, known keys serve.
type source struct {
	fetcher *fetcher
	tenant  string
	url     string

	mu       sync.Mutex    // guards what follows
	keys     []*key        // of the last good reading; the slice is never changed
	read     time.Time     // when that began
	begun    time.Time     // when the last reading began
	failed   error         // of the last reading; nil after a good one
	underway chan struct{} // closed when the reading under way ends; nil without one
}

// find returns the keys among which one of the kid is to be looked for, any for
// the empty kid. It waits for a reading if it has to. An error means that nobody can tell.
func (s *source) find(ctx context.Context, kid string) ([]*key, error) {
	now := time.Now()
	s.mu.Lock()
	known := s.has(kid, now)
	if known && now.Sub(s.read) < s.fetcher.options.Refresh {
		defer s.mu.Unlock()
		return s.keys, nil
	}
	ended := s.begin(now)
	if known && (s.failed != nil || ended == nil) { // an outage: do not wait on it again
		defer s.mu.Unlock()
		return s.keys, nil
	}
	s.mu.Unlock()
	if ended != nil {
		select {
		case <-ended:
		case <-ctx.Done():
			return nil, s.unavailable(ctx.Err())
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failed != nil && !s.has(kid, time.Now()) {
		return nil, s.unavailable(s.failed)
	}
	return s.keys, nil
}

// has reports whether a key of the kid is known and not too old to be believed.
// The caller holds mu.
func (s *source) has(kid string, now time.Time) bool {
	if len(s.keys) == 0 || now.Sub(s.read) >= s.fetcher.options.Outage {
		return false
	}
	return kid == "" || slices.ContainsFunc(s.keys, func(k *key) bool { return k.kid == kid })
}

// begin returns the end of the reading under way, which it starts if there is none and
// it is time for one; else nil. The caller holds mu.
func (s *source) begin(now time.Time) <-chan struct{} {
	if s.underway != nil {
		return s.underway
	}
	if !s.begun.IsZero() && now.Sub(s.begun) < s.fetcher.options.Retry {
		return nil
	}
	ended := make(chan struct{})
	s.begun, s.underway = now, ended
	if !s.fetcher.run(func(ctx context.Context) { s.finish(ctx, now, ended) }) {
		s.failed, s.underway = errClosed, nil
		return nil
	}
	return ended
}

func (s *source) finish(ctx context.Context, begun time.Time, ended chan<- struct{}) {
	keys, err := s.fetcher.fetch(ctx, s.tenant, s.url)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failed = err; err == nil {
		s.keys, s.read = keys, begun
	}
	s.underway = nil
	close(ended)
}

var errClosed = errors.New("the verifier is closed")

func (s *source) unavailable(cause error) error {
	return &realtime.Error{
		Code:       realtime.CodeUnavailable,
		Message:    "the keys of the token's issuer cannot be read now",
		RetryAfter: s.fetcher.options.Retry,
		Err:        cause,
	}
}
