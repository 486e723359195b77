package state

import (
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// unkept says, for each namespace of a tenant, when a stream last forgot a channel whose state was not kept, in ms: what it had brought
// is not in a state that is opened later.
type unkept map[realtime.NamespaceRef]int64

// mostUnkept is how many namespaces are told apart. Of more, all are taken for one.
const mostUnkept = 4096

// everything is what all are that are not told apart.
var everything = realtime.NamespaceRef{}

func (u unkept) last(c realtime.Channel) int64 {
	return max(u[realtime.NamespaceRef{Tenant: c.Tenant(), Namespace: c.Namespace()}], u[everything])
}

func (u unkept) add(c realtime.Channel, ms int64) {
	if len(u) >= mostUnkept {
		clear(u)
		u[everything] = ms
	}
	u[realtime.NamespaceRef{Tenant: c.Tenant(), Namespace: c.Namespace()}] = ms
}

// forget drops what was before a moment, in ms.
func (u unkept) forget(before int64) {
	for ref, ms := range u {
		if ms < before {
			delete(u, ref)
		}
	}
}

// Unkept is told that a stream forgets a channel of which it may have brought what is not in its state: its namespace kept none.
func (ss *Set) Unkept(c realtime.Channel) {
	ss.unkept.add(c, time.Now().UnixMilli())
	ss.Begun(c)
}
