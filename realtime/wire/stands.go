package wire

import (
	"maps"
	"slices"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/jsontext"
)

// stands returns where the client stands: in a channel, or in channels that a pattern selects.
func (m *members) stands(channel string) (realtime.Position, map[string]realtime.Position) {
	raw := m.raw[memberSince]
	if !realtime.IsSelection(channel) {
		return m.returnedPosition(memberSince), nil
	}
	if m.err != nil || raw == nil {
		return realtime.Position{}, nil
	}
	if raw[0] != '{' {
		m.wrong("since: must be an object of channels and positions for a pattern")
		return realtime.Position{}, nil
	}
	all := map[string]realtime.Position{}
	for name, value := range jsontext.Members(raw) {
		if len(all) == realtime.MaxPatternChannels {
			m.wrong("since: must be at most %d channels", realtime.MaxPatternChannels)
			return realtime.Position{}, nil
		}
		at := realtime.UnusablePosition()
		if value[0] == '"' {
			at = realtime.ReturnedPosition(jsontext.Unquote(value))
		}
		all[string(name)] = at
	}
	return realtime.Position{}, all
}

// positions appends an object of positions, in order of their channels.
func (o *object) positions(name string, all map[string]realtime.Position) {
	texts := make(map[string]string, len(all))
	for c, at := range all {
		texts[c] = at.String()
	}
	o.texts(name, texts)
}

// texts appends an object of texts, in order of their names.
func (o *object) texts(name string, all map[string]string) {
	o.name(name)
	inner := object{[]byte{}}
	for _, c := range slices.Sorted(maps.Keys(all)) {
		inner.b = append(inner.b, ',')
		inner.b = appendString(inner.b, c)
		inner.b = append(inner.b, ':')
		inner.b = appendString(inner.b, all[c])
	}
	o.b = append(o.b, '{')
	if len(inner.b) > 0 {
		o.b = append(o.b, inner.b[1:]...)
	}
	o.b = append(o.b, '}')
}
