// Package resident has the tenants of a topic: their documents, and those who are connected.
package resident

import "github.com/tidewire/tidewire/realtime"

// Conn is a connection of a tenant.
type Conn interface {
	// Tenant returns its tenant's document.
	Tenant() *realtime.Tenant
	// Seat is where its place is kept.
	Seat() *Seat
}

// Seat is the place of a connection.
type Seat int

// Tenant is one that has connections on a topic, or had and has channels there still.
type Tenant[C Conn] struct {
	Doc   *realtime.Tenant // the newest
	Conns []C
}

// Tenants are those of a topic, by ID. Their owner guards them.
type Tenants[C Conn] map[string]*Tenant[C]

// Enter enters a connection under its tenant. It reports whether that was known, and whether the document of the connection is in force now.
func (all Tenants[C]) Enter(c C) (known, newest bool) {
	doc := c.Tenant()
	t := all[doc.ID]
	if t == nil {
		t = &Tenant[C]{}
		all[doc.ID] = t
	}
	known = t.Doc != nil
	if newest = !doc.OlderThan(t.Doc); newest {
		t.Doc = doc
	}
	*c.Seat() = Seat(len(t.Conns))
	t.Conns = append(t.Conns, c)
	return known, newest
}

// Leave takes a connection out.
func (all Tenants[C]) Leave(c C) {
	t := all[c.Tenant().ID]
	last := len(t.Conns) - 1
	other := t.Conns[last]
	t.Conns[*c.Seat()] = other
	*other.Seat() = *c.Seat()
	var none C
	t.Conns[last] = none
	t.Conns = t.Conns[:last]
}

// Document returns that of a tenant. On a pooled topic, one that nobody here serves has default rules.
func (all Tenants[C]) Document(tenant string) *realtime.Tenant {
	if t := all[tenant]; t != nil {
		return t.Doc
	}
	return &realtime.Tenant{ID: tenant}
}
