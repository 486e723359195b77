package session

import (
	"context"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/gateway/internal/clients"
	"github.com/tidewire/tidewire/realtime/wire"
)

// Posted handles frames of a client that has put them into the body of a request, and reads what is answered from the
// response. It says nothing more, so it can be held up for as long as a frame takes.
type Posted struct {
	h         handler
	frames    [][]byte // that are to be handled; they are one body
	rate      rate
	publishes []queuedFrame // that follow each other: they go with one call
}

// Posted returns what handles frames, of which there is one at least, of a client that has joined with an outbox of PostedProtocol.
func (c *Config) Posted(client *clients.Client, frames [][]byte) *Posted {
	return &Posted{h: handler{c: c, protocol: PostedProtocol(), client: client}, frames: frames}
}

// PostedProtocol is the one of frames in requests.
func PostedProtocol() *Protocol { return Protocols()[0] }

// Continues reports whether the first frame asks for a stream of what happens from now on, rather than for answers alone. It is asked before Do.
func (p *Posted) Continues() bool {
	f, err := wire.Decode(p.frames[0])
	return err == nil && f.Type == wire.TypeConnect
}

// Do does what the frames ask for, one after the other, until ctx ends, and keeps them no longer: the stream may go on for hours. The answers go over
// the connection. It returns why that is to end, if it is.
func (p *Posted) Do(ctx context.Context) *realtime.Error {
	frames := p.frames
	p.frames = nil
	for i, payload := range frames {
		if ctx.Err() != nil {
			return nil
		}
		if refused := p.do(ctx, payload, i == 0); refused != nil {
			return refused
		}
	}
	p.publish()
	return nil
}

func (p *Posted) publish() {
	if len(p.publishes) > 0 {
		p.h.publish(p.publishes)
	}
	p.publishes = nil
}

func (p *Posted) do(ctx context.Context, payload []byte, first bool) *realtime.Error {
	h := &p.h
	f, bad := h.protocol.read(payload)
	if f.Type == wire.TypePublish && len(p.publishes) == maxQueued {
		p.publish()
	}
	after := int64(0)
	if f.Type == wire.TypePublish {
		var behind *realtime.Error
		if behind, after = h.refused.arrives(&f); behind != nil {
			p.publish()
			h.refuseBehind(&f, false, behind)
			return nil
		}
	}
	if f.Type != wire.TypePublish {
		p.publish()
	}
	if limited := p.rate.take(ctx, h.client.Seat, &f, len(payload), func() {}); limited != nil {
		p.publish()
		if p.rate.exceeded() {
			return limited
		}
		if f.Type == wire.TypePublish {
			h.refusePublish(&f, "", false, limited)
		} else {
			h.fail(f.ID, f.Channel, limited)
		}
		return nil
	}
	return p.handle(&f, bad, len(payload), after, first)
}

func (p *Posted) handle(f *wire.ClientFrame, bad *wire.DecodeError, size int, after int64, first bool) *realtime.Error {
	h := &p.h
	switch {
	case bad != nil && bad.Fatal:
		return bad.Err
	case bad != nil:
		h.fail(bad.ID, "", bad.Err)
	case f.Type == wire.TypePing:
		h.control(h.protocol.Pong(f.ID))
	case f.Type == wire.TypeConnect && !first:
		h.fail(f.ID, "", realtime.Errorf(realtime.CodeBadRequest, "connect: must be the first frame"))
	case f.Type == wire.TypeConnect && f.Token != "", f.Type == wire.TypeRefresh:
		h.fail(f.ID, "", realtime.Errorf(realtime.CodeBadRequest, "token: must be in the header of the request; renew it with another one"))
	case f.Type == wire.TypePublish:
		p.publishes = append(p.publishes, queuedFrame{*f, size, after})
	default:
		h.handle(f)
	}
	return nil
}

// End removes what the client leaves behind. It has left.
func (p *Posted) End() { p.h.unassign() }
