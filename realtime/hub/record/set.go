package record

import (
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/budget"
)

// Owner hears what becomes of records. It is called under the lock that guards them, and may remove the record that it
// hears of, but change nothing else.
type Owner interface {
	// Evicted says that n Publications of a channel were given up, and why: a reason of realtime.CountEvictions.
	Evicted(c realtime.Channel, why realtime.Reason, n int)
	// Emptied says that a record has given up the last that it held.
	Emptied(c realtime.Channel)
	// Unencodable says that a Publication could not be put by a protocol: its readers are told gap in its place.
	Unencodable(c realtime.Channel)
}

// Options configure a Set. Owner is required.
type Options struct {
	Owner  Owner
	Budget *budget.Budget // what all records of the process take is counted there; nil has no bound
	Skew   time.Duration  // by how much the publish times of a channel may decrease
	Memory time.Duration  // how long a tenant without records is remembered at least
	Anew   bool           // a channel that is opened again is brought anew, and with it what a record of it had that was removed
}

// Set holds the records that come of one stream of a topic.
type Set struct {
	o            Options
	complete     time.Time // the stream brings all that was published since
	quotas       map[string]*Quota
	older, newer *Set
	grown        []*Quota // whose records encodings have made grow
	vacant       []*Quota // that had no records left, in that order
	forgotten    int64    // newest entry ever evicted from a record that was removed, of tenants that were forgotten, ms
	shown        scratch
}

// New returns a Set that holds nothing.
func New(o Options) *Set { return &Set{o: o, quotas: map[string]*Quota{}} }

// Complete says since when the stream brings all that was published.
func (s *Set) Complete(since time.Time) { s.complete = since }

// CompleteSince says since when the stream brings all that was published to the channel of a record, if it is not known of all channels at once.
func CompleteSince(r *Record, since time.Time) {
	r.complete = since.Add(time.Millisecond - 1).UnixMilli()
}

// completeSince is since when the stream brings all that was published to the channel.
func completeSince(r *Record) time.Time {
	if r.complete == 0 {
		return r.quota.set.complete
	}
	return time.UnixMilli(r.complete)
}

// Replaces says that the Set is to replace an older one, and not that which was to replace it before: until one of them is
// alone, both count against the same bounds.
func (s *Set) Replaces(older *Set) {
	if failed := older.newer; failed != nil {
		failed.older = nil
	}
	s.older, older.newer = older, s
}

// Alone says that the Set it was to replace is let go.
func (s *Set) Alone() {
	if s.older != nil {
		s.older.newer, s.older = nil, nil
	}
}

// Quota returns a tenant's, nil if it has none.
func (s *Set) Quota(tenant string) *Quota { return s.quotas[tenant] }

// Open returns a new record for a channel, by the rules that its tenant's Quota has. If there is none yet, it is made by the document.
func (s *Set) Open(name realtime.Channel, t *realtime.Tenant) *Record {
	q := s.quotas[name.Tenant()]
	if q == nil {
		q = newQuota(s, t)
		s.quotas[name.Tenant()] = q
	}
	r := &Record{name: name, quota: q, mate: len(q.records)}
	r.Obey(q.tenant.Rules(name.Namespace()))
	r.series.since, r.series.skew = s.complete, s.o.Skew
	r.skew = s.skew()
	q.records = append(q.records, r)
	q.took(cost(r.name), 0)
	return r
}

// Fit evicts what a channel that was opened is too much.
func (s *Set) Fit(r *Record) { r.quota.fit(cost(r.name)) }

func (s *Set) skew() int64 { return s.o.Skew.Milliseconds() }

// Remove takes out a record that holds nothing. What it held is remembered as missing: a
// new record of the tenant does not claim to be complete since then.
func (s *Set) Remove(r *Record) {
	q := r.quota
	if !s.o.Anew {
		q.forgotten = max(q.forgotten, r.evicted.Time, r.since.UnixMilli()-1, r.newest)
	}
	q.oldest.Remove(r)
	last := len(q.records) - 1
	q.records[r.mate], q.records[last].mate = q.records[last], r.mate
	q.records[last] = nil
	q.records = q.records[:last]
	q.freed(cost(r.name), 0)
	if last == 0 {
		q.vacant = time.Now()
		s.vacant = append(s.vacant, q)
	}
}

// Forgotten is when the newest was published of what records have held that were removed, ms: of a tenant's, or of those that were
// forgotten.
func (s *Set) Forgotten(tenant string) int64 {
	if q := s.quotas[tenant]; q != nil {
		return max(s.forgotten, q.forgotten)
	}
	return s.forgotten
}

// ForgetTenant drops the Quota of a tenant that has had no records for so long that what is
// remembered as missing of it may as well be remembered for all. It returns its ID, and whether there are more to be looked at.
func (s *Set) ForgetTenant(now time.Time) (id string, more bool) {
	if len(s.vacant) == 0 || now.Sub(s.vacant[0].vacant) < s.o.Memory {
		return "", false
	}
	q := s.vacant[0]
	s.vacant[0], s.vacant = nil, s.vacant[1:]
	if len(q.records) > 0 || now.Sub(q.vacant) < s.o.Memory || s.quotas[q.tenant.ID] != q {
		return "", true // it has records again, or had
	}
	s.forgotten = max(s.forgotten, q.forgotten)
	delete(s.quotas, q.tenant.ID)
	return q.tenant.ID, true
}

// FitGrown evicts what has become too much by encodings. It is called when nobody goes through a record.
func (s *Set) FitGrown() {
	for i, q := range s.grown {
		q.fit(q.grown)
		q.grown = 0
		s.grown[i] = nil
	}
	s.grown = s.grown[:0]
}

// Release takes what the records of a Set that has been let go hold out of the Budget. Nobody uses the Set any more.
func (s *Set) Release() {
	b := s.o.Budget
	if b == nil {
		return
	}
	for _, q := range s.quotas {
		for _, r := range q.records {
			for i := range r.Len() {
				e := r.At(i)
				b.Take(-e.cost(), e.At.Time)
			}
			for i := range r.buffer.messages {
				m := &r.buffer.messages[i].Message
				b.Take(-bufferedCost(m), m.Time.UnixMilli())
			}
			b.Take(-r.buffer.lost.bytes, 0)
			b.Take(-cost(r.name), 0)
		}
	}
}
