package tidewire

import (
	"github.com/tidewire/tidewire/clients/go/internal/cursor"
	"github.com/tidewire/tidewire/clients/go/internal/link"
	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/wire"
)

// stateBegins takes the answer about the state of a channel: it is resumed, from what was shown by a view, or sent anew.
func (f *feed) stateBegins(u *cursor.Cursor, a *wire.ServerFrame, resumed bool, view string) {
	if resumed && view != u.View { // the other link of a move has brought other rows meanwhile
		u.Position = realtime.Position{}
		f.askAnew()
		return
	}
	if u.Partial = !resumed; u.Partial {
		f.unknown(u)
	}
	f.put(u.Channel, Update{Kind: KindLive, Position: u.Position.String(), Resumed: resumed, MaxRate: a.MaxRate})
}

// stateAnswered takes the answer about the state of a channel that the pattern selects: one that was asked for by name, or any other.
func (f *feed) stateAnswered(a *wire.ServerFrame) {
	u := f.cursors.Of(a.Channel)
	if u == nil {
		return
	}
	resumed := u.Owed && a.Resumed
	u.Owed = false
	f.stateBegins(u, a, resumed, u.Asked)
}

// change takes a message about the state. It may be older than the one before it, because a row that comes into sight is sent with the position
// that it has; and it may be a repetition, which changes nothing.
func (f *feed) change(l *link.Link, at *cursor.Cursor, m *wire.ServerFrame, raw []byte) {
	u := Update{Kind: KindMessage, Channel: at.Channel, Position: m.Position, Message: message(m, raw)}
	if !f.queue.room(&u) {
		f.pause(l)
		return
	}
	advance(at, m.Position)
	u.Position = at.Position.String()
	f.queue.put(u)
}

// advance goes on to a position, unless it is behind or not that of all that was sent before it.
func advance(u *cursor.Cursor, position string) {
	if at, err := realtime.ParsePosition(position); err == nil && !u.Partial && at.Time >= u.Position.Time {
		u.Position = at
	}
}

// snapshot takes a part of the state.
func (f *feed) snapshot(l *link.Link, s *wire.ServerFrame, raw []byte) {
	at := f.cursors.Of(s.Channel)
	if f.link != l || !f.want.State || at == nil {
		return
	}
	u := Update{Kind: KindSnapshot, Channel: at.Channel, More: s.More, Reset: s.Reset, Frame: raw, Entries: make([]*Message, 0, len(s.Entries))}
	for i := range s.Entries {
		s.Entries[i].Channel = at.Channel
		u.Entries = append(u.Entries, message(&s.Entries[i], nil))
	}
	if !f.queue.roomFor(&u, maxSnapshot) {
		f.pause(l)
		return
	}
	if s.Reset {
		at.Partial = true
		f.unknown(at)
	}
	if !s.More {
		at.Partial, at.View = false, s.View
		advance(at, s.Position)
	}
	u.Position = at.Position.String()
	f.queue.put(u)
}

// changes takes the newest of some keys. In the middle of what a slow reader is sent it stands nowhere new.
func (f *feed) changes(l *link.Link, s *wire.ServerFrame) {
	at := f.cursors.Of(s.Channel)
	if f.link != l || !f.want.State || at == nil {
		return
	}
	for i := range s.Entries {
		e := &s.Entries[i]
		e.Channel = at.Channel
		u := Update{Kind: KindMessage, Channel: at.Channel, Message: message(e, nil)}
		if !f.queue.room(&u) {
			f.pause(l)
			return
		}
		if i == len(s.Entries)-1 && s.Position != "" {
			advance(at, s.Position)
		}
		u.Position = at.Position.String()
		f.queue.put(u)
	}
}

// maxSnapshot bounds the bytes of the state of a channel that wait to be taken: four times the largest that a namespace may have by default.
const maxSnapshot = 32 << 20

// unknown says that nobody knows what of its state the Subscription has: it is to be sent anew.
func (f *feed) unknown(u *cursor.Cursor) {
	u.Position = realtime.Position{}
	if !f.pattern {
		f.asOf = 0
	}
}
