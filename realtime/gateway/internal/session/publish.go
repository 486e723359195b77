package session

import (
	"errors"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/gateway/hook"
	"github.com/tidewire/tidewire/realtime/internal/checked"
	"github.com/tidewire/tidewire/realtime/publish"
	"github.com/tidewire/tidewire/realtime/wire"
)

// publish publishes what frames ask for, in their order, with one call: a client
// that sends many does not wait for the broker once for each. Each is answered for itself.
func (h *handler) publish(frames []queuedFrame) {
	pubs := make([]realtime.Publication, 0, len(frames))
	asked := make([]*wire.ClientFrame, 0, len(frames))
	tries := attempts{}
	defer tries.end()
	for i := range frames {
		f := &frames[i].ClientFrame
		if earlier := h.refused.comes(f, frames[i].after); earlier != nil {
			h.refuseBehind(f, true, earlier)
			continue
		}
		p, refused := h.publication(f)
		if refused != nil {
			h.unpublished(f, refused)
			continue
		}
		if p.If != nil {
			if known, refused := tries.try(h, &p); refused != nil {
				h.unpublished(f, refused)
				continue
			} else if known {
				decided(h, f, tries[p.ID])
				continue
			}
		}
		pubs, asked = append(pubs, p), append(asked, f)
	}
	err := h.c.Publisher.PublishChecked(h.c.Life, h.client.Document(), pubs, checked.JSON{}) // by Protocol.Decode, and checkHooked
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
			h.unpublished(f, refused[i])
			continue
		}
		if a := tries[pubs[i].ID]; a != nil && pubs[i].If != nil {
			decided(h, f, a)
			continue
		}
		h.send(h.protocol.PublishOK(f.ID, pubs[i].ID))
	}
}

// unpublished answers a publish that was refused. One that will be sent again holds up those behind it.
func (h *handler) unpublished(f *wire.ClientFrame, err error) {
	told := h.c.Reporter.Report(h.c.Life, "publishing", err)
	if told.Code == realtime.CodeUnavailable || told.Code == realtime.CodeDraining || told.RetryAfter > 0 {
		h.refusePublish(f, f.Channel, true, told)
		return
	}
	h.fail(f.ID, f.Channel, told)
}

// publication makes what a frame asks to publish, if the client may and the
// program's own hook agrees.
func (h *handler) publication(f *wire.ClientFrame) (realtime.Publication, error) {
	ch, err := h.channel(f.Channel)
	if err != nil {
		return realtime.Publication{}, err
	}
	if !h.client.Connection().Principal().May(realtime.ActionPublish, ch) {
		return realtime.Publication{}, realtime.Errorf(realtime.CodeForbidden, "channel: no grant to publish to %q", f.Channel)
	}
	p := realtime.Publication{
		Channel: ch, ID: f.Event, Key: f.Key, Tags: f.Tags, Data: f.Data,
		Op: f.Op, TTL: f.TTL, Transient: f.Transient, If: f.If, EventType: f.EventType, Source: f.Source, ContentType: f.ContentType,
	}
	if refused := h.stateful(&p); refused != nil {
		return p, refused
	}
	if err := p.Check(); err != nil {
		return p, err
	}
	if err := h.client.Document().Classify(&p); err != nil || !wants(h, hook.EventPublish, ch.Name()) {
		return p, err
	}
	refused := h.c.Hooks.Publish(h.client.Hooked(), &p, func() error { return checkHooked(&p, h.client.Document()) })
	if refused != nil {
		return p, refused
	}
	return p, nil
}

// refusePublish answers a publish that is refused and will be sent again, and lets none in that must not overtake it.
func (h *handler) refusePublish(f *wire.ClientFrame, channel string, queued bool, why *realtime.Error) {
	h.refused.sending.Lock()
	defer h.refused.sending.Unlock()
	told, number := h.refused.add(f, channel, queued, why)
	if !f.CountsRefusals {
		h.fail(f.ID, f.Channel, told)
		return
	}
	h.send(h.protocol.PublishRefused(f.ID, shownName(f.Channel), told, number))
}

// refuseBehind answers a publish that must not overtake one that was refused. If its client counts refusals it
// must not be overtaken either.
func (h *handler) refuseBehind(f *wire.ClientFrame, queued bool, why *realtime.Error) {
	if f.CountsRefusals {
		h.refusePublish(f, f.Channel, queued, why)
		return
	}
	h.fail(f.ID, f.Channel, why)
}

// checkHooked refuses what a hook has made of a Publication and nobody could read.
func checkHooked(p *realtime.Publication, t *realtime.Tenant) (err error) {
	if p.Op == realtime.OpSet {
		if p.Data, err = wire.Compact(p.Data); err != nil {
			return realtime.Errorf(realtime.CodeInternal, "the publish hook returned %v", err)
		}
	}
	if n, most := len(p.Data), t.Limits.WithDefaults().MessageBytes; n > most {
		return realtime.Errorf(realtime.CodeInternal, "the publish hook must return at most %d bytes of data (limits.messageBytes), got %d", most, n)
	}
	if err := p.Check(); err != nil {
		return err
	}
	return t.Classify(p)
}
