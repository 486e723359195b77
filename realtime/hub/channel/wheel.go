package channel

import (
	"time"

	"github.com/tidewire/tidewire/realtime/hub/agenda"
)

// Wheel has the readers of a topic that are to be given more at some moment. There is one timer for all of them: whoever has the lock
// turns the Wheel when the first is due.
type Wheel struct{ agenda.Wheel[*Reader] }

// NewWheel returns an empty one.
func NewWheel() *Wheel {
	return &Wheel{agenda.NewWheel(func(r *Reader) *int { return &r.pace.place })}
}

// Turn gives those who are due what is new to them, as many as one hold of the lock allows. It reports whether more are due.
func (w *Wheel) Turn(now time.Time, fx *Effects) (more bool) {
	return w.Wheel.Turn(now, fx.Tired, func(r *Reader) { r.pace.flush(r, now) })
}
