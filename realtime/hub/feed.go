package hub

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/contain"
	"github.com/tidewire/tidewire/realtime/hub/agenda"
	"github.com/tidewire/tidewire/realtime/hub/channel"
	"github.com/tidewire/tidewire/realtime/hub/fleet"
	"github.com/tidewire/tidewire/realtime/hub/logout"
	"github.com/tidewire/tidewire/realtime/hub/pattern"
	"github.com/tidewire/tidewire/realtime/hub/resident"
	"github.com/tidewire/tidewire/realtime/hub/schedule"
	"github.com/tidewire/tidewire/realtime/hub/state"
	"github.com/tidewire/tidewire/realtime/hub/stream"
	"github.com/tidewire/tidewire/realtime/internal/spread"
	"github.com/tidewire/tidewire/realtime/internal/uid"
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

	mu       sync.Mutex // guards all below, and what connections, readers, generations and channels say it does
	conns    []*Connection
	idle     time.Time // since when there are none
	stopped  bool
	runs     int // generations whose goroutine has not ended
	tenants  resident.Tenants[*Connection]
	asked    questions
	states   *state.Set
	alarm    agenda.Alarm  // of fx.Wheel
	turn     func()        // what it calls
	rest     *agenda.Parts // hands on what is on its way to readers; nil until there is some
	patterns *pattern.Set
	current  *generation
	next     *generation // being built to replace current
	whole    time.Time   // when all of the topic was last asked for, rather than single channels
	rebuilt  time.Time   // when a generation was last replaced
	tries    int         // replacements in a row that did not last
	longest  int         // most steps in one hold of the lock
	held     interface { // times the holds; nil except in benchmarks
		begin()
		end()
	}

	fleet  *fleet.Fleet[*Connection]
	chores chores

	sender stream.Sender
	fx     channel.Effects   // of what happens under the lock, to be carried out once unlocked
	out    []stream.Outgoing // control messages to publish once unlocked

	handed  schedule.Source // what was handed over to be flushed; the scheduler guards it
	written atomic.Uint64   // fx.Overrun when all of that had been

	directs *recent.IDs    // IDs of messages for connections
	logouts *logout.Memory // that closed connections lately
}

func newFeed(h *Hub, topic realtime.Topic) *feed {
	f := &feed{hub: h, topic: topic, pace: h.o.Pace, idle: time.Now(), tenants: resident.Tenants[*Connection]{}, directs: recent.NewIDs(h.o.Pace.Memory, time.Now()), logouts: logout.New(h.o.Pace.Memory, time.Now())}
	f.sender = stream.Sender{Broker: h.broker, Topic: topic, Lock: keeping{f}, Metrics: h.count, Log: h.log}
	f.asked.Questions = channel.NewQuestions()
	f.asked.f, f.chores.f = f, f
	f.fleet = fleet.New(attended{f}, fleet.Options{
		Instance: cmp.Or(h.o.Instance, uid.New()), Epoch: h.generation.Add(1), Effects: &f.fx, Metrics: h.count, Log: h.log, Budget: h.o.Budget, Audience: h.o.Audience,
	})
	f.fx.Wheel, f.fx.Panicked = channel.NewWheel(), func(c *channel.Client, fault any) {
		contain.Report(h.log, h.count, contain.Connection, fault, []any{realtime.KeyConnection, c.Conn})
		f.fx.Fail(c)
	}
	f.ctx, f.cancel = context.WithCancel(context.Background())
	f.states, f.turn = newStates(f), func() { turn(f) }
	f.patterns = pattern.New(roamers{keeping{f}}, f.pace.Margin, f.pace.Skew)
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
		gone = slices.Concat(f.chores.leaving, f.generations())
	}
	f.fleet.Bye(time.Now())
	for _, g := range gone {
		_ = contain.Do(f.hub.log, f.hub.count, contain.Topic, func() { channel.Finish(g.channels) }, realtime.KeyTopic, f.topic)
	}
	f.stopped = true
	f.states.Release()
	f.alarm.Stop()
	for f.asked.First() != nil { // nothing is delivered by this topic any more
		f.asked.refuse(f.asked.First(), &realtime.Error{Code: realtime.CodeDraining, Message: "this instance is going away", RetryAfter: time.Second})
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
	if err := f.logouts.Refuses(c.Principal()); err != nil {
		return err
	}
	c.index, c.connected = len(f.conns), time.Now()
	c.beatAt = time.Now().Add(spread.Part(f.pace.Heartbeat, c.id))
	if life := f.hub.o.Lifetime; life > 0 {
		c.moveAt = time.Now().Add(life - spread.Part(life/10, c.id))
	}
	f.conns = append(f.conns, c)
	known, newest := f.tenants.Enter(c)
	if newest {
		c.client.Schedule.Tenant().SetWeight(weightOf(c.Tenant()))
	}
	switch {
	case f.current == nil:
		f.current = f.newGeneration(realtime.ReasonFirst)
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
	if err := f.logouts.Refuses(p); err != nil {
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
	f.hub.agenda.Remove(c)
	f.tenants.Leave(c)
	f.forget(c.Tenant().ID)
	c.mu.Lock()
	readers := c.readers
	c.readers = nil
	c.mu.Unlock()
	for _, r := range readers {
		f.fx.Steps++
		f.asked.detach(r)
	}
	for _, s := range c.patterns {
		f.patterns.Remove(s)
	}
	c.patterns = nil
	f.fleet.Forget(c)
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
