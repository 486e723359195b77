package stream

import (
	"context"
	"log/slog"
	"sync"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/contain"
)

// Outgoing is a control message that is to be published once the lock is released.
type Outgoing struct {
	Ctx     context.Context // ends with whoever sends it
	Message realtime.Message
	Failed  func() // what to do if it is not stored; the lock is held
}

// Control returns a control message of the instance: of a kind, with an ID, and, if it is a fence, through a channel.
func (o *Options) Control(ctx context.Context, kind realtime.Kind, c realtime.Channel, id string, failed func()) Outgoing {
	return Outgoing{Ctx: ctx, Failed: failed, Message: realtime.Message{
		Kind: kind, Publication: realtime.Publication{Channel: c, ID: id}, Origin: o.Instance,
	}}
}

// Sender publishes the control messages of a topic. It is safe for concurrent use.
type Sender struct {
	Broker  realtime.Broker
	Topic   realtime.Topic
	Lock    sync.Locker
	Metrics realtime.Metrics
	Log     *slog.Logger
}

// Send publishes a message. The lock is not held.
func (s *Sender) Send(out *Outgoing) {
	failed := func(err error) {
		if err == nil {
			return
		}
		_ = contain.Do(s.Log, s.Metrics, contain.Topic, func() { // this may be a goroutine of the broker's
			s.Lock.Lock()
			defer s.Lock.Unlock()
			out.Failed()
		}, realtime.KeyTopic, s.Topic)
	}
	fault := contain.Do(s.Log, s.Metrics, contain.Broker, func() { s.Broker.Publish(out.Ctx, s.Topic, &out.Message, failed) }, realtime.KeyTopic, s.Topic)
	if fault != nil {
		failed(fault)
	}
}
