package hub

import (
	"slices"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/hub/channel"
	"github.com/tidewire/tidewire/realtime/hub/pattern"
	"github.com/tidewire/tidewire/realtime/hub/stream"
)

// Of a broker that can bring single channels, a topic is followed by those that its clients read. What they do not show asks for the whole topic, which is then
// followed by another generation: subscriptions to patterns, and states, of which also that is to be known which nobody reads yet.

// wholeFor is how long the whole topic is followed after that was last asked for.
const wholeFor = 10 * time.Minute

// single has a generation follow single channels, if that will do. f.mu is held.
func single(g *generation, o *channel.Options, now time.Time) {
	f := g.feed
	b := realtime.FollowsChannels(f.hub.broker)
	if b == nil || asksForAll(f, now) {
		return
	}
	g.single = stream.NewChannels(g.ctx, b)
	o.Selected, o.Closed, o.Linger, o.Unkept = g.single.Wanted, g.single.Unwanted, f.pace.Linger, nil // what follows brings all of it again
	o.Opened = func(c realtime.Channel) {
		if f.tenants.Document(c.Tenant()).Rules(c.Namespace()).State != nil {
			f.whole = time.Now() // the sweep sees to it
		}
		f.patterns.Opened(c)
	}
}

// asksForAll reports whether the whole topic is, or has just been, asked for. f.mu is held.
func asksForAll(f *feed, now time.Time) bool {
	if pattern.Any(f.patterns) || slices.ContainsFunc(f.generations(), func(g *generation) bool { return g != nil && channel.Stateful(g.channels) }) {
		f.whole = now
	}
	return now.Sub(f.whole) < wholeFor
}

// askForAll sees to it that the newest generation of a topic follows all of it. f.mu is held.
func askForAll(f *feed) {
	f.whole = time.Now()
	all := f.generations()
	if g := all[len(all)-1]; g != nil && g.single != nil && !f.stopped {
		rebuild(f, realtime.ReasonWhole)
	}
}

// fit changes what is followed of a topic to what is asked for, from time to time. f.mu is held.
func fit(f *feed, now time.Time) {
	f.current.single.Retry()
	if f.next != nil || f.stopped || realtime.FollowsChannels(f.hub.broker) == nil {
		return
	}
	if all := asksForAll(f, now); all && f.current.single != nil {
		askForAll(f)
	} else if !all && f.current.single == nil {
		f.replace(f.current, realtime.ReasonSingle)
	}
}

// begins tells the states of a topic from when on a generation brings everything, if it does. f.mu is held.
func begins(g *generation, complete time.Time) {
	f, vouched := g.feed, int64(0)
	if f.current.single == nil { // else it vouches for what it follows, and for nothing else
		vouched = f.current.channels.Vouched
	}
	if g.single == nil {
		f.states.Begins(complete.UnixMilli(), vouched)
	}
}

// whole is the oldest generation that follows all of a topic; askForAll was called. f.mu is held.
func whole(f *feed) *generation {
	if f.current.single != nil && f.next != nil {
		return f.next
	}
	return f.current
}

// answersAtOnce has a generation that is being replaced answer a question, if it is sure of that. f.mu is held.
func answersAtOnce(g *generation, q *channel.Question) bool {
	if g.single == nil {
		return g.channels.Open(q.Request.Channel).AnswerAtOnce(q)
	}
	m := g.channels.Get(q.Request.Channel)
	return m != nil && !q.Request.State && m.AnswerAtOnce(q)
}
