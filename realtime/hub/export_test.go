package hub

import "github.com/tidewire/tidewire/realtime"

// Spoil makes whatever handles the channel next panic, in handling its readers.
func (h *Hub) Spoil(c realtime.Channel) {
	for _, f := range h.followed() {
		f.lock()
		if ch := f.current.channels[c]; ch != nil {
			ch.readers = append([]*reader{nil}, ch.readers...)
		}
		f.unlock()
	}
}
