package hub

import (
	"context"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/contain"
)

// sweep looks after what depends on time but on no connection, once a second: deadlines and
// eviction of feeds, and topics nobody needs any more.
func (h *Hub) sweep(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	var queues map[string]waiting
	for {
		select {
		case <-ctx.Done():
			h.weigh(nil, queues)
			return
		case now := <-tick.C:
			feeds := h.followed()
			for _, f := range feeds {
				_ = contain.Do(h.log, h.count, contain.Sweep, func() { round{f, now}.do() }, realtime.KeyTopic, f.topic)
				h.letGo(f)
			}
			_ = contain.Do(h.log, h.count, contain.Sweep, func() { queues = h.weigh(feeds, queues) })
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
