package hub

import (
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/contain"
	"github.com/tidewire/tidewire/realtime/hub/channel"
	"github.com/tidewire/tidewire/realtime/hub/presence"
	"github.com/tidewire/tidewire/realtime/hub/protocol"
	"github.com/tidewire/tidewire/realtime/outbox"
)

// Presence returns who is subscribed to a channel on this instance, at most a
// thousand of them, and how many there are. With on, the connection is told
// about changes until it disconnects, asks again without, or loses the right to. A watch counts as a
// subscription of the connection. It refuses with CodeForbidden or CodeLimited (subscriptionsPerConnection).
func (h *Hub) Presence(c *Connection, name realtime.Channel, on bool) ([]realtime.Member, int, error) {
	f := c.feed
	f.lock()
	defer f.unlock()
	if !c.Principal().May(realtime.ActionPresence, name) {
		return nil, 0, realtime.Errorf(realtime.CodeForbidden, "channel: no grant for the presence of %q", name.Name())
	}
	_, watches := c.watches[name]
	if on && c.index >= 0 && !watches {
		if err := c.admitWatch(); err != nil {
			return nil, 0, err
		}
		c.watches[name] = struct{}{}
	}
	p := &f.presence
	if !p.board.Watches(name) {
		p.board.Open(name, p.there(name))
	}
	members, n := p.board.Members(name)
	switch {
	case on && c.index >= 0:
		// Who watches already is told now what has been gathered: from here on all know the same.
		p.tell(name)
		p.board.Watch(name, c)
	case watches:
		p.unwatch(c, name)
	default:
		p.rest(name)
	}
	return members, n, nil
}

// attendance is who is present on the channels of a feed, and tells those who watch. It is guarded by feed.mu.
type attendance struct {
	f     *feed
	board presence.Board[*Connection]
}

// there are the principals of all readers of a channel.
func (p *attendance) there(name realtime.Channel) func(yield func(*realtime.Principal) bool) {
	return func(yield func(*realtime.Principal) bool) {
		for _, generations := range [][]*generation{p.f.generations(), p.f.chores.leaving} {
			for _, g := range generations {
				m := g.channels.Get(name)
				if m == nil {
					continue
				}
				for _, r := range m.Readers() {
					if !yield(r.Client().Conn.Principal()) {
						return
					}
				}
			}
		}
	}
}

// unwatch ends a connection's watch of a channel.
func (p *attendance) unwatch(c *Connection, name realtime.Channel) {
	delete(c.watches, name)
	c.mu.Lock()
	c.watching--
	c.mu.Unlock()
	p.board.Unwatch(name, c)
	p.rest(name)
}

// unwatchAll ends all of a connection's watches.
func (p *attendance) unwatchAll(c *Connection) {
	for name := range c.watches {
		p.f.fx.Steps++
		p.unwatch(c, name)
	}
}

// rest lets what is known of a channel be forgotten after a while if nobody watches it.
func (p *attendance) rest(name realtime.Channel) {
	if forget := p.board.Rest(name); forget != nil {
		p.after(presence.Linger, forget)
	}
}

// joined and left are told about each reader of each channel.
func (p *attendance) joined(r *channel.Reader) {
	turn, begins := p.board.Come(r.Channel(), r.Client().Conn.Principal())
	if begins {
		p.gather(r.Channel(), turn)
	}
}

func (p *attendance) left(r *channel.Reader) {
	turn, begins := p.board.Leave(r.Channel(), r.Client().Conn.Principal().User)
	if begins {
		p.gather(r.Channel(), turn)
	}
}

// gather sees to it that the watchers are told what has become of a change, and of those that come meanwhile.
func (p *attendance) gather(name realtime.Channel, turn uint64) {
	p.after(presence.Every, func() {
		if p.board.Gathers(name, turn) && !p.f.stopped {
			p.tell(name)
		}
	})
}

// after does something after a while, under the lock. If it panics, it is done no further.
func (p *attendance) after(d time.Duration, do func()) {
	time.AfterFunc(d, func() {
		var err error
		defer p.f.caught(contain.Topic, &err)
		p.f.lock()
		defer p.f.unlock()
		do()
	})
}

// tell tells the watchers what has changed since they were last told.
func (p *attendance) tell(name realtime.Channel) {
	n, ok := p.board.News(name)
	if !ok {
		return
	}
	news := protocol.Shared{Make: func(by *protocol.Protocol) outbox.Frame { return by.Presence(name, n.Came, n.Gone, n.Count) }}
	for c := range n.Watchers {
		if frame := news.In(c.client.Protocol); !frame.IsZero() { // the encoder did not panic
			p.f.fx.Push(&c.client, &outbox.Delivery{Frame: frame})
		}
	}
}
