package hub

import (
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/hub/fleet"
	"github.com/tidewire/tidewire/realtime/outbox"
)

// Update puts a tenant's newer document in force for what is open already: the limits of its
// connections and their queues, the rules of its channels, the memory of its records. A record
// that is larger than the new rules allow shrinks with the next Publication. It does not move
// connections to another topic, nor close those of a tenant that is suspended: their owner does. A document that is
// older than the one in force changes nothing.
func (h *Hub) Update(t *realtime.Tenant) {
	for _, f := range h.followed() {
		f.update(t)
	}
}

func (f *feed) update(t *realtime.Tenant) {
	f.lock()
	defer f.unlock()
	r := f.tenants[t.ID]
	if r == nil || t.OlderThan(r.Doc) {
		return // nobody of it has been here, or a newer one is in force
	}
	r.Doc = t
	queue := queueOf(t)
	if len(r.Conns) > 0 {
		r.Conns[0].client.Schedule.Tenant().SetWeight(weightOf(t))
	}
	for _, c := range r.Conns {
		c.tenant.Store(t)
		c.client.Box.SetLimits(queue)
	}
	f.chores.reviews = append(f.chores.reviews, r.Conns...)
	f.chores.start()
	f.states.Obey(t)
	fleet.Obey(f.fleet, t, time.Now())
	for _, g := range f.generations() {
		g.channels.Obey(t)
	}
}

// queueOf returns the bounds of the queues of a tenant's connections.
func queueOf(t *realtime.Tenant) *outbox.Limits {
	limits := t.Limits.WithDefaults()
	return &outbox.Limits{Messages: limits.QueueMessages, Bytes: limits.QueueBytes}
}

// weightOf is how much of the processors a tenant has, beside others.
func weightOf(t *realtime.Tenant) int { return t.Limits.WithDefaults().Weight }
