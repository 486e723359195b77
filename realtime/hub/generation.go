package hub

import (
	linked "container/list"
	"context"
	"errors"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/contain"
	"github.com/tidewire/tidewire/realtime/hub/record"
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
	why    string

	phase  phase
	opened time.Time // when the stream was
	asked  time.Time // when the opening was asked for, after the beacon was stored
	beacon string    // ID of the beacon published before the stream was opened
	unfit  string    // why it has to be replaced; empty if it has not

	seen     *recent.IDs
	channels map[realtime.Channel]*channel
	records  *record.Set
	fences   map[string]*fence // under way, by ID
	sent     linked.List       // of the same, in the order they were sent
	all      []*channel        // of channels, in no order
	busy     []*channel        // those that have readers, in no order
	wanting  []*channel        // in line for a fence
	pass     int               // how many of them are to be looked at
	recheck  int               // busy[:recheck] are to get a fence, since the stream broke
	hand     int               // all[:hand] are still to be looked through for what is too old
	look     int               // how many of them by this sweep
	relief   int               // all[:relief] are to be looked through for what the Budget needs
	breaks   uint64            // interruptions of the stream
	suspects int               // busy channels that have not had a fence since the last of them
	parked   int               // readers that were answered before their record stands

	heard   int64     // newest publish time that came, ms
	heardAt time.Time // when anything last came
	vouched int64     // heard, when all of it was last known to have been handed on, ms
	pulse   string    // ID of the pulse under way
	pulsed  time.Time // when it was sent

	complained time.Time // when a hole was last logged
}

// newGeneration begins to follow the topic.
func (f *feed) newGeneration(why string) *generation {
	now := time.Now()
	g := &generation{
		feed: f, number: f.hub.generation.Add(1), why: why, phase: opening,
		beacon: uid.New(), seen: recent.NewIDs(f.pace.Memory, now), heardAt: now,
		channels: map[realtime.Channel]*channel{}, fences: map[string]*fence{},
	}
	g.records = record.New(record.Options{Owner: keeping{g}, Budget: f.hub.o.Budget, Skew: f.pace.Skew, Memory: f.pace.Memory})
	g.ctx, g.cancel = context.WithCancel(f.ctx)
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
	stream := g.follow()
	if stream == nil {
		return
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(g.ctx), g.feed.pace.Beacon)
		defer cancel()
		if err := g.leave(ctx, stream); err != nil {
			g.feed.hub.log.Warn("a stream was not closed cleanly", realtime.KeyTopic, g.feed.topic, realtime.KeyError, err)
		}
	}()
	sifter := inspector{feed: g.feed}
	for {
		messages, err := g.receive(stream)
		if fault := g.take(&sifter, messages, errors.Is(err, realtime.ErrBroken)); fault != nil {
			err = fault
		}
		switch {
		case g.ctx.Err() != nil:
			return
		case err != nil && !errors.Is(err, realtime.ErrBroken):
			g.feed.hub.log.Warn("a stream ended", realtime.KeyTopic, g.feed.topic, realtime.KeyError, err)
			g.feed.ended(g)
			return
		}
	}
}

// leave closes a stream, and receive receives from it. A panic of the broker's is an error of the call.
func (g *generation) leave(ctx context.Context, stream realtime.Stream) (err error) {
	defer g.feed.caught(contain.Broker, &err)
	return stream.Close(ctx)
}

func (g *generation) receive(stream realtime.Stream) (messages []realtime.Message, err error) {
	defer g.feed.caught(contain.Broker, &err)
	return stream.Receive(g.ctx)
}

// take handles what was received. An error says that some of it was not, for a panic.
func (g *generation) take(sifter *inspector, messages []realtime.Message, broken bool) (err error) {
	defer g.feed.caught(contain.Topic, &err)
	if messages = sifter.sift(messages); len(messages) > 0 {
		g.feed.received(g, messages)
	}
	if broken && g.ctx.Err() == nil {
		g.feed.broken(g)
	}
	return nil
}

// received handles a batch from the stream, a burst at a time.
func (f *feed) received(g *generation, messages []realtime.Message) {
	for len(messages) > 0 {
		n, bytes := 0, 0
		for n < len(messages) && n < realtime.BurstMessages && bytes < realtime.BurstBytes {
			bytes += len(messages[n].Data)
			n++
		}
		f.burst(g, messages[:n])
		messages = messages[n:]
	}
}

func (f *feed) burst(g *generation, messages []realtime.Message) {
	f.lock()
	defer f.unlock()
	if g.ctx.Err() != nil {
		return
	}
	now := time.Now()
	g.heardAt = now
	g.seen.Turn(now)
	for i := range messages {
		g.hear(&messages[i], now)
	}
}

// hear handles one message. f.mu is held.
func (g *generation) hear(m *realtime.Message, now time.Time) {
	defer g.contain(m)
	g.heard = max(g.heard, m.Time.UnixMilli())
	switch m.Kind {
	case realtime.KindPublication:
		g.channel(m.Channel).publication(m, now)
	case realtime.KindFence:
		if fe := g.fences[m.ID]; fe != nil && fe.ch.name == m.Channel { // no other channel's order proves anything
			fe.returned(m.Time.UnixMilli())
		}
	case realtime.KindBeacon:
		// A copy that a retry stored after the opening comes live and shows nothing.
		if m.ID == g.beacon && !m.Time.After(g.asked.Add(g.feed.pace.Skew)) {
			g.phase = caughtUp
			g.sendFences()
		}
	case realtime.KindPulse:
		if m.ID == g.pulse {
			g.pulse = ""
		}
	case realtime.KindDirect, realtime.KindClose:
		g.feed.direct(m, now)
	}
}

// broken is told that the stream was interrupted: until a fence has come back
// from a channel nobody knows whether all of it came.
func (f *feed) broken(g *generation) {
	f.lock()
	defer f.unlock()
	f.hub.count.Add(realtime.CountFollows, "", "broken", 1)
	g.breaks++
	g.suspects, g.recheck = len(g.busy), len(g.busy)
	f.startChores()
	g.pulse = "" // it may be lost; a new one is sent in time
}

// ended is told that the stream has ended of itself.
func (f *feed) ended(g *generation) {
	f.lock()
	defer f.unlock()
	g.phase = ended
	f.replace(g, "ended")
}

// channel returns what the generation knows of a channel.
func (g *generation) channel(name realtime.Channel) *channel {
	ch := g.channels[name]
	if ch == nil {
		ch = newChannel(g, name)
		g.channels[name] = ch
		g.records.Fit(ch.rec)
	}
	return ch
}

// memorable is the moment before which an ID may have been forgotten, so that a
// repetition looks new.
func (g *generation) memorable(now time.Time) int64 {
	return now.Add(-g.feed.pace.Memory).UnixMilli()
}

// sure reports whether what was heard is all there was up to then.
func (g *generation) sure() bool {
	return g.phase == caughtUp && g.suspects == 0 && g.parked == 0 && g.unfit == ""
}
