package session

import (
	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/hub"
	"github.com/tidewire/tidewire/realtime/outbox"
	"github.com/tidewire/tidewire/realtime/wire"
)

// presence does what a frame says of its sender's own presence, and answers who is present if it asks.
func (h *handler) presence(f *wire.ClientFrame) {
	ch, err := h.channel(f.Channel)
	if err == nil && f.Enter != nil {
		err = h.enter(ch, f.Enter)
	}
	if err == nil && f.Asks {
		err = h.c.Hub.Presence(h.client.Connection(), &hub.PresenceRequest{
			Channel: ch, Watch: f.Watch,
			Answer:  func(p *outbox.Presence) outbox.Frame { return h.protocol.PresenceOK(f.ID, ch, p) },
			Refused: func(err *realtime.Error) outbox.Frame { return h.protocol.Error(f.ID, ch.Name(), err) },
		})
	}
	switch {
	case err != nil:
		h.report(f.ID, f.Channel, "presence", err)
	case !f.Asks:
		h.send(h.protocol.EnterOK(f.ID, ch))
	}
}

func (h *handler) enter(ch realtime.Channel, e *wire.Enter) error {
	c := h.client.Connection()
	if e.Leave {
		return hub.Exit(c, ch)
	}
	return hub.Enter(c, ch, e.Data, e.Update)
}
