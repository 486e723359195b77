package gateway

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/wire"
)

// resume handles a connect frame, but for a token that the handshake did not hold.
func (s *session) resume(f *wire.ClientFrame) {
	v := s.guest
	if f.Token != "" {
		if _, ok := s.refresh(f); !ok {
			return
		}
	}
	limits := v.doc().Limits.WithDefaults()
	if f.ID != "" { // the client waits for an answer, and was welcomed before it asked
		s.send(s.speaks.Welcome(f.ID, v.session(limits)))
	}
	if n, most := len(f.Subscriptions), limits.SubscriptionsPerConnection; n > most {
		s.fail("", "", &realtime.Error{
			Code: realtime.CodeLimited, Limit: "subscriptionsPerConnection",
			Message: fmt.Sprintf("subscriptions: must be at most %d (limits.subscriptionsPerConnection), got %d; none was accepted", most, n),
		})
		return
	}
	for _, sub := range f.Subscriptions {
		if sub.Err != nil {
			s.fail("", sub.Channel, sub.Err)
			continue
		}
		s.subscribe("", sub.Channel, sub.Since, f.AsOf)
	}
}

func (s *session) subscribe(id wire.ID, name string, since realtime.Position, asOf int64) {
	ch, err := realtime.NewChannel(s.guest.tenant.ID, name)
	if err == nil {
		err = s.guest.subscribe(id, ch, since, asOf)
	}
	if err != nil {
		s.fail(id, name, s.g.shown(s.g.life, "subscribing", err))
	}
}

func (s *session) unsubscribe(f *wire.ClientFrame) {
	ch, err := realtime.NewChannel(s.guest.tenant.ID, f.Channel)
	if err == nil && !s.g.hub.Unsubscribe(s.guest.conn, ch) {
		err = realtime.Errorf(realtime.CodeNotFound, "channel: %q is not subscribed", f.Channel)
	}
	if err != nil {
		s.fail(f.ID, f.Channel, s.g.shown(s.g.life, "unsubscribing", err))
		return
	}
	s.send(s.speaks.UnsubscribeOK(f.ID, ch))
}

func (s *session) presence(f *wire.ClientFrame) {
	ch, err := realtime.NewChannel(s.guest.tenant.ID, f.Channel)
	if err != nil {
		s.fail(f.ID, f.Channel, s.g.shown(s.g.life, "presence", err))
		return
	}
	members, count, err := s.g.hub.Presence(s.guest.conn, ch, f.Watch)
	if err != nil {
		s.fail(f.ID, f.Channel, s.g.shown(s.g.life, "presence", err))
		return
	}
	s.send(s.speaks.PresenceOK(f.ID, ch, members, count))
}

func (s *session) call(f *wire.ClientFrame) {
	if s.g.o.Hooks == nil {
		s.fail(f.ID, "", realtime.Errorf(realtime.CodeNotFound, "route: %.64q is unknown", f.Route))
		return
	}
	data, refused := guard(s.g, "call", func(ctx context.Context) ([]byte, error) {
		out, err := s.g.o.Hooks.Call(ctx, s.guest.client(), f.Route, json.RawMessage(f.Data))
		if err != nil || out == nil {
			return nil, err
		}
		data, err := json.Marshal(out)
		if err != nil {
			return nil, fmt.Errorf("writing the answer to a call: %w", err)
		}
		return data, nil
	})
	if refused != nil {
		s.fail(f.ID, "", refused)
		return
	}
	s.send(s.speaks.CallOK(f.ID, data))
}

// refresh renews the client's token. A refused one changes nothing. It reports whether it
// was accepted, and has answered it if not.
func (s *session) refresh(f *wire.ClientFrame) (expires time.Time, ok bool) {
	ctx, cancel := context.WithTimeout(s.g.life, s.g.o.FirstFrame)
	defer cancel()
	p, err := s.g.verifier.Verify(ctx, f.Token)
	if err != nil {
		s.fail(f.ID, "", s.g.shown(ctx, "verifying a token", err))
		return time.Time{}, false
	}
	if err := s.guest.renew(ctx, p); err != nil {
		s.fail(f.ID, "", s.g.shown(ctx, "renewing a token", err))
		return time.Time{}, false
	}
	return p.Expires, true
}
