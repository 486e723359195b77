package realtime

import "log/slog"

// protocol is what connections of a Hub have in common that speak the same: an Encoder that makes no frame where
// it panics. What is encoded for one of them is shared by all.
type protocol struct {
	inner Encoder
	log   *slog.Logger
	count Metrics
}

func (p *protocol) contain(what string) {
	if fault := recover(); fault != nil {
		report(p.log, p.count, what, fault, nil)
	}
}

func (p *protocol) Subscribed(id string, c Channel, a Answer) (f Frame) {
	defer p.contain(PanicConnection)
	return p.inner.Subscribed(id, c, a)
}

func (p *protocol) Refused(id string, c Channel, err *Error) (f Frame) {
	defer p.contain(PanicConnection)
	return p.inner.Refused(id, c, err)
}

func (p *protocol) Message(e *Publication) (f Frame, data []byte) {
	defer p.contain(PanicChannel)
	return p.inner.Message(e)
}

func (p *protocol) Direct(e *Publication) (f Frame) {
	defer p.contain(PanicTopic)
	return p.inner.Direct(e)
}

func (p *protocol) Gap(c Channel, at Position) (f Frame) {
	defer p.contain(PanicChannel)
	return p.inner.Gap(c, at)
}

func (p *protocol) Presence(c Channel, joined, left []Member, count int) (f Frame) {
	defer p.contain(PanicChannel)
	return p.inner.Presence(c, joined, left, count)
}

func (p *protocol) Ended(r Right, why *Error) (f Frame) {
	defer p.contain(PanicConnection)
	return p.inner.Ended(r, why)
}

func (p *protocol) Heartbeat(asOf Position) (f Frame) {
	defer p.contain(PanicConnection)
	return p.inner.Heartbeat(asOf)
}

func (p *protocol) Closing(err *Error) (f Frame) {
	defer p.contain(PanicConnection)
	return p.inner.Closing(err)
}

func (p *protocol) Move(afterMs int64) (f Frame) {
	defer p.contain(PanicConnection)
	return p.inner.Move(afterMs)
}

// protocol returns what the connections of an Encoder's name share. There are as many as a program has protocols, so
// none is forgotten. h.mu is held.
func (h *Hub) protocol(e Encoder) *protocol {
	p := h.protocols[e.Name()]
	if p == nil {
		p = &protocol{inner: e, log: h.log, count: h.count}
		h.protocols[e.Name()] = p
	}
	return p
}

// sharedFrame is one frame for many connections, made once for each of their protocols.
type sharedFrame struct {
	make func(*protocol) Frame
	made []encoding
}

func (s *sharedFrame) in(p *protocol) Frame {
	for _, e := range s.made {
		if e.by == p {
			return e.frame
		}
	}
	f := s.make(p)
	s.made = append(s.made, encoding{p, f})
	return f
}
