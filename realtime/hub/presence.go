package hub

import (
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/hub/channel"
	"github.com/tidewire/tidewire/realtime/hub/protocol"
	"github.com/tidewire/tidewire/realtime/outbox"
)

// presenceEvery gathers who comes and goes, so that a page reload is no news
// and a crowd is one frame.
const presenceEvery = time.Second

// maxMembers bounds the members named in one answer; the count is always whole.
const maxMembers = 1000

// presenceLinger is how long is remembered who is present on a channel that nobody watches any more,
// so that who asks again and again does not have all its readers counted each time; maxLingering
// bounds for how many channels of a topic.
const (
	presenceLinger = 10 * time.Second
	maxLingering   = 256
)

// watch is who is present on a channel that somebody wants to know it of. It is
// guarded by feed.mu.
type watch struct {
	users    map[string]*present
	watchers map[*Connection]struct{}
	changed  map[string]bool // users whose presence may have changed: were they told to be here
	timer    *time.Timer
	lingers  bool // it is looked at again when it may be forgotten
}

type present struct {
	member realtime.Member
	n      int // subscribed connections
}

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
	w := f.watched[name]
	if w == nil {
		w = f.count(name)
		f.watched[name] = w
	}
	switch {
	case on && c.index >= 0:
		// Who watches already is told now what has been gathered: from here on all know the same.
		f.tellPresence(name, w)
		w.watchers[c] = struct{}{}
	case watches:
		f.unwatch(c, name)
	default:
		f.linger(name, w)
	}
	members := make([]realtime.Member, 0, min(len(w.users), maxMembers))
	for _, p := range w.users {
		if len(members) == maxMembers {
			break
		}
		members = append(members, p.member)
	}
	return members, len(w.users), nil
}

// count makes a watch from who reads the channel now.
func (f *feed) count(name realtime.Channel) *watch {
	w := &watch{users: map[string]*present{}, watchers: map[*Connection]struct{}{}, changed: map[string]bool{}}
	for _, generations := range [][]*generation{f.generations(), f.leaving} {
		for _, g := range generations {
			if m := g.channels.Get(name); m != nil {
				for _, r := range m.Readers() {
					w.come(r.Client().Conn.Principal())
				}
			}
		}
	}
	return w
}

// unwatch ends a connection's watch of a channel.
func (f *feed) unwatch(c *Connection, name realtime.Channel) {
	delete(c.watches, name)
	c.mu.Lock()
	c.watching--
	c.mu.Unlock()
	w := f.watched[name]
	delete(w.watchers, c)
	f.linger(name, w)
}

// unwatchAll ends all of a connection's watches.
func (f *feed) unwatchAll(c *Connection) {
	for name := range c.watches {
		f.fx.Steps++
		f.unwatch(c, name)
	}
}

// linger forgets who is present on a channel if nobody watches it: after a while, or at once if
// that many are remembered already.
func (f *feed) linger(name realtime.Channel, w *watch) {
	if len(w.watchers) > 0 || w.lingers {
		return
	}
	clear(w.changed)
	if f.lingering >= maxLingering {
		delete(f.watched, name)
		return
	}
	w.lingers = true
	f.lingering++
	time.AfterFunc(presenceLinger, func() {
		defer f.contain()
		f.lock()
		defer f.unlock()
		w.lingers = false
		f.lingering--
		if f.watched[name] == w && len(w.watchers) == 0 {
			delete(f.watched, name)
		}
	})
}

func (w *watch) come(p *realtime.Principal) (first bool) {
	u := w.users[p.User]
	if u == nil {
		u = &present{member: realtime.Member{User: p.User, Groups: p.Groups}}
		w.users[p.User] = u
	}
	u.n++
	return u.n == 1
}

func (w *watch) leave(user string) (last bool) {
	u := w.users[user]
	if u == nil {
		return false
	}
	if u.n--; u.n == 0 {
		delete(w.users, user)
	}
	return u.n == 0
}

// joined and left are told about each reader of each channel.
func (f *feed) joined(r *channel.Reader) {
	if w := f.watched[r.Channel()]; w != nil {
		p := r.Client().Conn.Principal()
		if w.come(p) {
			f.changed(r.Channel(), w, p.User, false)
		}
	}
}

func (f *feed) left(r *channel.Reader) {
	if w := f.watched[r.Channel()]; w != nil {
		user := r.Client().Conn.Principal().User
		if w.leave(user) {
			f.changed(r.Channel(), w, user, true)
		}
	}
}

// changed notes what the watchers were last told of a user, and sees to it that
// they are told what has become of it.
func (f *feed) changed(name realtime.Channel, w *watch, user string, was bool) {
	if len(w.watchers) == 0 {
		return
	}
	if _, noted := w.changed[user]; !noted {
		w.changed[user] = was
	}
	if w.timer != nil {
		return
	}
	var t *time.Timer
	t = time.AfterFunc(presenceEvery, func() {
		defer f.contain()
		f.lock()
		defer f.unlock()
		if w.timer == t && f.watched[name] == w && !f.stopped {
			f.tellPresence(name, w)
		}
	})
	w.timer = t
}

// tellPresence tells the watchers what has changed since they were last told.
func (f *feed) tellPresence(name realtime.Channel, w *watch) {
	if w.timer != nil {
		w.timer.Stop()
		w.timer = nil
	}
	var came, gone []realtime.Member
	for user, was := range w.changed {
		switch u := w.users[user]; {
		case u != nil && !was:
			came = append(came, u.member)
		case u == nil && was:
			gone = append(gone, realtime.Member{User: user})
		}
	}
	clear(w.changed)
	if len(came)+len(gone) == 0 {
		return
	}
	news := protocol.Shared{Make: func(p *protocol.Protocol) outbox.Frame { return p.Presence(name, came, gone, len(w.users)) }}
	for c := range w.watchers {
		if frame := news.In(c.client.Protocol); !frame.IsZero() { // the encoder did not panic
			f.fx.Push(&c.client, &outbox.Delivery{Frame: frame})
		}
	}
}
