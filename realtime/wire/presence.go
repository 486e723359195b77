package wire

import (
	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/outbox"
)

// Presence returns who came to a channel and who left it, or who is there, and how many there are now.
func (Encoder) Presence(c realtime.Channel, p *outbox.Presence) outbox.Frame {
	o := newObject(256, TypePresence)
	o.text("channel", c.Name())
	switch {
	case p.Truncated:
		o.data("members", nil)
	case p.Members != nil:
		o.members("members", p.Members)
	default:
		o.members("joined", p.Joined)
		o.members("left", p.Left)
		if len(p.Updated) > 0 {
			o.members("updated", p.Updated)
		}
	}
	o.int("count", int64(p.Count))
	if p.Truncated {
		o.bool("truncated", true)
	}
	return o.frame()
}

// Occupancy returns how many connections, and users, read a channel.
func (Encoder) Occupancy(c realtime.Channel, connections, users int) outbox.Frame {
	o := newObject(128, TypeOccupancy)
	o.text("channel", c.Name())
	o.int("connections", int64(connections))
	o.int("users", int64(users))
	return o.frame()
}

// enterOf returns what a client says of its own presence; nil if it says nothing.
func enterOf(m *members) *Enter {
	var e *Enter
	for _, which := range [...]member{memberEnter, memberUpdate, memberLeave} {
		raw := m.raw[which]
		switch {
		case m.err != nil || raw == nil || which == memberLeave && string(raw) == "false":
			continue
		case e != nil:
			m.wrong("%s: must not be with another of enter, update and leave", which)
		case which == memberLeave:
			e = &Enter{Leave: m.bool(memberLeave, true)}
		case len(raw) > realtime.MaxEnterBytes:
			m.wrong("%s: must be at most %d bytes, got %d", which, realtime.MaxEnterBytes, len(raw))
		default:
			data, err := squeeze(raw)
			if err != nil {
				m.wrong("%s: %v", which, err)
			}
			e = &Enter{Data: data, Update: which == memberUpdate}
		}
	}
	return e
}
