package gateway

import (
	"bytes"
	"context"
	"errors"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/wire"
)

// Message handles a frame. Once the client is connected it never waits: what
// has to stands in line.
func (s *session) Message(payload []byte) *realtime.Error {
	first := !s.spoken
	s.spoken = true
	f, bad := decode(payload)
	if s.guest == nil {
		return s.hello(&f, bad)
	}
	if limited := s.limited(&f, len(payload)); limited != nil {
		return s.refuse(&f, limited)
	}
	s.refusals = 0
	switch {
	case bad != nil:
		return s.malformed(bad)
	case f.Type == wire.TypePing:
		s.control(wire.Pong(f.ID))
		return nil
	case f.Type == wire.TypeConnect && !first:
		s.fail(f.ID, "", realtime.Errorf(realtime.CodeBadRequest, "connect: must be the first frame"))
		return nil
	}
	return s.take(&f)
}

// decode is wire.Decode. Of a frame that is refused the ID alone is there, if it could be read.
func decode(payload []byte) (wire.ClientFrame, *wire.DecodeError) {
	f, err := wire.Decode(payload)
	if bad := (*wire.DecodeError)(nil); errors.As(err, &bad) {
		return wire.ClientFrame{ID: bad.ID}, bad
	}
	return f, nil
}

// malformed answers what is wrong with a frame. What is no frame at all ends the connection.
func (s *session) malformed(bad *wire.DecodeError) *realtime.Error {
	if bad.Fatal {
		return bad.Err
	}
	s.fail(bad.ID, "", bad.Err)
	return nil
}

// hello handles the first frame of a client whose handshake held no token. It
// waits for whatever judges the token; nothing more is read meanwhile.
func (s *session) hello(f *wire.ClientFrame, bad *wire.DecodeError) *realtime.Error {
	if bad != nil {
		return bad.Err
	}
	if f.Type != wire.TypeConnect || f.Token == "" {
		return realtime.Errorf(realtime.CodeUnauthorized, "the handshake held no token, so the first frame must be connect with one")
	}
	ctx, cancel := context.WithTimeout(s.g.life, s.g.o.FirstFrame)
	defer cancel()
	p, err := s.g.verifier.Verify(ctx, f.Token)
	if err != nil {
		return s.g.shown(ctx, "verifying a token", err)
	}
	v, refused := s.g.admit(ctx, p, s.visit)
	if refused != nil {
		return refused
	}
	s.guest, s.visit = v, nil
	s.g.waiting.Add(-1)
	if refused := s.welcome(f.ID); refused != nil {
		return refused
	}
	if len(f.Subscriptions) == 0 {
		return nil
	}
	if limited := v.seat.Subscribe(); limited != nil {
		return s.refuse(f, limited)
	}
	return s.take(&wire.ClientFrame{Type: wire.TypeConnect, AsOf: f.AsOf, Subscriptions: f.Subscriptions})
}

// limited takes the frame from the buckets of all limits that it concerns.
func (s *session) limited(f *wire.ClientFrame, size int) *realtime.Error {
	seat := s.guest.seat
	if err := seat.Frame(size); err != nil {
		return err
	}
	switch {
	case f.Type == wire.TypeSubscribe, f.Type == wire.TypeConnect && len(f.Subscriptions) > 0:
		return seat.Subscribe()
	case f.Type == wire.TypePublish:
		return seat.Publish()
	}
	return nil
}

// refuse answers a frame that is over a limit. A client that goes on all the same is closed.
func (s *session) refuse(f *wire.ClientFrame, err *realtime.Error) *realtime.Error {
	if s.refusals++; s.refusals >= maxRefusals {
		return err
	}
	s.fail(f.ID, f.Channel, err)
	return nil
}

// take handles a frame now if nothing that it needs can wait and nothing waits
// before it; else it stands in line.
func (s *session) take(f *wire.ClientFrame) *realtime.Error {
	if s.g.o.Hooks == nil && !waits(f) && !s.line.busy() {
		s.handle(f)
		return nil
	}
	f.Data = bytes.Clone(f.Data) // it is part of what the socket reads into
	start, full := s.line.join(*f)
	if full != nil {
		return s.refuse(f, full)
	}
	if start {
		go s.work()
	}
	return nil
}

// waits reports whether a frame has to wait for more than the Hub, hooks aside.
func waits(f *wire.ClientFrame) bool {
	switch f.Type {
	case wire.TypeSubscribe, wire.TypeUnsubscribe, wire.TypePresence:
		return false
	case wire.TypeConnect:
		return f.Token != ""
	}
	return true
}

// handle does what a frame asks for and answers it; but for publishes, which go in batches.
func (s *session) handle(f *wire.ClientFrame) {
	switch f.Type {
	case wire.TypeConnect:
		s.resume(f)
	case wire.TypeSubscribe:
		s.subscribe(f.ID, f.Channel, f.Since, f.AsOf)
	case wire.TypeUnsubscribe:
		s.unsubscribe(f)
	case wire.TypePresence:
		s.presence(f)
	case wire.TypeCall:
		s.call(f)
	case wire.TypeRefresh:
		if expires, ok := s.refresh(f); ok {
			s.send(wire.RefreshOK(f.ID, expires))
		}
	}
}
