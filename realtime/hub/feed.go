package hub

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/hub/channel"
	"github.com/tidewire/tidewire/realtime/internal/spread"
	"github.com/tidewire/tidewire/realtime/outbox"
	"github.com/tidewire/tidewire/realtime/recent"
)

// feed is what the hub holds of one topic: the connections of its tenants and
// the generation that follows it, two while one replaces the other.
type feed struct {
	hub   *Hub
	topic realtime.Topic
	pace  Pace

	ctx    context.Context // ends with stop
	cancel context.CancelFunc

	mu        sync.Mutex // guards all below, and what connections, readers, generations and channels say it does
	conns     []*Connection
	idle      time.Time // since when there are none
	stopped   bool
	runs      int // generations whose goroutine has not ended
	tenants   map[string]*resident
	asked     channel.Questions
	current   *generation
	next      *generation // being built to replace current
	rebuilt   time.Time   // when a generation was last replaced
	tries     int         // replacements in a row that did not last
	watched   map[realtime.Channel]*watch
	lingering int           // of watched, those that nobody watches
	reviews   []*Connection // whose rights are to be looked at again
	leaving   []*generation // failed while they were built: their readers go back to current
	working   bool          // chores are being done
	longest   int           // most steps in one hold of the lock
	held      *held         // times the holds; nil except in benchmarks

	fx  channel.Effects // of what happens under the lock, to be carried out once unlocked
	out []outgoing      // control messages to publish once unlocked

	directs *recent.IDs // IDs of messages for connections
	logouts *logouts    // that closed connections lately
}

func newFeed(h *Hub, topic realtime.Topic) *feed {
	f := &feed{hub: h, topic: topic, pace: h.o.Pace, idle: time.Now(), tenants: map[string]*resident{}, watched: map[realtime.Channel]*watch{}, directs: recent.NewIDs(h.o.Pace.Memory, time.Now()), logouts: newLogouts(h.o.Pace.Memory, time.Now())}
	f.ctx, f.cancel = context.WithCancel(context.Background())
	return f
}

// stop ends the feed's goroutines and refuses what waits.
func (f *feed) stop() {
	var gone []*generation // at the first call
	over := false
	defer func() {
		for _, g := range gone {
			g.channels.Records().Release()
		}
		if over {
			f.hub.wentAway(f)
		}
	}()
	defer f.cancel()
	f.lock()
	defer f.unlock()
	if !f.stopped {
		gone = slices.Concat(f.leaving, f.generations())
	}
	f.stopped = true
	for f.asked.First() != nil { // nothing is delivered by this topic any more
		f.refuse(f.asked.First(), &realtime.Error{Code: realtime.CodeDraining, Message: "this instance is going away", RetryAfter: time.Second})
	}
	for _, g := range f.generations() {
		g.cancel()
	}
	for id := range f.tenants {
		f.hub.count.Level(realtime.GaugeRecordBytes, id, 0)
	}
	over = f.runs == 0
}

// ran is the end of a generation's goroutine.
func (f *feed) ran() {
	f.mu.Lock()
	f.runs--
	over := f.stopped && f.runs == 0
	f.mu.Unlock()
	if over {
		f.hub.wentAway(f)
	}
}

func (f *feed) generations() []*generation {
	if f.next == nil {
		return []*generation{f.current}
	}
	return []*generation{f.current, f.next}
}

// add takes a connection, unless its user was logged out since its token was verified.
func (f *feed) add(c *Connection) *realtime.Error {
	f.lock()
	defer f.unlock()
	if err := f.logouts.refuses(c.Principal()); err != nil {
		return err
	}
	c.index, c.connected = len(f.conns), time.Now()
	c.beatAt = time.Now().Add(spread.Part(f.pace.Heartbeat, c.id))
	if life := f.hub.o.Lifetime; life > 0 {
		c.moveAt = time.Now().Add(life - spread.Part(life/10, c.id))
	}
	f.conns = append(f.conns, c)
	known := f.moveIn(c)
	switch {
	case f.current == nil:
		f.current = f.newGeneration("first")
	case !known: // on a pooled topic its record began without its document
		for _, g := range f.generations() {
			g.channels.Obey(c.Tenant())
		}
	}
	f.schedule(c)
	return nil
}

// renew gives a connection another principal, unless its user was logged out since its token was
// verified, and returns what it may not have any more.
func (f *feed) renew(c *Connection, p *realtime.Principal) ([]realtime.Right, error) {
	f.lock()
	defer f.unlock()
	if err := f.logouts.refuses(p); err != nil {
		return nil, err
	}
	c.principal.Store(p)
	if c.index < 0 {
		return nil, nil // it has gone, and with it all that it had
	}
	f.schedule(c) // it ends at another time
	return f.review(c), nil
}

// remove takes a connection and its subscriptions out. It is false the second time.
func (f *feed) remove(c *Connection) bool {
	f.lock()
	defer f.unlock()
	if c.index < 0 {
		return false
	}
	last := len(f.conns) - 1
	f.conns[c.index] = f.conns[last]
	f.conns[c.index].index = c.index
	f.conns[last] = nil
	f.conns = f.conns[:last]
	c.index = -1
	if len(f.conns) == 0 {
		f.idle = time.Now()
	}
	f.hub.agenda.remove(c)
	f.moveOut(c)
	c.mu.Lock()
	readers := c.readers
	c.readers = nil
	c.mu.Unlock()
	for _, r := range readers {
		f.fx.Steps++
		f.detach(r)
	}
	f.unwatchAll(c)
	return true
}

// retire reports whether nobody has needed the feed for that long.
func (f *feed) retire(linger time.Duration) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.conns) == 0 && time.Since(f.idle) >= linger
}

func (f *feed) connections() []*Connection {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]*Connection(nil), f.conns...)
}

// ask puts the question of a subscribe where it can be answered.
func (f *feed) ask(q *channel.Question) {
	f.lock()
	defer f.unlock()
	r, c := q.Reader, connectionOf(q.Reader)
	defer f.containQuestion(r)
	gone := r.State() == channel.Gone
	r.Asks(q)
	f.asked.Add(q)
	if gone {
		f.refuse(q, realtime.Errorf(realtime.CodeNotFound, "channel: %q was unsubscribed before it was answered", r.Channel().Name()))
		return
	}
	if !c.Principal().May(realtime.ActionSubscribe, r.Channel()) { // it has renewed its token meanwhile
		f.refuse(q, noGrant(r.Channel()))
		return
	}
	if f.stopped || c.index < 0 {
		f.refuse(q, &realtime.Error{Code: realtime.CodeDraining, Message: "this instance is going away", RetryAfter: time.Second})
		return
	}
	// While a new generation is built, the old one still answers what it is
	// sure of: the reader then moves with the others.
	if f.next != nil {
		if f.current.channels.Open(r.Channel()).AnswerAtOnce(q) {
			return
		}
		f.next.channels.Open(r.Channel()).Ask(q)
		return
	}
	f.current.channels.Open(r.Channel()).Ask(q)
}

// drop ends a subscription that its connection has let go already.
func (f *feed) drop(r *channel.Reader) {
	f.lock()
	defer f.unlock()
	f.detach(r)
	r.Client().Box.Forget(r.Channel())
}

// detach takes a reader out of its channel, or out of the questions that wait.
func (f *feed) detach(r *channel.Reader) {
	if q := r.Question(); q != nil {
		f.refuse(q, realtime.Errorf(realtime.CodeNotFound, "channel: %q was unsubscribed before it was answered", r.Channel().Name()))
	}
	if r.End() {
		f.left(r)
	}
}

// refuse answers a question with an error and forgets its reader. f.mu is held.
func (f *feed) refuse(q *channel.Question, err *realtime.Error) {
	if !q.Withdraw() {
		return // answered meanwhile
	}
	f.fx.Steps++
	f.asked.Remove(q)
	r, c := q.Reader, connectionOf(q.Reader)
	c.owed.Add(-1)
	c.takeIf(func(have *channel.Reader) bool { return have == r })
	f.hub.count.Add(realtime.CountAnswers, r.Channel().Tenant(), realtime.Reason(err.Code), 1)
	f.fx.Push(&c.client, &outbox.Delivery{Frame: c.client.Protocol.Refused(q.Request.ID, r.Channel(), err)})
}

// carryOut does what has followed for questions and generations. f.mu is held.
func (f *feed) carryOut() {
	for i, q := range f.fx.Answered {
		f.asked.Remove(q)
		connectionOf(q.Reader).owed.Add(-1)
		f.joined(q.Reader)
		f.fx.Answered[i] = nil
	}
	f.fx.Answered = f.fx.Answered[:0]
	if f.fx.Moved {
		f.fx.Moved = false
		f.settle()
	}
}

// connectionOf is the connection of a reader.
func connectionOf(r *channel.Reader) *Connection { return r.Client().Conn.(*Connection) }
