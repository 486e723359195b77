package hub

import (
	"time"

	"github.com/tidewire/tidewire/realtime/contain"
)

// reportLater tells the Tracer what was written, once it was. What has been queued is not used for anything else.
func (a aftermath) reportLater() { a.f.hub.schedule.After(&a.f.handed, a.report) }

// report tells the Tracer what was written.
func (a aftermath) report() {
	written, behind := time.Now(), 0
	for _, c := range a.queued {
		if !c.Flusher().(*flusher).client.Box.Idle() {
			behind++
		}
	}
	h := a.f.hub
	for _, t := range a.traced {
		t.Written, t.Behind = written, behind
		_ = contain.Do(h.log, h.count, contain.Metrics, func() { h.o.Tracer.Delivered(t.Trace, t.Delivered) })
	}
}
