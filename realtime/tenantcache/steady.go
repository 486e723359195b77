package tenantcache

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/recent"
)

// The bounds of what Steady believe and remember.
const (
	// AbsentFor is how long a tenant whose document was seen has to be missing before it is taken for gone, and
	// how long a store has to be behind what was seen before it is believed again.
	AbsentFor = 10 * time.Minute
	// UnseenFor is how long a tenant whose document was never seen has to be missing before it is called unknown: a
	// store may be behind for longer than it takes to notice a name that was mistyped.
	UnseenFor = 2 * time.Minute
	// absentRetry is when to ask again for a tenant that is missing.
	absentRetry = 5 * time.Second
	// steadyKept bounds one of the two halves of what is remembered, in tenants that were seen and in names that were not.
	steadyKept = 8192
)

// Steady are Tenants that make nothing final of what may be a fault of the moment. A tenant that is missing is
// CodeUnavailable until it has been missing for AbsentFor, or for UnseenFor if it was never seen; only
// a deletion (TenantDeleted), or a store that cannot be behind (TenantUnknown), counts at once. A document
// that is older than one seen before, as of a store that is
// behind, is not given out: the newer one is. While a store that can be listed holds no tenant at all, none is called
// unknown.
//
// It remembers the tenants that were asked for last, some ten thousand, and apart from them as many names of which
// none was ever seen: made-up names displace each other and no tenant. A name that is displaced is missing anew, so that
// a flood of names delays what is final and never hastens it. It is safe for concurrent use.
type Steady struct {
	from realtime.Tenants

	mu     sync.Mutex                       // guards what follows
	seen   *recent.Map[string, *seenTenant] // the tenants that were there once
	unseen *recent.Map[string, *absence]    // the names that never were
	listed time.Time                        // when it was last asked whether the store is empty
	empty  bool                             // it was then
}

// lister is what a TenantStore can do beyond Tenants.
type lister interface {
	List(ctx context.Context, after string, limit int) (ids []string, next string, err error)
}

// seenTenant is a tenant that was there once.
type seenTenant struct {
	doc     *realtime.Tenant // the newest; nil if it was deleted
	version int64            // of doc, or of the deletion
	missing absence
	behind  absence // the store shows an older one
}

// NewSteady returns steady Tenants on others, which are returned themselves if they are steady.
func NewSteady(from realtime.Tenants) *Steady {
	if steady, ok := from.(*Steady); ok {
		return steady
	}
	now := time.Now()
	return &Steady{from: from, seen: recent.New[string, *seenTenant](0, steadyKept, now), unseen: recent.New[string, *absence](0, steadyKept, now)}
}

// Tenant returns the newest document of a tenant that was seen.
func (s *Steady) Tenant(ctx context.Context, id string) (*realtime.Tenant, error) {
	doc, err := s.from.Tenant(ctx, id)
	if err == nil && doc.Deleted {
		doc, err = nil, realtime.TenantDeleted(doc.Version)
	}
	version, deleted := realtime.TenantDeletedAt(err)
	missing := !deleted && realtime.CodeOf(err) == realtime.CodeNotFound && realtime.CheckTenantID(id) == nil
	nobody := missing && s.isEmpty(ctx)
	now := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	seen, _ := s.seen.Touch(id, now)
	switch {
	case err == nil:
		return s.there(id, seen, doc, now)
	case deleted:
		s.unseen.Delete(id)
		if seen != nil && version != 0 && version < seen.version {
			return s.behind(seen, nil, now)
		}
		s.seen.Turn(now)
		s.seen.Put(id, &seenTenant{version: version})
	case nobody:
		return nil, absentNow(id, seen, err)
	case missing:
		return nil, s.missing(id, seen, err, now)
	}
	return nil, err
}

// missing answers when the store, which holds others, does not show a tenant. s.mu is held.
func (s *Steady) missing(id string, seen *seenTenant, cause error, now time.Time) error {
	switch {
	case seen != nil && seen.doc == nil: // it was deleted
		return cause
	case seen != nil && seen.missing.lasts(now) < AbsentFor:
		return absentNow(id, seen, cause)
	case seen != nil || isUnknown(cause):
		return cause
	}
	absent, known := s.unseen.Touch(id, now)
	if !known {
		absent = &absence{}
		s.unseen.Turn(now)
		s.unseen.Put(id, absent)
	}
	if absent.lasts(now) < UnseenFor {
		return absentNow(id, nil, cause)
	}
	return &realtime.Error{Code: realtime.CodeNotFound, Message: fmt.Sprintf("tenant: %q is unknown; its document has been missing for %v", id, UnseenFor), Err: unseenTenant{cause}}
}

// absentNow is the answer while it cannot be told whether there is a tenant.
func absentNow(id string, seen *seenTenant, cause error) error {
	e := &realtime.Error{Code: realtime.CodeUnavailable, Message: fmt.Sprintf("tenant: the document of %q cannot be found at the moment", id), RetryAfter: absentRetry, Err: cause}
	if seen == nil {
		e.Message = fmt.Sprintf("tenant: the document of %q cannot be found at the moment; check the name, or try again", id)
		e.Err = unseenTenant{cause}
	}
	return e
}

// isEmpty reports whether the store holds no tenant at all, as one that was just made, or lost its content. It
// is asked once in a while, however many unknown tenants come.
func (s *Steady) isEmpty(ctx context.Context) bool {
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
func (s *Steady) there(id string, seen *seenTenant, doc *realtime.Tenant, now time.Time) (*realtime.Tenant, error) {
	if seen == nil {
		seen = &seenTenant{}
		s.seen.Turn(now)
		s.seen.Put(id, seen)
		s.unseen.Delete(id)
	}
	seen.missing = absence{}
	if doc.Version != 0 && doc.Version < seen.version {
		return s.behind(seen, doc, now)
	}
	seen.doc, seen.version, seen.behind = doc, doc.Version, absence{}
	return doc, nil
}

// behind answers when the store shows an older state than was seen: doc, or a deletion if it is nil. s.mu is held.
func (s *Steady) behind(seen *seenTenant, doc *realtime.Tenant, now time.Time) (*realtime.Tenant, error) {
	if seen.behind.lasts(now) >= AbsentFor { // it was put back by hand, from a backup perhaps
		*seen = seenTenant{doc: doc}
		if doc != nil {
			seen.version = doc.Version
		}
	}
	if seen.doc == nil {
		return nil, realtime.TenantDeleted(seen.version)
	}
	return seen.doc, nil
}

// TenantUnknown returns the error of a tenant of which a store has no document that cannot be behind, since it holds all
// of them itself: it has CodeNotFound. Of other stores a missing document is any other error of that code.
func TenantUnknown() *realtime.Error {
	return &realtime.Error{Code: realtime.CodeNotFound, Message: "tenant: is unknown", Err: errUnknownTenant}
}

var errUnknownTenant = errors.New("the store contains all documents, but not this one")

func isUnknown(err error) bool { return errors.Is(err, errUnknownTenant) }

// unseenTenant marks the errors of names of which Steady have never seen a document.
type unseenTenant struct{ cause error }

func (u unseenTenant) Error() string { return "never seen: " + u.cause.Error() }

func (u unseenTenant) Unwrap() error { return u.cause }

// IsTenantUnseen reports whether an error of Steady is about a name of which they have never seen a document, so that
// whoever asks may have made it up, or mistyped it: it is no fault of the store that somebody has to look after.
func IsTenantUnseen(err error) bool {
	var u unseenTenant
	return errors.As(err, &u)
}
