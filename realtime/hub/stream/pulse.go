package stream

import (
	"context"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/internal/uid"
)

// Pulse is the one under way through a silent topic, if there is one: it comes back, or the stream is dead. The lock guards it.
type Pulse struct {
	id   string
	sent time.Time
}

// Send returns another one, which is under way from now on. ctx ends with the stream.
func (p *Pulse) Send(ctx context.Context, o *Options, now time.Time) Outgoing {
	id := uid.New()
	p.id, p.sent = id, now
	return o.Control(ctx, realtime.KindPulse, realtime.Channel{}, id, func() { p.Heard(id) }) // the next sweep sends another
}

// Heard is told of one that has come, or could not be sent.
func (p *Pulse) Heard(id string) {
	if p.id == id {
		p.Forget()
	}
}

// Forget says that it may be lost.
func (p *Pulse) Forget() { p.id = "" }

// UnderWay reports whether there is one.
func (p *Pulse) UnderWay() bool { return p.id != "" }

// Overdue reports whether the one under way was sent so long ago.
func (p *Pulse) Overdue(now time.Time, after time.Duration) bool {
	return p.UnderWay() && now.Sub(p.sent) >= after
}
