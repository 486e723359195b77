package channel

import (
	"sync/atomic"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/hub/lane"
	"github.com/tidewire/tidewire/realtime/hub/view"
	"github.com/tidewire/tidewire/realtime/outbox"
)

// Reader is one subscription of a connection.
type Reader struct {
	client   *Client
	name     realtime.Channel
	sub      string // what the client calls the subscription; empty if it does not
	number   uint32 // among those that its client has had
	roams    bool   // it came by a pattern
	state    ReaderState
	question *Question            // while it is asking
	m        *Machine             // from its answer on
	index    int                  // in m.readers
	want     atomic.Pointer[Want] // what the client has asked for
	view     *view.View           // what it is shown of the channel
	seat     lane.Seat[*Reader]   // on one of m's
	pace     *pace                // nil if it is given all that comes, at once
	whole    func()               // what waits until its client has been given all of the state for the first time; nil if nothing does

	// at is where it stands while it is parked, ahead or replaying: what it has had.
	at realtime.Position
	// from is the number of the first entry that it is given when it comes: those before it
	// have come by a replay, or will.
	from uint64
	// While it is replaying, next is what it is given next, and the entries from live on have come since that began.
	next, live uint64
	// Entries before rewound were asked for as they came.
	rewound uint64
}

// NewReader returns a Reader of a client that is admitted to a channel, of which it is shown what a View says.
func NewReader(c *Client, name realtime.Channel, v *view.View, p Pace) *Reader {
	r := &Reader{client: c, name: name, view: v, number: c.Number()}
	if p.wants() {
		r.pace = &pace{state: p.State, paused: p.Paused}
		r.pace.tempo.Grant(p.Rate, time.Time{})
	}
	return r
}

// Wanted returns what the client has asked for, and SetWant changes it. They may be called without the lock.
func (r *Reader) Wanted() Want {
	if w := r.want.Load(); w != nil {
		return *w
	}
	return Want{}
}

// SetWant says what the client asks for.
func (r *Reader) SetWant(w Want) { r.want.Store(&w) }

// View returns what it is shown of the channel.
func (r *Reader) View() *view.View { return r.view }

// Seat is for the lanes of its channel.
func (r *Reader) Seat() *lane.Seat[*Reader] { return &r.seat }

// Channel returns what it is subscribed to.
func (r *Reader) Channel() realtime.Channel { return r.name }

// Client returns whose it is.
func (r *Reader) Client() *Client { return r.client }

// State returns how far it has come.
func (r *Reader) State() ReaderState { return r.state }

// Asks says that the Reader's question waits.
func (r *Reader) Asks(q *Question) { r.state, r.question = Asking, q }

// Question returns what it asks, nil if nothing waits.
func (r *Reader) Question() *Question { return r.question }

// On reports whether it is on a channel: it has been answered.
func (r *Reader) On() bool { return r.m != nil }

// End takes the Reader out of its channel; it is given nothing more. It reports whether it was on one.
func (r *Reader) End() (was bool) {
	if r.m != nil {
		r.leave()
		was = true
	}
	r.state = Gone
	return was
}

// Abandon ends the Reader, if it is on a channel, without a look at that, which cannot be trusted.
func (r *Reader) Abandon() {
	if r.m == nil {
		return
	}
	r.client.Drop(r)
	if r.pace != nil && r.pace.keyed != nil {
		r.pace.abandon(r)
	}
	r.m, r.state = nil, Gone
}

// abandon takes the reader off what it reads, as far as that goes.
func (p *pace) abandon(r *Reader) {
	defer func() { _ = recover() }()
	p.keyed.fx.Wheel.Remove(r)
	p.keyed.exit(r)
}

// become changes the state, and the counts that depend on it.
func (r *Reader) become(s ReaderState) {
	m := r.m
	switch r.state {
	case Parked:
		m.set.parked--
	case Ahead:
		m.ahead--
	case Replaying:
		if m.replaying--; m.replaying == 0 {
			m.rec.ForgetKeys()
		}
	}
	r.state = s
	switch s {
	case Parked:
		m.set.parked++
	case Ahead:
		m.ahead++
	case Replaying:
		m.replaying++
	}
}

// stand is where the reader stands: what it has had of the channel.
func (r *Reader) stand() realtime.Position {
	if r.state == Reading && (r.pace == nil || r.pace.state) && r.m.rec.Made() {
		return r.m.rec.Position()
	}
	if r.pace != nil {
		r.pace.stands(r)
	}
	return r.at
}

// leave takes the reader out of its channel, to move to another one.
func (r *Reader) leave() {
	m := r.m
	r.endReplay()
	r.become(moving)
	r.from, r.rewound = 0, 0
	last := len(m.readers) - 1
	m.readers[r.index] = m.readers[last]
	m.readers[r.index].index = r.index
	m.readers[last] = nil
	m.readers = m.readers[:last]
	if r.seat.Taken() {
		m.lanes.Exit(r)
	}
	if p := r.pace; p != nil && p.keyed != nil {
		r.detach()
	}
	r.m = nil
	if len(m.readers) == 0 {
		m.vacated()
	}
}

// join puts the reader on a channel.
func (r *Reader) join(m *Machine, s ReaderState, at realtime.Position) {
	r.m, r.index = m, len(m.readers)
	m.readers = append(m.readers, r)
	m.lanes.Enter(r)
	r.at = at
	r.become(s)
	if r.index == 0 {
		m.occupied()
	}
}

// receive joins a channel with a reader that stands at a Position and, but for what the margin
// of an asOf leaves open, has had everything of the topic up to a moment.
func (r *Reader) receive(m *Machine, at realtime.Position, vouched int64) {
	if KeepsState(r) {
		continues(r, m, at)
		return
	}
	var from int
	_, ok := m.rec.Find(at)
	switch {
	case ok:
		from, _ = m.rec.Resume(at, vouched-m.set.o.Margin.Milliseconds())
	case at.ID != "" && at.Time >= m.rec.Newest()-m.set.skew:
		// The new stream lags behind what the reader has seen.
		r.join(m, Ahead, at)
		r.from = m.rec.Next()
		return
	default:
		from, ok = m.rec.Resume(at, vouched-m.set.o.Margin.Milliseconds())
		if !ok {
			at = m.rec.Position()
			tellGap(r, m, at)
		}
	}
	r.follow(m, from, at)
}

// reached reports whether a reader that has seen more than its new record is to
// have an entry. Its own Publication ends the wait; if something later comes
// first, that Publication is missing here, and with it perhaps others.
func reached(r *Reader, at realtime.Position) bool {
	missing := at.ID != r.at.ID
	if missing && at.Time <= r.at.Time+r.m.set.skew {
		return false
	}
	r.become(Reading)
	if missing {
		tellGap(r, r.m, realtime.Position{Time: at.Time - 1})
	}
	return missing
}

// tellGap tells the reader that something is missing.
func tellGap(r *Reader, m *Machine, at realtime.Position) {
	m.count(realtime.CountGaps, realtime.ReasonMoved, 1)
	m.set.fx.Push(r.client, &outbox.Delivery{Frame: Framed(r, r.client.Protocol.Gap(m.name, at)), Channel: m.name, Reader: r.number})
}

// Roams reports whether the subscription has come by a pattern.
func Roams(r *Reader) bool { return r.roams }

// Named says what the client calls the subscription, and whether it has come by a pattern.
func Named(r *Reader, sub string, roams bool) { r.sub, r.roams = sub, roams }

// Sub returns what the client calls the subscription.
func Sub(r *Reader) string { return r.sub }

// Whole has do called once its client has been given all of the state, or all that has changed of it.
func Whole(r *Reader, do func()) { r.whole = do }

func isWhole(r *Reader) {
	if do := r.whole; do != nil {
		r.whole = nil
		do()
	}
}

// Number tells a reader apart from the others of its client.
func Number(r *Reader) uint32 { return r.number }

// Framed is a frame for a reader, with the name that its client has given to the subscription.
func Framed(r *Reader, f outbox.Frame) outbox.Frame {
	if r.sub == "" || f.IsZero() {
		return f
	}
	return r.client.Protocol.WithSub(f, r.sub)
}
