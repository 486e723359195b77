package hub

import (
	"context"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/contain"
	"github.com/tidewire/tidewire/realtime/hub/channel"
	"github.com/tidewire/tidewire/realtime/hub/state"
)

// keeping is a feed as the states of its channels see it.
type keeping struct{ *feed }

func (k keeping) Lock()                                   { k.lock() }
func (k keeping) Unlock()                                 { k.unlock() }
func (k keeping) Ask(q *channel.Question)                 { k.asked.ask(q) }
func (k keeping) Document(tenant string) *realtime.Tenant { return k.tenants.Document(tenant) }
func (k keeping) Stopped() bool                           { return k.stopped }
func (k keeping) Go(do func())                            { k.hub.running.Go(do) }

func (k keeping) Used(c realtime.Channel, keyed *channel.Keyed) bool {
	for _, g := range k.generations() {
		if g != nil && channel.Uses(g.channels, c, keyed) {
			return true
		}
	}
	return false
}

func newStates(f *feed) *state.Set {
	margin := f.pace.Margin
	if d, is := f.hub.broker.(realtime.DurableReader); is && d.DurablePace().Quiet == 0 { // no channel comes late
		margin = 0
	}
	return state.New(state.Options{
		Margin: margin, Skew: f.pace.Skew,
		Owner: keeping{f}, Topic: f.topic, Placement: f.hub.o.Placement, Store: f.hub.o.States, Effects: &f.fx, Metrics: f.hub.count, Log: f.hub.log,
		Budget: f.hub.o.Budget, Memory: f.pace.Memory, Life: f.ctx,
	})
}

// turn gives those who read at their own pace what is due. What is left sets the alarm again.
func turn(f *feed) {
	f.lock()
	defer f.unlock()
	f.alarm.Passed()
	_ = contain.Do(f.hub.log, f.hub.count, contain.Topic, func() {
		if !f.stopped {
			f.fx.Wheel.Turn(time.Now(), &f.fx)
		}
	}, realtime.KeyTopic, f.topic)
}

// Attempt is a Publication with a Condition under way.
type Attempt = state.Attempt

// Try prepares a Publication with a Condition that a connection is about to publish, see state.Set.Try. It is decided when it has come back through the
// topic of the connection.
func Try(ctx context.Context, c *Connection, p *realtime.Publication) (*Attempt, error) {
	f := c.feed
	return f.states.Try(ctx, p, func() int64 {
		askForAll(f)
		f.vouch()
		return channel.HeardUntil(whole(f).channels, p.Channel, f.pace.Margin)
	})
}
