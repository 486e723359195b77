package memory

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/strict"
	"github.com/tidewire/tidewire/realtime/tenantcache"
	"github.com/tidewire/tidewire/realtime/webhook/document"
)

// maxTenantsFile is the largest file of tenant documents that is read.
const maxTenantsFile = 16 << 20

// Tenants is a realtime.TenantStore that holds the documents themselves. It is safe
// for concurrent use.
type Tenants struct {
	mu      sync.RWMutex // guards what follows
	docs    map[string]*realtime.Tenant
	written map[string]time.Time // when each was
	version int64                // the last one given
}

var (
	_ realtime.TenantStore  = (*Tenants)(nil)
	_ realtime.TenantSource = (*Tenants)(nil)
)

// NewTenants returns the tenants of the documents, whose Version does not count and whose content must not be changed
// afterwards. Each is checked; the error joins the faults of all.
func NewTenants(docs ...*realtime.Tenant) (*Tenants, error) {
	t := &Tenants{docs: map[string]*realtime.Tenant{}, written: map[string]time.Time{}}
	var faults []error
	for _, doc := range docs {
		switch err := check(doc); {
		case err != nil:
			faults = append(faults, err)
		case t.docs[doc.ID] != nil:
			faults = append(faults, realtime.Errorf(realtime.CodeBadRequest, "tenants.%s: appears twice", doc.ID))
		default:
			t.keep(doc)
		}
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	return t, nil
}

// LoadTenants reads a file of tenant documents:
//
//	{"tenants": {"acme": {"limits": {"connections": 1000}}, "globex": {}}}
//
// A field that does not exist, one that appears twice, and one that holds the
// wrong thing are errors that name it by its path, such as
// tenants.acme.limits.conections. All faults of all documents come in one
// error, of CodeBadRequest.
func LoadTenants(r io.Reader) (*Tenants, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxTenantsFile+1))
	if err != nil {
		return nil, fmt.Errorf("read the tenants: %w", err)
	}
	if len(text) > maxTenantsFile {
		return nil, realtime.Errorf(realtime.CodeTooLarge, "tenants: must be at most %d bytes", maxTenantsFile)
	}
	var file struct {
		Tenants map[string]realtime.Tenant `json:"tenants"`
	}
	fault := strict.Decode("the file", text, &file)
	if fault == nil && file.Tenants == nil {
		return nil, realtime.Errorf(realtime.CodeBadRequest, `tenants: is missing; write {"tenants": {"acme": {}}}`)
	}
	var docs []*realtime.Tenant
	for _, id := range slices.Sorted(maps.Keys(file.Tenants)) {
		doc := file.Tenants[id]
		doc.ID = id
		docs = append(docs, &doc)
	}
	t, err := NewTenants(docs...)
	if err := errors.Join(fault, err); err != nil {
		return nil, err
	}
	return t, nil
}

// LoadTenantsFile is LoadTenants of a named file.
func LoadTenantsFile(name string) (*Tenants, error) {
	f, err := os.Open(name) //nolint:gosec // the caller says which file
	if err != nil {
		return nil, fmt.Errorf("open the tenants: %w", err)
	}
	defer func() { _ = f.Close() }() // it was only read from
	t, err := LoadTenants(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return t, nil
}

// keep makes a document the newest, with a version of its own. mu is held, or nobody else knows t yet.
func (t *Tenants) keep(doc *realtime.Tenant) *realtime.Tenant {
	t.version++
	kept := *doc
	kept.Version = t.version
	t.docs[doc.ID], t.written[doc.ID] = &kept, time.Now()
	return &kept
}

// Tenant returns the document of a tenant, which must not be changed.
func (t *Tenants) Tenant(ctx context.Context, id string) (*realtime.Tenant, error) {
	doc, err := t.Stored(context.WithoutCancel(ctx), id) // it is in memory
	if err == nil && doc.Deleted {
		return nil, realtime.TenantDeleted(doc.Version)
	}
	return doc, err
}

// Stored returns the document of a tenant, deleted or not, which must not be changed.
func (t *Tenants) Stored(ctx context.Context, id string) (*realtime.Tenant, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	t.mu.RLock()
	doc := t.docs[id]
	t.mu.RUnlock()
	if doc == nil {
		return nil, tenantcache.TenantUnknown()
	}
	return doc, nil
}

// Put writes a document in the place of the state of its Version, and returns it with its new one.
func (t *Tenants) Put(ctx context.Context, doc *realtime.Tenant) (*realtime.Tenant, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := check(doc); err != nil {
		return nil, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	var have int64
	if stored := t.docs[doc.ID]; stored != nil {
		have = stored.Version
	}
	if doc.Version != have {
		return nil, realtime.StaleTenant(nil)
	}
	return t.keep(doc), nil
}

// List returns up to limit identifiers behind after, in their order, and the after of the next
// page, which is empty on the last. limit is 1 to 1000; 0 is 100.
func (t *Tenants) List(ctx context.Context, after string, limit int) (ids []string, next string, err error) {
	if err := ctx.Err(); err != nil {
		return nil, "", err
	}
	if limit < 0 || limit > 1000 {
		return nil, "", realtime.Errorf(realtime.CodeBadRequest, "limit: must be 1 to 1000, got %d", limit)
	}
	limit = cmp.Or(limit, 100)
	ids = t.IDs()
	if i, found := slices.BinarySearch(ids, after); found {
		ids = ids[i+1:]
	} else {
		ids = ids[i:]
	}
	if len(ids) > limit {
		return ids[:limit], ids[limit-1], nil
	}
	return ids, "", nil
}

// Read returns a document as it is now.
func (t *Tenants) Read(ctx context.Context, id string) (realtime.TenantState, error) {
	if err := ctx.Err(); err != nil {
		return realtime.TenantState{}, err
	}
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.state(id), nil
}

// state is called with mu held.
func (t *Tenants) state(id string) realtime.TenantState {
	doc := t.docs[id]
	if doc == nil {
		return realtime.TenantState{ID: id}
	}
	return realtime.TenantState{ID: id, Exists: true, Version: doc.Version, Doc: doc}
}

// Changed returns the documents that were written since a moment.
func (t *Tenants) Changed(ctx context.Context, since time.Time) ([]realtime.TenantState, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	t.mu.RLock()
	defer t.mu.RUnlock()
	var all []realtime.TenantState
	for id, at := range t.written {
		if at.After(since) {
			all = append(all, t.state(id))
		}
	}
	return all, nil
}

// Malformed does nothing: what is here was checked when it was written.
func (t *Tenants) Malformed(context.Context, string, error) {}

// IDs returns the tenants' identifiers, sorted, those of deleted ones included.
func (t *Tenants) IDs() []string {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return slices.Sorted(maps.Keys(t.docs))
}

// check puts the tenant before the field that its Check names.
func check(doc *realtime.Tenant) error {
	path := "tenants." + doc.ID
	if err := realtime.CheckTenantID(doc.ID); err != nil {
		return realtime.Errorf(realtime.CodeBadRequest, "%s: %v", path, err)
	}
	if err := cmp.Or(doc.Check(), document.Check(doc)); err != nil {
		return realtime.Errorf(realtime.CodeOf(err), "%s.%v", path, err)
	}
	return nil
}
