package hub

import "github.com/tidewire/tidewire/realtime"

// resident is a tenant that has connections on a topic, or had and has channels there still. It
// is guarded by feed.mu.
type resident struct {
	doc   *realtime.Tenant // the newest
	conns []*Connection
}

// moveIn enters a connection under its tenant. It reports whether that was known.
func (f *feed) moveIn(c *Connection) (known bool) {
	doc := c.Tenant()
	t := f.tenants[doc.ID]
	if t == nil {
		t = &resident{}
		f.tenants[doc.ID] = t
	}
	known = t.doc != nil
	if !doc.OlderThan(t.doc) {
		t.doc = doc
	}
	c.seat = len(t.conns)
	t.conns = append(t.conns, c)
	return known
}

func (f *feed) moveOut(c *Connection) {
	id := c.Tenant().ID
	t := f.tenants[id]
	last := len(t.conns) - 1
	t.conns[c.seat] = t.conns[last]
	t.conns[c.seat].seat = c.seat
	t.conns[last] = nil
	t.conns = t.conns[:last]
	f.forget(id)
}

// forget drops the document of a tenant that has nothing here any more.
func (f *feed) forget(tenant string) {
	t := f.tenants[tenant]
	if t == nil || len(t.conns) > 0 {
		return
	}
	for _, g := range f.generations() {
		if g != nil && g.channels.Records().Quota(tenant) != nil {
			return
		}
	}
	delete(f.tenants, tenant)
}

// document returns that of a tenant. On a pooled topic, one that nobody here serves has default rules.
func (f *feed) document(tenant string) *realtime.Tenant {
	if r := f.tenants[tenant]; r != nil {
		return r.doc
	}
	return &realtime.Tenant{ID: tenant}
}
