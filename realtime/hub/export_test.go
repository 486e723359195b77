package hub

import (
	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/hub/channel"
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
