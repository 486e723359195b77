package hub

import (
	"log/slog"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/contain"
	"github.com/tidewire/tidewire/realtime/outbox"
)

// protocol is what connections of a Hub have in common that speak the same: an Encoder that makes no frame where
// it panics. What is encoded for one of them is shared by all.
type protocol struct {
	inner outbox.Encoder
	log   *slog.Logger
	count realtime.Metrics
}

func (p *protocol) contain(what string) {
	if fault := recover(); fault != nil {
		contain.Report(p.log, p.count, what, fault, nil)
	}
}

func (p *protocol) Subscribed(id string, c realtime.Channel, a outbox.Answer) (f outbox.Frame) {
	defer p.contain(contain.Connection)
	return p.inner.Subscribed(id, c, a)
}

func (p *protocol) Refused(id string, c realtime.Channel, err *realtime.Error) (f outbox.Frame) {
	defer p.contain(contain.Connection)
	return p.inner.Refused(id, c, err)
}

func (p *protocol) Message(e *realtime.Publication) (f outbox.Frame, data []byte) {
	defer p.contain(contain.Channel)
	return p.inner.Message(e)
}

func (p *protocol) Direct(e *realtime.Publication) (f outbox.Frame) {
	defer p.contain(contain.Topic)
	return p.inner.Direct(e)
}

func (p *protocol) Gap(c realtime.Channel, at realtime.Position) (f outbox.Frame) {
	defer p.contain(contain.Channel)
	return p.inner.Gap(c, at)
}

func (p *protocol) Presence(c realtime.Channel, joined, left []realtime.Member, count int) (f outbox.Frame) {
	defer p.contain(contain.Channel)
	return p.inner.Presence(c, joined, left, count)
}

func (p *protocol) Ended(r realtime.Right, why *realtime.Error) (f outbox.Frame) {
	defer p.contain(contain.Connection)
	return p.inner.Ended(r, why)
}

func (p *protocol) Heartbeat(asOf realtime.Position) (f outbox.Frame) {
	defer p.contain(contain.Connection)
	return p.inner.Heartbeat(asOf)
}

func (p *protocol) Closing(err *realtime.Error) (f outbox.Frame) {
	defer p.contain(contain.Connection)
	return p.inner.Closing(err)
}

func (p *protocol) Move(afterMs int64) (f outbox.Frame) {
	defer p.contain(contain.Connection)
	return p.inner.Move(afterMs)
}

// protocol returns what the connections of an Encoder's name share. There are as many as a program has protocols, so
// none is forgotten. h.mu is held.
func (h *Hub) protocol(e outbox.Encoder) *protocol {
	p := h.protocols[e.Name()]
	if p == nil {
		p = &protocol{inner: e, log: h.log, count: h.count}
		h.protocols[e.Name()] = p
	}
	return p
}

// sharedFrame is one frame for many connections, made once for each of their protocols.
type sharedFrame struct {
	make func(*protocol) outbox.Frame
	made []encoding
}

func (s *sharedFrame) in(p *protocol) outbox.Frame {
	for _, e := range s.made {
		if e.by == p {
			return e.frame
		}
	}
	f := s.make(p)
	s.made = append(s.made, encoding{p, f})
	return f
}
