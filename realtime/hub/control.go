package hub

import (
	"context"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/contain"
	"github.com/tidewire/tidewire/realtime/hub/channel"
	"github.com/tidewire/tidewire/realtime/internal/uid"
)

// outgoing is a control message to be published once feed.mu is released.
type outgoing struct {
	ctx     context.Context // ends with its generation
	message realtime.Message
	failed  func() // what to do if it is not stored; feed.mu is held
}

// fencing is the message of a fence.
func (g *generation) fencing(fe *channel.Fence) outgoing {
	return outgoing{ctx: g.ctx, failed: fe.Failed, message: realtime.Message{
		Kind: realtime.KindFence, Publication: realtime.Publication{Channel: fe.Channel(), ID: fe.ID}, Origin: g.feed.hub.o.Instance,
	}}
}

// sendPulse makes a silent topic speak.
func (g *generation) sendPulse(now time.Time) {
	id := uid.New()
	g.pulse, g.pulsed = id, now
	failed := func() { // the next sweep sends another
		if g.pulse == id {
			g.pulse = ""
		}
	}
	g.feed.out = append(g.feed.out, outgoing{ctx: g.ctx, failed: failed, message: realtime.Message{
		Kind: realtime.KindPulse, Publication: realtime.Publication{ID: id}, Origin: g.feed.hub.o.Instance,
	}})
}

// publish publishes a control message. No lock is held.
func (a *aftermath) publish(o *outgoing) {
	f := a.f
	failed := func(err error) {
		if err == nil {
			return
		}
		defer f.caught(contain.Topic, &err) // this may be a goroutine of the broker's
		f.lock()
		defer f.unlock()
		o.failed()
	}
	if err := a.hand(o.ctx, &o.message, failed); err != nil {
		failed(err)
	}
}

// hand gives a message to the broker. An error says that the broker panicked.
func (a *aftermath) hand(ctx context.Context, m *realtime.Message, done func(error)) (err error) {
	f := a.f
	defer f.caught(contain.Broker, &err)
	f.hub.broker.Publish(ctx, f.topic, m, done)
	return nil
}
