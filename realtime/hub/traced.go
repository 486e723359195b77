package hub

import (
	"time"

	"github.com/tidewire/tidewire/realtime/contain"
)

// report tells the Tracer what was written.
func (a *aftermath) report() {
	if len(a.traced) == 0 {
		return
	}
	written, behind := time.Now(), 0
	for _, c := range a.queued {
		if !c.Box.Idle() {
			behind++
		}
	}
	h := a.f.hub
	for _, t := range a.traced {
		t.Written, t.Behind = written, behind
		_ = contain.Do(h.log, h.count, contain.Metrics, func() { h.o.Tracer.Delivered(t.Trace, t.Delivered) })
	}
}
