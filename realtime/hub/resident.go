package hub

import "github.com/tidewire/tidewire/realtime"

// resident is a tenant that has connections on a topic, or had and has channels there still. It
// is guarded by feed.mu.
type resident struct {
	doc   *realtime.Tenant // the newest
	conns []*Connection
}

// residents are the tenants of a topic, by ID.
type residents map[string]*resident

// enter enters a connection under its tenant. It reports whether that was known.
func (all residents) enter(c *Connection) (known bool) {
	doc := c.Tenant()
	t := all[doc.ID]
	if t == nil {
		t = &resident{}
		all[doc.ID] = t
	}
	known = t.doc != nil
	if !doc.OlderThan(t.doc) {
		t.doc = doc
		c.client.Schedule.Tenant().SetWeight(weightOf(doc))
	}
	c.seat = len(t.conns)
	t.conns = append(t.conns, c)
	return known
}

// weightOf is how much of the processors a tenant has, beside others.
func weightOf(t *realtime.Tenant) int { return t.Limits.WithDefaults().Weight }

// leave takes a connection out.
func (all residents) leave(c *Connection) {
	t := all[c.Tenant().ID]
	last := len(t.conns) - 1
	t.conns[c.seat] = t.conns[last]
	t.conns[c.seat].seat = c.seat
	t.conns[last] = nil
	t.conns = t.conns[:last]
}

// document returns that of a tenant. On a pooled topic, one that nobody here serves has default rules.
func (all residents) document(tenant string) *realtime.Tenant {
	if r := all[tenant]; r != nil {
		return r.doc
	}
	return &realtime.Tenant{ID: tenant}
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
