package hub

import "github.com/tidewire/tidewire/realtime"

// StateRoom reports whether the state of a channel has room for what a connection is about to publish, as far as is known here. If not,
// the error has CodeLimited and says which bound it is.
func StateRoom(c *Connection, p *realtime.Publication) *realtime.Error {
	f := c.feed
	f.lock()
	defer f.unlock()
	return f.states.Full(p.Channel, p.Key, len(p.Data))
}
