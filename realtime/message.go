package realtime

import "time"

// Kind tells a Publication from the control messages that travel with it.
type Kind uint8

// The kinds of Message.
const (
	// KindPublication carries an event.
	KindPublication Kind = iota + 1
	// KindFence goes through one channel's order and tells its sender that all
	// that was published to the channel before it has arrived.
	KindFence
	// KindBeacon goes through a topic, published before a subscription is
	// made: when it comes back, the replay has begun.
	KindBeacon
	// KindPulse goes through a silent topic and shows that its stream lives.
	KindPulse
)

// Message is what a Broker carries. Publications and fences have a Channel and
// keep its order; beacons and pulses have none and no order.
type Message struct {
	Kind Kind
	// Publication holds the event; of a control message it holds the Channel
	// (of a fence), the ID (its name, unique) and the Time.
	Publication
	// Series and Number count what one publisher published to the channel: Number is 1 for the
	// first of a Series and one more for each next. Previous is the publisher's own time when it
	// handed over the one before. A broker carries them unchanged.
	Series   string
	Number   uint64
	Previous time.Time
	// Origin is the instance that sent a control message.
	Origin string
}

// Topic names what a Broker carries Messages through and what an instance
// follows: a tenant's own, or one that several pooled tenants share.
type Topic string
