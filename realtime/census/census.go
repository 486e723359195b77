package census

import (
	"encoding/json"
	"iter"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// How long things last.
const (
	Every  = time.Second            // how often Tick is to be called; changes are gathered for as long
	Lease  = 30 * time.Second       // what an instance has said is forgotten if nothing is heard from it for that long
	AskFor = 70 * time.Second       // an ask holds for that long
	Settle = 750 * time.Millisecond // who has asked has been answered by all when that has passed, unless a message is late

	renewEvery = 20 * time.Second // asks are renewed: one that was lost on its way is heard then
	aliveEvery = Lease / 3        // who has reported and has nothing to say says so
	againAfter = 2 * time.Second  // what comes out of order has come by then, or is lost
	againEvery = 5 * time.Second  // between two asks for what was lost
	byeAfter   = 5 * time.Second  // what an instance has said is forgotten when it has gone: its clients are elsewhere by then
	lookEvery  = 10 * time.Second // leases and asks are looked through
)

// MaxSubjects is how many subjects an instance tells others of: what more they ask for is not answered. What it wants itself is bounded by
// the limits of its connections.
const MaxSubjects = 50_000

// Owner is who has a Census.
type Owner interface {
	// Send publishes a message to the topic. failed is called later if it may not have been stored, as all methods of a Census are.
	Send(m *realtime.Message, failed func())
	// Open says that somebody wants to know of a subject: what changes of this instance's own is to be told by Put from now on.
	// Close ends that.
	Open(subject realtime.Channel)
	Close(subject realtime.Channel)
	// Own returns all that this instance has of a subject that is open. The values are not changed afterwards.
	Own(subject realtime.Channel) iter.Seq2[string, json.RawMessage]
	// Heard says what another instance has of a subject that is wanted here, as Parse has read it; a value of nil: it has it no more.
	Heard(subject realtime.Channel, instance, key string, value any)
	// Query has reply called with each part of what this instance answers, the last one last; perhaps later, and not at all if it answers nothing.
	Query(q *Query, reply func(*Answer))
}

// Census is what one instance knows of the others on one topic, and what they know of it. It is not safe for concurrent
// use, calls nothing but its Owner, and keeps nothing of a Message but its values.
type Census struct {
	owner    Owner
	metrics  realtime.Metrics
	instance string
	epoch    uint64
	n        uint64 // of the last message sent
	sentAt   time.Time

	subjects map[realtime.Channel]*subject
	others   map[string]*other
	dirty    map[realtime.Channel]struct{} // subjects with something for the next Tick
	early    []early                       // asks of a replay that has not begun
	queries  queries
	renewAt  time.Time
	lookAt   time.Time
}

// subject is what is known of one: who asks, what was reported, what others report.
type subject struct {
	channel realtime.Channel
	wanted  bool
	again   time.Time // when it was last asked for whole
	asked   map[string]*asking

	sent    uint64 // number of the last report to those who ask; 0: they have been told nothing
	sentAt  time.Time
	owes    bool // a whole report is due
	wholeAt time.Time
	changed map[string]json.RawMessage // to be reported; nil: gone

	reports map[string]*reported // by instance
}

// asking is an instance that asks.
type asking struct {
	n     uint64 // of its newest ask
	fresh uint64 // of the newest that was fresh
	until time.Time
	ended bool // kept so that an older ask that comes late does not begin it anew
}

// New returns a Census of an instance that knows nothing. A later one of the same instance and topic has a larger epoch.
func New(owner Owner, instance string, epoch uint64, metrics realtime.Metrics) *Census {
	return &Census{
		owner: owner, metrics: metrics, instance: instance, epoch: epoch,
		subjects: map[realtime.Channel]*subject{}, others: map[string]*other{}, dirty: map[realtime.Channel]struct{}{},
	}
}

// Want begins to want to know of a subject. What others have comes by Owner.Heard, within Settle if no message is late.
func (c *Census) Want(ch realtime.Channel, now time.Time) {
	s := c.subject(ch)
	if s.wanted {
		return
	}
	s.wanted = true
	if c.renewAt.IsZero() {
		c.renewAt = now.Add(renewEvery)
	}
	c.ask(now, true, s)
}

// Release ends that, and says of all that others have that they have it no more.
func (c *Census) Release(ch realtime.Channel, now time.Time) {
	s := c.subjects[ch]
	if s == nil || !s.wanted {
		return
	}
	for instance := range s.reports {
		c.drop(s, instance)
	}
	s.wanted = false
	c.send(realtime.Channel{}, &body{Asks: []ask{{Tenant: ch.Tenant(), Channel: ch.Name(), Ends: true}}}, now, func() {}) // else it ends by itself
	c.rest(s)
}

// Len is how many subjects are known.
func (c *Census) Len() int { return len(c.subjects) }

// Put says what has changed of this instance's own, of a subject that is open; a value of nil: it has it no more. Only the newest of a key is reported.
// The first after a pause is reported at once.
func (c *Census) Put(ch realtime.Channel, key string, value json.RawMessage, now time.Time) {
	s := c.subjects[ch]
	if s == nil || !s.isAsked() || s.owes {
		return // a whole report has it
	}
	if s.changed == nil {
		s.changed = map[string]json.RawMessage{}
	}
	s.changed[key] = value
	if s.sent != 0 && now.Sub(s.sentAt) >= Every {
		c.change(s, now)
		return
	}
	c.dirty[ch] = struct{}{}
}

// Again says that all of this instance's own of a subject may have changed: it is reported whole.
func (c *Census) Again(ch realtime.Channel) {
	if s := c.subjects[ch]; s != nil && s.isAsked() {
		s.owes, s.changed = true, nil
		c.dirty[ch] = struct{}{}
	}
}

// subject returns what is known of one, from now on.
func (c *Census) subject(ch realtime.Channel) *subject {
	s := c.subjects[ch]
	if s == nil {
		s = &subject{channel: ch}
		c.subjects[ch] = s
		c.owner.Open(ch)
	}
	return s
}

// rest forgets a subject of which nobody wants to know.
func (c *Census) rest(s *subject) {
	if s.wanted || len(s.asked) > 0 {
		return
	}
	delete(c.subjects, s.channel)
	delete(c.dirty, s.channel)
	c.owner.Close(s.channel)
}

func (s *subject) isAsked() bool {
	for _, a := range s.asked {
		if !a.ended {
			return true
		}
	}
	return false
}

// send publishes a message.
func (c *Census) send(ch realtime.Channel, b *body, now time.Time, failed func()) {
	c.sentAt = now
	c.publish(ch, b, failed)
}

func (c *Census) publish(ch realtime.Channel, b *body, failed func()) {
	c.n++
	b.Epoch, b.N = c.epoch, c.n
	m := message(ch, c.instance, b)
	c.metrics.Add(realtime.CountCensus, ch.Tenant(), b.what(), 1)
	c.metrics.Add(realtime.CountCensusBytes, ch.Tenant(), realtime.NoReason, len(m.Data))
	c.owner.Send(m, failed)
}
