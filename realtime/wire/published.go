package wire

import (
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/jsontext"
)

// operation returns what a publish does to its key.
func (m *members) operation() realtime.Op {
	if m.bool(memberDelete, false) {
		return realtime.OpDelete
	}
	return realtime.OpSet
}

// ttl returns a duration as text, 0 if there is none.
func (m *members) ttl() time.Duration {
	if !m.has(memberTTL, false) {
		return 0
	}
	ttl, err := realtime.ParseTTL(m.text(memberTTL, true))
	if err != nil {
		m.wrong("%v", err)
	}
	return ttl
}

// condition returns what has to hold of a publish's key.
func conditionOf(m *members) *realtime.Condition {
	if !m.has(memberIf, false) {
		return nil
	}
	raw, c := m.raw[memberIf], &realtime.Condition{}
	switch raw[0] {
	case '"':
		c.Is = realtime.ConditionKind(jsontext.Unquote(raw))
		if c.Is == realtime.ConditionAbsent || c.Is == realtime.ConditionPresent {
			return c
		}
	case '{':
		c.Is = realtime.ConditionPosition
		for name, value := range jsontext.Members(raw) {
			if string(name) != "position" || value[0] != '"' || !c.Position.IsZero() {
				c.Position = realtime.Position{}
				break
			}
			at, err := realtime.ParsePosition(jsontext.Unquote(value))
			if err != nil || at.ID == "" {
				m.wrong("if.position: must be one of a message, <milliseconds>-<id>, got %.64s", value)
				return nil
			}
			c.Position = at
		}
		if !c.Position.IsZero() {
			return c
		}
	}
	m.wrong("if: must be \"absent\", \"present\" or {\"position\": ...}, got %.64s", raw)
	return nil
}

// data returns the compact JSON of any value.
func (m *members) data(required bool) []byte {
	if !m.has(memberData, required) {
		return nil
	}
	if !m.spaced {
		return m.raw[memberData]
	}
	data, err := squeeze(m.raw[memberData])
	if err != nil {
		m.wrong("%v", err)
	}
	return data
}

// tags returns an object of strings.
func (m *members) tags() map[string]string {
	if !m.has(memberTags, false) {
		return nil
	}
	tags, err := jsontext.Strings(m.raw[memberTags])
	if err != nil {
		m.wrong("tags: %v", err)
	}
	return tags
}
