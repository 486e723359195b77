package faultybroker

import (
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// lanePlace is where order holds: a channel of a topic.
type lanePlace struct {
	topic   realtime.Topic
	channel realtime.Channel
}

// refusal is a message that is refused late, and those behind it. It is guarded by Broker.mu.
type refusal struct {
	dones []func(error)
}

// refuseLate reports whether a message is refused later: because it is the one, or behind it. b.mu is held.
func (b *Broker) refuseLate(at lanePlace, done func(error)) bool {
	if r := b.refusing[at]; r != nil {
		r.dones = append(r.dones, done)
		return true
	}
	var wait time.Duration
	switch {
	case b.closed:
		return false
	case len(b.refusals) > 0:
		wait, b.refusals = b.refusals[0], b.refusals[1:]
	case b.dice.chance(b.options.RefuseLate):
		wait = b.dice.upTo(b.options.RefuseWithin)
	default:
		return false
	}
	if b.refusing == nil {
		b.refusing = map[lanePlace]*refusal{}
	}
	r := &refusal{dones: []func(error){done}}
	b.refusing[at] = r
	b.running.Go(func() {
		select {
		case <-time.After(wait):
		case <-b.closing:
		}
		r.tell(b, at)
	})
	return true
}

// tell refuses a message and those behind it, also those that come while the others are told.
func (r *refusal) tell(b *Broker, at lanePlace) {
	for {
		b.mu.Lock()
		dones := r.dones
		r.dones = nil
		if len(dones) == 0 {
			delete(b.refusing, at)
		}
		b.mu.Unlock()
		if len(dones) == 0 {
			return
		}
		for _, done := range dones {
			done(unavailable("nothing was stored, nor what came behind it"))
		}
	}
}
