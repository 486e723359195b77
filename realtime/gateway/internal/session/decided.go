package session

import (
	"context"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/hub"
	"github.com/tidewire/tidewire/realtime/wire"
)

// attempts are the publishes with a condition of one batch, by the ID of their events.
type attempts map[string]*hub.Attempt

func (all attempts) end() {
	for _, a := range all {
		a.End()
	}
}

// decidedWithin bounds how long a publish with a condition waits until it has come back.
const decidedWithin = 10 * time.Second

// try prepares a publish with a condition. known says that it has been published before, and what has become of it.
func (all attempts) try(h *handler, p *realtime.Publication) (known bool, err error) {
	if all[p.ID] != nil {
		return false, realtime.Errorf(realtime.CodeConflict, "event: %q was published a moment ago, and is not decided yet", p.ID)
	}
	a, err := hub.Try(h.c.Life, h.client.Connection(), p)
	if err != nil {
		return false, err
	}
	all[p.ID] = a
	return a.Known(), nil
}

// decided answers a publish with a condition when that is decided.
func decided(h *handler, f *wire.ClientFrame, a *hub.Attempt) {
	ctx, cancel := context.WithTimeout(h.c.Life, decidedWithin)
	defer cancel()
	o, err := a.Wait(ctx)
	if err != nil {
		h.unpublished(f, err)
		return
	}
	h.send(h.protocol.PublishDecided(f.ID, a.ID(), o.Verdict == realtime.VerdictApplied, o.Position))
}
