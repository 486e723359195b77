package auth

import (
	"container/list"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"

	"github.com/tidewire/tidewire/realtime"
)

// maxRings bounds how many tenants' keys are kept parsed; the one unused the longest is let go.
const maxRings = 4096

// ring holds the keys of one tenant document, parsed.
type ring struct {
	doc    *realtime.Tenant
	keys   []*key
	issuer *source // nil without a jwksUrl
}

// find returns the key that a proof is by: one of the tenant's own, or else one of its issuer's.
func (r *ring) find(ctx context.Context, p proof) (*key, error) {
	k, err := verifySignature(r.keys, p)
	if err == nil || r.issuer == nil {
		return k, err
	}
	var own *refusal
	if p.kid != "" && errors.As(err, &own) && own.reason != reasonUnknownKey {
		return nil, err // the key is known, the token is not its own
	}
	if p.alg == "HS256" || methodOf(p.alg) == nil {
		return nil, err // no issuer publishes a key for it
	}
	return r.issuer.find(ctx, p)
}

// rings keeps the rings of the tenants that were asked for last.
type rings struct {
	log     *slog.Logger
	fetcher *fetcher

	mu      sync.Mutex               // guards what follows
	byID    map[string]*list.Element // of *ring, by tenant
	recent  *list.List               // the one used last is in front
	issuers map[string]*sharedSource // of the rings, by URL
}

// sharedSource is a source with the number of rings that use it: however many tenants name one issuer, it is
// asked for its keys as if they were one.
type sharedSource struct {
	*source
	rings int
}

func newRings(o Options) *rings {
	return &rings{
		log: o.Logger, fetcher: newFetcher(o.JWKS, o.Logger, o.Metrics),
		byID: map[string]*list.Element{}, recent: list.New(), issuers: map[string]*sharedSource{},
	}
}

// of returns the ring of a document. A document is never changed, so a ring
// is good for as long as the tenant's document is the same value.
func (rs *rings) of(doc *realtime.Tenant) *ring {
	last := rs.last(doc.ID)
	if last.doc == doc {
		return last
	}
	return rs.keep(rs.parse(doc, last)) // parsed without the lock: it may take a millisecond a key
}

// last returns the ring the tenant had last, an empty one if it had none.
func (rs *rings) last(tenant string) *ring {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	at, ok := rs.byID[tenant]
	if !ok {
		return &ring{doc: &realtime.Tenant{}}
	}
	rs.recent.MoveToFront(at)
	return at.Value.(*ring)
}

// keep stores a ring and returns it, or the one of the same document that
// somebody else stored meanwhile.
func (rs *rings) keep(r *ring) *ring {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	if at, ok := rs.byID[r.doc.ID]; ok {
		there := at.Value.(*ring)
		if there.doc == r.doc {
			return there
		}
		rs.share(r)
		rs.release(there)
		at.Value = r
		return r
	}
	rs.share(r)
	rs.byID[r.doc.ID] = rs.recent.PushFront(r)
	if rs.recent.Len() > maxRings {
		oldest := rs.recent.Remove(rs.recent.Back()).(*ring)
		delete(rs.byID, oldest.doc.ID)
		rs.release(oldest)
	}
	return r
}

// share gives a ring, which is to be kept, the source of its URL that others use already. rs.mu is held.
func (rs *rings) share(r *ring) {
	if r.issuer == nil {
		return
	}
	shared := rs.issuers[r.issuer.url]
	if shared == nil {
		shared = &sharedSource{source: r.issuer}
		rs.issuers[r.issuer.url] = shared
	}
	shared.rings++
	r.issuer = shared.source
}

// release is told that a ring is not kept any more. rs.mu is held.
func (rs *rings) release(r *ring) {
	if r.issuer == nil {
		return
	}
	shared := rs.issuers[r.issuer.url]
	if shared.rings--; shared.rings == 0 {
		delete(rs.issuers, r.issuer.url)
	}
}

// parse makes the ring of a document, with what has not changed since the
// tenant's last one: above all the issuer's keys, which must outlive an outage
// of the issuer. A key that is no good verifies nothing, and does not
// keep the others from it.
func (rs *rings) parse(doc *realtime.Tenant, last *ring) *ring {
	r := &ring{doc: doc, keys: last.keys, issuer: last.issuer}
	if !slices.Equal(doc.Auth.Keys, last.doc.Auth.Keys) {
		r.keys = rs.parseKeys(doc)
	}
	if doc.Auth.JWKSURL != last.doc.Auth.JWKSURL {
		r.issuer = rs.openIssuer(doc)
	}
	return r
}

func (rs *rings) openIssuer(doc *realtime.Tenant) *source {
	if doc.Auth.JWKSURL == "" {
		return nil
	}
	if err := checkURL(doc.Auth.JWKSURL); err != nil {
		rs.log.Error("the jwksUrl of a tenant is not used", realtime.KeyTenant, doc.ID, realtime.KeyError, err)
		return nil
	}
	return &source{fetcher: rs.fetcher, tenant: doc.ID, url: doc.Auth.JWKSURL}
}

func (rs *rings) parseKeys(doc *realtime.Tenant) []*key {
	var keys []*key
	bad := func(i int, err error) {
		err = fmt.Errorf("auth.keys[%d].%w", i, err)
		rs.log.Error("a key of a tenant is not used", realtime.KeyTenant, doc.ID, realtime.KeyError, err)
	}
	for i, k := range doc.Auth.Keys[:min(len(doc.Auth.Keys), maxKeys)] {
		made, err := keyOf(k)
		switch {
		case err != nil:
			bad(i, err)
		case k.KID != "" && slices.ContainsFunc(keys, func(other *key) bool { return other.kid == k.KID }):
			bad(i, errors.New("kid: appears twice"))
		default:
			keys = append(keys, made)
		}
	}
	return keys
}
