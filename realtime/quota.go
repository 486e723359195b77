package realtime

import "time"

// quota bounds the records of one tenant in one generation. Across its channels the oldest
// Publication goes first. It is guarded by feed.mu.
type quota struct {
	g      *generation
	tenant *Tenant
	limit  int
	used   int
	order  []slot // of every entry, in the order they were remembered
	head   int
}

// slot names an entry of a channel's record by its number; it is void once the entry is gone.
type slot struct {
	ch     *channel
	number uint64
}

func newQuota(g *generation, tenant string) *quota {
	t := g.feed.tenants[tenant]
	if t == nil {
		t = &Tenant{ID: tenant} // on a pooled topic, one that nobody here serves has default rules
	}
	return &quota{g: g, tenant: t, limit: t.Limits.WithDefaults().RecordBytes}
}

func (q *quota) took(n int)  { q.used += n }
func (q *quota) freed(n int) { q.used -= n }
func (q *quota) over() bool  { return q.used > q.limit }

// remember appends an entry to the channel's record and evicts what is too much.
func (ch *channel) remember(e entry, now time.Time) {
	q, count := ch.quota, ch.g.feed.hub.count
	ch.rec.append(e)
	q.took(e.cost())
	q.order = append(q.order, slot{ch, ch.rec.first + uint64(ch.rec.len()) - 1})
	for ch.rec.len() > ch.rules.Window { // more than one after its rules have changed
		q.freed(ch.rec.evict())
		count.Add(CountEvictions, ch.name.tenant, "count", 1)
	}
	ch.expire(now)
	for q.over() && q.head < len(q.order) {
		s := q.order[q.head]
		q.order[q.head] = slot{}
		q.head++
		if s.number >= s.ch.rec.first && s.ch.rec.len() > 0 {
			q.freed(s.ch.rec.evict())
			count.Add(CountEvictions, ch.name.tenant, "memory", 1)
		}
	}
	if q.head > 256 && q.head > len(q.order)/2 || len(q.order) > 1024 && q.head == 0 && q.void() {
		q.compact()
	}
}

// void reports whether the front of the order names an entry that is gone.
func (q *quota) void() bool {
	s := q.order[q.head]
	return s.number < s.ch.rec.first
}

// compact drops the slots of entries that are gone.
func (q *quota) compact() {
	kept := q.order[:0]
	for _, s := range q.order[q.head:] {
		if s.number >= s.ch.rec.first {
			kept = append(kept, s)
		}
	}
	clear(q.order[len(kept):])
	q.order, q.head = kept, 0
}

// expire evicts what is older than the channel's window.
func (ch *channel) expire(now time.Time) {
	oldest := now.Add(-time.Duration(ch.rules.WindowFor)).UnixMilli()
	n := 0
	for ch.rec.len() > 0 && ch.rec.at(0).at.Time < oldest {
		ch.quota.freed(ch.rec.evict())
		n++
	}
	if n > 0 {
		ch.g.feed.hub.count.Add(CountEvictions, ch.name.tenant, "age", n)
	}
}
