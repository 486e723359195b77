package wire

import (
	"bytes"
	"strconv"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/jsontext"
)

// member is a name that a client frame or one of its subscriptions may have.
type member uint8

const (
	memberType member = iota
	memberID
	memberToken
	memberAsOf
	memberSubscriptions
	memberChannel
	memberSince
	memberData
	memberKey
	memberTags
	memberEvent
	memberDelete
	memberTTL
	memberEventType
	memberSource
	memberContentType
	memberRefusals
	memberRoute
	memberWatch
	memberEnter
	memberUpdate
	memberLeave
	memberOccupancy
	memberFilter
	memberFields
	memberKeys
	memberState
	memberMaxRate
	memberPaused
	memberSub
	memberView
	memberRewind
	memberLimit
	memberBefore
	memberAfter
	memberFrom
	memberTo
	memberIf
	memberAdd // not served
	memberMaxBytesPerSecond
	numMembers
)

var memberNames = [numMembers]string{
	memberType:          "type",
	memberID:            "id",
	memberToken:         "token",
	memberAsOf:          "asOf",
	memberSubscriptions: "subscriptions",
	memberChannel:       "channel",
	memberSince:         "since",
	memberData:          "data",
	memberKey:           "key",
	memberTags:          "tags",
	memberEvent:         "event",
	memberDelete:        "delete",
	memberTTL:           "ttl",
	memberEventType:     "eventType",
	memberSource:        "source",
	memberContentType:   "contentType",
	memberRefusals:      "refusals",
	memberRoute:         "route",
	memberWatch:         "watch",
	memberEnter:         "enter",
	memberUpdate:        "update",
	memberLeave:         "leave",
	memberOccupancy:     "occupancy",
	memberFilter:        "filter",
	memberFields:        "fields",
	memberKeys:          "keys",
	memberState:         "state",
	memberMaxRate:       "maxRate",
	memberPaused:        "paused",
	memberSub:           "sub",
	memberView:          "view",
	memberRewind:        "rewind",
	memberLimit:         "limit",
	memberBefore:        "before",
	memberAfter:         "after",
	memberFrom:          "from",
	memberTo:            "to",
	memberIf:            "if",
	memberAdd:           "add",

	memberMaxBytesPerSecond: "maxBytesPerSecond",
}

func (m member) String() string { return memberNames[m] }

// members are the values of an object's known members, each as it is written,
// and the first thing found wrong with them. Once there is an error the getters return
// zero values.
type members struct {
	raw    [numMembers][]byte
	spaced bool // data holds white space between its tokens
	// unknown is the first other name there is: most frames take no notice of it.
	unknown string
	err     *realtime.Error
}

// scan reads the object that begins at the scanner and ends behind it. An error
// says that the text is not JSON; a member that appears twice is left in m.err,
// because readers of JSON do not agree which of the two counts.
func (m *members) scan(s *scanner) error {
	s.at++ // '{'
	if s.space() == '}' {
		s.at++
		return nil
	}
	for {
		start := s.at
		if !s.name() {
			return s.fail()
		}
		named := s.text[start:s.at]
		which, known := memberNamed(named)
		if !s.colon() {
			return s.fail()
		}
		start, blank := s.at, s.blank
		if err := s.value(); err != nil {
			return err
		}
		if known {
			m.set(which, s.text[start:s.at], s.blank > blank)
		} else if m.unknown == "" {
			m.unknown = jsontext.Unquote(string(named))
		}
		switch s.space() {
		case ',':
			s.at++
			s.space()
		case '}':
			s.at++
			return nil
		default:
			return s.fail()
		}
	}
}

func (m *members) set(which member, raw []byte, spaced bool) {
	if m.raw[which] != nil {
		m.wrong("%s: appears twice", which)
		return
	}
	m.raw[which] = raw
	if which == memberData {
		m.spaced = spaced
	}
}

// memberNamed returns which member a JSON string names.
func memberNamed(raw []byte) (member, bool) {
	name := raw[1 : len(raw)-1]
	if bytes.IndexByte(name, '\\') >= 0 {
		name = []byte(jsontext.Unquote(raw))
	}
	for m, known := range memberNames {
		if string(name) == known {
			return member(m), true
		}
	}
	return 0, false
}

// wrong keeps the first error.
func (m *members) wrong(format string, args ...any) {
	if m.err == nil {
		m.err = realtime.Errorf(realtime.CodeBadRequest, format, args...)
	}
}

// has reports whether the member is there and nothing was wrong so far; required ones that are not there are wrong.
func (m *members) has(which member, required bool) bool {
	if m.err == nil && required && m.raw[which] == nil {
		m.wrong("%s: is missing", which)
	}
	return m.err == nil && m.raw[which] != nil
}

// text returns a string, which must not be empty if it is required.
func (m *members) text(which member, required bool) string {
	if !m.has(which, required) {
		return ""
	}
	raw := m.raw[which]
	if raw[0] != '"' {
		m.wrong("%s: must be a string", which)
		return ""
	}
	text := jsontext.Unquote(raw)
	if required && text == "" {
		m.wrong("%s: is empty", which)
	}
	return text
}

// id returns an integer or a string as it is written.
func (m *members) id(required bool) ID {
	if !m.has(memberID, required) {
		return ""
	}
	raw, length := m.raw[memberID], len(m.raw[memberID])
	switch {
	case raw[0] == '"':
		length -= 2
	case !integer(raw):
		m.wrong("id: must be an integer or a string")
		return ""
	}
	if length > MaxIDBytes {
		m.wrong("id: must be at most %d bytes, got %d", MaxIDBytes, length)
		return ""
	}
	return ID(raw)
}

// number returns an integer of at least 0, and whether it is there.
func (m *members) number(which member) (n int64, there bool) {
	if !m.has(which, false) {
		return 0, false
	}
	n, err := strconv.ParseInt(string(m.raw[which]), 10, 64)
	if err != nil || n < 0 {
		m.wrong("%s: must be an integer of at least 0, got %.64s", which, m.raw[which])
		return 0, false
	}
	return n, true
}

// returnedMoment returns a moment that the client gives back, in milliseconds since 1970. Any other value is 0, which
// vouches for nothing.
func (m *members) returnedMoment(which member) int64 {
	if !m.has(which, false) {
		return 0
	}
	ms, err := strconv.ParseUint(string(m.raw[which]), 10, 48)
	if err != nil {
		return 0
	}
	return int64(ms)
}

// returnedPosition returns a position that the client gives back. A value of any form is taken, because a client
// whose storage is damaged would be refused again and again: what is no position is unusable.
func (m *members) returnedPosition(which member) realtime.Position {
	if !m.has(which, false) {
		return realtime.Position{}
	}
	if raw := m.raw[which]; raw[0] == '"' {
		return realtime.ReturnedPosition(jsontext.Unquote(raw))
	}
	return realtime.UnusablePosition()
}

// returnedViews returns the view that a client gives back with a position of a state, or those of the channels of a pattern. As with
// positions, a value of any form is taken.
func returnedViews(m *members, channel string, state bool) (view string, of map[string]string) {
	switch {
	case !m.has(memberView, false):
		return "", nil
	case !state:
		m.wrong("view: belongs to a state; leave it out")
		return "", nil
	case !realtime.IsSelection(channel):
		return returnedView(m.raw[memberView]), nil
	}
	of = map[string]string{}
	if m.raw[memberView][0] != '{' {
		return "", of
	}
	for name, value := range jsontext.Members(m.raw[memberView]) {
		if len(of) == realtime.MaxPatternChannels {
			m.wrong("view: must be at most %d channels", realtime.MaxPatternChannels)
			return "", nil
		}
		of[string(name)] = returnedView(value)
	}
	return "", of
}

func returnedView(raw []byte) string {
	if raw[0] == '"' && len(raw) <= MaxViewBytes+2 {
		return jsontext.Unquote(raw)
	}
	return UnusableView
}

func (m *members) bool(which member, standard bool) bool {
	if !m.has(which, false) {
		return standard
	}
	switch string(m.raw[which]) {
	case "true":
		return true
	case "false":
		return false
	}
	m.wrong("%s: must be true or false", which)
	return false
}

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

// integer reports whether a valid JSON value is a number without fraction and exponent.
func integer(raw []byte) bool {
	for i, c := range raw {
		if (c < '0' || c > '9') && (c != '-' || i > 0) {
			return false
		}
	}
	return true
}
