package hub

import (
	"time"

	"github.com/tidewire/tidewire/realtime/contain"
	"github.com/tidewire/tidewire/realtime/hub/channel"
)

// report tells the Tracer what was written to conns. It is called without a lock.
func (f *feed) report(all []channel.Traced, clients []*channel.Client) {
	if len(all) == 0 {
		return
	}
	written, behind := time.Now(), 0
	for _, c := range clients {
		if !c.Box.Idle() {
			behind++
		}
	}
	for i := range all {
		all[i].Written, all[i].Behind = written, behind
		_ = contain.Do(f.hub.log, f.hub.count, contain.Metrics, func() { f.hub.o.Tracer.Delivered(all[i].Trace, all[i].Delivered) })
	}
}
