package tidewire

import (
	"github.com/tidewire/tidewire/clients/go/internal/link"
	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/wire"
)

// shownBy is what the server is told of what the Subscription has of a state.
func (f *feed) shownBy() string {
	if f.pattern || f.cursors.Only().Position.IsZero() {
		return ""
	}
	return f.view
}

// change takes a message about the state. It may be older than the one before it, because a row that comes into sight is sent with the position
// that it has; and it may be a repetition, which changes nothing.
func (f *feed) change(l *link.Link, m *wire.ServerFrame, raw []byte) {
	u := Update{Kind: KindMessage, Channel: f.name, Position: m.Position, Message: message(m, raw)}
	if !f.queue.room(&u) {
		f.pause(l)
		return
	}
	f.advance(m.Position)
	u.Position = f.cursors.Only().Position.String()
	f.queue.put(u)
}

// advance goes on to a position, unless it is behind or not that of all that was sent before it.
func (f *feed) advance(position string) {
	if at, err := realtime.ParsePosition(position); err == nil && !f.partial && at.Time >= f.cursors.Only().Position.Time {
		f.cursors.Only().Position = at
	}
}

// snapshot takes a part of the state.
func (f *feed) snapshot(l *link.Link, s *wire.ServerFrame, raw []byte) {
	if f.link != l || !f.want.State {
		return
	}
	u := Update{Kind: KindSnapshot, Channel: f.name, More: s.More, Reset: s.Reset, Frame: raw, Entries: make([]*Message, 0, len(s.Entries))}
	for i := range s.Entries {
		s.Entries[i].Channel = f.name
		u.Entries = append(u.Entries, message(&s.Entries[i], nil))
	}
	if !f.queue.roomFor(&u, maxSnapshot) {
		f.pause(l)
		return
	}
	if s.Reset {
		f.partial = true
		f.unknown()
	}
	if !s.More {
		f.partial, f.view = false, s.View
		f.advance(s.Position)
	}
	u.Position = f.cursors.Only().Position.String()
	f.queue.put(u)
}

// changes takes the newest of some keys. In the middle of what a slow reader is sent it stands nowhere new.
func (f *feed) changes(l *link.Link, s *wire.ServerFrame) {
	if f.link != l || !f.want.State {
		return
	}
	for i := range s.Entries {
		e := &s.Entries[i]
		e.Channel = f.name
		u := Update{Kind: KindMessage, Channel: f.name, Message: message(e, nil)}
		if !f.queue.room(&u) {
			f.pause(l)
			return
		}
		if i == len(s.Entries)-1 && s.Position != "" {
			f.advance(s.Position)
		}
		u.Position = f.cursors.Only().Position.String()
		f.queue.put(u)
	}
}

// maxSnapshot bounds the bytes of the state of a channel that wait to be taken: four times the largest that a namespace may have by default.
const maxSnapshot = 32 << 20

// unknown says that nobody knows which of its state the Subscription has: it is to be sent anew.
func (f *feed) unknown() {
	if f.want.State {
		f.cursors.Only().Position, f.asOf = realtime.Position{}, 0
	}
}
