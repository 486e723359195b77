package hub

import (
	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/hub/channel"
	"github.com/tidewire/tidewire/realtime/outbox"
	"github.com/tidewire/tidewire/realtime/wire"
)

// Spoil makes whatever handles the channel next panic, in handling its readers.
func (h *Hub) Spoil(c realtime.Channel) {
	for _, f := range h.followed() {
		f.lock()
		if m := f.current.channels.Get(c); m != nil {
			channel.Immediate(m)[0], m.Readers()[0] = nil, nil
		}
		f.unlock()
	}
}

// AskPresence asks who is present, as a socket does.
func (h *Hub) AskPresence(c *Connection, name realtime.Channel, watch bool) error {
	return h.Presence(c, &PresenceRequest{
		Channel: name, Watch: watch,
		Answer:  func(p *outbox.Presence) outbox.Frame { return wire.Answers{}.PresenceOK("1", name, p) },
		Refused: func(err *realtime.Error) outbox.Frame { return wire.Answers{}.Error("1", name.Name(), err) },
	})
}

// Hub is the one of a connection.
func (c *Connection) Hub() *Hub { return c.hub }

// CutFanOuts has what comes for a channel given to no more than so many readers before others have the lock. It is for a Hub without connections.
func (h *Hub) CutFanOuts(most int) { h.part = most }
