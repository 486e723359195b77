package hub

import (
	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/hub/backlog"
)

// keeper is the Hub as its Budget sees it.
type keeper struct{ hub *Hub }

// GiveUpUntil forgets what the records of all topics hold that was published up to a moment, in ms.
func (k keeper) GiveUpUntil(ms int64) {
	for _, f := range k.hub.followed() {
		k.relieve(f, ms)
	}
}

// slowQueue is what a client leaves in its queue to be taken for one that the process can do without.
const slowQueue = 32 << 10

// CloseSlowest closes the clients with the longest queues until as many bytes are free, and returns how many are.
func (k keeper) CloseSlowest(bytes int64) (freed int64) {
	all := backlog.Longest(slowQueue, func(yield func(*Connection, int) bool) {
		for _, f := range k.hub.followed() {
			for _, c := range f.connections() {
				if _, n := c.client.Box.Weight(); !yield(c, n) {
					return
				}
			}
		}
	})
	for c, n := range all {
		if freed >= bytes {
			break
		}
		freed += int64(n)
		k.hub.count.Add(realtime.CountDrops, c.Tenant().ID, realtime.ReasonTooSlow, 1)
		c.Close(realtime.Errorf(realtime.CodeTooSlow, "the server is short of memory, and %d bytes were waiting for this connection", n))
	}
	return freed
}

// relieve forgets what the records of a topic hold that was published up to a moment, in ms.
func (k keeper) relieve(f *feed, until int64) {
	f.lock()
	for _, g := range f.generations() {
		g.channels.Relieve()
	}
	f.unlock()
	for more := true; more; {
		more = k.relieveSome(f, until)
	}
}

func (keeper) relieveSome(f *feed, until int64) (more bool) {
	f.lock()
	defer f.unlock()
	if f.stopped {
		return false
	}
	for _, g := range f.generations() {
		if g.channels.GiveUp(until) {
			return true
		}
	}
	return false
}
