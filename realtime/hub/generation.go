package hub

import (
	"context"
	"errors"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/contain"
	"github.com/tidewire/tidewire/realtime/hub/channel"
	"github.com/tidewire/tidewire/realtime/hub/fleet"
	"github.com/tidewire/tidewire/realtime/hub/inspect"
	"github.com/tidewire/tidewire/realtime/hub/stream"
	"github.com/tidewire/tidewire/realtime/internal/uid"
	"github.com/tidewire/tidewire/realtime/recent"
)

// generation is one following of a topic: a stream, what came of it, and the
// record it builds. Its fields are guarded by feed.mu unless said otherwise.
type generation struct {
	feed   *feed
	number uint64
	ctx    context.Context // ends when it is let go
	cancel context.CancelFunc
	why    realtime.Reason

	stream   stream.Options
	single   *stream.Channels // nil: it follows the whole topic
	channels *channel.Set
	opened   time.Time       // when the stream was
	asked    time.Time       // when the opening was asked for, after the beacon was stored
	beacon   string          // ID of the beacon published before the stream was opened
	unfit    realtime.Reason // why it has to be replaced; empty if it has not
	seen     *recent.IDs
	passing  *recent.IDs // of what is transient, of which there may be very much

	heard   int64     // newest publish time that came, ms
	heardAt time.Time // when anything last came
	began   time.Time // when its beacon was published, once that has come back
	pulse   stream.Pulse
}

// newGeneration begins to follow the topic.
func (f *feed) newGeneration(why realtime.Reason) *generation {
	now := time.Now()
	g := &generation{
		feed: f, number: f.hub.generation.Add(1), why: why,
		beacon: uid.New(), seen: recent.NewIDs(f.pace.Memory, now), passing: recent.NewIDs(2*realtime.TransientTTL, now), heardAt: now,
	}
	o := channel.Options{
		Effects: &f.fx, Metrics: f.hub.count, Log: f.hub.log, Budget: f.hub.o.Budget,
		Skew: f.pace.Skew, Margin: f.pace.Margin, Memory: f.pace.Memory, Traces: f.hub.o.Tracer != nil, Part: f.hub.part, Holes: why == realtime.ReasonHole,
		Document: f.tenants.Document, After: g.after, State: f.states.Of, Doubt: f.states.Doubt, Begun: f.states.Begun, Unkept: f.states.Unkept, Opened: f.patterns.Opened,
		Home: func(t *realtime.Tenant) bool { return f.hub.o.Placement(t) == f.topic },
	}
	g.ctx, g.cancel = context.WithCancel(f.ctx)
	single(g, &o, now)
	g.channels = channel.New(o)
	g.stream = stream.Options{
		Owner: following{g}, Broker: f.hub.broker, Topic: f.topic, Instance: f.hub.o.Instance, Number: g.number, Beacon: g.beacon, Pace: f.pace,
		Metrics: f.hub.count, Log: f.hub.log, Single: g.single,
	}
	f.hub.count.Add(realtime.CountFollows, "", why, 1)
	f.hub.log.Debug("following", realtime.KeyTopic, f.topic, realtime.KeyReason, why, realtime.KeyCount, g.number)
	f.runs++
	f.hub.running.Go(func() {
		defer f.ran()
		g.run()
	})
	return g
}

// run opens the stream and receives until it ends or the generation is let go.
func (g *generation) run() {
	opened := stream.Open(g.ctx, &g.stream)
	if opened == nil {
		return
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(g.ctx), g.feed.pace.Beacon)
		defer cancel()
		if err := stream.Close(ctx, &g.stream, opened); err != nil {
			g.feed.hub.log.Warn("a stream was not closed cleanly", realtime.KeyTopic, g.feed.topic, realtime.KeyError, err)
		}
	}()
	h := g.feed.hub
	sifter := inspect.New(inspect.Options{Topic: g.feed.topic, Placement: h.o.Placement, Payload: h.payload, Metrics: h.count, Log: h.log})
	for {
		messages, err := stream.Receive(g.ctx, &g.stream, opened)
		if fault := g.take(sifter, messages, errors.Is(err, realtime.ErrBroken)); fault != nil {
			err = fault
		}
		switch {
		case g.ctx.Err() != nil:
			return
		case err != nil && !errors.Is(err, realtime.ErrBroken):
			g.feed.hub.log.Warn("a stream ended", realtime.KeyTopic, g.feed.topic, realtime.KeyError, err)
			g.hasEnded()
			return
		}
	}
}

// take handles what was received. An error says that some of it was not, for a panic.
func (g *generation) take(sifter *inspect.Inspector, messages []realtime.Message, broken bool) (err error) {
	defer g.feed.caught(contain.Topic, &err)
	if messages = sifter.Sift(messages); len(messages) > 0 {
		g.received(messages)
	}
	if broken && g.ctx.Err() == nil {
		g.broken()
	}
	return nil
}

// received handles a batch from the stream, a burst at a time.
func (g *generation) received(messages []realtime.Message) {
	for len(messages) > 0 {
		n, bytes := 0, 0
		for n < len(messages) && n < realtime.BurstMessages && bytes < realtime.BurstBytes {
			bytes += len(messages[n].Data)
			n++
		}
		said := fleet.DecodeAll(messages[:n], g.feed.hub.o.Instance, g.feed.hub.count) // half a millisecond each: before the lock is taken
		for heard := 0; heard < n; {
			more, overrun := g.burst(messages[heard:n], said)
			switch heard += more; {
			case overrun > 0:
				awaitWritten(g.ctx, g.feed, overrun)
			case more == 0:
				handOn(g.feed)
			}
		}
		messages = messages[n:]
	}
}

// burst handles some messages, and what is said in them. It returns how many: none if what was delivered before, also by a tick, is to be written
// first, with the Overrun, or if it is to be given to more readers first.
func (g *generation) burst(messages []realtime.Message, said map[*realtime.Message]*fleet.Said) (heard int, overrun uint64) {
	f := g.feed
	f.lock()
	defer f.unlock()
	if g.ctx.Err() != nil {
		return len(messages), 0
	}
	if at := f.fx.Overrun; at > f.written.Load() {
		return 0, at
	}
	now := time.Now()
	g.heardAt = now
	g.seen.Turn(now)
	g.passing.Turn(now)
	for i := range messages {
		if channel.Full(g.channels) {
			return i, 0
		}
		if i > 0 {
			f.fx.EndFanOut()
		}
		g.hear(&messages[i], said[&messages[i]], now)
	}
	return len(messages), 0
}

// hear handles one message. f.mu is held.
func (g *generation) hear(m *realtime.Message, said *fleet.Said, now time.Time) {
	defer g.contain(m)
	g.heard = max(g.heard, m.Time.UnixMilli())
	switch m.Kind {
	case realtime.KindPublication:
		seen := g.seen
		if m.Transient {
			seen = g.passing
		}
		if name, ok := g.single.Known(m.Channel); ok {
			g.channels.Open(m.Channel).Take(m, seen.Repeated(m.Channel.Tenant(), name, m.ID), now)
		}
	case realtime.KindFence:
		hole := g.channels.Return(m.ID, m.Channel, m.Time.UnixMilli())
		g.feed.asked.carryOut()
		if hole {
			g.feed.replace(g, realtime.ReasonHole)
		}
	case realtime.KindBeacon:
		// A copy that a retry stored after the opening comes live and shows nothing.
		if m.ID == g.beacon && !m.Time.After(g.asked.Add(g.feed.pace.Skew)) {
			g.channels.Phase, g.began = channel.PhaseCaughtUp, m.Time
			g.feed.fleet.Begins(m.Time, now)
			g.sendFences()
		}
	case realtime.KindPulse:
		g.pulse.Heard(m.ID)
	case realtime.KindCensus:
		if said != nil {
			g.feed.fleet.Hear(m, said, g.began, now)
		}
	case realtime.KindDirect, realtime.KindClose:
		g.feed.direct(m, now)
	}
}

// broken is told that the stream was interrupted: until a fence has come back
// from a channel nobody knows whether all of it came.
func (g *generation) broken() {
	f := g.feed
	f.lock()
	defer f.unlock()
	f.hub.count.Add(realtime.CountFollows, "", realtime.ReasonBroken, 1)
	g.channels.Break()
	f.fleet.Restart(time.Now())
	f.chores.start()
	g.pulse.Forget() // it may be lost; a new one is sent in time
}

// hasEnded is told that the stream has ended of itself.
func (g *generation) hasEnded() {
	f := g.feed
	f.lock()
	defer f.unlock()
	g.channels.Phase = channel.PhaseEnded
	f.replace(g, realtime.ReasonEnded)
}

// sendFences begins to send those that stand in line, as a chore.
func (g *generation) sendFences() {
	g.channels.SendFences()
	g.feed.chores.start()
}

// sure reports whether what was heard is all there was up to then.
func (g *generation) sure() bool { return g.unfit == "" && g.channels.Sure() }

// after calls do for a channel after a while, under the lock.
func (g *generation) after(c realtime.Channel, d time.Duration, do func()) *time.Timer {
	f := g.feed
	return time.AfterFunc(d, func() {
		f.lock()
		defer f.unlock()
		defer g.containChannel(c)
		if !f.stopped {
			do()
		}
	})
}
