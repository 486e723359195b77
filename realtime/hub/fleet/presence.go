package fleet

import (
	"iter"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/census"
	"github.com/tidewire/tidewire/realtime/hub/presence"
	"github.com/tidewire/tidewire/realtime/hub/protocol"
	"github.com/tidewire/tidewire/realtime/outbox"
)

// Request asks who is present on a channel, on all instances.
type Request struct {
	Channel realtime.Channel
	// Watch asks to be told of changes until the connection ends, asks again without, or loses the right to.
	Watch bool
	// Answer makes the answer, and Refused that of a request that is refused later on.
	Answer  func(*outbox.Presence) outbox.Frame
	Refused func(*realtime.Error) outbox.Frame
}

// Ask answers who is present on a channel, when that is known. Errors: CodeForbidden, and those of Owner.Admit.
func (f *Fleet[W]) Ask(w W, req *Request) error {
	c := req.Channel
	if err := f.owner.May(w, realtime.ActionPresence, c); err != nil {
		return err
	}
	switch watches := watches(f, w, c); {
	case req.Watch && !watches:
		if err := f.owner.Admit(w); err != nil {
			return err
		}
		held(f, w)[realtime.Right{Action: realtime.ActionPresence, Channel: c}] = struct{}{}
	case !req.Watch && watches:
		f.unwatch(w, c)
	}
	f.answer(w, req, time.Now())
	return nil
}

// heardWithin is how long a request waits for a stream that has yet to begin.
const heardWithin = 10 * time.Second

// answer answers a request when it is known who is present.
func (f *Fleet[W]) answer(w W, req *Request, asked time.Time) {
	now, c := time.Now(), req.Channel
	if f.owner.Lost(w) {
		return
	}
	err := f.owner.May(w, realtime.ActionPresence, c)
	if err == nil && req.Watch && !watches(f, w, c) {
		err = realtime.Errorf(realtime.CodeNotFound, "channel: the watch of %q was ended before it was answered", c.Name())
	}
	if err != nil {
		f.owner.Push(w, func(*protocol.Protocol) outbox.Frame { return req.Refused(err) })
		return
	}
	if ready := f.ready(c, now); ready.After(now) && now.Sub(asked) < heardWithin {
		f.owner.After(ready.Sub(now), func() { f.answer(w, req, asked) })
		return
	}
	if req.Watch {
		// Who watches already is told now what has been gathered: from here on all know the same.
		if n, ok := f.board.News(c, now); ok {
			f.tell(c, &n)
		}
		f.board.Watch(c, w)
	}
	v := f.board.View(c)
	f.owner.Push(w, func(*protocol.Protocol) outbox.Frame {
		return req.Answer(&outbox.Presence{Members: v.Members, Count: v.Count, Truncated: v.Truncated})
	})
}

// ready asks who is present on a channel, and returns from when on that is known.
func (f *Fleet[W]) ready(c realtime.Channel, now time.Time) time.Time {
	if ready := f.board.Ready(c, now); f.owner.Begun() {
		return ready
	}
	return now.Add(census.Settle)
}

// Count tells a connection how many read a channel, when that is known, and from then on, until Uncount.
func (f *Fleet[W]) Count(w W, c realtime.Channel) {
	now := time.Now()
	ready := f.ready(c, now)
	f.board.Count(c, w)
	f.owner.After(max(ready.Sub(now), 0), func() {
		if f.board.Counts(c, w) {
			o := f.board.Occupancy(c)
			f.owner.Push(w, func(p *protocol.Protocol) outbox.Frame { return p.Occupancy(c, o.Connections, o.Users) })
		}
	})
}

// Uncount ends it.
func (f *Fleet[W]) Uncount(w W, c realtime.Channel) { f.board.Uncount(c, w, time.Now()) }

// tell tells those who watch what has changed since they were last told.
func (f *Fleet[W]) tell(c realtime.Channel, n *presence.News[W]) {
	push := func(all iter.Seq[W], frame protocol.Shared) {
		for w := range all {
			f.owner.Push(w, frame.In)
		}
	}
	if n.Names {
		news := &outbox.Presence{Joined: n.Joined, Left: n.Left, Updated: n.Updated, Members: n.Members, Count: n.View.Count, Truncated: n.Truncated}
		push(n.Watchers, protocol.Shared{Make: func(by *protocol.Protocol) outbox.Frame { return by.Presence(c, news) }})
	}
	if n.Counts {
		push(n.Counters, protocol.Shared{Make: func(by *protocol.Protocol) outbox.Frame { return by.Occupancy(c, n.Connections, n.Users) }})
	}
}
