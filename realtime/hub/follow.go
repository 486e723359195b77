package hub

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/contain"
	"github.com/tidewire/tidewire/realtime/hub/channel"
	"github.com/tidewire/tidewire/realtime/internal/spread"
)

// follow publishes the beacon and opens the stream, again and again until both
// are done; it returns nil when the generation is let go first.
func (g *generation) follow() realtime.Stream {
	f := g.feed
	for wait := 100 * time.Millisecond; ; wait = min(2*wait, 5*time.Second) {
		stream, err := g.tryFollow()
		if err == nil {
			if err = g.begin(stream); err == nil {
				return stream
			}
			_ = g.leave(g.ctx, stream) // what went wrong before is the news
		}
		if g.ctx.Err() != nil {
			return nil
		}
		f.hub.count.Add(realtime.CountFollows, "", realtime.ReasonFailed, 1)
		f.hub.log.Warn("a topic could not be followed", realtime.KeyTopic, f.topic, realtime.KeyError, err)
		if code := realtime.CodeOf(err); code == realtime.CodeLimited || code == realtime.CodeNotFound {
			g.turnAway(err)
		}
		select {
		case <-time.After(wait):
		case <-g.ctx.Done():
			return nil
		}
	}
}

// begin is told that the stream is open.
func (g *generation) begin(stream realtime.Stream) (err error) {
	defer g.feed.caught(contain.Broker, &err)
	g.replays(stream.CompleteSince())
	return nil
}

func (g *generation) tryFollow() (stream realtime.Stream, err error) {
	f := g.feed
	defer f.caught(contain.Broker, &err)
	ctx, cancel := context.WithTimeout(g.ctx, f.pace.Fence)
	defer cancel()
	stored := make(chan error, 1)
	f.hub.broker.Publish(ctx, f.topic, &realtime.Message{
		Kind: realtime.KindBeacon, Publication: realtime.Publication{ID: g.beacon}, Origin: f.hub.o.Instance,
	}, func(err error) { stored <- err })
	if err := <-stored; err != nil {
		return nil, err
	}
	f.lock()
	g.asked = time.Now()
	f.unlock()
	return f.hub.broker.Follow(ctx, f.topic, realtime.Following{
		Instance: f.hub.o.Instance, Generation: g.number, Since: time.Now().Add(-f.pace.Horizon),
	})
}

// turnAway closes the connections of a topic that this instance has never followed and will
// not follow soon: there is no room for it, or no such topic. Those who come later are
// closed by the next attempt.
func (g *generation) turnAway(why error) {
	f := g.feed
	f.lock()
	given := g != f.current || f.stopped
	conns := slices.Clone(f.conns)
	f.unlock()
	if given {
		return
	}
	after := 10 * time.Second
	if e := (*realtime.Error)(nil); errors.As(why, &e) && e.RetryAfter > 0 {
		after = e.RetryAfter
	}
	for _, c := range conns {
		c.Close(&realtime.Error{
			Code: realtime.CodeUnavailable, Message: "there is no room for the tenant at the moment", RetryAfter: after + spread.Part(after, c.id), Err: why,
		})
	}
}

// replays is told that the stream is open: its replay begins, of all since a moment.
func (g *generation) replays(complete time.Time) {
	f := g.feed
	f.lock()
	defer f.unlock()
	g.channels.Phase, g.opened, g.heardAt = channel.PhaseReplaying, time.Now(), time.Now()
	channel.Complete(g.channels, complete)
	f.states.Begins(complete.UnixMilli(), f.current.channels.Vouched)
	g.sendFences()
}
