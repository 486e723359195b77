package tidewire

import (
	"time"

	"github.com/tidewire/tidewire/clients/go/internal/link"
	"github.com/tidewire/tidewire/realtime/wire"
)

// owner is the Client, as its connection sees it.
type owner struct{ *Client }

// Greet has the connect frame ask for channels.
func (o owner) Greet(l *link.Link, hello *wire.ClientFrame, bare bool) {
	hello.MaxBytesPerSecond = o.o.MaxBytesPerSecond
	if !bare {
		o.askFirst(l, hello)
	}
}

// Use says that a link is the one that is used.
func (o owner) Use(l *link.Link) {
	o.out.Use(l)
	w := &l.Welcome
	o.set(State{Phase: PhaseLive, Connection: w.Connection, Instance: w.Instance, User: w.User, Tenant: w.Tenant, Version: w.Version})
	select {
	case <-o.live:
	default:
		close(o.live)
	}
	waiting := o.waiting
	o.waiting = nil
	for _, q := range waiting {
		o.sendOnce(q)
	}
}

// Left goes on with the link that is there.
func (o owner) Left() { o.out.Moved() }

// Stayed asks for what is read from no link.
func (o owner) Stayed() {
	for _, f := range o.feeds {
		if f.link == nil || f.link.Over() {
			f.ask()
		}
	}
}

// Connecting says so.
func (o owner) Connecting(why error) { o.set(State{Phase: PhaseConnecting, Err: why}) }

// Waiting says so.
func (o owner) Waiting(until time.Time, why error) {
	o.set(State{Phase: PhaseWaiting, Err: why, Until: until})
}
