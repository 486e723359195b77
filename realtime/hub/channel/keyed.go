package channel

import (
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/hub/record"
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
	sights  map[string]*sight
	asked   int // sights whose Views are undecided
	behind  int // readers that have not had everything
	readers int
}

// sight has the readers of a Keyed who are shown the same.
type sight struct {
	record.Sight
	readers []*Reader
	news    bool // in the change that is being shown
}

// NewKeyed returns one without readers.
func NewKeyed(t *record.Table, fx *Effects, metrics realtime.Metrics) *Keyed {
	return &Keyed{Table: t, name: t.Channel(), fx: fx, metrics: metrics, sights: map[string]*sight{}}
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

func (k *Keyed) changed(c *record.Change, now time.Time) {
	for _, s := range k.sights {
		s.saw(k, c)
	}
	doubtful, at := k.doubtful(), k.Table.Position()
	for _, s := range k.sights {
		for _, r := range s.readers {
			if s.news || doubtful || !r.pace.passes(r, at) {
				r.pace.changed(r, now)
			}
		}
	}
	if k.behind == 0 {
		for _, s := range k.sights {
			s.Forget()
		}
	}
}

// saw has a sight take note of a change. A panic ends the connections of those who are shown it.
func (s *sight) saw(k *Keyed, c *record.Change) {
	defer func() {
		if fault := recover(); fault != nil {
			for _, r := range s.readers {
				k.fx.Panicked(r.client, fault)
			}
		}
	}()
	s.news = true // if nobody knows
	s.news = s.See(k.Table, c)
}

// enter takes a reader in.
func (k *Keyed) enter(r *Reader) {
	p := r.pace
	p.keyed = k
	k.join(r)
	if k.readers++; k.readers == 1 {
		k.Table.KeepEvents(keptEvents)
	}
	p.dropped = k.Table.Dropped()
	p.lag(true)
}

// join puts a reader among those who are shown the same, and part takes it from them.
func (k *Keyed) join(r *Reader) {
	s := k.sights[r.view.ID()]
	if s == nil {
		s = &sight{Sight: record.Sight{View: r.view, Events: !r.pace.state}}
		k.sights[r.view.ID()] = s
		if r.view.Undecided() {
			k.asked++
		}
	}
	r.pace.sight, r.pace.seat = s, len(s.readers)
	s.readers = append(s.readers, r)
}

func (k *Keyed) part(r *Reader) {
	p := r.pace
	s := p.sight
	last := len(s.readers) - 1
	s.readers[p.seat] = s.readers[last]
	s.readers[p.seat].pace.seat = p.seat
	s.readers[last] = nil
	if s.readers = s.readers[:last]; last == 0 {
		delete(k.sights, s.View.ID())
		if s.View.Undecided() {
			k.asked--
		}
	}
}

// exit takes it out.
func (k *Keyed) exit(r *Reader) {
	p := r.pace
	k.part(r)
	p.lag(false)
	p.keyed, p.sight, p.snapshot = nil, nil, nil
	if k.readers--; k.readers == 0 {
		k.Table.KeepEvents(0)
	}
}

// see gives a reader another View. Who has had everything is told what leaves and enters its sight, unless that is as much as a snapshot. As
// long as it has been told some of that, it can go on by neither View.
func (k *Keyed) see(r *Reader, v *view.View) {
	p := r.pace
	old, current := p.sight.Sight, !p.lags && p.snapshot == nil
	k.part(r) // and no more than that: what waits for it, waits on
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
	record.Compare(k.Table, old.View, v, func(st record.Step) bool {
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
