package realtime

import (
	"slices"
	"time"
)

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
	// KindDirect carries an event to the connections that To selects, wherever they are. It has
	// no channel: who is away misses it.
	KindDirect
	// KindClose ends the connections that To selects.
	KindClose
	// KindCensus carries what instances tell each other of what they have; see package census. One with a Channel keeps its order.
	KindCensus
)

// Known reports whether there is such a Kind.
func (k Kind) Known() bool { return k >= KindPublication && k <= KindCensus }

// Target selects connections of a tenant: one by its ID, those of a user, or those of a
// group. One field is set; with none it selects nothing.
type Target struct {
	Connection string
	User       string
	Group      string
}

// Check refuses a Target that has no field set, or more than one.
func (t Target) Check() error {
	n := 0
	for _, s := range []string{t.Connection, t.User, t.Group} {
		if s != "" {
			n++
		}
		if err := checkText("to", s, MaxIDBytes); err != nil {
			return err
		}
	}
	if n != 1 {
		return Errorf(CodeBadRequest, "to: must name one of connection, user and group")
	}
	return nil
}

// Selects reports whether the connection of an ID and a principal is one of those.
func (t Target) Selects(id string, p *Principal) bool {
	switch {
	case t.Connection != "":
		return t.Connection == id
	case t.User != "":
		return t.User == p.User
	case t.Group != "":
		return slices.Contains(p.Groups, t.Group)
	}
	return false
}

// Message is what a Broker carries. Publications and fences have a Channel and
// keep its order; the other kinds have none and no order.
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
	// Trace is the traceparent of who published it, if a Tracer follows it; a broker carries it unchanged.
	Trace string
	// Origin is the instance that sent a control message.
	Origin string
	// Tenant and To say whom KindDirect and KindClose are for.
	Tenant string
	To     Target
	// Code says why KindClose closes. With Before set it closes those alone whose
	// token was issued then or earlier, or does not say.
	Code   Code
	Before time.Time
}

// Topic names what a Broker carries Messages through and what an instance
// follows: a tenant's own, or one that several pooled tenants share.
type Topic string
