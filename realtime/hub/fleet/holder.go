package fleet

import (
	"encoding/json"
	"iter"
	"maps"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// MostEntered is how many channels a connection may have entered.
const MostEntered = 16

// holding is what a connection has that lasts: watches, and channels that it has entered.
type holding map[realtime.Right]struct{}

// held returns what a connection has, to be added to.
func held[W comparable](f *Fleet[W], w W) holding {
	h := f.holders[w]
	if h == nil {
		h = holding{}
		f.holders[w] = h
	}
	return h
}

// let gives up what a connection has.
func let[W comparable](f *Fleet[W], w W, r realtime.Right) {
	if delete(f.holders[w], r); len(f.holders[w]) == 0 {
		delete(f.holders, w)
	}
	f.owner.Unadmit(w)
}

// Rights are what a connection has that lasts.
func (f *Fleet[W]) Rights(w W) iter.Seq[realtime.Right] { return maps.Keys(f.holders[w]) }

// End takes a right away, if the connection has it.
func (f *Fleet[W]) End(w W, r realtime.Right) {
	if _, has := f.holders[w][r]; !has {
		return
	}
	if r.Action == realtime.ActionEnter {
		f.exit(w, r.Channel)
	} else {
		f.unwatch(w, r.Channel)
	}
}

// Forget ends all that a connection has.
func (f *Fleet[W]) Forget(w W) {
	for r := range f.holders[w] {
		f.End(w, r)
	}
}

func watches[W comparable](f *Fleet[W], w W, c realtime.Channel) bool {
	_, watches := f.holders[w][realtime.Right{Action: realtime.ActionPresence, Channel: c}]
	return watches
}

func (f *Fleet[W]) unwatch(w W, c realtime.Channel) {
	let(f, w, realtime.Right{Action: realtime.ActionPresence, Channel: c})
	f.board.Unwatch(c, w, time.Now())
}

// Enter makes a connection a member of a channel, with data of its own, or gives it other data; update refuses to enter. data is compact JSON, and not
// changed afterwards. Errors: CodeForbidden, CodeLimited, CodeNotFound if it has not entered what it updates, and those of Owner.Admit.
func (f *Fleet[W]) Enter(w W, c realtime.Channel, data json.RawMessage, update bool) error {
	if err := f.owner.May(w, realtime.ActionEnter, c); err != nil {
		return err
	}
	switch has := f.entered[c][w] != nil; {
	case update && !has:
		return notEntered(c)
	case !has && entries(f, w) >= MostEntered:
		err := realtime.Errorf(realtime.CodeLimited, "channel: a connection may enter %d channels; leave one first", MostEntered)
		err.Limit = "presence.entered"
		return err
	case !has:
		if err := f.owner.Admit(w); err != nil {
			return err
		}
		held(f, w)[realtime.Right{Action: realtime.ActionEnter, Channel: c}] = struct{}{}
	}
	now := time.Now()
	if f.entered[c] == nil {
		f.entered[c] = map[W]*entered{}
	}
	f.entered[c][w] = &entered{data, now}
	f.board.Enter(c, f.owner.Who(w), w, data, now)
	return nil
}

// entries is how many channels a connection has entered.
func entries[W comparable](f *Fleet[W], w W) (n int) {
	for r := range f.holders[w] {
		if r.Action == realtime.ActionEnter {
			n++
		}
	}
	return n
}

// Exit ends that. Errors: CodeNotFound.
func (f *Fleet[W]) Exit(w W, c realtime.Channel) error {
	if f.entered[c][w] == nil {
		return notEntered(c)
	}
	f.exit(w, c)
	return nil
}

func (f *Fleet[W]) exit(w W, c realtime.Channel) {
	let(f, w, realtime.Right{Action: realtime.ActionEnter, Channel: c})
	if delete(f.entered[c], w); len(f.entered[c]) == 0 {
		delete(f.entered, c)
	}
	f.board.Exit(c, f.owner.Who(w), w, f.owner.Lost(w), time.Now())
}

func notEntered(c realtime.Channel) *realtime.Error {
	return realtime.Errorf(realtime.CodeNotFound, "channel: %q has not been entered", c.Name())
}

// Levels are how much there is of what a Fleet knows.
type Levels struct {
	Rooms    int // channels of which it is known who is present
	Watching int // connections that watch, or have entered a channel
	Wanted   int // channels of which it is known how they are wanted
}

// Levels returns how much there is.
func (f *Fleet[W]) Levels() Levels { return Levels{f.board.Len(), len(f.holders), f.tally.Len()} }

// Add adds those of another Fleet.
func (l *Levels) Add(o Levels) {
	l.Rooms, l.Watching, l.Wanted = l.Rooms+o.Rooms, l.Watching+o.Watching, l.Wanted+o.Wanted
}

// Tell tells them.
func (l *Levels) Tell(to realtime.Metrics) {
	to.Level(realtime.GaugePresenceRooms, "", l.Rooms)
	to.Level(realtime.GaugePresenceWatchers, "", l.Watching)
	to.Level(realtime.GaugeDemandChannels, "", l.Wanted)
}
