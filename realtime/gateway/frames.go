package gateway

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/wire"
)

// Message handles a frame. What has to wait for something stands in line; only a client that sends faster than
// it may, or than what it asks for can be done, is held up.
func (s *session) Message(payload []byte) *realtime.Error {
	first := !s.spoken
	s.spoken = true
	f, bad := s.decode(payload)
	if s.guest == nil {
		return s.hello(&f, len(payload), bad)
	}
	if f.Type == wire.TypePublish {
		if barred := s.line.barrier(&f, false); barred != nil {
			return s.behind(&f, len(payload), barred)
		}
	}
	if limited := s.limited(&f, len(payload)); limited != nil {
		return s.refuse(&f, limited)
	}
	s.refusals = 0
	switch {
	case bad != nil:
		return s.malformed(bad)
	case f.Type == wire.TypePing:
		s.sock.Uncork() // or it would overtake the answers to what came before it
		s.control(s.speaks.Pong(f.ID))
		return nil
	case f.Type == wire.TypeConnect && !first:
		s.fail(f.ID, "", realtime.Errorf(realtime.CodeBadRequest, "connect: must be the first frame"))
		return nil
	}
	return s.take(&f, len(payload))
}

// decode reads a frame. Of one that is refused the ID alone is there, if it could be read.
func (s *session) decode(payload []byte) (wire.ClientFrame, *wire.DecodeError) {
	f, err := s.speaks.decode(payload)
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
func (s *session) hello(f *wire.ClientFrame, size int, bad *wire.DecodeError) *realtime.Error {
	if bad != nil {
		return bad.Err
	}
	if f.Type != wire.TypeConnect || f.Token == "" {
		return realtime.Errorf(realtime.CodeUnauthorized, "the handshake had no token, so the first frame must be connect with one")
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
	s.g.pending.remove(s, s.visit.remote)
	s.guest, s.visit = v, nil
	s.sock.Cork()
	if refused := s.welcome(f.ID); refused != nil {
		return refused
	}
	if len(f.Subscriptions) == 0 {
		return nil
	}
	if limited := v.seat.Subscribe(); limited != nil {
		return s.refuse(f, limited)
	}
	return s.take(&wire.ClientFrame{Type: wire.TypeConnect, AsOf: f.AsOf, Subscriptions: f.Subscriptions}, size)
}

// limited takes the frame from the buckets of all limits that it concerns.
func (s *session) limited(f *wire.ClientFrame, size int) *realtime.Error {
	if f.Type == wire.TypePublish {
		return s.limitedPublish(size)
	}
	seat := s.guest.seat
	if err := seat.Frame(size); err != nil {
		return err
	}
	if f.Type == wire.TypeSubscribe || f.Type == wire.TypeConnect && len(f.Subscriptions) > 0 {
		return seat.Subscribe()
	}
	return nil
}

const (
	// holdEach is how long one publish that is over a rate may hold up what its client sends next, rather than
	// be refused. It then takes its turn.
	holdEach = 250 * time.Millisecond
	// holdFor is for how long a client may be held up in a row.
	holdFor = 3 * time.Second
)

// limitedPublish takes a publish from the buckets, and waits for them within bounds.
func (s *session) limitedPublish(size int) *realtime.Error {
	seat := s.guest.seat
	patience := holdEach
	if !s.held.IsZero() {
		patience = min(holdEach, holdFor-time.Since(s.held))
	}
	wait, err := seat.PublishFrame(size, patience)
	if wait == 0 && err == nil {
		s.held = time.Time{}
		return nil
	}
	if s.held.IsZero() {
		s.held = time.Now()
	}
	for wait > 0 {
		s.sock.Uncork()
		select {
		case <-time.After(wait):
		case <-s.g.life.Done():
			return nil // it is closed anyway
		}
		patience -= wait
		wait, err = seat.PublishFrame(size, patience)
	}
	if err != nil {
		s.held = time.Time{}
	}
	return err
}

// refuse answers a frame that is over a limit. A client that goes on all the same is closed. Once a publish is
// refused so are those that the client has sent before it knew, on every channel, or they would overtake it.
func (s *session) refuse(f *wire.ClientFrame, err *realtime.Error) *realtime.Error {
	if s.refusals++; s.refusals >= maxRefusals {
		return err
	}
	if f.Type == wire.TypePublish {
		s.refusePublish(f, "", false, err)
	} else {
		s.fail(f.ID, f.Channel, err)
	}
	return nil
}

// behind answers a publish that must not overtake one that was refused. It counts as a frame.
func (s *session) behind(f *wire.ClientFrame, size int, barred *realtime.Error) *realtime.Error {
	seat := s.guest.seat
	if err := seat.Frame(size); err != nil {
		return s.refuse(f, err)
	}
	seat.Refused(cmp.Or(barred.Limit, string(barred.Code)))
	// One behind a publish that failed, or whose client could not know, is no fault of the client.
	if barred.Code == realtime.CodeLimited && !f.CountsRefusals {
		if s.refusals++; s.refusals >= maxRefusals {
			return barred
		}
	}
	s.refuseBehind(f, false, barred)
	return nil
}

// take handles a frame now if nothing that it needs can wait and nothing waits
// before it; else it stands in line.
func (s *session) take(f *wire.ClientFrame, size int) *realtime.Error {
	if s.g.o.Hooks == nil && !waits(f) && !s.line.busy() {
		s.sock.Cork() // until all that came with it is handled
		s.handle(f)
		return nil
	}
	s.sock.Uncork()
	f.Data = bytes.Clone(f.Data) // it is part of what the socket reads into
	start, full := s.line.join(s.g.life, waitingFrame{*f, size})
	if full != nil {
		s.guest.seat.Refused(full.Limit)
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
			s.send(s.speaks.RefreshOK(f.ID, expires))
		}
	}
}
