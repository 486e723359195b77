package hub

import (
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/internal/uid"
)

// sendPulse makes a silent topic speak.
func (g *generation) sendPulse(now time.Time) {
	id := uid.New()
	g.pulse, g.pulsed = id, now
	failed := func() { // the next sweep sends another
		if g.pulse == id {
			g.pulse = ""
		}
	}
	g.feed.out = append(g.feed.out, g.stream.Control(g.ctx, realtime.KindPulse, realtime.Channel{}, id, failed))
}
