package gateway

import (
	"context"
	"errors"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/internal/checked"
	"github.com/tidewire/tidewire/realtime/publish"
	"github.com/tidewire/tidewire/realtime/wire"
)

// publish publishes what frames ask for, in their order, with one call: a client
// that sends many does not wait for the broker once for each. Each is answered for itself.
func (s *session) publish(frames []waitingFrame) {
	pubs := make([]realtime.Publication, 0, len(frames))
	asked := make([]*wire.ClientFrame, 0, len(frames))
	for i := range frames {
		f := &frames[i].ClientFrame
		if barred := s.line.barrier(f, true); barred != nil {
			s.refuseBehind(f, true, barred)
			continue
		}
		p, refused := s.publication(f)
		if refused != nil {
			s.unpublished(f, refused)
			continue
		}
		pubs, asked = append(pubs, p), append(asked, f)
	}
	err := s.g.o.Publisher.PublishChecked(s.g.life, s.guest.doc(), pubs, checked.JSON{}) // by protocol.decode, and checkHooked
	refused := make([]error, len(pubs))
	if bad := (*publish.Error)(nil); errors.As(err, &bad) {
		for _, f := range bad.Failed {
			refused[f.Index] = f.Err
		}
	} else if err != nil {
		for i := range refused {
			refused[i] = err
		}
	}
	for i, f := range asked {
		if refused[i] != nil {
			s.unpublished(f, refused[i])
			continue
		}
		s.send(s.speaks.PublishOK(f.ID, pubs[i].ID))
	}
}

// unpublished answers a publish that was refused. One that will be sent again holds up those behind it.
func (s *session) unpublished(f *wire.ClientFrame, err error) {
	told := s.g.shown(s.g.life, "publishing", err)
	if told.Code == realtime.CodeUnavailable || told.Code == realtime.CodeDraining || told.RetryAfter > 0 {
		s.refusePublish(f, f.Channel, true, told)
		return
	}
	s.fail(f.ID, f.Channel, told)
}

// publication makes what a frame asks to publish, if the client may and the
// program's own hook agrees.
func (s *session) publication(f *wire.ClientFrame) (realtime.Publication, error) {
	v := s.guest
	ch, err := realtime.NewChannel(v.tenant.ID, f.Channel)
	if err != nil {
		return realtime.Publication{}, err
	}
	if !v.conn.Principal().May(realtime.ActionPublish, ch) {
		return realtime.Publication{}, realtime.Errorf(realtime.CodeForbidden, "channel: no grant to publish to %q", f.Channel)
	}
	p := realtime.Publication{Channel: ch, ID: f.Event, Key: f.Key, Tags: f.Tags, Data: f.Data}
	if err := p.Check(); err != nil || s.g.o.Hooks == nil {
		return p, err
	}
	_, refused := guard(s.g, "publish", func(ctx context.Context) (struct{}, error) {
		if err := s.g.o.Hooks.Publish(ctx, v.client(), &p); err != nil {
			return struct{}{}, err
		}
		return struct{}{}, checkHooked(&p, v.doc())
	})
	if refused != nil {
		return p, refused
	}
	return p, nil
}

// checkHooked refuses what a hook has made of a Publication and nobody could read.
func checkHooked(p *realtime.Publication, t *realtime.Tenant) (err error) {
	if p.Data, err = wire.Compact(p.Data); err != nil {
		return realtime.Errorf(realtime.CodeInternal, "the publish hook returned %v", err)
	}
	if n, most := len(p.Data), t.Limits.WithDefaults().MessageBytes; n > most {
		return realtime.Errorf(realtime.CodeInternal, "the publish hook must return at most %d bytes of data (limits.messageBytes), got %d", most, n)
	}
	return p.Check()
}
