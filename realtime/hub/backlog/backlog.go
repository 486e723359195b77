// Package backlog tells how much waits for the clients of each tenant, and where the process is short of memory it closes those for whom most does.
package backlog

import (
	"cmp"
	"iter"
	"slices"

	"github.com/tidewire/tidewire/realtime"
)

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

// Longest returns those of some queues, each with who has it, that hold so many bytes at least, the longest first.
func Longest[C any](least int, queues iter.Seq2[C, int]) iter.Seq2[C, int] {
	type queue struct {
		of    C
		bytes int
	}
	var all []queue
	for c, n := range queues {
		if n >= least {
			all = append(all, queue{c, n})
		}
	}
	slices.SortFunc(all, func(a, b queue) int { return cmp.Compare(b.bytes, a.bytes) })
	return func(yield func(C, int) bool) {
		for _, q := range all {
			if !yield(q.of, q.bytes) {
				return
			}
		}
	}
}
