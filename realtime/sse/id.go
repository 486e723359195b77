package sse

import (
	"encoding/base64"
	"encoding/binary"
	"strconv"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// parse reports whether the id is one that String has written.
func (s *Stream) parse(id string, now time.Time) bool {
	if len(id) > base64.RawURLEncoding.EncodedLen(maxID) {
		return false
	}
	b, err := base64.RawURLEncoding.DecodeString(id)
	if err != nil || len(b) < 2 || b[0] < 1 || b[0] > idPatterns {
		return false
	}
	version := b[0]
	b = b[1:]
	asOf, n := binary.Uvarint(b)
	if n <= 0 {
		return false
	}
	b = b[n:]
	var ok bool
	if version >= idPatterns {
		if b, ok = s.roaming.parse(b, now); !ok {
			return false
		}
	}
	for len(b) > 0 {
		var m mark
		if m, b, ok = parseMark(b, version); !ok {
			return false
		}
		if m.name != "" {
			s.roaming.resume(m)
			continue
		}
		for i := range s.marks {
			if s.marks[i].sum == m.sum {
				s.marks[i].at, s.marks[i].view = m.at, m.view
			}
		}
	}
	// A moment to come would stand until it has come: no heartbeat is later.
	if asOf <= uint64(now.UnixMilli()) {
		s.asOf = int64(asOf)
	}
	return true
}

// parseMark reads one channel's part of an id, at its beginning.
func parseMark(b []byte, version byte) (m mark, rest []byte, ok bool) {
	if version >= idPatterns {
		if m.name, b, ok = parseText(b); !ok {
			return m, nil, false
		}
	}
	if m.name == "" {
		if len(b) < 8 {
			return m, nil, false
		}
		m.sum, b = binary.BigEndian.Uint64(b), b[8:]
	}
	ms, n := binary.Uvarint(b)
	if n <= 0 {
		return m, nil, false
	}
	id, b, ok := parseText(b[n:])
	if ok && version > 1 {
		m.view, b, ok = parseText(b)
	}
	if !ok {
		return m, nil, false
	}
	if ms == unusableTime {
		m.at = realtime.UnusablePosition()
		return m, b, true
	}
	// Through its text, so that it holds nothing that a position cannot.
	at, err := realtime.ParsePosition(strconv.FormatUint(ms, 10) + "-" + id)
	m.at = at
	return m, b, err == nil
}

// parseText reads what is behind its length.
func parseText(b []byte) (text string, rest []byte, ok bool) {
	if len(b) == 0 || len(b) < 1+int(b[0]) {
		return "", nil, false
	}
	return string(b[1 : 1+int(b[0])]), b[1+int(b[0]):], true
}

// String returns the id of an event at which the stream stands here. If it would be longer than maxID, channels that have come by patterns are
// left out, as Select says, and then the longest IDs of Positions: a channel then resumes at the moment before its Position, and what was
// published in that millisecond comes again.
func (s *Stream) String() string {
	longest := realtime.MaxIDBytes
	for s.write(longest); len(s.text) > maxID; s.write(longest) {
		if !s.roaming.shrink() {
			longest /= 2
		}
	}
	return base64.RawURLEncoding.EncodeToString(s.text)
}

// write writes the id into text, without IDs that are longer than that.
func (s *Stream) write(longest int) {
	b := s.text[:0]
	version := byte(idVersion)
	if len(s.roaming.patterns) > 0 {
		version = idPatterns
	}
	b = append(b, version)
	b = binary.AppendUvarint(b, uint64(s.asOf))
	if version == idPatterns {
		b = s.roaming.append(b)
	}
	for i := range s.marks {
		if !s.marks[i].at.IsZero() {
			if version == idPatterns {
				b = append(b, 0)
			}
			b = binary.BigEndian.AppendUint64(b, s.marks[i].sum)
			b = s.marks[i].append(b, longest)
		}
	}
	for _, m := range s.roaming.marks {
		b = append(b, byte(len(m.name))) // at most realtime.MaxChannelBytes
		b = append(b, m.name...)
		b = m.append(b, longest)
	}
	s.text = b
}

// append appends where it stands, to its channel.
func (m *mark) append(b []byte, longest int) []byte {
	at := m.at
	switch {
	case !at.IsUsable():
		at = realtime.Position{Time: unusableTime} // or the channel would begin anew, without a gap
	case len(at.ID) > longest:
		at = realtime.Position{Time: at.Time - 1}
	}
	b = binary.AppendUvarint(b, uint64(at.Time))
	b = append(b, byte(len(at.ID))) // at most realtime.MaxIDBytes
	b = append(b, at.ID...)
	b = append(b, byte(len(m.view))) // at most wire.MaxViewBytes
	return append(b, m.view...)
}
