// Package backlog tells how much waits for the clients of each tenant.
package backlog

import "github.com/tidewire/tidewire/realtime"

// Levels are those of all queues, by tenant. The zero value has told nothing.
type Levels struct{ told map[string]waiting }

// waiting is what the queues of a tenant's connections hold.
type waiting struct{ messages, bytes int }

// Tell tells what waits: the queues, each with its tenant, which may have several. It takes back what it told of tenants that are no longer here.
func (l *Levels) Tell(to realtime.Metrics, queues func(yield func(tenant string, messages, bytes int))) {
	now := map[string]waiting{}
	queues(func(tenant string, messages, bytes int) {
		w := now[tenant]
		now[tenant] = waiting{w.messages + messages, w.bytes + bytes}
	})
	for id := range l.told {
		if _, here := now[id]; !here {
			level(to, id, waiting{})
		}
	}
	for id, w := range now {
		level(to, id, w)
	}
	l.told = now
}

func level(to realtime.Metrics, tenant string, w waiting) {
	to.Level(realtime.GaugeQueueMessages, tenant, w.messages)
	to.Level(realtime.GaugeQueueBytes, tenant, w.bytes)
}
