package auth

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// source is the key set at a jwksUrl, for all tenants that name it. It is read when a token needs it:
// because nothing is known yet, because what is known is older than Refresh, or
// because no key that is known made the token, which is how a new
// key is noticed. All of these together read at most once per Floor, or per Retry after a reading that failed, so
// that made-up kids cost the issuer little. While the issuer does not answer, known keys serve.
//
// A token is refused only by a set whose reading began after the token came. One that would need such a
// reading when none may begin is answered with CodeUnavailable and the time when one may: whoever makes kids up
// can thereby delay a new key by Floor, and never turn it away. It does not wait here, where those who make kids up would
// hold the places of others.
type source struct {
	fetcher *fetcher
	tenant  string // the first that named it, for logs
	url     string

	mu     sync.Mutex // guards what follows
	keys   []*key     // of the last good reading; the slice is never changed
	tag    string     // the ETag of that reading
	left   []leftKey  // that it does not hold any more, the one that left last in front; at most maxSetKeys
	read   time.Time  // when the last good reading began
	begun  time.Time  // when the last reading began
	failed error      // of the last reading; nil after a good one
}

// leftKey is a key that was in the set until a reading that began at since.
type leftKey struct {
	*key
	since time.Time
}

// find returns the key that a proof is by. It waits for a reading if it has to.
func (s *source) find(ctx context.Context, p proof) (*key, error) {
	came := time.Now()
	found, miss, age := s.look(p, came)
	if miss == nil && age < s.fetcher.options.Refresh {
		return found, nil
	}
	if miss != nil && (s.settled(p, miss, age) || p.worth != nil && !p.worth()) {
		return nil, miss
	}
	s.mu.Lock()
	reading := s.begin(came)
	failed, begun := s.failed, s.begun
	s.mu.Unlock()
	switch {
	case miss == nil && (failed != nil || reading == nil): // an outage: do not wait on it again
		return found, nil //nolint:nilerr // of the last reading, and the key is known from one before
	case reading == nil:
		return nil, s.unavailable(failed)
	}
	if _, err := reading.Wait(ctx); err != nil { // of ctx: how the reading went the source remembers
		return nil, s.unavailable(err)
	}
	if found, miss, age = s.look(p, time.Now()); miss == nil {
		return found, nil
	}
	s.mu.Lock()
	failed = s.failed
	s.mu.Unlock()
	if failed != nil || begun.Before(came) && !s.settled(p, miss, age) {
		return nil, s.unavailable(failed)
	}
	return nil, miss
}

// look looks among the keys that are known and not too old to be believed. age is that of the set.
func (s *source) look(p proof, now time.Time) (found *key, miss error, age time.Duration) { //nolint:revive,staticcheck // miss is an answer
	s.mu.Lock()
	keys := s.keys
	if age = now.Sub(s.read); age >= s.fetcher.options.Outage {
		keys = nil
	} else if p.again {
		keys = s.withLeft(now)
	}
	s.mu.Unlock()
	found, miss = verifySignature(keys, p)
	return found, miss, age
}

// withLeft returns the keys and those that left less than Refresh ago: one reading that misses a key, as of a cache
// that is behind, closes nobody's connection. s.mu is held.
func (s *source) withLeft(now time.Time) []*key {
	keys := slices.Clone(s.keys)
	for _, l := range s.left {
		if now.Sub(l.since) < s.fetcher.options.Refresh {
			keys = append(keys, l.key)
		}
	}
	return keys
}

// settled reports whether a miss needs no newer set: none is newer, or the key of the token's kid is known, from a
// reading that is younger than Floor, and did not make the token.
func (s *source) settled(p proof, miss error, age time.Duration) bool {
	var r *refusal
	return age <= 0 || p.kid != "" && age < s.fetcher.options.Floor && errors.As(miss, &r) && r.reason != reasonUnknownKey
}

// next is when the next reading may begin. s.mu is held.
func (s *source) next() time.Time {
	switch {
	case s.begun.IsZero():
		return time.Time{}
	case s.failed != nil:
		return s.begun.Add(s.fetcher.options.Retry)
	}
	return s.begun.Add(s.fetcher.options.Floor)
}

// begin returns the reading under way, which it starts if there is none and
// it is time for one; else nil. The caller holds mu.
func (s *source) begin(now time.Time) *reading {
	if r := s.fetcher.readings.Underway(s); r != nil {
		return r
	}
	if now.Before(s.next()) {
		return nil
	}
	s.begun = now
	r := s.fetcher.readings.Join(s, func(ctx context.Context) (struct{}, error) {
		s.finish(ctx, now)
		return struct{}{}, nil
	})
	if r == nil {
		s.failed = errClosed
	}
	return r
}

func (s *source) finish(ctx context.Context, begun time.Time) {
	s.mu.Lock()
	last := s.tag
	s.mu.Unlock()
	var set fetchedSet
	var err error
	if bad := s.fetcher.contain(func() { set, err = s.fetcher.fetch(ctx, s.tenant, s.url, last) }); bad != nil {
		err = bad
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failed = err; err == nil {
		if set.unchanged {
			set.keys, set.tag = s.keys, last
		}
		s.take(set.keys, begun)
		s.tag = set.tag
	}
}

// take puts a set in the place of the last one. s.mu is held.
func (s *source) take(keys []*key, begun time.Time) {
	there := func(old *key) bool {
		return slices.ContainsFunc(keys, func(k *key) bool { return k.id == old.id && k.kid == old.kid })
	}
	var left []leftKey
	for _, k := range s.keys {
		if !there(k) {
			left = append(left, leftKey{k, begun})
		}
	}
	for _, l := range s.left {
		if !there(l.key) && begun.Sub(l.since) < s.fetcher.options.Refresh && len(left) < maxSetKeys {
			left = append(left, l)
		}
	}
	s.keys, s.left, s.read = keys, left, begun
}

var errClosed = errors.New("the verifier is closed")

// errTooSoon is why a set is not read again. Whoever makes kids up meets with it at will.
var errTooSoon = errors.New("the key set was read a moment ago")

// spreadOver is the time over which those come back who wait for the same reading.
const spreadOver = time.Second

func (s *source) unavailable(cause error) error {
	if cause == nil {
		cause = errTooSoon
	}
	s.mu.Lock()
	wait := time.Until(s.next())
	s.mu.Unlock()
	return &realtime.Error{
		Code:       realtime.CodeUnavailable,
		Message:    "the keys of the token's issuer cannot be read at the moment",
		RetryAfter: max(wait, 0) + time.Millisecond + rand.N(spreadOver), //nolint:gosec // it spreads load and keeps no secret
		Err:        cause,
	}
}
