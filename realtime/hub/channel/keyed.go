package channel

import (
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/hub/record"
	"github.com/tidewire/tidewire/realtime/hub/sight"
	"github.com/tidewire/tidewire/realtime/hub/view"
)

// Keyed is what readers read of a channel who need the newest of each key rather than all that came: those who are given its
// state, and those who are given what is new from time to time. They take it from a Table, each at its own pace.
//
// The state of a channel outlives the streams that bring it: it belongs to whoever follows the topic (Options.State), and the Sets of all streams
// apply what comes. For readers of other channels a Machine has a Keyed of its own, while it has such readers.
type Keyed struct {
	Table *record.Table
	// Known is what stands in the way of showing the state as a whole: nil if nothing does.
	Known func() *realtime.Error
	// Doubtful reports whether something may be missing of the state, which is told to those who read it already; nil: nothing ever is.
	Doubtful func() bool
	// Decided hears what became of a Publication with a Condition, whose ID it is given; nil: nobody does.
	Decided func(id string, o realtime.Outcome)

	name    realtime.Channel
	fx      *Effects
	metrics realtime.Metrics
	sights  sight.Sights[*Reader]
	readers int
	current [2]int // readers that have had everything: those who trust what they have, and those who were told that it is in doubt
	had     stand  // where they stand, but for those who stand behind it
}

// stand is where readers stand who have had everything.
type stand struct {
	cursor  record.Cursor
	at      realtime.Position
	dropped int
}

// NewKeyed returns one without readers.
func NewKeyed(t *record.Table, fx *Effects, metrics realtime.Metrics) *Keyed {
	return &Keyed{Table: t, name: t.Channel(), fx: fx, metrics: metrics}
}

// Readers is how many read it.
func (k *Keyed) Readers() int { return k.readers }

// keptEvents is how many Publications without a key are kept for readers that are behind.
const keptEvents = 1024

// Apply takes in what has come of the channel and shows it to those who read.
func (k *Keyed) Apply(m *realtime.Message, now time.Time) {
	if c, is := k.Table.Apply(m); is {
		k.changed(&c, now)
	}
	if m.If != nil && k.Decided != nil {
		k.Decided(m.ID, record.Decided(k.Table, m.ID))
	}
}

// Load takes in what a store has of the channel, unless something newer has come: the store knows better what was published before a moment, in
// ms. It reports false if what it has has expired.
func (k *Keyed) Load(e *realtime.StateEntry, before int64, now time.Time) bool {
	m := realtime.Message{Kind: realtime.KindPublication, Publication: e.Publication}
	m.If = nil // it has been decided
	if !e.Expires.IsZero() {
		if m.TTL = e.Expires.Sub(e.Time); !e.Expires.After(now) {
			return false
		}
	}
	if c, is := record.Load(k.Table, &m, before); is {
		k.changed(&c, now)
	}
	return true
}

// Outdated removes values of before a moment, in ms, that a checkpoint does not have, some at a time; see record.Outdated.
func (k *Keyed) Outdated(birth uint64, before int64, has func(key string) bool, now time.Time) (last uint64, more bool) {
	return record.Outdated(k.Table, birth, before, has, now, func(c record.Change) { k.changed(&c, now) })
}

// Settle is told of a checkpoint that has decided what was left open; see record.Settle.
func (k *Keyed) Settle(before int64, has func(key string) bool, now time.Time) {
	record.Settle(k.Table, before, has, now, func(c record.Change) { k.changed(&c, now) })
}

// Expire removes what has expired, up to a number of keys. It returns how many there were.
func (k *Keyed) Expire(now time.Time, most int) int {
	return k.Table.Expire(now, most, func(c record.Change) { k.changed(&c, now) })
}

// changed tells those readers of a change whom it concerns. To the others nothing is done: those who have had everything have had it too.
func (k *Keyed) changed(c *record.Change, now time.Time) {
	for _, s := range k.sights.See(k.Table, c, func(r *Reader, fault any) { k.fx.Panicked(r.client, fault) }) {
		for _, seat := range s.Seats {
			seat.Reader.pace.changed(seat.Reader, now)
		}
	}
	if doubtful := k.doubtful(); k.current[untold(doubtful)] > 0 {
		for r := range k.sights.Readers() {
			if r.pace.state && r.pace.doubts != doubtful {
				r.pace.changed(r, now)
			}
		}
	}
	k.had = stand{k.Table.At(), k.Table.Position(), k.Table.Dropped()}
	if k.behind() == 0 {
		k.sights.Forget()
	}
}

// behind is how many readers have not had everything.
func (k *Keyed) behind() int { return k.readers - k.current[0] - k.current[1] }

// enter takes a reader in.
func (k *Keyed) enter(r *Reader) {
	p := r.pace
	p.keyed, p.lags = k, true
	k.join(r)
	if k.readers++; k.readers == 1 {
		k.Table.KeepEvents(keptEvents)
	}
	p.dropped = k.Table.Dropped()
}

// join puts a reader among those who are shown the same.
func (k *Keyed) join(r *Reader) {
	p := r.pace
	if p.seat.Reader = r; !p.state {
		p.cursor.Joined = k.Table.Number()
	}
	k.sights.Enter(&p.seat, r.view, !p.state, p.cursor.Joined)
}

// exit takes it out.
func (k *Keyed) exit(r *Reader) {
	p := r.pace
	k.sights.Exit(&p.seat)
	p.lag(true)
	p.keyed, p.snapshot, p.lags = nil, nil, false
	if k.readers--; k.readers == 0 {
		k.Table.KeepEvents(0)
	}
}

// see gives a reader another View. Who has had everything is told what leaves and enters its sight, unless that is as much as a snapshot. As
// long as it has been told some of that, it can go on by neither View.
func (k *Keyed) see(r *Reader, v *view.View) {
	p := r.pace
	old, current := r.view, !p.lags && p.snapshot == nil
	k.sights.Exit(&p.seat) // and no more than that: what waits for it, waits on
	r.view = v
	k.join(r)
	keys, _ := k.Table.Size()
	if current && p.state {
		k.fx.compared += keys
	}
	if !current || !p.state || k.fx.compared > mostCompared {
		if p.state {
			p.begin(r, true)
		}
		return
	}
	room := k.viewed(r, noView)
	if !room {
		p.begin(r, true)
		return
	}
	record.Compare(k.Table, old, v, func(st record.Step) bool {
		frame := st.In(r.client.Protocol)
		if frame.IsZero() {
			k.fx.Fail(r.client)
			return false
		}
		room = k.fx.Replay(r, frame)
		return room
	})
	if !room || !k.viewed(r, k.shownBy(r)) {
		p.begin(r, true)
	}
}

// noView is none by which anybody is shown anything.
const noView = "-"

// viewed tells a client by which View it has what it was shown. It reports whether there was room.
func (k *Keyed) viewed(r *Reader, digest string) bool {
	return k.fx.Replay(r, r.client.Protocol.Viewed(k.name, digest))
}

// mostCompared is how many keys are compared in one hold of the lock.
const mostCompared = 2000
