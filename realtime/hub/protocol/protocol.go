// Package protocol makes frames by an Encoder that may panic, once for all connections that speak the same.
package protocol

import (
	"log/slog"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/contain"
	"github.com/tidewire/tidewire/realtime/outbox"
)

// Protocol is what connections of a Hub have in common that speak the same: an Encoder that makes no frame where
// it panics, so that the frame is zero. What is encoded for one of them is shared by all. It is safe for concurrent use if
// its Encoder is.
type Protocol struct {
	inner outbox.Encoder
	log   *slog.Logger
	count realtime.Metrics
}

// New returns the protocol of an Encoder.
func New(inner outbox.Encoder, log *slog.Logger, count realtime.Metrics) *Protocol {
	return &Protocol{inner: inner, log: log, count: count}
}

func (p *Protocol) contain(what realtime.Reason) {
	if fault := recover(); fault != nil {
		contain.Report(p.log, p.count, what, fault, nil)
	}
}

// Subscribed answers a subscribe.
func (p *Protocol) Subscribed(id string, c realtime.Channel, a outbox.Answer) (f outbox.Frame) {
	defer p.contain(contain.Connection)
	return p.inner.Subscribed(id, c, a)
}

// Refused refuses one.
func (p *Protocol) Refused(id string, c realtime.Channel, err *realtime.Error) (f outbox.Frame) {
	defer p.contain(contain.Connection)
	return p.inner.Refused(id, c, err)
}

// Message puts a Publication of a channel. It returns the part of the frame that holds the data, nil if none does.
func (p *Protocol) Message(e *realtime.Publication) (f outbox.Frame, data []byte) {
	defer p.contain(contain.Channel)
	return p.inner.Message(e)
}

// Entry appends an entry of a snapshot; where the Encoder panics, nothing.
func (p *Protocol) Entry(b []byte, e *realtime.Publication) (more []byte) {
	defer func() {
		if fault := recover(); fault != nil {
			contain.Report(p.log, p.count, contain.Channel, fault, nil)
			more = b
		}
	}()
	return p.inner.Entry(b, e)
}

// Snapshot puts a part of the state of a channel.
func (p *Protocol) Snapshot(c realtime.Channel, s *outbox.Snapshot) (f outbox.Frame) {
	defer p.contain(contain.Channel)
	return p.inner.Snapshot(c, s)
}

// Dropped says how many Publications of a channel a client has missed.
func (p *Protocol) Dropped(c realtime.Channel, count int) (f outbox.Frame) {
	defer p.contain(contain.Channel)
	return p.inner.Dropped(c, count)
}

// Tuned says how often a subscription is given what is new.
func (p *Protocol) Tuned(c realtime.Channel, maxRate float64, reason string) (f outbox.Frame) {
	defer p.contain(contain.Channel)
	return p.inner.Tuned(c, maxRate, reason)
}

// Viewed says by which view a channel with state is shown.
func (p *Protocol) Viewed(c realtime.Channel, view string) (f outbox.Frame) {
	defer p.contain(contain.Channel)
	return p.inner.Viewed(c, view)
}

// WithSub puts the name of a subscription into a frame.
func (p *Protocol) WithSub(f outbox.Frame, sub string) (named outbox.Frame) {
	defer p.contain(contain.Connection)
	return p.inner.WithSub(f, sub)
}

// Direct puts a message for connections.
func (p *Protocol) Direct(e *realtime.Publication) (f outbox.Frame) {
	defer p.contain(contain.Topic)
	return p.inner.Direct(e)
}

// Gap says that something is missing.
func (p *Protocol) Gap(c realtime.Channel, at realtime.Position) (f outbox.Frame) {
	defer p.contain(contain.Channel)
	return p.inner.Gap(c, at)
}

// Presence says who came and went.
func (p *Protocol) Presence(c realtime.Channel, news *outbox.Presence) (f outbox.Frame) {
	defer p.contain(contain.Channel)
	return p.inner.Presence(c, news)
}

// Occupancy says how many read a channel.
func (p *Protocol) Occupancy(c realtime.Channel, connections, users int) (f outbox.Frame) {
	defer p.contain(contain.Channel)
	return p.inner.Occupancy(c, connections, users)
}

// Ended says that a right has ended.
func (p *Protocol) Ended(r realtime.Right, why *realtime.Error) (f outbox.Frame) {
	defer p.contain(contain.Connection)
	return p.inner.Ended(r, why)
}

// EndedPattern says that a subscription to a pattern has ended.
func (p *Protocol) EndedPattern(pattern, sub string, why *realtime.Error) (f outbox.Frame) {
	defer p.contain(contain.Connection)
	return p.inner.EndedPattern(pattern, sub, why)
}

// GapInPattern says that something may be missing in any channel of a subscription to a pattern.
func (p *Protocol) GapInPattern(pattern, sub string, at realtime.Position) (f outbox.Frame) {
	defer p.contain(contain.Connection)
	return p.inner.GapInPattern(pattern, sub, at)
}

// Heartbeat puts a heartbeat.
func (p *Protocol) Heartbeat(asOf realtime.Position) (f outbox.Frame) {
	defer p.contain(contain.Connection)
	return p.inner.Heartbeat(asOf)
}

// Closing says why the connection ends.
func (p *Protocol) Closing(err *realtime.Error) (f outbox.Frame) {
	defer p.contain(contain.Connection)
	return p.inner.Closing(err)
}

// Move asks for another connection.
func (p *Protocol) Move(afterMs int64) (f outbox.Frame) {
	defer p.contain(contain.Connection)
	return p.inner.Move(afterMs)
}

// Shared is one frame for many connections, made once for each of their protocols.
type Shared struct {
	// Make makes the frame by one of them.
	Make func(*Protocol) outbox.Frame

	made []made
}

type made struct {
	by    *Protocol
	frame outbox.Frame
}

// In returns the frame as a protocol puts it.
func (s *Shared) In(p *Protocol) outbox.Frame {
	for _, m := range s.made {
		if m.by == p {
			return m.frame
		}
	}
	f := s.Make(p)
	s.made = append(s.made, made{p, f})
	return f
}
