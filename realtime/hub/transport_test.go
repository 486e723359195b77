package hub_test

import (
	"sync"
	"time"

	"github.com/tidewire/tidewire/realtime/outbox"
	"github.com/tidewire/tidewire/realtime/wire"
)

// transport is that of one connection of a world's client, which reads at once, slowly or, while it is stuck, not at all.
type transport struct {
	w    *world
	box  *outbox.Outbox
	hear func(f wire.ServerFrame, frame []byte) // is called with mu held

	mu    sync.Mutex // held while frames are read; guards what follows
	stuck bool
	slow  bool // takes one frame at a time
	over  bool // hears no more
}

func newTransport(w *world) *transport {
	return &transport{w: w, box: outbox.New(wire.Encoder{}, nil)}
}

func (p *transport) ended() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.over
}

func (p *transport) Beat(time.Time) bool { return true }

func (p *transport) Flush() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stuck || !p.box.Begin() {
		return
	}
	if p.slow {
		p.w.closing.Go(p.trickle)
		return
	}
	for p.take(1 << 10) { //nolint:revive // it does all
	}
}

// trickle takes one frame after the other, with pauses. It has begun to write.
func (p *transport) trickle() {
	for pause := time.Millisecond; ; pause = min(2*pause, 40*time.Millisecond) {
		p.mu.Lock()
		if p.over {
			pause = 0
		}
		more := p.take(1)
		p.mu.Unlock()
		if !more {
			return
		}
		time.Sleep(pause)
	}
}

// take takes the next frames. It reports false if there are none. p.mu is held.
func (p *transport) take(most int) bool {
	frames := p.box.Next(nil, most)
	for _, b := range frames {
		if !p.over {
			p.hear(decode(p.w.t, b), b)
		}
	}
	return len(frames) > 0
}
