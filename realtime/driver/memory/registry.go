package memory

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// sweepEvery is how often a Registry removes what has expired.
const sweepEvery = time.Minute

// Registry is a realtime.Registry within one process. What it returns and what
// it was given are copies. Expired documents are not listed from the moment
// they expire, and are removed when a document or a lease is written, at most a
// minute apart, so its memory is that of the connections that have not expired.
type Registry struct {
	mu      sync.RWMutex // guards what follows
	leases  map[string]realtime.Lease
	tenants map[string]map[string]realtime.ConnectionDoc // by tenant and ID
	swept   time.Time
}

// NewRegistry returns an empty registry.
func NewRegistry() *Registry {
	return &Registry{
		leases:  map[string]realtime.Lease{},
		tenants: map[string]map[string]realtime.ConnectionDoc{},
		swept:   time.Now(),
	}
}

// Renew writes the lease.
func (r *Registry) Renew(ctx context.Context, lease realtime.Lease) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := lease.Check(time.Now()); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sweep(time.Now())
	r.leases[lease.Instance] = lease
	return nil
}

// Release removes the lease and the documents of the instance.
func (r *Registry) Release(ctx context.Context, instance string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.leases, instance)
	r.remove(func(d *realtime.ConnectionDoc) bool { return d.Instance == instance })
	return nil
}

// Connect writes documents: all of them, or none if one of them lacks its
// tenant, ID, instance or expiry.
func (r *Registry) Connect(ctx context.Context, docs []realtime.ConnectionDoc) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	for i := range docs {
		if err := docs[i].Check(); err != nil {
			return err
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sweep(time.Now())
	for i := range docs {
		d := clone(&docs[i])
		if r.tenants[d.Tenant] == nil {
			r.tenants[d.Tenant] = map[string]realtime.ConnectionDoc{}
		}
		r.tenants[d.Tenant][d.ID] = d
	}
	return nil
}

// Disconnect removes documents.
func (r *Registry) Disconnect(ctx context.Context, refs []realtime.ConnectionRef) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, ref := range refs {
		delete(r.tenants[ref.Tenant], ref.ID)
		if len(r.tenants[ref.Tenant]) == 0 {
			delete(r.tenants, ref.Tenant)
		}
	}
	return nil
}

// Connections lists a page. A query by ID is a look-up; any other one looks at
// each document of the tenant.
func (r *Registry) Connections(ctx context.Context, tenant string, q realtime.ConnectionQuery) (realtime.ConnectionPage, error) {
	if err := ctx.Err(); err != nil {
		return realtime.ConnectionPage{}, err
	}
	if q.Limit < 0 || q.Limit > 1000 {
		return realtime.ConnectionPage{}, realtime.Errorf(realtime.CodeBadRequest, "limit: must be 1 to 1000, got %d", q.Limit)
	}
	if q.Limit == 0 {
		q.Limit = 100
	}
	r.mu.RLock()
	defer r.mu.RUnlock()
	found := r.find(tenant, q)
	var page realtime.ConnectionPage
	if len(found) > q.Limit {
		found = found[:q.Limit]
		page.Next = found[q.Limit-1].ID
	}
	for _, d := range found {
		page.Connections = append(page.Connections, clone(&d))
	}
	return page, nil
}

// find returns the first q.Limit+1 alive documents that q selects, ordered by
// ID. It sorts no more than those, whatever the number of connections; r.mu is held.
func (r *Registry) find(tenant string, q realtime.ConnectionQuery) []realtime.ConnectionDoc {
	now, docs := time.Now(), r.tenants[tenant]
	if q.ID != "" {
		d, ok := docs[q.ID]
		if !ok || !r.selects(&d, q, now) {
			return nil
		}
		return []realtime.ConnectionDoc{d}
	}
	var found []realtime.ConnectionDoc
	byID := func(d realtime.ConnectionDoc, id string) int { return strings.Compare(d.ID, id) }
	for id, d := range docs {
		full := len(found) > q.Limit
		if full && id > found[q.Limit].ID || !r.selects(&d, q, now) {
			continue
		}
		if full {
			found = found[:q.Limit]
		}
		i, _ := slices.BinarySearchFunc(found, id, byID)
		found = slices.Insert(found, i, d)
	}
	return found
}

// selects reports whether a document is alive and what q asks for.
func (r *Registry) selects(d *realtime.ConnectionDoc, q realtime.ConnectionQuery, now time.Time) bool {
	return d.ID > q.After && d.Expires.After(now) && r.leases[d.Instance].Until.After(now) &&
		(q.User == "" || d.User == q.User) &&
		(q.Group == "" || slices.Contains(d.Groups, q.Group))
}

// sweep removes what has expired; r.mu is held. A connection whose instance has
// no lease just now stays: the instance may renew it late.
func (r *Registry) sweep(now time.Time) {
	if now.Sub(r.swept) < sweepEvery {
		return
	}
	r.swept = now
	maps.DeleteFunc(r.leases, func(_ string, l realtime.Lease) bool { return now.Sub(l.Until) >= leaseKept })
	r.remove(func(d *realtime.ConnectionDoc) bool { return !d.Expires.After(now) })
}

// remove removes the documents that gone selects; r.mu is held.
func (r *Registry) remove(gone func(*realtime.ConnectionDoc) bool) {
	for tenant, docs := range r.tenants {
		maps.DeleteFunc(docs, func(_ string, d realtime.ConnectionDoc) bool { return gone(&d) })
		if len(docs) == 0 {
			delete(r.tenants, tenant)
		}
	}
}

func clone(d *realtime.ConnectionDoc) realtime.ConnectionDoc {
	c := *d
	c.Groups, c.Meta = slices.Clone(d.Groups), maps.Clone(d.Meta)
	return c
}
