package realtime

import (
	"context"
	"iter"
	"strconv"
	"time"
)

// Occupancies keep which instances have readers on the channels whose namespace asks for it (Namespace.Lifecycle), and so when a channel becomes
// occupied and vacated over all instances. What becomes of a channel is a ChannelEvent, which is kept until somebody says that it has been told.
//
// The events of a channel alternate, from occupied with Generation 1 on. Whoever is given some publishes them in their order, waits until they are
// stored, and then calls Told. If it dies before that, others are given them again: so an event may be published more than once, always with
// the same ID, never before an earlier one has been, and none is left out. Implementations are safe for concurrent use; a call that
// has failed may have been made nevertheless, but not after a later one of its instance for its channel. occupancytest.Test is this
// contract as a test.
type Occupancies interface {
	// Occupy says that an instance has readers on a channel, until Vacate. It may be repeated. It returns what is untold of the channel, the oldest
	// first.
	Occupy(ctx context.Context, c Channel, instance string) ([]ChannelEvent, error)
	// Vacate says that an instance has no readers on a channel from a moment on. If that lies ahead and nobody else has any, the channel is
	// occupied until then, unless somebody else occupies it: an instance that ends says so, for its readers are about to come back elsewhere. It
	// may be repeated. It returns what is untold of the channel.
	Vacate(ctx context.Context, c Channel, instance string, at time.Time) ([]ChannelEvent, error)
	// Settle ends what was to end by now, and returns what is untold of the channel.
	Settle(ctx context.Context, c Channel, now time.Time) ([]ChannelEvent, error)
	// Told says that an event, and those before it, have been published.
	Told(ctx context.Context, last *ChannelEvent) error
	// Held yields the channels on which an instance has readers, or is about to have none, in no order. They may be vacated while it goes on, which
	// leaves none out. An error comes at most as the last.
	Held(ctx context.Context, instance string) iter.Seq2[Channel, error]
	// Due yields the channels of which something was to end by now, or has been untold for TellWithin, like Held.
	Due(ctx context.Context, now time.Time) iter.Seq2[Channel, error]
}

// TellWithin is how long whoever was given a ChannelEvent has to tell it, before others do. OccupancyKept is how long the generation of a
// channel that nobody occupies is remembered: after that it begins anew, with another Epoch. MaxUntold bounds the untold events of a
// channel: nothing can become of it before some have been told, which CodeUnavailable says.
const (
	TellWithin    = 30 * time.Second
	OccupancyKept = 30 * 24 * time.Hour
	MaxUntold     = 32
)

// ChannelEvent says that a channel has got its first reader over all instances, or has lost its last.
type ChannelEvent struct {
	Channel    Channel
	Occupied   bool      // else it was vacated
	Generation int64     // counts from 1 how often the channel has become occupied; vacated has that of the occupied before it
	Time       time.Time // when it happened
	Epoch      string    // a random name for what Generation counts in
}

// The types of channels' events.
const (
	ChannelOccupied = "tidewire.channel.occupied"
	ChannelVacated  = "tidewire.channel.vacated"
)

// Type returns ChannelOccupied or ChannelVacated.
func (e *ChannelEvent) Type() string {
	if e.Occupied {
		return ChannelOccupied
	}
	return ChannelVacated
}

// ID identifies the event, however often it is published.
func (e *ChannelEvent) ID() string {
	return e.Epoch + "-" + strconv.FormatInt(e.Sequence(), 10)
}

// Sequence numbers the events of a channel from 1.
func (e *ChannelEvent) Sequence() int64 {
	if e.Occupied {
		return 2*e.Generation - 1
	}
	return 2 * e.Generation
}

// ChannelEvents is told of what becomes of channels. Implementations are safe for concurrent use.
type ChannelEvents interface {
	// Tell returns nil once all events are stored for good, in their order; with an error some may be. It does not keep the slice.
	Tell(ctx context.Context, events []ChannelEvent) error
}
