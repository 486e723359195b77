package tenantcache

import (
	"context"

	"github.com/tidewire/tidewire/realtime"
)

var _ realtime.TenantStore = (*Cache)(nil)

// Store is a store whose documents are served from memory.
type Store interface {
	realtime.TenantStore
	realtime.TenantSource
}

// Cache is a Reader of a store that writes to it as well. It is safe for concurrent use. Close it.
type Cache struct {
	*Reader
	store Store
}

// New returns a Cache of a store, which stays open.
func New(store Store, o Options) *Cache { return &Cache{NewReader(store, o), store} }

// Stored returns a document as the store has it now.
func (c *Cache) Stored(ctx context.Context, id string) (*realtime.Tenant, error) {
	return c.store.Stored(ctx, id)
}

// Put writes a document; who wrote it reads it at once.
func (c *Cache) Put(ctx context.Context, doc *realtime.Tenant) (*realtime.Tenant, error) {
	written, err := c.store.Put(ctx, doc)
	if err == nil {
		c.wrote(realtime.TenantState{ID: doc.ID, Exists: true, Version: written.Version, Doc: written})
	}
	return written, err
}

// List is that of the store.
func (c *Cache) List(ctx context.Context, after string, limit int) (ids []string, next string, err error) {
	return c.store.List(ctx, after, limit)
}
