package hub

import (
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/contain"
)

// traced is a Publication that is followed, between its delivery and the writing.
type traced struct {
	trace string
	realtime.Delivered
}

// report tells the Tracer what was written to conns. It is called without a lock.
func (f *feed) report(all []traced, conns []*Connection) {
	if len(all) == 0 {
		return
	}
	written, behind := time.Now(), 0
	for _, c := range conns {
		if !c.box.Idle() {
			behind++
		}
	}
	for i := range all {
		all[i].Written, all[i].Behind = written, behind
		_ = contain.Do(f.hub.log, f.hub.count, contain.Metrics, func() { f.hub.o.Tracer.Delivered(all[i].trace, all[i].Delivered) })
	}
}
