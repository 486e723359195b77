package hub

import (
	"context"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/contain"
	"github.com/tidewire/tidewire/realtime/hub/backlog"
	"github.com/tidewire/tidewire/realtime/hub/fleet"
)

// sweep looks after what depends on time but on no connection, once a second: deadlines and
// eviction of feeds, and topics nobody needs any more.
func (h *Hub) sweep(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	var levels backlog.Levels
	tell := func(feeds []*feed) {
		levels.Tell(h.count, func(yield func(tenant string, messages, bytes int)) {
			for _, f := range feeds {
				for _, c := range f.connections() {
					messages, bytes := c.client.Box.Weight()
					yield(c.Tenant().ID, messages, bytes)
				}
			}
		})
		var known fleet.Levels
		for _, f := range feeds {
			f.mu.Lock()
			known.Add(f.fleet.Levels())
			f.mu.Unlock()
		}
		known.Tell(h.count)
	}
	for {
		select {
		case <-ctx.Done():
			tell(nil)
			return
		case now := <-tick.C:
			feeds := h.followed()
			for _, f := range feeds {
				_ = contain.Do(h.log, h.count, contain.Sweep, func() { round{f, now}.do() }, realtime.KeyTopic, f.topic)
				h.letGo(f)
			}
			_ = contain.Do(h.log, h.count, contain.Sweep, func() { tell(feeds) })
		}
	}
}

func (h *Hub) letGo(f *feed) {
	h.mu.Lock()
	if h.feeds[f.topic] != f || !f.retire(h.o.Pace.Linger) {
		h.mu.Unlock()
		return
	}
	h.release(f)
	h.rest()
	h.mu.Unlock()
	f.stop()
}
