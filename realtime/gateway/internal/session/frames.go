package session

import (
	"bytes"
	"cmp"
	"context"
	"slices"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/gateway/hook"
	"github.com/tidewire/tidewire/realtime/wire"
)

// Message handles a frame. What has to wait for something is queued; only a client that sends faster than
// it may, or than what it asks for can be done, is held up.
func (s *Session) Message(payload []byte) *realtime.Error {
	first := !s.begun
	s.begun = true
	f, bad := s.handler.protocol.read(payload)
	if s.handler.client == nil {
		return s.hello(&f, len(payload), bad)
	}
	return handleFrame(s, &f, len(payload), first, bad)
}

// handleFrame handles a frame of a connected client, or answers what is wrong with it.
func handleFrame(s *Session, f *wire.ClientFrame, size int, first bool, bad *wire.DecodeError) *realtime.Error {
	after := int64(0)
	if f.Type == wire.TypePublish {
		var refused *realtime.Error
		if refused, after = s.handler.refused.arrives(f); refused != nil {
			return s.behind(f, size, refused)
		}
	}
	limited := s.rate.take(s.c.Life, s.handler.client.Seat, f, size, func() { pause(s) })
	goOn(s)
	if limited != nil {
		return s.refuse(f, limited)
	}
	s.rate.refusals = 0
	switch {
	case bad != nil:
		return s.malformed(bad)
	case f.Type == wire.TypePing:
		s.sock.Uncork() // or it would overtake the answers to what came before it
		s.handler.control(s.handler.protocol.Pong(f.ID))
		return nil
	case f.Type == wire.TypeConnect && !first:
		s.handler.fail(f.ID, "", realtime.Errorf(realtime.CodeBadRequest, "connect: must be the first frame"))
		return nil
	}
	return s.take(&queuedFrame{*f, size, after})
}

// malformed answers what is wrong with a frame. What is no frame at all ends the connection.
func (s *Session) malformed(bad *wire.DecodeError) *realtime.Error {
	if bad.Fatal {
		return bad.Err
	}
	s.handler.fail(bad.ID, "", bad.Err)
	return nil
}

// hello handles the first frame of a client whose handshake held no token. It
// waits for whatever verifies the token; nothing more is read meanwhile.
func (s *Session) hello(f *wire.ClientFrame, size int, bad *wire.DecodeError) *realtime.Error {
	if bad != nil {
		return bad.Err
	}
	if f.Type != wire.TypeConnect || f.Token == "" {
		return realtime.Errorf(realtime.CodeUnauthorized, "the handshake had no token, so the first frame must be connect with one")
	}
	ctx, cancel := context.WithTimeout(s.c.Life, s.c.FirstFrame)
	defer cancel()
	p, refused := s.c.Admission.Verify(ctx, f.Token)
	if refused != nil {
		return refused
	}
	admitted, refused := s.c.Admission.Admit(ctx, p, s.pending)
	if refused != nil {
		return refused
	}
	s.c.Admission.Pending.Remove(s, s.pending)
	s.pending = nil
	s.Admit(&admitted)
	s.sock.Cork()
	if refused := s.welcome(f.ID); refused != nil {
		return refused
	}
	boundBytes(&s.handler, f)
	if len(f.Subscriptions) == 0 {
		return nil
	}
	if limited := admitted.Seat.Subscribe(); limited != nil {
		return s.refuse(f, limited)
	}
	return s.take(&queuedFrame{ClientFrame: wire.ClientFrame{Type: wire.TypeConnect, AsOf: f.AsOf, Subscriptions: f.Subscriptions}, size: size})
}

// refuse answers a frame that is over a limit. A client that goes on all the same is closed. Once a publish is
// refused so are those that the client has sent before it knew, on every channel, or they would overtake it.
func (s *Session) refuse(f *wire.ClientFrame, err *realtime.Error) *realtime.Error {
	if s.rate.exceeded() {
		return err
	}
	if f.Type == wire.TypePublish {
		s.handler.refusePublish(f, "", false, err)
	} else {
		s.handler.fail(f.ID, f.Channel, err)
	}
	return nil
}

// behind answers a publish that must not overtake one that was refused. It counts as a frame.
func (s *Session) behind(f *wire.ClientFrame, size int, refused *realtime.Error) *realtime.Error {
	seat := s.handler.client.Seat
	if err := seat.Frame(size); err != nil {
		return s.refuse(f, err)
	}
	seat.Refused(cmp.Or(refused.Limit, string(refused.Code)))
	// One behind a publish that failed, or whose client could not know, is no fault of the client.
	if refused.Code == realtime.CodeLimited && !f.CountsRefusals && s.rate.exceeded() {
		return refused
	}
	s.handler.refuseBehind(f, false, refused)
	return nil
}

// take handles a frame now if nothing that it needs can wait and nothing waits
// before it; else it is queued.
func (s *Session) take(f *queuedFrame) *realtime.Error {
	if !waits(&s.handler, &f.ClientFrame) && !s.queue.busy() {
		s.sock.Cork() // until all that came with it is handled
		s.handler.handle(&f.ClientFrame)
		return nil
	}
	s.sock.Uncork()
	f.Data = bytes.Clone(f.Data) // it is part of what the socket reads into
	start, full := s.queue.add(s.c.Life, f, func() { pause(s) })
	goOn(s)
	if full != nil {
		s.handler.client.Seat.Refused(full.Limit)
		return s.refuse(&f.ClientFrame, full)
	}
	if start {
		go s.work()
	}
	return nil
}

// pause is called before the client is held up: before nothing more is read from it for a while.
func pause(s *Session) {
	s.sock.Uncork()
	s.held = true
	s.handler.refused.hold()
}

// goOn is called after what may have held the client up.
func goOn(s *Session) {
	if s.held {
		s.held = false
		s.handler.refused.release()
	}
}

// waits reports whether a frame has to wait for more than the Hub.
func waits(h *handler, f *wire.ClientFrame) bool {
	switch f.Type {
	case wire.TypeUnsubscribe, wire.TypePresence:
		return false
	case wire.TypeSubscribe:
		return wants(h, hook.EventSubscribe, f.Channel)
	case wire.TypeConnect:
		return f.Token != "" || slices.ContainsFunc(f.Subscriptions, func(s wire.Subscription) bool { return wants(h, hook.EventSubscribe, s.Channel) })
	}
	return true
}
