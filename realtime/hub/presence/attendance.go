package presence

import (
	"encoding/json"
	"iter"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/census"
	"github.com/tidewire/tidewire/realtime/hub/protocol"
	"github.com/tidewire/tidewire/realtime/outbox"
)

// Owner is who has an Attendance: what is known of a topic at an instance. W is a connection.
type Owner[W comparable] interface {
	// Send publishes a message; failed is called later if it may not have been stored.
	Send(m *realtime.Message, failed func())
	// After does something after a while, as all is done to an Attendance.
	After(d time.Duration, do func())
	// Rules are those of a channel's namespace.
	Rules(c realtime.Channel) *realtime.Presence
	// There are the connections of all readers of a channel, each as often as it reads it.
	There(c realtime.Channel) iter.Seq[W]
	// Who is a connection, and Lost whether it has ended.
	Who(w W) *Who
	Lost(w W) bool
	// May says why a connection may not see who is present; nil: it may.
	May(w W, c realtime.Channel) *realtime.Error
	// Watches reports whether a connection still wants to be told who comes and goes.
	Watches(w W, c realtime.Channel) bool
	// Push queues a frame for a connection.
	Push(w W, make func(*protocol.Protocol) outbox.Frame)
	// Begun reports whether what others say is heard.
	Begun() bool
}

// Attendance is who is present on the channels of a topic: it answers, and tells those who watch. It is not safe for concurrent use.
type Attendance[W comparable] struct {
	Board[W]
	owner   Owner[W]
	census  *census.Census
	entered map[realtime.Channel]map[W]*entry
}

// New returns an Attendance of an instance, of which a later one has a larger epoch.
func New[W comparable](owner Owner[W], instance string, epoch uint64) *Attendance[W] {
	a := &Attendance[W]{owner: owner, entered: map[realtime.Channel]map[W]*entry{}}
	a.census = census.New(subjects[W]{a}, instance, epoch)
	a.Census = a.census
	return a
}

// subjects is an Attendance as its Census sees it.
type subjects[W comparable] struct{ a *Attendance[W] }

func (s subjects[W]) Send(m *realtime.Message, failed func()) { s.a.owner.Send(m, failed) }
func (s subjects[W]) Close(c realtime.Channel)                { s.a.Board.Close(c) }

func (s subjects[W]) Own(c realtime.Channel) iter.Seq2[string, json.RawMessage] {
	return s.a.Board.Own(c)
}

func (s subjects[W]) Heard(c realtime.Channel, instance, key string, value json.RawMessage) {
	s.a.Board.Heard(c, instance, key, value)
}

// Open fills a room with those who are here.
func (s subjects[W]) Open(c realtime.Channel) {
	a := s.a
	a.Board.Open(c, a.owner.Rules(c))
	for w := range a.owner.There(c) {
		a.Come(c, a.owner.Who(w), w)
	}
	for w, e := range a.entered[c] {
		a.Board.Enter(c, a.owner.Who(w), w, e.data, time.UnixMilli(e.at))
	}
}

// Request asks who is present on a channel, on all instances.
type Request struct {
	Channel realtime.Channel
	// Watch asks to be told of changes until the connection ends, asks again without, or loses the right to.
	Watch bool
	// Answer makes the answer, and Refused that of a request that is refused later on.
	Answer  func(*outbox.Presence) outbox.Frame
	Refused func(*realtime.Error) outbox.Frame
}

// heardWithin is how long a request waits for a stream that has yet to begin.
const heardWithin = 10 * time.Second

// Ask answers a request when it is known who is present. asked is when it was made.
func (a *Attendance[W]) Ask(w W, req *Request, asked time.Time) {
	now, c := time.Now(), req.Channel
	if a.owner.Lost(w) {
		return
	}
	err := a.owner.May(w, c)
	if err == nil && req.Watch && !a.owner.Watches(w, c) {
		err = realtime.Errorf(realtime.CodeNotFound, "channel: the watch of %q was ended before it was answered", c.Name())
	}
	if err != nil {
		a.owner.Push(w, func(*protocol.Protocol) outbox.Frame { return req.Refused(err) })
		return
	}
	if ready := a.ready(c, now); ready.After(now) && now.Sub(asked) < heardWithin {
		a.owner.After(ready.Sub(now), func() { a.Ask(w, req, asked) })
		return
	}
	if req.Watch {
		// Who watches already is told now what has been gathered: from here on all know the same.
		if n, ok := a.News(c, now); ok {
			a.tell(c, &n)
		}
		a.Watch(c, w)
	}
	v := a.View(c)
	a.owner.Push(w, func(*protocol.Protocol) outbox.Frame {
		return req.Answer(&outbox.Presence{Members: v.Members, Count: v.Count, Truncated: v.Truncated})
	})
}

// ready asks who is present on a channel, and returns from when on that is known.
func (a *Attendance[W]) ready(c realtime.Channel, now time.Time) time.Time {
	if ready := a.Ready(c, now); a.owner.Begun() {
		return ready
	}
	return now.Add(census.Settle)
}

// Tally tells a connection how many read a channel, when that is known, and from then on, until Uncount.
func (a *Attendance[W]) Tally(w W, c realtime.Channel) {
	now := time.Now()
	ready := a.ready(c, now)
	a.Count(c, w)
	a.owner.After(max(ready.Sub(now), 0), func() {
		if a.Counts(c, w) {
			o := a.Occupancy(c)
			a.owner.Push(w, func(p *protocol.Protocol) outbox.Frame { return p.Occupancy(c, o.Connections, o.Users) })
		}
	})
}

// Entered reports whether a connection has entered a channel.
func (a *Attendance[W]) Entered(w W, c realtime.Channel) bool { return a.entered[c][w] != nil }

// Enter makes a connection a member of a channel, or gives it other data. data is compact JSON, and not changed afterwards.
func (a *Attendance[W]) Enter(w W, c realtime.Channel, data json.RawMessage) {
	now := time.Now()
	if a.entered[c] == nil {
		a.entered[c] = map[W]*entry{}
	}
	a.entered[c][w] = &entry{data, now.UnixMilli()}
	a.Board.Enter(c, a.owner.Who(w), w, data, now)
}

// Exit ends that.
func (a *Attendance[W]) Exit(w W, c realtime.Channel) {
	if delete(a.entered[c], w); len(a.entered[c]) == 0 {
		delete(a.entered, c)
	}
	a.Board.Exit(c, a.owner.Who(w), w, a.owner.Lost(w), time.Now())
}

// Joined counts a subscription of a connection, and Left one less.
func (a *Attendance[W]) Joined(w W, c realtime.Channel) { a.Come(c, a.owner.Who(w), w) }

// Left counts one less.
func (a *Attendance[W]) Left(w W, c realtime.Channel) {
	a.Leave(c, a.owner.Who(w), w, a.owner.Lost(w), time.Now())
}

// Hear takes in a message of another instance. began is when the stream that brings it began, by the broker's clock; zero if
// it has not yet.
func (a *Attendance[W]) Hear(m *realtime.Message, began, now time.Time) error {
	return a.census.Hear(m, began.Sub(m.Time), !began.IsZero(), now)
}

// Begins says that a stream has begun, when the broker's clock showed a moment. Restart says that messages may have been lost.
func (a *Attendance[W]) Begins(moment, now time.Time) {
	a.census.Began(moment, now)
	a.Restart(now)
	a.Unsettle(now.Add(census.Settle))
}

// Restart says that messages may have been lost.
func (a *Attendance[W]) Restart(now time.Time) { a.census.Restart(now) }

// Bye tells the other instances that this one says no more.
func (a *Attendance[W]) Bye(now time.Time) { a.census.Bye(now) }

// Turn does what is due, once a second.
func (a *Attendance[W]) Turn(now time.Time) {
	for c, n := range a.Tick(now) {
		a.tell(c, &n)
	}
	a.census.Tick(now)
}

// tell tells those who watch what has changed since they were last told.
func (a *Attendance[W]) tell(c realtime.Channel, n *News[W]) {
	push := func(all iter.Seq[W], frame protocol.Shared) {
		for w := range all {
			a.owner.Push(w, frame.In)
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
