package probe

import (
	"slices"
	"sync"

	tidewire "github.com/tidewire/tidewire/clients/go"
)

// holder keeps the sockets of the last runs open. A gateway follows a tenant's topic while it holds a socket of it, and lets it go soon after
// the last one: without this each run of a tenant that has no other clients has a subscription made and its replay begun anew, some
// 130,000 times a month, and Pub/Sub may take a minute for it. It is safe for concurrent use.
//
// The function has no CPU between its runs. That is no harm: a socket stays open without it, the client answers the gateway's pings when
// there is CPU again, and a gateway closes what has been silent for a minute.
type holder struct {
	most int

	mu      sync.Mutex
	clients []*tidewire.Client // guarded by mu; the oldest first
}

// keep takes over the client of a run that is over. The oldest is closed if there are too many.
func (h *holder) keep(c *tidewire.Client) {
	h.mu.Lock()
	h.clients = append(slices.DeleteFunc(h.clients, ended), c)
	var gone *tidewire.Client
	if len(h.clients) > h.most {
		gone = h.clients[0]
		h.clients = slices.Delete(h.clients, 0, 1)
	}
	h.mu.Unlock()
	if gone != nil {
		gone.Close()
	}
}

// ended reports whether a client's socket was closed.
func ended(c *tidewire.Client) bool { return c.Err() != nil }

// close closes all of them.
func (h *holder) close() {
	h.mu.Lock()
	clients := h.clients
	h.clients = nil
	h.mu.Unlock()
	for _, c := range clients {
		c.Close()
	}
}
