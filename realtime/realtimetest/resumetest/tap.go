package resumetest

import (
	"context"
	"sync"

	"github.com/tidewire/tidewire/realtime"
)

// Tap returns a broker that tells the checker what is published to inner, in
// the order inner stores it. Faults go around it, not inside it:
//
//	broker := faultybroker.New(checker.Tap(memory.NewBroker(memory.BrokerOptions{})), faultybroker.Options{})
//
// It hands over one message at a time, so that the order is known. inner must not have stored
// what it answers with an error.
func (k *Checker) Tap(inner realtime.Broker) realtime.Broker {
	return &tap{Broker: inner, checker: k}
}

type tap struct {
	realtime.Broker
	checker *Checker
	mu      sync.Mutex // held while a message is handed over: the order is the claim's
}

func (t *tap) Publish(ctx context.Context, topic realtime.Topic, m *realtime.Message, done func(error)) {
	if m.Kind != realtime.KindPublication {
		t.Broker.Publish(ctx, topic, m, done)
		return
	}
	c, id := m.Channel, m.ID
	h := &handover{done: func(err error) {
		if err != nil {
			t.checker.Withdrawn(c, id)
		}
		done(err)
	}}
	t.mu.Lock()
	t.checker.Published(c, id) // before anybody can have it
	t.Broker.Publish(ctx, topic, m, h.stored)
	t.mu.Unlock()
	h.leave()
}

// FollowsChannels is inner's.
func (t *tap) FollowsChannels() bool { return realtime.FollowsChannels(t.Broker) != nil }

// FollowChannels is inner's.
func (t *tap) FollowChannels(ctx context.Context, topic realtime.Topic, f realtime.Following) (realtime.ChannelStream, error) {
	return t.Broker.(realtime.ChannelFollower).FollowChannels(ctx, topic, f) //nolint:forcetypeassert // or it is not called
}

// handover keeps done from being called while the tap's lock is held, since it
// may publish.
type handover struct {
	done func(error)

	mu     sync.Mutex // guards what follows
	left   bool
	called bool
	err    error
}

func (h *handover) stored(err error) {
	h.mu.Lock()
	h.called, h.err = true, err
	now := h.left
	h.mu.Unlock()
	if now {
		h.done(err)
	}
}

func (h *handover) leave() {
	h.mu.Lock()
	h.left = true
	now, err := h.called, h.err
	h.mu.Unlock()
	if now {
		h.done(err)
	}
}
