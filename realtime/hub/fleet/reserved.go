package fleet

import (
	"encoding/json"
	"iter"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/census"
	"github.com/tidewire/tidewire/realtime/hub/channel"
)

// lingers is how long a reserved channel is known that nobody reads any more.
const lingers = 10 * time.Second

// Read answers the question for a reserved channel, once what other instances have of it is known; place does then.
func (f *Fleet[W]) Read(q *channel.Question, place func()) {
	now := time.Now()
	ready := want(f, q.Request.Channel, now)
	if !f.owner.Begun() {
		ready = now.Add(census.Settle)
	}
	if ready.After(now) && now.Sub(q.Asked) < heardWithin {
		f.owner.After(ready.Sub(now), func() { f.Read(q, place) })
		return
	}
	place()
}

// Answer is what place is to do.
func (f *Fleet[W]) Answer(q *channel.Question) {
	want(f, q.Request.Channel, time.Now())
	f.mirror.Ask(q)
}

// want wants to know what a reserved channel shows, and returns when that is known.
func want[W comparable](f *Fleet[W], c realtime.Channel, now time.Time) time.Time {
	ready, wanted := f.wanted[c]
	if wanted {
		return ready
	}
	ready = now.Add(census.Settle)
	if isDemand(c) {
		f.census.Want(c, now)
	} else {
		of := presenceOf(c)
		ready = f.board.Ready(of, now)
		f.board.Hold(of)
	}
	f.wanted[c] = ready
	return ready
}

// presenceOf is the channel whose presence a reserved channel shows.
func presenceOf(c realtime.Channel) realtime.Channel {
	_, name := c.Reserved()
	of, err := realtime.NewChannel(c.Tenant(), name)
	if err != nil {
		panic(err) // realtime.NewReadable has made it
	}
	return of
}

// idle forgets reserved channels that nobody has read for a while.
func idle[W comparable](f *Fleet[W], now time.Time) {
	for c, ready := range f.wanted {
		if f.mirror.Idle(c) {
			f.wanted[c] = now
			continue
		}
		if f.mirror.Reads(c) || now.Sub(ready) < lingers {
			continue
		}
		delete(f.wanted, c)
		if isDemand(c) {
			f.census.Release(c, now)
		} else {
			f.board.Unhold(presenceOf(c), now)
		}
	}
}

// rows are what a reserved channel shows.
func rows[W comparable](f *Fleet[W], c realtime.Channel) iter.Seq2[string, json.RawMessage] {
	if isDemand(c) {
		return f.tally.Rows(c)
	}
	return func(yield func(string, json.RawMessage) bool) {
		for key, m := range f.board.Members(presenceOf(c)) {
			if !yield(key, encode(&m)) {
				return
			}
		}
	}
}

// present is told that a member of a channel has changed; nil: it is none any more.
func present[W comparable](f *Fleet[W], of realtime.Channel, key string, m *realtime.Member) {
	c, err := realtime.NewReadable(of.Tenant(), realtime.ReservedPresence+":"+of.Name())
	if err != nil || !f.mirror.Reads(c) { // its name is too long to have such a channel
		return
	}
	if m == nil {
		f.mirror.Put(c, key, nil)
		return
	}
	f.mirror.Put(c, key, encode(m))
}

func encode(m *realtime.Member) json.RawMessage {
	text, err := json.Marshal(m)
	if err != nil {
		panic(err) // its data is valid JSON
	}
	return text
}
