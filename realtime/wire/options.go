package wire

import (
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/jsontext"
)

// Options are how a client wants a channel: in subscribe and in the entries of connect as a whole, in tune what is to change. What is nil
// was not said.
type Options struct {
	Filter     *string
	Fields     *[]string
	Keys       *[]string
	AddKeys    []string        // tune: beside those there are
	RemoveKeys []string        // tune
	State      bool            // subscribe
	Rewind     realtime.Rewind // subscribe
	MaxRate    *float64        // 0 is without bound; only tune may say so
	Paused     *bool
	Occupancy  bool // subscribe
}

// options returns how a subscription is wanted. What is not known is refused: a client must not believe that it is obeyed.
func (m *members) options() (o Options) {
	o.State, o.Occupancy = m.bool(memberState, false), m.bool(memberOccupancy, false)
	o.Rewind = rewindOf(m)
	m.common(&o)
	if m.err == nil && m.raw[memberKeys] != nil {
		keys := m.names(memberKeys, m.raw[memberKeys], realtime.MaxKeys)
		o.Keys = &keys
	}
	if o.MaxRate != nil {
		checkRate(m, *o.MaxRate)
	}
	m.onlyKnown()
	return o
}

// changes returns what is to change of a subscription.
func (m *members) changes() (o Options) {
	if m.raw[memberState] != nil {
		m.wrong("state: cannot be changed; unsubscribe and subscribe again")
	}
	if m.raw[memberView] != nil {
		m.wrong("view: belongs to a subscribe; leave it out")
	}
	if m.raw[memberOccupancy] != nil {
		m.wrong("occupancy: cannot be changed; unsubscribe and subscribe again")
	}
	if m.raw[memberRewind] != nil {
		m.wrong("rewind: is for subscribe; history has what was before")
	}
	m.common(&o)
	if o.MaxRate != nil && *o.MaxRate != 0 {
		checkRate(m, *o.MaxRate)
	}
	if raw := m.raw[memberKeys]; m.err == nil && raw != nil && raw[0] == '{' {
		keyChanges(m, &o, raw)
	} else if m.err == nil && raw != nil {
		keys := m.names(memberKeys, raw, realtime.MaxKeys)
		o.Keys = &keys
	}
	m.onlyKnown()
	return o
}

// keyChanges reads {"add": [...], "remove": [...]}.
func keyChanges(m *members, o *Options, raw []byte) {
	for name, value := range jsontext.Members(raw) {
		switch string(name) {
		case "add":
			o.AddKeys = m.names(memberKeys, value, realtime.MaxKeys)
		case "remove":
			o.RemoveKeys = m.names(memberKeys, value, realtime.MaxKeys)
		default:
			m.wrong("keys: must be a list, or have add and remove, has %.64q", name)
		}
	}
}

func (m *members) common(o *Options) {
	if m.has(memberFilter, false) {
		filter := m.text(memberFilter, false)
		if len(filter) > realtime.MaxFilterBytes {
			m.wrong("filter: must be at most %d bytes, got %d", realtime.MaxFilterBytes, len(filter))
		}
		o.Filter = &filter
	}
	if m.has(memberFields, false) {
		fields := m.names(memberFields, m.raw[memberFields], realtime.MaxColumns)
		o.Fields = &fields
	}
	if m.has(memberMaxRate, false) {
		rate, err := strconv.ParseFloat(string(m.raw[memberMaxRate]), 64)
		if err != nil {
			m.wrong("maxRate: must be a number from %v to %v, got %.64s", realtime.MinRate, realtime.MaxRate, m.raw[memberMaxRate])
		}
		o.MaxRate = &rate
	}
	if m.has(memberPaused, false) {
		paused := m.bool(memberPaused, false)
		o.Paused = &paused
	}
}

func checkRate(m *members, rate float64) {
	if err := realtime.CheckRate("maxRate", rate); err != nil {
		m.wrong("%v", err)
	}
}

// names returns a list of strings that are not empty, each once.
func (m *members) names(which member, raw []byte, most int) []string {
	if m.err != nil {
		return nil
	}
	if raw[0] != '[' {
		m.wrong("%s: must be a list of strings", which)
		return nil
	}
	names := []string{}
	for element := range jsontext.Elements(raw) {
		if element[0] != '"' {
			m.wrong("%s[%d]: must be a string", which, len(names))
			return nil
		}
		name := jsontext.Unquote(element)
		switch {
		case len(names) == most:
			m.wrong("%s: must be at most %d", which, most)
			return nil
		case name == "" || len(name) > realtime.MaxIDBytes || !utf8.ValidString(name):
			m.wrong("%s[%d]: must be 1 to %d bytes, got %d", which, len(names), realtime.MaxIDBytes, len(name))
			return nil
		}
		names = append(names, name)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// bytesPerSecond returns how much the connection is to be written in a second; 0 if that was not said.
func bytesPerSecond(m *members) int64 {
	raw := m.raw[memberMaxBytesPerSecond]
	if m.err != nil || raw == nil {
		return 0
	}
	n, err := strconv.ParseInt(string(raw), 10, 64)
	if err != nil || n < realtime.MinBytesPerSecond || n > realtime.MaxBytesPerSecond {
		m.wrong("maxBytesPerSecond: must be an integer from %d to %d, got %.64s", realtime.MinBytesPerSecond, realtime.MaxBytesPerSecond, raw)
		return 0
	}
	return n
}

// ofConnection refuses what is about a subscription in what is about the connection.
func ofConnection(m *members) {
	if m.unknown != "" {
		m.wrong("%.64q: is no option of a connection; leave it out", m.unknown)
	}
	for which, raw := range m.raw {
		switch member(which) {
		case memberType, memberID, memberMaxBytesPerSecond:
		default:
			if raw != nil {
				m.wrong("%s: is no option of a connection; leave it out, or tune the channel without maxBytesPerSecond", member(which))
			}
		}
	}
}

// onlyKnown refuses what a subscription does not have.
func (m *members) onlyKnown() {
	if m.unknown != "" {
		m.wrong("%.64q: is no option of a subscription; leave it out", m.unknown)
	}
	for which, raw := range m.raw {
		switch member(which) {
		case memberType, memberID, memberChannel, memberSince, memberAsOf, memberFilter, memberFields, memberKeys, memberState, memberMaxRate, memberPaused, memberSub, memberView, memberOccupancy, memberRewind:
		default:
			if raw != nil {
				m.wrong("%s: is no option of a subscription; leave it out", member(which))
			}
		}
	}
}

// options appends what was said.
func (o *object) options(want *Options) {
	if want.Filter != nil {
		o.text(memberFilter.String(), *want.Filter)
	}
	if want.Fields != nil {
		o.list(memberFields.String(), *want.Fields)
	}
	switch {
	case want.Keys != nil:
		o.list(memberKeys.String(), *want.Keys)
	case len(want.AddKeys)+len(want.RemoveKeys) > 0:
		o.name(memberKeys.String())
		inner := object{[]byte("{")}
		inner.list("add", want.AddKeys)
		inner.list("remove", want.RemoveKeys)
		o.b = append(append(o.b, '{'), inner.b[2:]...) // without the comma that a name begins with
		o.b = append(o.b, '}')
	}
	if want.State {
		o.bool(memberState.String(), true)
	}
	if want.Occupancy {
		o.bool(memberOccupancy.String(), true)
	}
	switch {
	case want.Rewind.For != 0:
		o.text(memberRewind.String(), want.Rewind.String())
	case want.Rewind.Count != 0:
		o.int(memberRewind.String(), int64(want.Rewind.Count))
	}
	if want.MaxRate != nil {
		o.float(memberMaxRate.String(), *want.MaxRate)
	}
	if want.Paused != nil {
		o.bool(memberPaused.String(), *want.Paused)
	}
}

func (o *object) list(name string, all []string) {
	o.name(name)
	o.b = append(o.b, '[')
	for i, s := range all {
		if i > 0 {
			o.b = append(o.b, ',')
		}
		o.b = appendString(o.b, s)
	}
	o.b = append(o.b, ']')
}

// sub returns what the client calls the subscription.
func (m *members) sub() string {
	name := m.text(memberSub, false)
	if len(name) > MaxSubBytes {
		m.wrong("sub: must be at most %d bytes, got %d", MaxSubBytes, len(name))
	}
	return name
}
