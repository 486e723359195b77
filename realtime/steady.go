package realtime

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// The bounds of what SteadyTenants believe and remember.
const (
	// AbsentFor is how long a tenant whose document was seen has to be missing before it is taken for gone, and
	// how long a store has to be behind what was seen before it is believed again.
	AbsentFor = 10 * time.Minute
	// absentRetry is when to ask again for a tenant that is missing.
	absentRetry = 5 * time.Second
	// steadyKept bounds one of the two halves of what is remembered, in tenants.
	steadyKept = 8192
)

// SteadyTenants are Tenants that make nothing final of what may be a fault of the moment. A tenant that was
// seen and is missing now is CodeUnavailable until it has been missing for AbsentFor; only a
// deletion (TenantDeleted) counts at once. A document that is older than one seen before, as of a store that is
// behind, is not given out: the newer one is. While a store that can be listed holds no tenant at all, none is called
// unknown.
//
// It remembers the tenants that were asked for last, some ten thousand. It is safe for concurrent use.
type SteadyTenants struct {
	from Tenants

	mu       sync.Mutex             // guards what follows
	now, old map[string]*seenTenant // the younger half and the older
	listed   time.Time              // when it was last asked whether the store is empty
	empty    bool                   // it was then
}

// lister is what a TenantStore can do beyond Tenants.
type lister interface {
	List(ctx context.Context, after string, limit int) (ids []string, next string, err error)
}

// seenTenant is a tenant that was there once.
type seenTenant struct {
	doc     *Tenant   // the newest; nil if it was deleted
	version int64     // of doc, or of the deletion
	missing time.Time // since when there is none; zero while there is
	behind  time.Time // since when the store shows an older one
}

// NewSteadyTenants returns steady Tenants on others, which are returned themselves if they are steady.
func NewSteadyTenants(from Tenants) *SteadyTenants {
	if steady, ok := from.(*SteadyTenants); ok {
		return steady
	}
	return &SteadyTenants{from: from, now: map[string]*seenTenant{}}
}

// Tenant returns the newest document of a tenant that was seen.
func (s *SteadyTenants) Tenant(ctx context.Context, id string) (*Tenant, error) {
	doc, err := s.from.Tenant(ctx, id)
	if err == nil && doc.Deleted {
		doc, err = nil, TenantDeleted(doc.Version)
	}
	version, deleted := deletedAt(err)
	nobody := !deleted && CodeOf(err) == CodeNotFound && CheckTenantID(id) == nil && s.isEmpty(ctx)
	now := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	seen := s.of(id)
	switch {
	case err == nil:
		return s.there(id, seen, doc, now)
	case deleted:
		if seen != nil && version != 0 && version < seen.version {
			return s.behind(seen, nil, now)
		}
		s.keep(id, &seenTenant{version: version})
		return nil, err
	case CodeOf(err) == CodeNotFound && seen != nil && seen.doc != nil:
		if seen.missing.IsZero() {
			seen.missing = now
		}
		if now.Sub(seen.missing) < AbsentFor {
			return nil, absentNow(err)
		}
	case nobody:
		return nil, absentNow(err)
	}
	return nil, err
}

func absentNow(cause error) error {
	return &Error{Code: CodeUnavailable, Message: "the tenant's document cannot be found now", RetryAfter: absentRetry, Err: cause}
}

// isEmpty reports whether the store holds no tenant at all, as one that was just made, or lost its content. It
// is asked once in a while, however many unknown tenants come.
func (s *SteadyTenants) isEmpty(ctx context.Context) bool {
	from, ok := s.from.(lister)
	if !ok {
		return false
	}
	s.mu.Lock()
	known := !s.listed.IsZero() && time.Since(s.listed) < absentRetry
	if !known {
		s.listed = time.Now() // the others do not wait for this one
	}
	empty := s.empty
	s.mu.Unlock()
	if known {
		return empty
	}
	ids, _, err := from.List(ctx, "", 1)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil {
		s.empty = len(ids) == 0
	}
	return s.empty
}

// there takes a document that the store shows. s.mu is held.
func (s *SteadyTenants) there(id string, seen *seenTenant, doc *Tenant, now time.Time) (*Tenant, error) {
	if seen == nil {
		seen = &seenTenant{}
		s.keep(id, seen)
	}
	seen.missing = time.Time{}
	if doc.Version != 0 && doc.Version < seen.version {
		return s.behind(seen, doc, now)
	}
	seen.doc, seen.version, seen.behind = doc, doc.Version, time.Time{}
	return doc, nil
}

// behind answers when the store shows an older state than was seen: doc, or a deletion if it is nil. s.mu is held.
func (s *SteadyTenants) behind(seen *seenTenant, doc *Tenant, now time.Time) (*Tenant, error) {
	if seen.behind.IsZero() {
		seen.behind = now
	}
	if now.Sub(seen.behind) >= AbsentFor { // it was put back by hand, from a backup perhaps
		*seen = seenTenant{doc: doc}
		if doc != nil {
			seen.version = doc.Version
		}
	}
	if seen.doc == nil {
		return nil, TenantDeleted(seen.version)
	}
	return seen.doc, nil
}

// of returns what is remembered of a tenant; nil if nothing. s.mu is held.
func (s *SteadyTenants) of(id string) *seenTenant {
	if t := s.now[id]; t != nil {
		return t
	}
	t := s.old[id]
	if t != nil {
		s.keep(id, t)
	}
	return t
}

// keep remembers a tenant among those asked for last. s.mu is held.
func (s *SteadyTenants) keep(id string, t *seenTenant) {
	if s.now[id] == nil && len(s.now) >= steadyKept {
		s.now, s.old = map[string]*seenTenant{}, s.now
	}
	s.now[id] = t
}

// TenantDeleted returns the error of a tenant whose document says that it was deleted, at a version of its store: it has
// CodeNotFound.
func TenantDeleted(version int64) *Error {
	return &Error{Code: CodeNotFound, Message: "tenant: there is no such tenant", Err: deletedTenant(version)}
}

// deletedTenant is the version of a deletion.
type deletedTenant int64

func (d deletedTenant) Error() string { return fmt.Sprintf("it was deleted, version %d", int64(d)) }

func deletedAt(err error) (version int64, deleted bool) {
	var d deletedTenant
	deleted = errors.As(err, &d)
	return int64(d), deleted
}

// IsTenantDeleted reports whether an error is that of a tenant that was deleted, rather than of one that is not known.
func IsTenantDeleted(err error) bool {
	_, deleted := deletedAt(err)
	return deleted
}
