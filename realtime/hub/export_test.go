package hub

import "github.com/tidewire/tidewire/realtime"

// Spoil makes whatever handles the channel next panic, in handling its readers.
func (h *Hub) Spoil(c realtime.Channel) {
	for _, f := range h.followed() {
		f.lock()
		if m := f.current.channels.Get(c); m != nil {
			m.Readers()[0] = nil
		}
		f.unlock()
	}
}
