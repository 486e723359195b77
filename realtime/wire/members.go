package wire

import (
	"bytes"

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
	memberTransient
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
	memberTransient:     "transient",
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
