package hub

import "github.com/tidewire/tidewire/realtime"

// waiting is what the queues of a tenant's connections hold.
type waiting struct{ messages, bytes int }

// weigh tells the levels of all queues, by tenant: one that is being moved has connections on two topics. It returns them, to be
// given to the next call, which takes back those of tenants that are no longer here.
func (h *Hub) weigh(feeds []*feed, before map[string]waiting) map[string]waiting {
	now := map[string]waiting{}
	for _, f := range feeds {
		for _, c := range f.connections() {
			messages, bytes := c.client.Box.Weight()
			w := now[c.Tenant().ID]
			now[c.Tenant().ID] = waiting{w.messages + messages, w.bytes + bytes}
		}
	}
	for id := range before {
		if _, here := now[id]; !here {
			h.tellQueue(id, waiting{})
		}
	}
	for id, w := range now {
		h.tellQueue(id, w)
	}
	return now
}

func (h *Hub) tellQueue(tenant string, w waiting) {
	h.count.Level(realtime.GaugeQueueMessages, tenant, w.messages)
	h.count.Level(realtime.GaugeQueueBytes, tenant, w.bytes)
}
